"""Reading codes, judging stock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hub.model import StockLevel, masked
from hub.policy import LONGEST_CODE, days_left, decode_codes, is_worse, read_codes, stock_level

LINES = "卡号一\n卡号二\n"


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode(),
        LINES.encode("utf-8-sig"),
        LINES.encode("gbk"),
        LINES.encode("gb18030"),
        LINES.encode("utf-16"),
        b"\xfe\xff" + LINES.encode("utf-16-be"),
        LINES.replace("\n", "\r\n").encode("gbk"),
        LINES.replace("\n", "\r").encode(),
    ],
)
def test_files_of_all_usual_programs_are_read(data: bytes) -> None:
    text = decode_codes(data)
    assert text is not None
    assert read_codes(text).codes == ("卡号一", "卡号二")


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04\x14\x00\x06\x00",
        b"\x89PNG\r\n\x1a\n\x00",
        b"\xff\xff\xff",
        b"\xff\xfea",
        b"\xef\xbb\xbfok\xc4\xe3",
    ],
)
def test_what_is_no_text_is_not_guessed_at(data: bytes) -> None:
    assert decode_codes(data) is None


def test_an_empty_file_holds_no_codes() -> None:
    text = decode_codes(b"")
    assert text == ""
    read = read_codes(text)
    assert (read.codes, read.blank, read.left_out) == ((), 0, 0)


def test_blanks_around_a_code_are_no_part_of_it_and_blanks_inside_are() -> None:
    read = read_codes("\ufeff A-1 \t\r\n\u3000\r\n\r\nuser name----pass word\u3000\nA-1\n")
    assert read.codes == ("A-1", "user name----pass word")
    assert read.lines == (1, 4)
    assert read.blank == 2
    assert read.repeated == (5,)


def test_invisible_marks_that_stick_to_a_copied_line_make_no_other_code() -> None:
    read = read_codes("A-1\n\u202aA-1\u202c\n\u2066A-1\u2069\n\u200e\u2060A-1\u200d\n")
    assert (read.codes, read.repeated) == (("A-1",), (2, 3, 4))


def test_only_line_breaks_end_a_line() -> None:
    """Other separators may be part of a code."""
    assert read_codes("a\u2028b\nc\u0085d").codes == ("a\u2028b", "c\u0085d")


def test_lines_that_cannot_be_a_code_are_named_by_number() -> None:
    read = read_codes(
        "ok\n" + "x" * (LONGEST_CODE + 1) + "\nbad\x07bell\nbad\x00\n" + "y" * LONGEST_CODE
    )
    assert read.codes == ("ok", "y" * LONGEST_CODE)
    assert read.too_long == (2,)
    assert read.unreadable == (3, 4)
    assert read.left_out == 3


def test_codes_that_were_read_are_in_no_repr() -> None:
    assert "SECRET" not in repr(read_codes("SECRET-1\nSECRET-2"))


def test_case_and_width_make_another_code() -> None:
    """Sellers of codes use both; what was written is what the buyer types."""
    assert read_codes("abc\nABC\nＡＢＣ").codes == ("abc", "ABC", "ＡＢＣ")


@pytest.mark.parametrize(
    ("available", "low_at", "level"),
    [
        (6, 5, StockLevel.FINE),
        (5, 5, StockLevel.LOW),
        (1, 0, StockLevel.FINE),
        (0, 0, StockLevel.EMPTY),
        (0, 5, StockLevel.EMPTY),
        (-1, 5, StockLevel.EMPTY),
    ],
)
def test_a_level_is_reached_at_its_number(available: int, low_at: int, level: StockLevel) -> None:
    assert stock_level(available, low_at) is level


def test_owners_hear_of_falls_only() -> None:
    fine, low, empty = StockLevel.FINE, StockLevel.LOW, StockLevel.EMPTY
    assert [(a, b) for a in StockLevel for b in StockLevel if is_worse(a, b)] == [
        (low, fine),
        (empty, fine),
        (empty, low),
    ]


@pytest.mark.parametrize(
    ("available", "sold", "age", "days"),
    [
        (100, 140, 30, 10.0),
        (100, 14, 7, 50.0),
        (100, 50, 0, 2.0),
        (0, 5, 14, 0.0),
        (100, 0, 14, None),
    ],
)
def test_the_forecast_goes_by_the_sales_of_a_fortnight(
    available: int, sold: int, age: int, days: float | None
) -> None:
    assert days_left(available, sold, timedelta(days=age)) == days


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("ABCDEFGHIJ", "AB…IJ"),
        ("ABCDEFG", "AB…FG"),
        ("ABCDEF", "A…F"),
        ("ABCDE", "A…E"),
        ("ABCD", "…"),
        ("A", "…"),
        ("", "…"),
    ],
)
def test_a_masked_code_can_be_recognised_and_not_used(code: str, shown: str) -> None:
    assert masked(code) == shown
