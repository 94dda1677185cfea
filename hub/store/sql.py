"""Knows how a statement reaches the database: compiled once, sent straight to the driver.

SQLAlchemy's `Connection.execute` costs 25 to 80 µs on top of the 5 µs that SQLite itself needs for
a short statement. A unit of work holds a dozen of them, so they go to the driver's cursor, which
SQLAlchemy presents in the same synchronous form for every driver, asynchronous ones included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, Executable, text
from sqlalchemy.sql.compiler import SQLCompiler

from hub.errors import StoreError
from hub.model import ShopId
from hub.store.nouns import Change, ChangedNoun

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    names: tuple[str, ...]
    """Parameter names in the order of their places."""
    fixed: dict[str, Any]
    """Values that are part of the statement itself."""


class Statement:
    """SQL with named parameters (`:shop`), or a Core element; compiled once per dialect.

    Parameters and results are plain integers, texts, booleans and None: the columns need no
    conversion, so there is none.
    """

    __slots__ = ("_compiled", "_element")

    def __init__(self, source: str | Executable) -> None:
        self._element = text(source) if isinstance(source, str) else source
        self._compiled: dict[str, _Compiled] = {}

    def compiled(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            found = self._compiled[dialect.name] = self._compile(dialect)
        return found

    def _compile(self, dialect: Dialect) -> _Compiled:
        compiler = self._element.compile(  # type: ignore[attr-defined]
            dialect=dialect, compile_kwargs={"render_postcompile": True}
        )
        assert isinstance(compiler, SQLCompiler)  # noqa: S101 - narrows for the type checker
        names = tuple(compiler.positiontup or ())
        fixed = {name: value for name, value in compiler.params.items() if value is not None}
        return _Compiled(str(compiler), names, fixed)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the others are told once the unit of work is committed."""

    changes: tuple[Change, ...] = ()
    tasks: bool = False
    """Tasks may have become claimable."""


class Sql:
    """Runs statements on one connection, and notes what is to be announced after the commit."""

    __slots__ = ("_changes", "_connection", "_cursor", "_dialect", "_error", "_tasks")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.connection
        self._cursor = self._connection.cursor()
        self._dialect = connection.dialect
        self._error: type[Exception] = connection.dialect.loaded_dbapi.Error
        self._changes: dict[Change, None] = {}
        self._tasks = False

    def rows(self, statement: Statement, **values: Any) -> list[Row]:
        self._execute(statement, values)
        return self._cursor.fetchall()  # type: ignore[return-value]

    def row(self, statement: Statement, **values: Any) -> Row | None:
        rows = self.rows(statement, **values)
        return rows[0] if rows else None

    def value(self, statement: Statement, **values: Any) -> Any:
        """First column of the first row; None if there is no row."""
        rows = self.rows(statement, **values)
        return rows[0][0] if rows else None

    def run(self, statement: Statement, **values: Any) -> int:
        """Number of rows that were touched."""
        self._execute(statement, values)
        return self._cursor.rowcount

    def control(self, sql: str) -> None:
        """Transaction control and pragmas: no parameters, nothing to compile."""
        self._send(sql, ())

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def _execute(self, statement: Statement, values: dict[str, Any]) -> None:
        compiled = statement.compiled(self._dialect)
        if compiled.fixed:
            values = {**compiled.fixed, **values}
        self._send(compiled.sql, tuple([values[name] for name in compiled.names]))

    def _send(self, sql: str, values: tuple[Any, ...]) -> None:
        try:
            self._cursor.execute(sql, values)
        except self._error as error:
            # The driver's text names tables and columns, never values.
            raise StoreError(f"the database refused: {error}") from error

    def changed(self, shop: ShopId, noun: ChangedNoun, id_: int) -> None:
        self._changes[Change(shop, noun, id_)] = None

    def tasks_changed(self) -> None:
        self._tasks = True

    def take_announcement(self) -> Announcement:
        """What was noted since the last call."""
        announcement = Announcement(tuple(self._changes), self._tasks)
        self.forget_announcement()
        return announcement

    def forget_announcement(self) -> None:
        self._changes.clear()
        self._tasks = False


def join(announcements: Iterable[Announcement]) -> Announcement:
    """One announcement for a whole commit; each change is told once, in order."""
    changes: dict[Change, None] = {}
    tasks = False
    for announcement in announcements:
        changes.update(dict.fromkeys(announcement.changes))
        tasks = tasks or announcement.tasks
    return Announcement(tuple(changes), tasks)
