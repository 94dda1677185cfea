"""Opens .xlsx files: weighed before they are unpacked, merged cells filled in."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from hub.errors import Invalid

LARGEST_UNPACKED = 32 * 1024 * 1024
"""Of all that lies in the file, in bytes: what a few kilobytes can be made to unpack to."""
MOST_CELLS = 400_000
MOST_ROWS = 60_000
MOST_COLUMNS = 200
EXACT_DIGITS = 15
"""Spreadsheets keep no more of a number."""
BROKEN = "这个 Excel 文件打不开，可能坏了。请在 Excel 或 WPS 里重新保存一次再传"
SPOILT = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    InvalidFileException,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What the library raises for a file that is not as it should be."""
_CELL = re.compile(rb"<(?:\w+:)?c[ >]")
_ROW = re.compile(rb"<(?:\w+:)?row[ >]")


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    trouble: str = ""


def read_workbook(data: bytes, name: str) -> list[tuple[int, list[Cell]]]:
    """Rows by number of the sheet called `name`, or else of the first. Raises Invalid."""
    _weigh(data)
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), keep_links=False)
    except SPOILT as error:
        raise refused_file(BROKEN) from error
    tables = [one for one in book.worksheets if isinstance(one, Worksheet)]
    if not tables:
        raise refused_file("这个 Excel 文件里没有表格")
    sheet = next((one for one in tables if one.title == name), tables[0])
    if sheet.max_row > MOST_ROWS or sheet.max_column > MOST_COLUMNS:
        raise refused_file("表格太大：请删掉下面和右边用不到的行和列，再传")
    return list(_rows(sheet))


def _rows(sheet: Worksheet) -> Iterator[tuple[int, list[Cell]]]:
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    for block in sheet.merged_cells.ranges:
        corner = block.min_row, block.min_col
        if block.size["rows"] * block.size["columns"] > MOST_CELLS:
            raise refused_file("有一块合并的单元格太大，请先取消合并")
        for row, column in block.cells:
            merged[row, column] = corner
    for number, cells in enumerate(sheet.iter_rows(), 1):
        yield (
            number,
            [
                _cell(sheet.cell(*merged[number, column]) if (number, column) in merged else cell)
                for column, cell in enumerate(cells, 1)
            ],
        )


def _cell(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return Cell("")
    if cell.data_type == "f":
        return Cell("", "是公式，请复制后“只粘贴值”")
    if cell.data_type == "e":
        return Cell("", f"里是错误值 {value}")
    if isinstance(value, bool):
        return Cell("TRUE" if value else "FALSE")
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, time):
        return Cell(f"{value:%H:%M}")
    return Cell(str(value).replace("_x000D_\n", "\n"))  # how Excel writes a Windows line break


def _number(value: float) -> Cell:
    """Without the `.0` that spreadsheets add to whole numbers (L47)."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and len(str(abs(value))) > EXACT_DIGITS:
        return Cell(str(value), "是很长的数字，后面几位可能已经变了。请把格子设成文本再填")
    return Cell(str(value))


def _weigh(data: bytes) -> None:
    """What the directory of the file says is true: nothing more is unpacked of any part."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            parts = file.infolist()
            if "xl/workbook.xml" not in {part.filename for part in parts}:
                raise refused_file("这不是 Excel 文件。请在原来的程序里另存为 .xlsx 或 .csv 再传")
            if sum(part.file_size for part in parts) > LARGEST_UNPACKED:
                raise refused_file("这个 Excel 文件解开以后太大，没有读。请只留下要导入的那张表")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _look_at(file.read(part))
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError) as error:
        raise refused_file(BROKEN) from error


def _look_at(xml: bytes) -> None:
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise refused_file("这个 Excel 文件里有不该有的内容，没有读")
    cells, rows = len(_CELL.findall(xml)), len(_ROW.findall(xml))
    if cells > MOST_CELLS or rows > MOST_ROWS:
        raise refused_file("表格太大：请删掉下面和右边用不到的行和列，再传")


def refused_file(why: str) -> Invalid:
    """Blames the field `file`."""
    return Invalid(why, {"file": why})
