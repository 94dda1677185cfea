"""Cells and texts of the original: whatever stands there is read as what it was meant to be."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hub.ops import ImportFrom, bring_over
from hub.ops.importing import cells
from hub.ops.importing.wording import literal_braces, unescaped
from hub.policy import REPLY_FACTS, unknown_reply_placeholders
from hub.store import open_store
from tests import originals
from tests.unit.ops.import_stage import NOW, into


@pytest.mark.parametrize(
    ("written", "lowest", "highest"),
    [
        ("¥12.00", "12.00", "12.00"),
        ("1.2万", "12000.00", "12000.00"),
        ("10-20", "10.00", "20.00"),
        ("￥1,299.5", "1299.50", "1299.50"),
        ("3k", "3000.00", "3000.00"),
        ("面议", None, None),
        ("1 2 3", None, None),
        ("", None, None),
    ],
)
def test_prices_are_read_as_people_write_them(
    written: str, lowest: str | None, highest: str | None
) -> None:
    """L40"""
    expected = tuple(None if one is None else Decimal(one) for one in (lowest, highest))
    assert cells.prices(written) == expected


@pytest.mark.parametrize(
    ("cell", "read"),
    [(1, True), (0, False), ("1", True), ("0", False), ("True", True), ("", False), (None, True)],
)
def test_flags_are_read_whatever_type_they_were_written_with(cell: Any, read: bool) -> None:
    assert cells.flag({"on": cell}, "on", True) is read


def test_times_are_utc_and_ids_keep_their_digits() -> None:
    at = datetime(2025, 10, 20, 8, 30, tzinfo=UTC)
    assert cells.moment({"at": "2025-10-20 08:30:00"}, "at") == at
    assert cells.moment({"at": at.timestamp()}, "at") == at
    assert cells.moment({"at": "gestern"}, "at") is None
    assert cells.moment({"at": 1e300}, "at") is None
    assert cells.item_id({"item_id": "987654321098.0"}) == "987654321098"  # L47
    assert cells.item_id({"item_id": 987654321098}) == "987654321098"


def test_json_is_read_inside_json_and_refused_where_it_is_no_text() -> None:
    assert cells.as_object('{"a": "{\\"b\\": 1}"}') == {"a": '{"b": 1}'}
    assert cells.as_object("{'a': 1}") == {}
    assert cells.as_object('["a"]') == {}
    assert cells.as_object('{"a": "\\ud800"}') == {}
    assert cells.as_object("[" * 100_000) == {}


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("你好 {send_user_name}", "你好 {send_user_name}"),
        ("填 {code} 就行", "填 ｛code｝ 就行"),
        ("{ send_user_name }", "{send_user_name}"),
        ("{Send_User_Name}", "{send_user_name}"),
        ("花括号 {{send_message}} 和 }", "花括号 {{send_message}} 和 }"),
        ("{{x}}", "｛x｝"),
        ("{} { {", "{} { {"),
    ],
)
def test_placeholders_stay_and_other_braces_stay_braces(written: str, kept: str) -> None:
    """What the original sent as it was written because one name was wrong is a rule again (L36)."""
    said, _ = literal_braces(unescaped(written), REPLY_FACTS)
    assert said == kept
    assert unknown_reply_placeholders(said) == []


ODD: tuple[Any, ...] = (
    None,
    "",
    -1,
    2**62,
    1e308,
    b"\xff\xfe\x00",
    "0",
    "x" * 5000,
    "a\nb\x00c\u202e",
    '{"a": [1',
    "[]",
    "NaN",
    "9" * 60,
    "1e999999999",
    "9999-12-31T23:59:59-23:00",
    f"static/uploads/images/{'x' * 300}.png",
    "{}{{}",
)


def add_odd_rows(connection: sqlite3.Connection, table: str) -> None:
    columns = connection.execute(f"PRAGMA table_info({table})").fetchall()
    first = connection.execute(f"SELECT * FROM {table} LIMIT 1").fetchone()  # noqa: S608
    marks = ", ".join("?" * len(columns))
    for at in range(len(columns)) if first is not None else ():
        for number, odd in enumerate(ODD):
            row = [*first[:at], odd, *first[at + 1 :]]
            if at != 0 and columns[0][5]:  # its key
                row[0] = None if columns[0][2] == "INTEGER" else f"{table}-{at}-{number}"
            with suppress(sqlite3.IntegrityError):
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608


async def test_whatever_stands_in_any_cell_costs_at_most_its_row(tmp_path: Path) -> None:
    """Each column of each table holds each odd value once; nothing of it ends the import."""
    path = originals.write_original(tmp_path / "odd.db")
    with closing(sqlite3.connect(path)) as connection, connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for (table,) in tables.fetchall():
            if table != "system_settings":
                add_odd_rows(connection, table)
    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        at_once = replace(into(store), hash_password=lambda hashed: hashed)
        report = await bring_over(ImportFrom(path), at_once, dry=False)
        again = await bring_over(ImportFrom(path), at_once, dry=False)
    assert report.changed > 100
    assert again.changed == 0
