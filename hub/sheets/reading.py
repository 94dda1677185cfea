"""Reads the first table of a file. Every cell becomes text, as a person would have typed it.

Whatever cannot be taken as it stands is refused by line and never guessed: formulas, which are
calculated by other programs; errors; long numbers that lost digits.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from hub.policy import decode_codes
from hub.sheets.workbook import Cell, read_workbook, refused_file

LARGEST_SHEET = 8 * 1024 * 1024
"""Of a file, in bytes."""
LONGEST_CELL = 100_000
OLD_EXCEL = b"\xd0\xcf\x11\xe0"
ZIP = b"PK"
DELIMITERS = ",\t;"


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    """As the file's own program counts, the header being the first."""
    cells: dict[str, str]
    """By the name of the column."""
    trouble: str = ""
    """Why it cannot be used."""


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    """Blank ones are left out."""
    unknown: tuple[str, ...] = field(default=())
    """Names of columns that were not asked for; their cells are left out."""


def read_table(
    data: bytes, *, columns: Collection[str], required: Collection[str], sheet: str, most: int
) -> Table:
    """The table in an .xlsx, .csv or .tsv file: on the sheet of that name, or on the first.

    Raises Invalid for what is no such file, is too large or has more than `most` lines, and when a
    column of `required` is missing.
    """
    if len(data) > LARGEST_SHEET:
        raise refused_file(f"文件太大，最多 {LARGEST_SHEET // 1024 // 1024} MB")
    if data.startswith(OLD_EXCEL):
        raise refused_file("这是旧格式的 .xls，或者加了密码。请在 Excel 或 WPS 里另存为 .xlsx 再传")
    rows = read_workbook(data, sheet) if data.startswith(ZIP) else _read_text(data)
    return _table(rows, columns, required, most)


def _table(
    rows: Iterable[tuple[int, list[Cell]]],
    columns: Collection[str],
    required: Collection[str],
    most: int,
) -> Table:
    coming = iter(rows)
    header = [cell.text.strip() for cell in next(coming, (1, []))[1]]
    missing = [f"「{name}」" for name in required if name not in header]
    if missing:
        raise refused_file(f"第一行要写列名，这里没有{'、'.join(missing)}这一列")
    twice = next((name for name in columns if header.count(name) > 1), None)
    if twice is not None:
        raise refused_file(f"「{twice}」这一列有两次，请删掉一列")
    wanted = [(at, name) for at, name in enumerate(header) if name in columns]
    lines: list[Line] = []
    for number, cells in coming:
        here = {name: cells[at] for at, name in wanted if at < len(cells)}
        if all(not cell.text.strip() and not cell.trouble for cell in here.values()):
            continue
        if len(lines) == most:
            raise refused_file(f"一次最多 {most} 行，请分成几个文件")
        trouble = next((f"「{n}」{c.trouble}" for n, c in here.items() if c.trouble), "")
        texts = {name: here[name].text if name in here else "" for _, name in wanted}
        lines.append(Line(number, texts, trouble))
    known = tuple(name for _, name in wanted)
    unknown = tuple(name for name in header if name and name not in columns)
    return Table(known, tuple(lines), unknown)


def _read_text(data: bytes) -> Iterator[tuple[int, list[Cell]]]:
    """A cell that begins with an apostrophe and a sign is how we and others keep spreadsheets from
    taking text for a formula."""
    written = decode_codes(data)
    if written is None:
        raise refused_file("这不是表格。请传 .xlsx 或 .csv 文件")
    first = written.split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(written, newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, texts in enumerate(reader, 1):
            yield number, [Cell(_unquoted(text)) for text in texts]
    except csv.Error:
        raise refused_file(f"第 {number + 1} 行的引号不成对，读不下去") from None


def _unquoted(text: str) -> str:
    if len(text) > LONGEST_CELL:
        raise refused_file("有一格的字太多，读不下去")
    bare = text.lstrip("'")
    return text[1:] if bare != text and bare.startswith(("=", "+", "-", "@")) else text
