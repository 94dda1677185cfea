"""Knows how a statement reaches the database: compiled once, sent straight to the driver.

SQLAlchemy's `Connection.execute` costs 25 to 80 µs on top of the 5 µs that SQLite itself needs for
a short statement. A unit of work holds a dozen of them, so they go to the driver's cursor, which
SQLAlchemy presents in the same synchronous form for every driver, asynchronous ones included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Dialect, text
from sqlalchemy.sql.compiler import SQLCompiler

from hub.errors import StoreError
from hub.model import ShopId, TaskKind
from hub.store.dialects import spoken
from hub.store.nouns import Change, ChangedNoun

Row = tuple[Any, ...]
Values = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    sql: str
    """With the placeholders of the driver."""
    arranged: Callable[[Values], Any]
    """Puts named values in the order of the placeholders, where these have no names."""


class Statement:
    """SQL with named parameters (`:shop`), compiled once per dialect.

    Parameters and results are plain integers, texts, booleans and None: the columns need no
    conversion, so there is none.
    """

    __slots__ = ("_returning", "known", "text")

    def __init__(self, sql: str) -> None:
        self.text = sql
        self._returning: Statement | None = None
        self.known: dict[str, Compiled] = {}
        """By the name of the dialect, once it was asked for."""

    def compiled(self, dialect: Dialect) -> Compiled:
        compiler = text(spoken(self.text, dialect.name)).compile(dialect=dialect)
        assert isinstance(compiler, SQLCompiler)  # noqa: S101 - narrows for the type checker
        arranged = _arrange(compiler.positiontup or []) if dialect.positional else _by_name
        compiled = Compiled(str(compiler), arranged)
        self.known[dialect.name] = compiled
        return compiled

    def returning_id(self) -> Statement:
        """The same insert, for a driver that does not know the id by itself."""
        if self._returning is None:
            self._returning = Statement(f"{self.text} RETURNING id")
        return self._returning


def _arrange(names: list[str]) -> Callable[[Values], tuple[Any, ...]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def _by_name(values: Values) -> Values:
    return values


@dataclass(frozen=True, slots=True)
class Announcement:
    """What the others are told once the unit of work is committed."""

    changes: tuple[tuple[ShopId, ChangedNoun, int], ...] = ()
    tasks: frozenset[TaskKind] = frozenset()
    """Of which kinds tasks may have become claimable."""


class Sql:
    """Runs statements on one connection, and notes what is to be announced after the commit."""

    __slots__ = ("_changes", "_connection", "_cursor", "_dialect", "_error", "_name", "_tasks")

    def __init__(self, connection: Connection) -> None:
        self._connection: Any = connection.connection.dbapi_connection
        self._cursor = connection.connection.cursor()
        self._dialect = connection.dialect
        self._name = connection.dialect.name
        self._error: type[Exception] = connection.dialect.loaded_dbapi.Error
        # Plain tuples: a unit notes a dozen of them, and most are the same.
        self._changes: dict[tuple[ShopId, ChangedNoun, int], None] = {}
        self._tasks: set[TaskKind] = set()

    def rows(self, statement: Statement, **values: Any) -> list[Row]:
        return self._rows(statement, values)

    def row(self, statement: Statement, **values: Any) -> Row | None:
        rows = self._rows(statement, values)
        return rows[0] if rows else None

    def value(self, statement: Statement, **values: Any) -> Any:
        """First column of the first row; None if there is no row."""
        rows = self._rows(statement, values)
        return rows[0][0] if rows else None

    def run(self, statement: Statement, **values: Any) -> int:
        """Number of rows that were touched."""
        compiled = statement.known.get(self._name) or statement.compiled(self._dialect)
        try:
            self._cursor.execute(compiled.sql, compiled.arranged(values))
        except self._error as error:
            raise refused(error) from error
        return self._cursor.rowcount

    def insert(self, statement: Statement, **values: Any) -> int | None:
        """Id of the row that was added; None if there was one of its key. The driver knows it, and
        `RETURNING id` would cost half as much as the row itself."""
        return self._cursor.lastrowid if self.run(statement, **values) else None

    def _rows(self, statement: Statement, values: Values) -> list[Row]:
        compiled = statement.known.get(self._name) or statement.compiled(self._dialect)
        try:
            self._cursor.execute(compiled.sql, compiled.arranged(values))
            return self._cursor.fetchall()  # type: ignore[return-value]
        except self._error as error:
            raise refused(error) from error

    def control(self, *statements: str) -> None:
        """Transaction control and pragmas: no parameters, nothing to compile, no results."""
        try:
            for statement in statements:
                self._cursor.execute(statement)
        except self._error as error:
            raise refused(error) from error

    def control_ahead(self, *statements: str) -> None:
        """Transaction control that cannot fail, so that it need not be done before the next
        statement is."""
        self.control(*statements)

    @property
    def shared(self) -> bool:
        """Whether other hubs may work on this database: SQLite's file lets nobody else in."""
        return self._name != "sqlite"

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    @property
    def spoiled(self) -> bool:
        """A statement failed, and nothing but a rollback helps; SQLite knows no such thing."""
        return False

    @property
    def lost(self) -> bool:
        """The connection is gone, and with it the transaction."""
        return False

    def changed(self, shop: ShopId, noun: ChangedNoun, id_: int) -> None:
        self._changes[shop, noun, id_] = None

    def tasks_changed(self, kinds: Iterable[TaskKind] = TaskKind) -> None:
        self._tasks.update(kinds)

    def take_announcement(self) -> Announcement:
        """What was noted since the last call."""
        announcement = Announcement(tuple(self._changes), frozenset(self._tasks))
        self.forget_announcement()
        return announcement

    def forget_announcement(self) -> None:
        self._changes.clear()
        self._tasks.clear()


def refused(error: Exception) -> StoreError:
    # The driver's text names tables and columns, never values.
    return StoreError(f"the database refused: {error}")


def told(announcements: Iterable[Announcement]) -> tuple[list[Change], set[TaskKind]]:
    """The changes of a whole commit, each once and in order, and the kinds of tasks among them."""
    changes: dict[tuple[ShopId, ChangedNoun, int], None] = {}
    tasks: set[TaskKind] = set()
    for announcement in announcements:
        changes.update(dict.fromkeys(announcement.changes))
        tasks |= announcement.tasks
    return [Change(*change) for change in changes], tasks
