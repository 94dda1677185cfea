"""A schema of a PostgreSQL database, in which several hubs may write.

What holds on SQLite because there is one writer holds here because writers take turns: each batch
of units begins with a lock that ends with its transaction, and sees all that was committed before.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from loguru import logger
from psycopg import Connection as Driver
from psycopg import Error as DriverError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import (
    FeatureNotSupported,
    InsufficientPrivilege,
    LockNotAvailable,
    UndefinedFunction,
)
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from hub.errors import NotOurs, StoreError
from hub.store.database import Database
from hub.store.ground import Announce, Writing
from hub.store.hearing import Ear, heard_by_others
from hub.store.opening import MIGRATIONS, known_head, run_steps, vault_of
from hub.store.postgres_sql import PostgresSql, connect
from hub.store.rewinds import TIMELINE, Timeline, known_timeline, note_timeline
from hub.store.sql import Announcement, Sql, Statement
from hub.store.swap import under_way
from hub.store.vault import Vault
from hub.store.writer import outlast

T = TypeVar("T")

SCHEMA = "yuqiao"
AT_WORK = "yuqiao"
"""Of sessions of hubs that have the database open."""
_OLDEST_SERVER = 120000
_TURN = 0x79757169616F  # "yuqiao"
"""The lock that writers take in turns; the next number is for migrating."""
BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED",
    f"SELECT pg_advisory_xact_lock({_TURN})",
)
"""Said in full: at a stricter level, which may be the default of a database, everything after the
lock would show what was there before the wait for it."""
_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_READERS = 4
_TIMELINE = """
    SELECT system_identifier || '/' || 'installation'::regclass::oid,
        left(pg_walfile_name(pg_current_wal_lsn()), 8)
    FROM pg_control_system()
"""
_FILLING = Statement("SELECT obj_description('installation'::regclass)")

_REACHABLE: dict[str, str | int] = {
    "target_session_attrs": "read-write",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
"""Of several servers the one that takes writes, also for reading: what a standby says is old. A
server that is gone without a word is noticed within half a minute."""

# The second is how long a process that hangs in the middle of a batch can hold up the others, so
# the first must be longer.
# The third: what was said to be committed is acknowledged, sent or given out afterwards, so it must
# be on the disk, however the server is set.
# The last two: a plan is kept, so it must not read a whole table because that was small when the
# plan was made. Where it has to all the same, the price that the server then names is made up, and
# no reason to compile anything.
_WRITER = {
    "lock_timeout": "15s",
    "idle_in_transaction_session_timeout": "8s",
    "synchronous_commit": "on",
    "enable_seqscan": "off",
    "jit": "off",
}
_READER = {"lock_timeout": "15s", "idle_in_transaction_session_timeout": "60s"}
_KEEPER = {"lock_timeout": "120s"}
"""Of the connection that migrates."""


class PostgresGround:
    shared = True

    def __init__(self, database: Database) -> None:
        self._database = database
        self._node = secrets.token_hex(4)
        """Tells our own announcements from those of others."""
        self._filling: str | None = None
        self._timeline: Timeline | None = None
        self._guest = False

    async def prepare(
        self, stack: AsyncExitStack, *, key: str, now: datetime, guest: bool
    ) -> Vault:
        if under_way(self._database.folder):
            raise StoreError(
                f"a restore in {self._database.folder} was cut short; give the same command again"
            )
        self._guest = guest
        work = asyncio.to_thread(prepare, self._database, key=key, guest=guest)
        vault, self._filling = await outlast(work)
        return vault

    def writing(self) -> Writing:
        engine = write_engine(self._database, self._greet)
        return Writing(
            engine, PostgresSql, BEGIN, self._commit, self._look, self._followed, reconnects=True
        )

    def _greet(self, connection: Driver[Any]) -> None:
        self._check(filling(connection))
        timeline, known = timeline_on(connection), known_timeline(self._database.folder)
        if timeline is not None and known is not None:
            left = known.database != timeline.database or known.number > timeline.number
            timeline = replace(timeline, behind=left)
        self._timeline = timeline

    def _look(self, sql: Sql) -> Timeline | None:
        """Once more, because a restore may have been under way when we were greeted: it has ended
        before our transaction begins."""
        self._check(sql.value(_FILLING))
        return self._timeline

    def _check(self, found: str | None) -> None:
        """What we know of the rows, and our key, may be of others than are there now."""
        if found != self._filling:
            raise StoreError(f"{self._database} was restored under this hub; start it again")

    def _followed(self) -> None:
        """A guest has not minded what it means."""
        if self._timeline is None or self._guest:
            return
        try:
            note_timeline(self._database.folder, self._timeline)
        except OSError as error:
            logger.warning("the timeline of {} cannot be noted: {}", self._database, error)

    def _commit(self, announcements: Sequence[Announcement]) -> Sequence[str]:
        return (*heard_by_others(announcements, self._node), "COMMIT")

    def readers(self) -> _Readers:
        return _Readers(read_engine(self._database))

    def hearing(self, announce: Announce) -> AbstractAsyncContextManager[object]:
        return Ear(conninfo(self._database, _READER), self._node, announce)


def conninfo(database: Database, limits: dict[str, str], name: str = AT_WORK) -> str:
    """`limits`: settings of the session on the server. Our tables come before anybody's. `name`:
    tells the server what the session is for."""
    options = " ".join(f"-c {limit}={value}" for limit, value in limits.items())
    try:
        theirs = conninfo_to_dict(database.url).get("options") or ""
        return make_conninfo(
            database.url,
            **_REACHABLE,
            application_name=name,
            client_encoding="UTF8",
            options=f"{theirs} -c search_path={SCHEMA} {options}".strip(),
        )
    except DriverError:  # its words repeat the part that is wrong, which may be the password
        raise StoreError(
            f"the address of {database} in database.url is not understood: special characters are "
            "written as %XX, and what follows a question mark must be known to PostgreSQL"
        ) from None


def write_engine(
    database: Database, check: Callable[[Driver[Any]], None] = lambda _: None
) -> Engine:
    """`check` raises StoreError for a connection on which nothing may be written."""
    text = conninfo(database, _WRITER)

    def checked() -> Driver[Any]:
        connection = connect(text)
        try:
            check(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    return _engine(checked, poolclass=NullPool)


def read_engine(database: Database) -> Engine:
    text = conninfo(database, _READER)
    return _engine(lambda: connect(text), pool_size=_READERS, max_overflow=0)


def _engine(creator: Callable[[], Driver[Any]], **pool: Any) -> Engine:
    """Transactions are spelled out by whoever writes, as with SQLite."""
    return create_engine(
        "postgresql+psycopg://",
        creator=creator,
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
        hide_parameters=True,
        **pool,
    )


class _Readers:
    """Threads, because a statement that is sent from a thread costs no turn of the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(_READERS, "store-reader")

    async def read(self, work: Callable[[Sql], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._read, work)

    async def close(self) -> None:
        await outlast(asyncio.to_thread(self._threads.shutdown))
        self._engine.dispose()

    def _read(self, work: Callable[[Sql], T]) -> T:
        """Any connection of the pool may have died there. To read once more does no harm."""
        try:
            for _ in range(_READERS):
                with self._engine.connect() as connection, _cleared(connection) as sql:
                    try:
                        return work(sql)
                    except StoreError:
                        if not sql.lost:
                            raise
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be read: {_cause(error)}") from error
        raise StoreError("the database cannot be read: connections are lost again and again")


@contextmanager
def _cleared(connection: Connection) -> Iterator[PostgresSql]:
    """The view of what is committed is that of the first statement, and none is left behind."""
    sql = PostgresSql(connection)
    sql.control_ahead(_READ)
    try:
        yield sql
    finally:
        if sql.in_transaction:
            with suppress(StoreError):
                sql.control("ROLLBACK")
        if sql.lost or sql.in_transaction:
            connection.invalidate()


# --- before anybody else sees it ---


def prepare(
    database: Database, *, key: str, guest: bool = False, migrations: Path = MIGRATIONS
) -> tuple[Vault, str | None]:
    """Check and migrate; of several processes that start together one does it, the others wait.
    Also returns what `filling` says of it.

    A guest only checks. Raises NotOurs, SchemaTooNew or StoreError and leaves all as it was.
    """
    try:
        with keeper(database) as alone:
            vault = _prepare(alone, database, key, guest, migrations)
            return vault, filling(alone)
    except LockNotAvailable as error:
        raise StoreError(f"another process has been migrating {database} for minutes") from error
    except InsufficientPrivilege as error:
        raise StoreError(
            f"the user of {database} may not make the schema {SCHEMA!r}: have somebody who may "
            f"run CREATE SCHEMA {SCHEMA} AUTHORIZATION that user ({_line(error)})"
        ) from error
    except DriverError as error:
        raise StoreError(f"cannot open {database}: {_line(error)}") from error


def keeper(database: Database) -> Driver[Any]:
    """A connection that alone may do something to the database as a whole, until it is closed."""
    alone = connect(conninfo(database, _KEEPER, "yuqiao at the door"))
    try:
        _check_server(alone, database)
        alone.execute(f"SELECT pg_advisory_lock({_TURN + 1})")
    except BaseException:
        alone.close()
        raise
    return alone


def onlooker(database: Database) -> Driver[Any]:
    """A connection that looks at the tables while others work on them."""
    return connect(conninfo(database, _READER))


def holds_tables(alone: Driver[Any], database: Database) -> bool:
    """Tables of ours. Raises NotOurs or SchemaTooNew for what is none of this version or before."""
    tables, revision, _ = _look(alone)
    _head(database, tables, revision, MIGRATIONS)
    return bool(tables)


def filling(connection: Driver[Any]) -> str | None:
    """Changes when everything in the database is replaced; None: it never was."""
    row = connection.execute(_FILLING.text).fetchone()
    return row[0] if row else None


def timeline_on(connection: Driver[Any]) -> Timeline | None:
    """None: the server does not say it, because we may not ask or it is no ordinary one."""
    try:
        row = connection.execute(_TIMELINE).fetchone()
    except (InsufficientPrivilege, UndefinedFunction, FeatureNotSupported) as error:
        logger.warning("the server does not say on which timeline it is: {}", _line(error))
        return None
    assert row is not None  # noqa: S101 - it has no condition
    return Timeline(row[0], int(row[1], 16))


def mark_filling(alone: Driver[Any]) -> None:
    """In the transaction that replaces everything. No row: those are what was brought back, with
    the timeline of the server that they were of."""
    alone.execute("DELETE FROM installation WHERE name = %s", (TIMELINE,))
    alone.execute(f"COMMENT ON TABLE installation IS 'filled {secrets.token_hex(8)}'")


def make_ready(alone: Driver[Any], database: Database, migrations: Path = MIGRATIONS) -> None:
    """Tables of this version, whoever's key they are for."""
    tables, revision, _ = _look(alone)
    if revision != _head(database, tables, revision, migrations):
        _migrate(alone, database, migrations)


def _prepare(
    alone: Driver[Any], database: Database, key: str, guest: bool, migrations: Path
) -> Vault:
    tables, revision, key_check = _look(alone)
    head = _head(database, tables, revision, migrations)
    if guest and (revision != head or key_check is None):
        raise StoreError(
            f"{database} is of another version than this program; start the hub once, it migrates"
        )
    vault = vault_of(database.folder, key, key_check)
    if revision != head:
        _migrate(alone, database, migrations)
    if key_check is None:
        alone.execute(
            "INSERT INTO installation (name, value) VALUES ('key_check', %s)", (vault.seal("ok"),)
        )
    return vault


def _check_server(alone: Driver[Any], database: Database) -> None:
    if alone.info.server_version < _OLDEST_SERVER:
        raise StoreError(f"{database} is PostgreSQL older than {_OLDEST_SERVER // 10_000}")
    (path,) = alone.execute("SHOW search_path").fetchone() or ("",)
    if path != SCHEMA:
        raise StoreError(
            f"the settings of a session do not reach {database}: is there a pooler in between? "
            "Connect to the server itself"
        )
    (encoding,) = alone.execute("SHOW server_encoding").fetchone() or ("",)
    if encoding != "UTF8":
        raise StoreError(
            f"{database} has the encoding {encoding}, which cannot hold every text; make one with "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )


def _look(alone: Driver[Any]) -> tuple[frozenset[str], str | None, str | None]:
    """Tables, revision and key check of what is there before we touch it."""
    names = alone.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
        (SCHEMA,),
    )
    tables = frozenset(name for (name,) in names)
    if not {"alembic_version", "installation"} <= tables:
        return tables, None, None
    revision = alone.execute("SELECT version_num FROM alembic_version").fetchone()
    check = alone.execute("SELECT value FROM installation WHERE name = 'key_check'").fetchone()
    return tables, revision[0] if revision else None, check[0] if check else None


def _head(
    database: Database, tables: frozenset[str], revision: str | None, migrations: Path
) -> str | None:
    if tables and revision is None:
        raise NotOurs(
            f"the schema {SCHEMA!r} of {database} belongs to another program (it holds "
            f"{min(tables)!r}); it was left untouched: choose another database in database.url"
        )
    return known_head(database, revision, migrations)


def _migrate(alone: Driver[Any], database: Database, migrations: Path) -> None:
    found = alone.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,)).fetchone()
    if found is None:
        alone.execute(f"CREATE SCHEMA {SCHEMA}")
    text = conninfo(database, _KEEPER)
    engine = _engine(lambda: connect(text), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            run_steps(connection, migrations, begin="; ".join(BEGIN))
    except SQLAlchemyError as error:
        raise StoreError(f"cannot migrate {database}: {_cause(error)}") from error
    finally:
        engine.dispose()


def _cause(error: SQLAlchemyError) -> str:
    return _line(error.orig if isinstance(error, DBAPIError) and error.orig else error)


def _line(error: BaseException) -> str:
    """The driver says where and why on several lines."""
    return " ".join(str(error).split())
