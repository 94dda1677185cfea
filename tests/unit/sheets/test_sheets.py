"""Files become text cell by cell; what cannot be read safely is refused."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from hub.errors import Invalid
from hub.sheets import LARGEST_SHEET, Table, read_table, write_csv, write_xlsx
from tests.unit.sheets.sheet_files import KNOWN, xlsx

COLUMNS = (*KNOWN, "账号")


def read(data: bytes, most: int = 100) -> Table:
    return read_table(
        data, columns=COLUMNS, required=("关键词", "关键词内容"), sheet="关键词数据", most=most
    )


def cells(table: Table) -> list[tuple[str, ...]]:
    return [tuple(line.cells.values()) for line in table.lines]


def test_numbers_become_the_text_that_was_meant() -> None:
    data = xlsx([(100, 987654321098.0, 12.5), (True, 987654321098, 0), ("007", "1e5", "=")])
    assert cells(read(data)) == [
        ("100", "987654321098", "12.5"),
        ("TRUE", "987654321098", "0"),
        ("007", "1e5", "="),
    ]


def test_a_number_that_lost_digits_is_refused_by_line() -> None:
    table = read(xlsx([("在吗", 1234567890123456789, "在"), ("在吗", 123456789012345, "在")]))
    assert [(line.number, "商品ID" in line.trouble) for line in table.lines] == [
        (2, True),
        (3, False),
    ]


def test_a_formula_and_an_error_are_refused_by_line_and_text_that_looks_like_one_is_text() -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(KNOWN))
    sheet.append(["合计", "", "=A1+1"])
    sheet.append(["坏", "", "#N/A"])
    sheet.append(["文字", "", "x"])
    cell = sheet["C4"]
    cell.value = "=A1+1"
    cell.data_type = "s"
    packed = io.BytesIO()
    book.save(packed)
    formula, error, text = read(packed.getvalue()).lines
    assert "「关键词内容」是公式" in formula.trouble
    assert "错误值 #N/A" in error.trouble
    assert (text.trouble, text.cells["关键词内容"]) == ("", "=A1+1")


def test_merged_cells_hold_their_value_in_each_row() -> None:
    data = xlsx(
        [("在吗", "", "在的"), ("你好", "", None), ("包邮", "", "包的")], merge=["C2:C3", "A4:B4"]
    )
    assert cells(read(data)) == [
        ("在吗", "", "在的"),
        ("你好", "", "在的"),
        ("包邮", "包邮", "包的"),
    ]


def test_blank_lines_are_no_lines_and_numbers_stay_those_of_the_program() -> None:
    table = read(
        xlsx([(None, None, None), ("在吗", None, "在的"), (" ", "", ""), ("好", "", "行")])
    )
    assert [line.number for line in table.lines] == [3, 5]


def test_columns_stand_in_any_order_and_unknown_ones_are_named() -> None:
    table = read(xlsx([("x", "答", "词", "y")], ["备注", "关键词内容", " 关键词 ", "说明"]))
    assert table.columns == ("关键词内容", "关键词")
    assert table.unknown == ("备注", "说明")
    assert cells(table) == [("答", "词")]


def test_the_sheet_of_that_name_is_read_wherever_it_stands_and_otherwise_the_first() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx([("甲", "", "1")], title="别的")))
    other = book.create_sheet("关键词数据")
    other.append(list(KNOWN))
    other.append(["乙", "", "2"])
    packed = io.BytesIO()
    book.save(packed)
    assert cells(read(packed.getvalue())) == [("乙", "", "2")]
    assert cells(read(xlsx([("甲", "", "1")], title="Sheet1"))) == [("甲", "", "1")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_text_files_of_every_kind_are_read(encoding: str, delimiter: str, end: str) -> None:
    lines = [delimiter.join(KNOWN), delimiter.join(("在吗", "", '"第一行\n第二行，有""引号"""'))]
    table = read((end.join(lines) + end).encode(encoding))
    assert cells(table) == [("在吗", "", '第一行\n第二行，有"引号"')]


def test_what_spreadsheets_would_take_for_a_formula_is_quoted_and_comes_back() -> None:
    data = write_csv(KNOWN, [("=1+1", "", "'=x"), ("-5", "", "'plain"), ("@a", "", "''+")])
    assert "'=1+1" in data.decode("utf-8-sig")
    rows = [("=1+1", "", "'=x"), ("-5", "", "'plain"), ("@a", "", "''+")]
    assert cells(read(data)) == rows
    assert cells(read(write_xlsx("关键词数据", [(name, 9.0) for name in KNOWN], rows))) == rows


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "另存为 .xlsx"),
        (b"PK\x03\x04 nothing", "打不开"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "不是表格"),
        (b"", "没有「关键词」、「关键词内容」"),
        ("词,回复\n在吗,在".encode(), "没有「关键词」、「关键词内容」"),
        ("关键词,商品ID\n在吗,1".encode(), "没有「关键词内容」"),
        ("关键词,关键词,关键词内容\n".encode(), "「关键词」这一列有两次"),
        ('关键词,关键词内容\n在吗,"在'.encode(), "引号"),
        (b"x" * (LARGEST_SHEET + 1), "文件太大"),
    ],
)
def test_what_is_no_usable_table_is_refused_with_a_reason(data: bytes, why: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(data)
    assert why in refused.value.text
    assert "file" in refused.value.fields


def test_more_lines_than_allowed_are_refused_and_as_many_are_taken() -> None:
    rows = [(f"词{n}", "", "答") for n in range(100)]
    assert len(read(xlsx(rows)).lines) == 100
    with pytest.raises(Invalid, match="最多 100 行"):
        read(xlsx([*rows, ("多", "", "了")]))


def packed(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return out.getvalue()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = packed({"xl/workbook.xml": b" " * (40 * 1024 * 1024)})
    assert len(bomb) < 100_000
    with pytest.raises(Invalid, match="解开以后太大"):
        read(bomb)


def test_entities_that_grow_are_refused() -> None:
    parts = parts_of(xlsx([("在吗", "", "在")]))
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(
        b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet', 1
    )
    with pytest.raises(Invalid, match="不该有的内容"):
        read(packed(parts))


def test_a_sheet_with_endless_cells_is_refused() -> None:
    parts = parts_of(xlsx([("在吗", "", "在")]))
    rows = b"".join(b'<row r="%d"/>' % n for n in range(10, 70_000))
    name = "xl/worksheets/sheet1.xml"
    parts[name] = parts[name].replace(b"</sheetData>", rows + b"</sheetData>")
    with pytest.raises(Invalid, match="表格太大"):
        read(packed(parts))


def test_a_cell_far_away_costs_nothing() -> None:
    parts = parts_of(xlsx([("在吗", "", "在")]))
    name = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[name] = parts[name].replace(b"</sheetData>", far)
    with pytest.raises(Invalid, match="表格太大"):
        read(packed(parts))


@pytest.mark.parametrize("name", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("damage", [b"", b"<", b"<a/>", b"\xff\xfe"])
def test_damaged_parts_are_refused_with_a_sentence(name: str, damage: bytes) -> None:
    parts = parts_of(xlsx([("在吗", "", "在")]))
    parts[name] = damage
    with pytest.raises(Invalid):
        read(packed(parts))


def test_other_documents_in_the_same_wrapping_are_told_apart() -> None:
    with pytest.raises(Invalid, match="不是 Excel 文件"):
        read(packed({"content.xml": b"<office/>", "mimetype": b"opendocument"}))


legible = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), include_characters="\n")
).filter(lambda text: "\ufffe" not in text and "\uffff" not in text)


@given(st.lists(st.tuples(legible, legible, legible), max_size=5))
def test_what_is_written_is_read_again(rows: list[tuple[str, ...]]) -> None:
    wanted = [row for row in rows if any(text.strip() for text in row)]
    names = [(name, 10.0) for name in KNOWN]
    assert cells(read(write_csv(KNOWN, rows))) == wanted
    assert cells(read(write_xlsx("关键词数据", names, rows))) == wanted
