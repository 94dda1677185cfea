"""What stands in a cell of the original, whatever type it was written with."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hub.store import OriginalRow

_FLOAT_ID = re.compile(r"([0-9]{6,24})\.0+")
_PRICE = re.compile(r"([0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?)\s*(万|千|[wWkK])?")
_TIMES = {"万": 10_000, "w": 10_000, "千": 1000, "k": 1000}
_MOST_DIGITS, _MOST_PLACES = 15, 6
_UNREADABLE = re.compile(r"[\ud800-\udfff]")
_YES = frozenset({"1", "true", "yes", "on", "t"})
_NO = frozenset({"0", "false", "no", "off", "f", ""})


class UnreadableCell(ValueError):
    """A text that is no text: the row cannot be brought over."""


def text(row: OriginalRow, name: str, default: str = "") -> str:
    """As it was written, without NULs; nothing and NULL are `default`. Raises UnreadableCell."""
    found = raw_text(row, name, default)
    if _UNREADABLE.search(found):
        raise UnreadableCell(name)
    return found.replace("\x00", "")  # PostgreSQL takes none in a text


def raw_text(row: OriginalRow, name: str, default: str = "") -> str:
    """As `text`, with surrogates in the place of what is no text."""
    cell = row.get(name)
    match cell:
        case None:
            return default
        case bytes():
            return cell.decode("utf-8", "surrogateescape")
        case str():
            return cell
        case _:
            return str(cell)


def word(row: OriginalRow, name: str) -> str:
    """A name or id: one line, without blanks around it. Raises UnreadableCell."""
    return "".join(c if c.isprintable() else " " for c in text(row, name)).strip()


def item_id(row: OriginalRow, name: str = "item_id") -> str:
    """Ids that a spreadsheet made a float of are mended (L47)."""
    written = word(row, name)
    floated = _FLOAT_ID.fullmatch(written)
    return floated[1] if floated else written


def flag(row: OriginalRow, name: str, default: bool) -> bool:
    cell = row.get(name)
    if cell is None:
        return default
    if isinstance(cell, int | float):
        return cell != 0
    said = raw_text(row, name).strip().lower()
    return True if said in _YES else False if said in _NO else default


def number(row: OriginalRow, name: str) -> Decimal | None:
    """None where there is no number that anybody meant. Next to nothing is zero."""
    try:
        found = Decimal(raw_text(row, name).strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or found.adjusted() >= _MOST_DIGITS:
        return None
    return found if found.adjusted() >= -_MOST_PLACES else Decimal(0)


def moment(row: OriginalRow, name: str) -> datetime | None:
    """Times are UTC as text, as SQLite's CURRENT_TIMESTAMP writes them; some are seconds."""
    cell = row.get(name)
    try:
        if isinstance(cell, int | float):
            return datetime.fromtimestamp(cell, UTC)
        found = datetime.fromisoformat(raw_text(row, name).strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def fields(row: OriginalRow, name: str) -> dict[str, Any]:
    """A JSON object; empty where there is none."""
    return as_object(raw_text(row, name))


def as_object(written: object) -> dict[str, Any]:
    """An object, or the JSON text of one: the original nests texts of JSON in JSON."""
    if isinstance(written, dict):
        return written
    try:
        found = json.loads(written) if isinstance(written, str) and written.strip() else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or _UNREADABLE.search(json.dumps(found, ensure_ascii=False)):
        return {}
    return found


def prices(written: str) -> tuple[Decimal | None, Decimal | None]:
    """The lowest and the highest of a price in words (L40): `¥12.00`, `1.2万`, `10-20`."""
    found = []
    for amount, times in _PRICE.findall(written.replace("，", ",")):
        if len(amount) > _MOST_DIGITS:
            return None, None
        value = Decimal(amount.replace(",", "")) * _TIMES.get(times.lower(), 1)
        found.append(value.quantize(Decimal("0.01")))
    if not found or len(found) > 2:
        return None, None
    return min(found), max(found)
