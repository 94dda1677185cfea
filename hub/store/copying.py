"""Moves a whole database from one engine to the other, table by table.

A backup always holds an SQLite file, whatever it was made of: so it can be checked by opening it,
and brought back to either engine.
"""

# ruff: noqa: S608 - names come from the tables of the code, values are always bound

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from psycopg import Connection, Error
from psycopg import sql as words
from sqlalchemy import Boolean, Table

from hub.errors import InUse, StoreError
from hub.store.copies import copy_database
from hub.store.database import Database
from hub.store.opening import head_revision, migrate
from hub.store.postgres import (
    AT_WORK,
    BEGIN,
    SCHEMA,
    holds_tables,
    keeper,
    make_ready,
    mark_filling,
    onlooker,
)
from hub.store.tables import metadata

_AT_ONCE = 2000
"""Rows in memory."""
_ENDING_SECONDS = 5.0
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def copy_out(database: Database, target: Path) -> None:
    """One consistent copy in one SQLite file, whoever writes meanwhile.

    Takes as long as reading all of it. Raises StoreError and leaves no half.
    """
    if not database.url:
        copy_database(database.path, target)
        return
    try:
        with onlooker(database) as source:
            source.execute(_READ)
            if _revision(source) != head_revision():
                raise StoreError(
                    f"{database} is of another version than this program; start the hub once, it "
                    "migrates"
                )
            migrate(target)
            with closing(sqlite3.connect(target, isolation_level=None)) as file:
                _fill_file(source, file)
    except (OSError, sqlite3.Error, Error) as error:
        raise _failed(database, target, error) from error
    except StoreError:
        target.unlink(missing_ok=True)
        raise


@contextmanager
def kept_shut(database: Database) -> Iterator[Connection[Any]]:
    """Nobody opens that PostgreSQL database while inside. Raises InUse while somebody has it open,
    or StoreError."""
    try:
        alone = keeper(database)
    except Error as error:
        raise StoreError(f"cannot open {database}: {' '.join(str(error).split())}") from error
    with closing(alone):
        _check_nobody(alone, database)
        yield alone


def is_used(database: Database, alone: Connection[Any]) -> bool:
    """Whether there is anything in it. `alone`: of `kept_shut`. Raises StoreError."""
    try:
        return holds_tables(alone, database)
    except Error as error:
        raise StoreError(f"cannot read {database}: {' '.join(str(error).split())}") from error


def copy_in(source: Path, database: Database, alone: Connection[Any]) -> None:
    """Put what a file holds in the place of everything in a PostgreSQL database, at once or not at
    all. The file may be of an older version: it is migrated first. `alone`: of `kept_shut`.

    Raises StoreError with nothing changed.
    """
    try:
        migrate(source)
        _check_nobody(alone, database)
        make_ready(alone, database)
        # A hub that comes back meanwhile waits for its turn, and then sees that it is a stranger.
        for statement in BEGIN:
            alone.execute(statement)
        with closing(sqlite3.connect(source)) as file:
            _fill_server(file, alone)
        mark_filling(alone)
        alone.execute("COMMIT")
    except (OSError, sqlite3.Error, Error) as error:
        reason = " ".join(str(error).split())
        raise StoreError(f"cannot copy {source.name} to {database}: {reason}") from error


def size_of(database: Database) -> int:
    """Bytes; about as many as a copy needs. Raises OSError or StoreError."""
    if not database.url:
        return database.path.stat().st_size
    try:
        with onlooker(database) as source:
            row = source.execute(
                "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c"
                " JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = %s AND c.relkind = 'r'",
                (SCHEMA,),
            ).fetchone()
    except Error as error:
        raise StoreError(f"cannot read {database}: {' '.join(str(error).split())}") from error
    return int(row[0]) if row else 0


def _failed(database: Database, target: Path, error: Exception) -> StoreError:
    target.unlink(missing_ok=True)
    return StoreError(f"cannot copy {database}: {' '.join(str(error).split())}")


def _revision(source: Connection[Any]) -> str | None:
    row = source.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _fill_file(source: Connection[Any], file: sqlite3.Connection) -> None:
    file.execute("PRAGMA foreign_keys = OFF")
    file.execute("BEGIN")
    for table in metadata.sorted_tables:
        file.execute(f'DELETE FROM "{table.name}"')
        names = [column.name for column in table.columns]
        places = ", ".join("?" * len(names))
        insert = f'INSERT INTO "{table.name}" ({_listed(names)}) VALUES ({places})'
        for rows in _rows_of(source, table):
            file.executemany(insert, rows)
    _number_file(source, file)
    file.execute("COMMIT")
    broken = file.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise StoreError(f"a row of {broken[0]} refers to nothing")
    file.execute("PRAGMA journal_mode = DELETE")


def _rows_of(source: Connection[Any], table: Table) -> Iterator[Sequence[Any]]:
    """In the order of their keys, some at a time."""
    names = _listed(column.name for column in table.columns)
    keys = _listed(column.name for column in table.primary_key.columns)
    with source.cursor(f"copy_{table.name}") as cursor:
        cursor.execute(words.SQL(f'SELECT {names} FROM "{table.name}" ORDER BY {keys}'))
        while rows := cursor.fetchmany(_AT_ONCE):
            yield rows


def _number_file(source: Connection[Any], file: sqlite3.Connection) -> None:
    """The next ids are the ones that would have come."""
    numbers = source.execute(
        "SELECT sequencename, last_value FROM pg_sequences"
        " WHERE schemaname = %s AND last_value IS NOT NULL",
        (SCHEMA,),
    ).fetchall()
    last = {name.removesuffix("_id_seq"): number for name, number in numbers}
    file.execute("DELETE FROM sqlite_sequence")
    file.executemany(
        "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)",
        [(table.name, last[table.name]) for table in _numbered() if table.name in last],
    )


def _numbered() -> list[Table]:
    """Tables whose ids are never given twice."""
    return [
        table
        for table in metadata.sorted_tables
        if table.dialect_options["sqlite"]["autoincrement"]
    ]


def _check_nobody(target: Connection[Any], database: Database) -> None:
    """The server ends a session a moment after the process that had it. Who waits at the door has
    opened nothing."""
    until = time.monotonic() + _ENDING_SECONDS
    try:
        while target.execute(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = %s LIMIT 1",
            (AT_WORK,),
        ).fetchone():
            if time.monotonic() > until:
                raise InUse(f"{database} is in use by a hub; stop all hubs on it first")
            time.sleep(0.1)
    except Error as error:
        raise StoreError(f"cannot open {database}: {' '.join(str(error).split())}") from error


def _fill_server(file: sqlite3.Connection, target: Connection[Any]) -> None:
    tables = metadata.sorted_tables
    target.execute(words.SQL(f"TRUNCATE {_listed(table.name for table in tables)}"))
    for table in tables:
        _fill_table(file, target, table)
    last = dict(file.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    for table in tables:
        if "id" in table.columns and table.autoincrement_column is not None:
            row = file.execute(f'SELECT max(id) FROM "{table.name}"').fetchone()
            number = max(last.get(table.name, 0), row[0] or 0)
            target.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, %s)",
                (table.name, max(number, 1), number > 0),
            )


def _fill_table(file: sqlite3.Connection, target: Connection[Any], table: Table) -> None:
    names = _listed(column.name for column in table.columns)
    flags = [
        place for place, column in enumerate(table.columns) if isinstance(column.type, Boolean)
    ]
    rows = file.execute(f'SELECT {names} FROM "{table.name}"')
    with (
        target.cursor() as cursor,
        cursor.copy(words.SQL(f'COPY "{table.name}" ({names}) FROM STDIN')) as copy,
    ):
        for row in rows:
            values = list(row)
            for place in flags:  # SQLite keeps them as numbers
                if values[place] is not None:
                    values[place] = bool(values[place])
            copy.write_row(values)


def _listed(names: Any) -> str:
    return ", ".join(f'"{name}"' for name in names)
