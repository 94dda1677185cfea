"""Knows when a file may be opened, and brings it up to date before anybody else sees it.

The order matters: nothing is written to a file before it is known to be ours, no key is made for a
database that has one already, and an older database is copied before it is changed.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from loguru import logger
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from hub.errors import NotOurs, SchemaTooNew, StoreError
from hub.store.swap import finish, under_way
from hub.store.vault import KEY_FILE, Vault, create_key, read_key

MIGRATIONS = Path(__file__).parent / "migrations"

_MAGIC = b"SQLite format 3\x00"
_KEY_CHECK = "key_check"
_OF_THE_ORIGINAL = frozenset({"cookies", "keywords", "users"})
_BUSY_SECONDS = 5
_READERS = 4


@dataclass(frozen=True, slots=True)
class _Found:
    """What lies at the path before we touch it."""

    tables: frozenset[str]
    revision: str | None
    key_check: str | None


def prepare(path: Path, *, key: str, now: datetime, migrations: Path = MIGRATIONS) -> Vault:
    """Complete a restore that was cut short, check, back up, migrate. The caller holds the lock.

    Returns the vault with the key of this database. Raises NotOurs, SchemaTooNew or StoreError and
    leaves the file as it was.
    """
    finish(path.parent)
    found, head = _inspect(path, migrations)
    vault = vault_of(path.parent, key, found.key_check)
    if found.revision != head:
        if found.tables:
            copy = _back_up(path, f"{found.revision}-{now:%Y%m%d-%H%M%S}")
            logger.info("the database is migrated from {}; copy: {}", found.revision, copy)
        migrate(path, migrations)
    if found.key_check is None:
        _write_key_check(path, vault)
    return vault


def prepare_as_guest(path: Path, *, key: str, migrations: Path = MIGRATIONS) -> Vault:
    """Check only, because another process of ours holds the lock and works on the database."""
    if under_way(path.parent):
        raise StoreError(f"{path} is being restored; try again in a moment")
    found, head = _inspect(path, migrations)
    if found.revision != head or found.key_check is None:
        raise StoreError(
            f"{path} is of another version than this program, and in use; stop the process that "
            "uses it first"
        )
    return vault_of(path.parent, key, found.key_check)


def head_revision(migrations: Path = MIGRATIONS) -> str | None:
    return ScriptDirectory(str(migrations)).get_current_head()


def _inspect(path: Path, migrations: Path) -> tuple[_Found, str | None]:
    """What is there, known to be ours and not too new, and the revision it should have."""
    found = _look(path)
    if found.revision is None and found.tables >= _OF_THE_ORIGINAL:
        raise NotOurs(
            f"{path} is a database of xianyu-auto-reply; it was left untouched: `yuqiao import` "
            "says what of it can be brought over"
        )
    if found.tables and found.revision is None:
        raise NotOurs(
            f"{path} is a database of another program (it holds the table "
            f"{min(found.tables)!r}); it was left untouched: move it away, or change DB_PATH"
        )
    return found, known_head(path, found.revision, migrations)


def known_head(place: object, revision: str | None, migrations: Path) -> str | None:
    """The newest revision. Raises SchemaTooNew if the one found at `place` is none of ours."""
    script = ScriptDirectory(str(migrations))
    head = script.get_current_head()
    if revision is not None and revision not in {one.revision for one in script.walk_revisions()}:
        raise SchemaTooNew(
            f"{place} was written by a newer version of this program (schema {revision}, "
            f"this version knows {head}); install that version, or restore a backup"
        )
    return head


def is_ours(path: Path) -> bool:
    """Whether a database of this program lies there, of whatever version."""
    try:
        return _look(path).revision is not None
    except StoreError:
        return False


def _look(path: Path) -> _Found:
    nothing = _Found(frozenset(), None, None)
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is no file; set DB_PATH to the place of a file")
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return nothing
    if not start and not _beside(path, "-wal"):
        return nothing
    if start and start != _MAGIC:
        raise NotOurs(f"{path} is not an SQLite database; move it away, or change DB_PATH")
    # Without a log beside it the file says everything, and can be read without making one.
    alone = not _beside(path, "-wal") and not _beside(path, "-journal")
    uri = f"{path.absolute().as_uri()}?{'immutable=1' if alone else 'mode=ro'}"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            return _read(connection)
    except sqlite3.Error as error:
        raise NotOurs(f"{path} cannot be read as an SQLite database ({error})") from error


def _beside(path: Path, suffix: str) -> bool:
    return path.with_name(path.name + suffix).exists()


def _read(connection: sqlite3.Connection) -> _Found:
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = frozenset(name for (name,) in names if not name.startswith("sqlite_"))
    revision = key_check = None
    if {"alembic_version", "installation"} <= tables:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        revision = row[0] if row else None
        row = connection.execute(
            "SELECT value FROM installation WHERE name = ?", (_KEY_CHECK,)
        ).fetchone()
        key_check = row[0] if row else None
    return _Found(tables, revision, key_check)


def vault_of(folder: Path, key: str, key_check: str | None) -> Vault:
    """The key from outside, else the one in the folder, else a new one for a new database."""
    text = key or read_key(folder)
    if text is None:
        if key_check is not None:
            raise StoreError(
                f"the key file {folder / KEY_FILE} of this database is missing; restore it from "
                "a backup: without it the stored logins cannot be opened"
            )
        try:
            text = create_key(folder)
        except FileExistsError:
            text = read_key(folder) or ""
    vault = Vault(text)
    if key_check is not None:
        vault.unseal(key_check)
    return vault


def _back_up(path: Path, label: str) -> Path:
    """A complete copy beside the database, under its name only once it is complete."""
    target = path.with_name(f"{path.name}.{label}.backup")
    draft = target.with_name(target.name + ".part")
    try:
        create_private(draft)
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
        draft.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"cannot write the backup {target} before migrating: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return target


def create_private(path: Path) -> None:
    """SQLite gives its log the rights of the main file, so that one is made for this user only."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def migrate(path: Path, migrations: Path = MIGRATIONS) -> None:
    """All steps in one transaction: the file is at the new revision or as it was."""
    create_private(path)
    engine = write_engine(path, foreign_keys=False)
    try:
        with engine.connect() as connection:
            run_steps(connection, migrations, begin="BEGIN IMMEDIATE")
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(f"cannot migrate {path}: {cause}") from error
    finally:
        engine.dispose()


def run_steps(connection: Connection, migrations: Path, *, begin: str) -> None:
    """To the newest revision, in one transaction. The connection begins none of its own accord."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["connection"] = connection
    connection.exec_driver_sql(begin)
    try:
        command.upgrade(config, "head")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _write_key_check(path: Path, vault: Vault) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO installation (name, value) VALUES (?, ?)", (_KEY_CHECK, vault.seal("ok"))
        )


def write_engine(path: Path, *, foreign_keys: bool = True) -> Engine:
    """Transactions are spelled out by whoever writes: AUTOCOMMIT keeps the driver from its own.

    A step that rebuilds a table needs `foreign_keys` off, or it would empty the tables behind it.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "cached_statements": 512},
    )

    @event.listens_for(engine, "connect")
    def durable(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")

    return engine


def read_engine(path: Path) -> AsyncEngine:
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{path}",
        isolation_level="AUTOCOMMIT",
        pool_size=_READERS,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "cached_statements": 512},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def read_only(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA query_only = ON")
        cursor.close()

    return engine
