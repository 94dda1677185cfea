"""The store contract: written once, for each engine that claims to keep it.

PostgreSQL runs as a server of the test run's own, started when the first test asks for it.
"""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event
from store_stage import Opener, Stage, furnish

from hub.store import Database, Store, open_store
from hub.store.tables import metadata
from tests.postgres import MISSING, Server, can_serve, server


@dataclass(frozen=True, slots=True)
class Cluster:
    server: Server
    url: str
    folder: Path
    cleaner: psycopg.Connection[Any]
    """Kept: a new session plans all of it anew, which takes ten times as long as doing it."""

    def clear(self) -> None:
        """As it was made. A database for each test would cost more than the test."""
        self.cleaner.execute(_CLEAR)


_CLEAR = """
DO $$
DECLARE name text;
BEGIN
  SET LOCAL session_replication_role = replica;
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'yuqiao'
    AND tablename NOT IN ('alembic_version', 'installation', 'shops') LOOP
    EXECUTE format('DELETE FROM yuqiao.%I', name);
  END LOOP;
  FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'yuqiao'
    AND sequencename <> 'shops_id_seq' LOOP
    PERFORM setval(format('yuqiao.%I', name), 1, false);
  END LOOP;
  UPDATE yuqiao.shops SET tickets = 0, rules_version = 0;
END $$
"""


OWNED = {table.name for table in metadata.tables.values() if "shop_id" in table.c}

SYSTEM_WIDE = {
    "SELECT id, shop_id, name, platform_user": "accounts WHERE enabled",
    "SELECT 0 FROM accounts WHERE platform_user": "one login is one account",
    "FROM members m WHERE m.name": "by_name",
    "FROM member_qqs q JOIN members m": "by_qq, operators_qq",
    "SELECT 0 FROM members WHERE": "name taken, any_with_password",
    "FROM web_sessions s JOIN members": "find",
    "DELETE FROM web_sessions WHERE token_hash": "remove",
    "DELETE FROM web_sessions WHERE expires_at": "housekeeping",
    "UPDATE outbox SET state = ?, holder = ?, due_at": "claim",
    "FROM outbox WHERE id = ": "get, state",
    "SELECT min(due_at) FROM outbox": "next_due",
    "SELECT kind, count(*) FROM": "backlog",
    "UPDATE outbox SET due_at = 0 WHERE": "hasten",
    "FROM relays WHERE bot": "find",
}
"""Statements that rightly ask no shop (literals are replaced): their beginning or a part, and why.
A shop filter in one of them is fine as well."""

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_NUMBER = re.compile(r"\b\d+\b")
_TABLE = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO)\s+(\w+)", re.IGNORECASE)
_FILTER = re.compile(r"\bshop_id = ")
_INSERTED = re.compile(r"^INSERT INTO \w+ \([^)]*\bshop_id\b")


def without_shop(sql: str) -> bool:
    """Does this statement touch owned rows without saying whose?"""
    plain = _NUMBER.sub("0", _LITERAL.sub("?", sql))
    touched = [name for name in _TABLE.findall(plain) if name in OWNED]
    said = len(_FILTER.findall(plain)) + len(_INSERTED.findall(plain))
    return said < len(touched) and not any(part in plain for part in SYSTEM_WIDE)


@pytest.fixture(autouse=True)
def every_statement_names_the_shop() -> Iterator[None]:
    """Watches each statement that reaches SQLite, in every test of the contract."""
    offenders: set[str] = set()

    def look(sql: str) -> None:
        if without_shop(sql):
            offenders.add(sql)

    def watch(connection: Any, _record: object) -> None:
        if hasattr(connection, "run_async"):
            connection.run_async(lambda driver: driver.set_trace_callback(look))
        elif hasattr(connection, "set_trace_callback"):
            connection.set_trace_callback(look)

    event.listen(Engine, "connect", watch)
    try:
        yield
    finally:
        event.remove(Engine, "connect", watch)
    assert not offenders


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a fresh database, made once: migrating costs more than most tests."""
    folder = tmp_path_factory.mktemp("new")

    async def make() -> None:
        async with open_store(folder / "hub.db"):
            pass

    asyncio.run(make())
    return folder


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server, the one database in it that tests use in turns, and the folder with its key."""
    if not can_serve():
        pytest.skip(MISSING)
    folder = tmp_path_factory.mktemp("cluster")
    with server() as running:
        url = running.make()

        async def make() -> None:
            async with open_store(Database(folder / "hub.db", url)):
                pass

        asyncio.run(make())
        with psycopg.connect(url, autocommit=True) as cleaner:
            yield Cluster(running, url, folder, cleaner)


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same database as often as it is called, one at a time."""
    folder = tmp_path / "data"
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("new_database"), folder)
        yield lambda: open_store(folder / "hub.db")
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    shutil.copytree(cluster.folder, folder)
    yield lambda: open_store(Database(folder / "hub.db", cluster.url))
    cluster.clear()


@pytest.fixture
async def store(opener: Opener) -> AsyncIterator[Store]:
    async with opener() as opened:
        yield opened


@pytest.fixture
async def stage(store: Store) -> Stage:
    return Stage(store, *await store.write(furnish))


@pytest.fixture
def new(cluster: Any, tmp_path: Path) -> Iterator[Database]:
    """An empty one."""
    url = cluster.server.make()
    yield Database(tmp_path / "hub.db", url)
    cluster.server.remove(url)
