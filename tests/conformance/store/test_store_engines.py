"""What only PostgreSQL has to prove: every statement is understood, and hubs share a database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from cryptography.fernet import Fernet
from store_stage import NOTICE, WAIT, at, bring_back

from hub.errors import NotOurs, SchemaTooNew, StoreError
from hub.model import Role, TaskKind
from hub.store import (
    Change,
    Database,
    Store,
    Tx,
    copy_out,
    copying,
    open_store,
    postgres,
)
from hub.store.outbox import claim_statement
from hub.store.postgres import PostgresGround, write_engine
from hub.store.postgres_sql import PostgresSql
from hub.store.sql import Announcement, Statement
from hub.store.tables import metadata
from tests.statements import statements


@pytest.fixture
def one(cluster: Any) -> Iterator[Database]:
    """One that is ready."""
    yield Database(cluster.folder / "hub.db", cluster.url)
    cluster.clear()


@pytest.fixture
async def two(one: Database) -> AsyncIterator[tuple[Store, Store]]:
    """Two hubs on it."""
    async with open_store(one) as first, open_store(one) as second:
        yield first, second


def add_member(tx: Tx, name: str) -> int:
    return tx.members.add(tx.shops.default(), name, Role.AGENT, now=at()).id


async def names(store: Store) -> list[str]:
    members = await store.read(lambda tx: tx.members.all(tx.shops.default()))
    return [member.name for member in members]


# --- Statements -----------------------------------------------------------------------------------


def test_postgresql_understands_every_statement(one: Database) -> None:
    """As it will be asked: prepared, so that each value gets its type from where it stands."""
    engine = write_engine(one)
    refused = {}
    with engine.connect() as connection:
        sql = PostgresSql(connection)
        claims = [claim_statement(frozenset(kinds)) for kinds in ((), TaskKind)]
        found = [*statements(), *((f"outbox.claim {n}", one) for n, one in enumerate(claims))]
        for name, statement in found:
            try:
                sql.control(f"EXPLAIN {sql.prepared(statement) % _Nothing()}")
            except StoreError as error:
                refused[name] = str(error)
        assert not sql.in_transaction
    engine.dispose()
    assert len(found) > 300
    assert refused == {}


class _Nothing(dict[str, str]):
    """A value for whatever a statement asks for."""

    def __missing__(self, name: str) -> str:
        return "NULL"


async def test_the_server_plans_a_statement_once_whatever_became_of_its_first_unit(
    one: Database,
) -> None:
    """What was said of it outlives the transaction, and ends with the connection."""
    asked = Statement("SELECT CAST(:n AS BIGINT) + 1")
    known = Statement("SELECT count(*) FROM pg_prepared_statements")

    def unit(tx: Tx, n: int) -> tuple[Any, Any]:
        found = tx.shops._sql.value(asked, n=n), tx.shops._sql.value(known)
        if n < 0:
            raise ValueError(n)
        return found

    async with open_store(one) as store:
        for together in (1, 3):
            units = (store.write(partial(unit, n=-1)) for _ in range(together))
            found = await asyncio.gather(*units, return_exceptions=True)
            assert [type(one) for one in found] == [ValueError] * together
        (first, before), (second, after) = [await store.write(partial(unit, n=n)) for n in (1, 2)]
        assert (first, second) == (2, 3)
        assert before == after
        assert end_sessions(one)
        assert (await store.write(partial(unit, n=3)))[0] == 4


def test_a_plan_that_is_kept_does_not_read_a_whole_table_that_was_small_then(one: Database) -> None:
    engine = write_engine(one)
    with engine.connect() as connection:
        sql = PostgresSql(connection)
        sql.control("ANALYZE shops")
        named = sql.prepared(Statement("SELECT name FROM shops WHERE id = :id")) % {"id": "1"}
        plan = sql._send(f"EXPLAIN {named}").get_value(0, 0)
    engine.dispose()
    assert plan.startswith(b"Index Scan")


# --- Opening --------------------------------------------------------------------------------------


def test_the_steps_end_at_the_tables_of_the_code(one: Database) -> None:
    engine = write_engine(one)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


async def test_hubs_that_start_together_make_one_schema_and_one_key(new: Database) -> None:
    async with AsyncExitStack() as stack:
        stores = await asyncio.gather(
            *(stack.enter_async_context(open_store(new)) for _ in range(3))
        )
        sealed = stores[0].seal("cookie")
        assert [store.unseal(sealed) for store in stores] == ["cookie"] * 3
        assert len({await store.read(lambda tx: tx.shops.default()) for store in stores}) == 1
        assert not any(store.alone for store in stores)


async def refused(database: Database, error: type[StoreError], **given: Any) -> str:
    with pytest.raises(error) as caught:
        async with open_store(database, **given):
            pass
    said = str(caught.value)
    assert "\n" not in said
    assert "secret" not in said
    return said


async def test_a_schema_of_another_program_is_left_alone(new: Database) -> None:
    with psycopg.connect(new.url) as connection:
        connection.execute("CREATE SCHEMA yuqiao")
        connection.execute("CREATE TABLE yuqiao.papers (id int)")
    assert "another program" in await refused(new, NotOurs)
    assert not list(new.folder.glob("*.key"))


async def test_tables_of_others_beside_ours_do_no_harm(new: Database) -> None:
    with psycopg.connect(new.url) as connection:
        connection.execute("CREATE TABLE public.messages (id int)")
    async with open_store(new) as store:
        await store.write(lambda tx: add_member(tx, "老板"))
        assert await names(store) == ["老板"]


async def test_a_newer_schema_a_wrong_key_and_a_wrong_encoding_are_refused(
    new: Database, cluster: Any, tmp_path: Path
) -> None:
    async with open_store(new):
        pass
    elsewhere = Database(tmp_path / "other" / "hub.db", new.url)
    assert "key file" in await refused(elsewhere, StoreError)
    assert "key" in await refused(new, StoreError, key=Fernet.generate_key().decode())
    with psycopg.connect(new.url) as connection:
        connection.execute("UPDATE yuqiao.alembic_version SET version_num = '0999'")
    assert "0999" in await refused(new, SchemaTooNew)
    latin = cluster.server.make(ENCODING="LATIN1", LOCALE="C")
    assert "LATIN1" in await refused(Database(new.path, latin), StoreError)
    cluster.server.remove(latin)


async def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    nowhere = Database(tmp_path / "hub.db", "postgresql://app:secret@127.0.0.1:9/none")
    assert "postgresql://127.0.0.1:9/none" in await refused(nowhere, StoreError)
    assert "secret" not in repr(nowhere)
    for wrong in ("app:secret%zz@127.0.0.1", "app:secret%00@127.0.0.1"):
        database = Database(tmp_path / "hub.db", f"postgresql://{wrong}:9/none")
        assert "%XX" in await refused(database, StoreError)


async def test_settings_that_do_not_reach_the_server_are_noticed(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a pooler that ignores them: our tables would be looked for, and made, elsewhere."""
    monkeypatch.setattr(postgres, "conninfo", lambda database, *_: database.url)
    assert "pooler" in await refused(one, StoreError)


async def test_a_guest_works_beside_hubs_and_never_migrates(new: Database) -> None:
    await refused(new, StoreError, guest=True)
    async with open_store(new), open_store(new, guest=True) as guest:
        await guest.write(lambda tx: add_member(tx, "guest"))
        assert await names(guest) == ["guest"]


# --- Several hubs ---------------------------------------------------------------------------------


async def test_what_one_hub_commits_wakes_the_others_and_is_told_to_them_once(
    two: tuple[Store, Store],
) -> None:
    first, second = two

    def unit(tx: Tx) -> int:
        shop = tx.shops.default()
        tx.outbox.enqueue(shop, NOTICE, lane="a", key="1", due_at=at())
        return add_member(tx, "老板")

    kinds = frozenset({TaskKind.NOTICE})
    async with first.changes() as here, second.changes() as there, asyncio.timeout(WAIT):
        id_ = await first.write(unit)
        await second.wait_for_tasks(WAIT * 2, kinds)
        shop = await second.read(lambda tx: tx.shops.default())
        assert await anext(here) == await anext(there) == Change(shop, "member", id_)
        # Its own announcement comes back to `first` before the one of `second`.
        other = await second.write(lambda tx: add_member(tx, "客服"))
        assert await anext(here) == await anext(there) == Change(shop, "member", other)


async def test_many_changes_in_one_commit_reach_the_others(two: tuple[Store, Store]) -> None:
    first, second = two
    async with second.changes() as there, asyncio.timeout(WAIT):
        await first.write(lambda tx: [add_member(tx, f"m{n}") for n in range(400)])
        while (await anext(there)).id != 400:
            pass


async def test_units_of_two_hubs_never_overlap(two: tuple[Store, Store]) -> None:
    """Each reads a number and writes the next one: with an overlap, one of them would be lost."""

    def unit(tx: Tx) -> None:
        shop = tx.shops.default()
        tx.values.set(shop, "n", str(int(tx.values.get(shop, "n") or 0) + 1))

    async with asyncio.timeout(WAIT * 3):
        await asyncio.gather(*(store.write(unit) for _ in range(100) for store in two))
    found = await two[0].read(lambda tx: tx.values.get(tx.shops.default(), "n"))
    assert found == "200"


async def test_a_stricter_default_of_the_database_changes_nothing(new: Database) -> None:
    """With it each unit would see what was there before it waited for its turn."""
    with psycopg.connect(new.url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(
            f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'"
        )

    def unit(tx: Tx) -> None:
        shop = tx.shops.default()
        tx.values.set(shop, "n", str(int(tx.values.get(shop, "n") or 0) + 1))

    async with open_store(new) as first, open_store(new) as second, asyncio.timeout(WAIT * 3):
        for _ in range(10):
            await asyncio.gather(first.write(unit), second.write(unit))
        found = await first.read(lambda tx: tx.values.get(tx.shops.default(), "n"))
    assert found == "20"


async def test_a_commit_is_on_the_disk_however_the_server_is_set(new: Database) -> None:
    asked = Statement("SELECT current_setting('synchronous_commit')")
    with psycopg.connect(new.url) as connection:
        (default,) = connection.execute(asked.text).fetchone() or ("",)
    assert default == "off", "of the server of the tests"

    async with open_store(new) as store:
        assert await store.write(lambda tx: tx.shops._sql.value(asked)) == "on"


# --- Trouble --------------------------------------------------------------------------------------


def end_sessions(database: Database, which: str = "true") -> int:
    """Returns how many there were."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ="  # noqa: S608 - said in this file
            f" 'yuqiao' AND datname = current_database() AND {which}"
        ).fetchall()
    return len(rows)


async def test_connections_that_died_while_nobody_worked_are_not_noticed(one: Database) -> None:
    async with open_store(one) as store:
        await store.write(lambda tx: add_member(tx, "before"))
        assert await names(store) == ["before"]
        assert end_sessions(one) >= 3
        await store.write(lambda tx: add_member(tx, "after"))
        assert await names(store) == ["before", "after"]


async def test_what_comes_first_is_kept_though_the_only_unit_behind_it_fails(one: Database) -> None:
    """It is not done again on the same connection."""
    count = iter(range(1, 9))

    def first(tx: Tx, _line: object) -> None:
        add_member(tx, f"first {next(count)}")

    def fails(_tx: Tx) -> None:
        raise ValueError("by itself")

    async with open_store(one, first=first) as store:
        assert end_sessions(one)
        for _ in range(2):  # the first of them may still meet the dying connection
            with pytest.raises((ValueError, StoreError)):
                await store.write(fails)
        await store.write(lambda tx: add_member(tx, "after"))
        assert await names(store) == ["first 1", "first 2", "after"]


async def test_a_unit_whose_connection_dies_fails_and_leaves_nothing(one: Database) -> None:
    loop = asyncio.get_running_loop()
    running, go_on = asyncio.Event(), threading.Event()

    def unit(tx: Tx) -> None:
        add_member(tx, "half")
        loop.call_soon_threadsafe(running.set)
        assert go_on.wait(WAIT)
        add_member(tx, "never")

    async with open_store(one) as store:
        write = asyncio.ensure_future(store.write(unit))
        async with asyncio.timeout(WAIT):
            await running.wait()
        assert end_sessions(one, "state = 'idle in transaction'") == 1
        go_on.set()
        with pytest.raises(StoreError):
            await write
        await store.write(lambda tx: add_member(tx, "afterwards"))
        assert await names(store) == ["afterwards"]


async def test_what_a_lost_commit_has_changed_is_told(
    one: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, deadly = PostgresGround._commit, threading.Event()

    def cut(self: PostgresGround, announcements: Sequence[Announcement]) -> Sequence[str]:
        end = ("SELECT pg_terminate_backend(pg_backend_pid())",) if deadly.is_set() else ()
        deadly.clear()
        return (*commit(self, announcements), *end)

    monkeypatch.setattr(PostgresGround, "_commit", cut)
    async with open_store(one) as store, store.changes() as here, asyncio.timeout(WAIT):
        deadly.set()
        with pytest.raises(StoreError):
            await store.write(lambda tx: add_member(tx, "老板"))
        await store.write(lambda tx: tx.shops.default())
        assert (await anext(here)).noun == "member"
        assert await names(store) == ["老板"]


async def test_a_hub_that_was_away_does_not_write_into_what_was_restored_meanwhile(
    new: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(new) as store:
        copy_out(new, tmp_path / "copy.db")
        monkeypatch.setattr(copying, "_check_nobody", lambda *_: None)
        await asyncio.to_thread(bring_back, tmp_path / "copy.db", new)
        assert end_sessions(new)
        with pytest.raises(StoreError, match="restored under this hub"):
            await store.write(lambda tx: add_member(tx, "老板"))
    async with open_store(new) as store:
        assert await names(store) == []


async def test_a_hub_that_comes_back_during_a_restore_does_not_write_into_what_that_brings(
    new: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is made while the old rows are there, and it waits until they are not."""
    brought, fill = threading.Event(), copying._fill_server

    def filled(file: sqlite3.Connection, target: Any) -> None:
        fill(file, target)
        brought.set()
        for _ in range(int(WAIT * 20)):
            waiting = "SELECT pg_sleep(0.05) FROM pg_locks WHERE NOT granted LIMIT 1"
            if target.execute(waiting).fetchone():
                return
            target.execute("SELECT pg_sleep(0.05)")
        raise AssertionError("nobody waits")

    monkeypatch.setattr(copying, "_fill_server", filled)
    monkeypatch.setattr(copying, "_check_nobody", lambda *_: None)
    async with open_store(new) as store:
        copy_out(new, tmp_path / "copy.db")
        assert end_sessions(new)
        bringing = asyncio.create_task(asyncio.to_thread(bring_back, tmp_path / "copy.db", new))
        assert await asyncio.to_thread(brought.wait, WAIT)
        with pytest.raises(StoreError, match="restored under this hub"):
            await store.write(lambda tx: add_member(tx, "老板"))
        await bringing
    async with open_store(new) as store:
        assert await names(store) == []


async def test_a_unit_that_hides_a_failed_statement_is_not_taken_for_done(one: Database) -> None:
    def unit(tx: Tx) -> None:
        add_member(tx, "half")
        with contextlib.suppress(StoreError):
            tx.shops._sql.control("SELECT nonsense")

    async with open_store(one) as store:
        for others in ((), (partial(add_member, name="neighbour"),)):
            results = await asyncio.gather(
                *(store.write(one) for one in (unit, *others)), return_exceptions=True
            )
            assert isinstance(results[0], StoreError)
        assert await names(store) == ["neighbour"]


async def test_an_ear_that_was_deaf_has_everybody_look_again(
    two: tuple[Store, Store], one: Database
) -> None:
    _, second = two
    async with second.changes() as there, asyncio.timeout(WAIT * 2):
        assert end_sessions(one, "query LIKE 'LISTEN%'") == 2
        await second.wait_for_tasks(WAIT)
        assert (await anext(there)).id == 0


async def test_a_text_may_hold_what_postgresql_cannot(one: Database) -> None:
    async with open_store(one) as store:
        await store.write(lambda tx: tx.values.set(tx.shops.default(), "x", "a\x00b"))
        found = await store.read(lambda tx: tx.values.get(tx.shops.default(), "x"))
    assert found == "a\ufffdb"
