"""Writes tables so that Excel, WPS and others show every cell as the text that it is."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

TEXT = "@"
"""The format of cells that are text, whatever they look like."""
GREY = "808080"
_FORMULA = re.compile(r"'*[=+\-@]")


def write_xlsx(
    sheet: str,
    columns: Sequence[tuple[str, float]],
    rows: Sequence[Sequence[str]],
    *,
    grey: bool = False,
) -> bytes:
    """An .xlsx file. `columns`: names and widths in characters; `grey`: the rows are samples."""
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.freeze_panes = "A2"
    for number, (_, width) in enumerate(columns, 1):
        page.column_dimensions[get_column_letter(number)].width = width
    bold, plain = Font(bold=True), Font(color=GREY) if grey else None
    wrapped = Alignment(vertical="top", wrap_text=True)

    def cell(text: str, font: Font | None) -> Cell:
        made = WriteOnlyCell(page, ILLEGAL_CHARACTERS_RE.sub("", text))
        made.data_type = "s"  # what begins with = is no formula
        made.number_format = TEXT
        made.alignment = wrapped
        if font is not None:
            made.font = font
        return made

    page.append([cell(name, bold) for name, _ in columns])
    for row in rows:
        page.append([cell(text, plain) for text in row])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def write_csv(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    """UTF-8 with the mark that Excel wants. An apostrophe stands before what would be a formula."""
    packed = io.StringIO(newline="")
    writer = csv.writer(packed)
    writer.writerow(columns)
    writer.writerows([_quoted(text) for text in row] for row in rows)
    return packed.getvalue().encode("utf-8-sig", "replace")


def _quoted(text: str) -> str:
    return "'" + text if _FORMULA.match(text) else text
