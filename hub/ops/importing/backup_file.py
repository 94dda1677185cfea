"""The backup that a user of the original can download: some of the tables, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hub.errors import Invalid
from hub.store import ROW, OriginalRow
from hub.text import imports as words

LARGEST = 200 * 1024 * 1024


class BackupFile:
    """Tables of one user. Who that was it does not say, and cards are never in it (L51)."""

    version = ""
    damage: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        """Raises Invalid with one sentence."""
        try:
            if path.stat().st_size > LARGEST:
                raise Invalid(words.backup_too_large(path))
            found = json.loads(path.read_text(encoding="utf-8-sig"))
            tables = found["data"]
            self._tables = {
                name: _rows(table)
                for name, table in tables.items()
                if name.isprintable() and _is_table(table)
            }
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Invalid(words.no_backup(path)) from None
        if not self._tables:
            raise Invalid(words.no_backup(path))
        self.unread: Counter[str] = Counter()
        self.tables = frozenset(self._tables)

    def count(self, table: str) -> int:
        return len(self._tables.get(table, ()))

    def rows(self, table: str) -> Iterator[OriginalRow]:
        yield from self._tables.get(table, ())


def _is_table(table: object) -> bool:
    return (
        isinstance(table, dict)
        and isinstance(table.get("columns"), list)
        and isinstance(table.get("rows"), list)
    )


def _rows(table: dict[str, list[object]]) -> list[OriginalRow]:
    names = [str(name).lower() for name in table["columns"]]
    rows: list[OriginalRow] = []
    for number, row in enumerate(table["rows"], 1):
        cells = row if isinstance(row, list) else []
        rows.append({ROW: number, **{n: _cell(c) for n, c in zip(names, cells, strict=False)}})
    return rows


def _cell(value: object) -> str | int | float | None:
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, ensure_ascii=False)
