"""Reads databases of xianyu-auto-reply, whole or damaged, and never changes one.

What is read is a private copy: a log beside the file would otherwise be worked into it, and a page
that cannot be read must not cost the rows behind it. Columns are asked for by name only, because
their order differs from one installation to the next.
"""

# ruff: noqa: S608 - names of tables are those of the file itself, in quotes

from __future__ import annotations

import errno
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from hub.errors import Invalid
from hub.text import originals as words

Cell = str | bytes | int | float | None
OriginalRow = Mapping[str, Cell]
"""Columns in lower case. Texts that are not UTF-8 hold surrogates."""

VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
ROW = "_row"
"""The number of the row in its table, which is the order in which rows were added."""
_MAGIC = b"SQLite format 3\x00"
_BESIDE = ("-wal", "-journal")
_TRIES = 3
_BUSY_SECONDS = 3.0
_DAMAGE_KEPT = 5
_COPIED_AT_ONCE = 2000
"""Pages."""


class Original:
    """One database of the original, as it was when it was opened."""

    def __init__(self, connection: sqlite3.Connection, version: str, damage: list[str]) -> None:
        self._connection = connection
        self.version = version
        """`1.0` to `1.4`; empty: it does not say."""
        self.damage = tuple(damage)
        """What SQLite found to be broken, in its words; empty: nothing."""
        self.unread: Counter[str] = Counter()
        """Rows that could not be read so far, as far as they can be counted, by table."""
        self.tables = _tables(connection)

    def count(self, table: str) -> int:
        """How many rows there are to read; 0 if nobody can say."""
        if table not in self.tables:
            return 0
        with suppress(sqlite3.Error):
            row = self._connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()
            return int(row[0])
        return 0

    def rows(self, table: str) -> Iterator[OriginalRow]:
        """In the order in which they were added, one at a time; nothing for a table that is not
        there. Those that cannot be read are left out and counted."""
        if table not in self.tables:
            return
        last: int | None = None
        try:
            for row in self._select(table, "ORDER BY rowid"):
                number = row[ROW]
                assert isinstance(number, int)  # noqa: S101 - row numbers are
                last = number
                yield row
        except sqlite3.Error:
            yield from self._rows_behind(table, last)

    def _rows_behind(self, table: str, last: int | None) -> Iterator[OriginalRow]:
        """Past a page that cannot be read there may be others: they are come by from the end."""
        numbers: list[int] = []
        statement = f"SELECT rowid FROM {_quoted(table)} ORDER BY rowid DESC"
        with suppress(sqlite3.Error):
            for (number,) in self._connection.execute(statement):
                if last is not None and number <= last:
                    break
                numbers.append(number)
        unread = 0
        for number in reversed(numbers):
            try:
                yield from self._select(table, "WHERE rowid = ?", number)
            except sqlite3.Error:
                unread += 1
        self.unread[table] += max(unread, 1)

    def _select(self, table: str, rest: str, *values: int) -> Iterator[OriginalRow]:
        found = self._connection.execute(
            f"SELECT rowid AS {_quoted(ROW)}, * FROM {_quoted(table)} {rest}", values
        )
        names = [column[0].lower() for column in found.description]
        for row in found:
            yield dict(zip(names, row, strict=True))


@contextmanager
def open_original(path: Path, room: Path | None = None) -> Iterator[Original]:
    """A copy of the database at `path`, gone when the block is left. It is made in `room`; None:
    where the system puts such files.

    Raises Invalid with one sentence for whatever is no database of the original, or none that this
    program can read.
    """
    _check_file(path)
    with tempfile.TemporaryDirectory(prefix="yuqiao-import-", dir=room) as folder:
        copy = Path(folder) / "original.db"
        try:
            _copy(path.resolve(), copy)  # its log lies beside the file, not beside a link to it
        except OSError as error:
            full = error.errno == errno.ENOSPC
            raise Invalid(words.NO_ROOM if full else words.unreadable(path, error)) from None
        with closing(_open_copy(path, copy)) as connection:
            yield _recognised(path, connection)


def _check_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except OSError as error:
        raise Invalid(words.unreadable(path, error)) from None
    if not start:
        raise Invalid(words.empty(path))
    if start != _MAGIC:
        raise Invalid(words.no_sqlite(path))


def _copy(path: Path, copy: Path) -> None:
    """Without a log beside it SQLite copies, and keeps writers out meanwhile; with one the files
    are copied as they are, so that the log is worked into the copy."""
    if not any(_beside(path, suffix).exists() for suffix in _BESIDE):
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        try:
            with (
                closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as source,
                closing(sqlite3.connect(copy)) as target,
            ):
                # Keeps writers out, and fails at once where one is at work: copying would wait
                # for it as long as it takes.
                source.execute("BEGIN")
                source.execute("SELECT count(*) FROM sqlite_master").fetchone()
                source.backup(target, pages=_COPIED_AT_ONCE)
            return
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Invalid(words.locked(path)) from None
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_FULL:
                raise Invalid(words.NO_ROOM) from None
        except sqlite3.DatabaseError:
            pass  # damaged: copied as it is below, and read as far as it goes
    for _ in range(_TRIES):
        before = _state(path)
        for suffix in ("", *_BESIDE):
            source_file = _beside(path, suffix)
            _beside(copy, suffix).unlink(missing_ok=True)
            if source_file.exists():
                shutil.copyfile(source_file, _beside(copy, suffix))
        if _state(path) == before:
            return
    raise Invalid(words.locked(path))


def _state(path: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for suffix in ("", *_BESIDE):
        try:
            stat = _beside(path, suffix).stat()
            found.append((stat.st_size, stat.st_mtime_ns))
        except FileNotFoundError:
            found.append(None)
    return found


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _open_copy(path: Path, copy: Path) -> sqlite3.Connection:
    """A file that was cut off is opened as well: SQLite then goes by what is there."""
    # Used by one thread after the other.
    connection = sqlite3.connect(copy, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.text_factory = _as_text
        try:
            _tables(connection)
        except sqlite3.DatabaseError:
            connection.execute("PRAGMA writable_schema = ON")
            _tables(connection)
    except sqlite3.Error as error:
        connection.close()
        raise Invalid(words.broken(path)) from error
    return connection


def _as_text(written: bytes) -> str:
    return written.decode("utf-8", "surrogateescape")


def _tables(connection: sqlite3.Connection) -> frozenset[str]:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    shown = (str(name) for (name,) in names)
    return frozenset(one for one in shown if one.isprintable() and not one.startswith("sqlite_"))


def _recognised(path: Path, connection: sqlite3.Connection) -> Original:
    tables = _tables(connection)
    if {"alembic_version", "installation"} <= tables:
        raise Invalid(words.ours(path))
    if not {"id", "value"} <= _columns(connection, "cookies"):
        raise Invalid(words.other_program(path))
    version = _version(connection)
    if version and _as_numbers(version) > _as_numbers(VERSIONS[-1]):
        raise Invalid(words.newer(path, version, VERSIONS[-1]))
    return Original(connection, version, _damage(connection))


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    rows = connection.execute(f"PRAGMA table_info({_quoted(table)})")
    return {str(row[1]).lower() for row in rows}


def _version(connection: sqlite3.Connection) -> str:
    """Empty where it does not say, or says nothing that is a version."""
    with suppress(sqlite3.Error):
        statement = "SELECT value FROM system_settings WHERE key = 'db_version'"
        row = connection.execute(statement).fetchone()
        said = str(row[0]).strip() if row else ""
        return said if _as_numbers(said) else ""
    return ""


def _as_numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(map(int, parts)) if all(one.isdecimal() for one in parts) else ()


def _damage(connection: sqlite3.Connection) -> list[str]:
    try:
        rows = connection.execute(f"PRAGMA integrity_check({_DAMAGE_KEPT})").fetchall()
    except sqlite3.Error as error:
        return [str(error)]
    said = ["".join(c for c in str(row[0]) if c.isprintable()) for row in rows]
    return [] if said == ["ok"] else said


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
