"""The writer when a commit fails: nobody is told that something is safe which is not."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.model import ConversationId, Role
from hub.store import Store, Timeline, Tx, open_store, writer
from hub.store.sql import Sql

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WAIT = 30.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db") as opened:
        yield opened


def add_member(tx: Tx, name: str) -> str:
    return tx.members.add(tx.shops.default(), name, Role.AGENT, now=NOW).name


async def names(store: Store) -> set[str]:
    members = await store.read(lambda tx: tx.members.all(tx.shops.default()))
    return {member.name for member in members}


async def test_what_comes_first_is_done_before_anything_else_or_nothing_is(tmp_path: Path) -> None:
    def fails(tx: Tx, _timeline: Timeline | None) -> None:
        add_member(tx, "ghost")
        raise ValueError("no")

    with pytest.raises(StoreError, match="no"):
        async with open_store(tmp_path / "hub.db", first=fails):
            pass
    timelines = []

    def first(tx: Tx, timeline: Timeline | None) -> None:
        timelines.append(timeline)
        add_member(tx, "first")

    async with open_store(tmp_path / "hub.db", first=first) as store:
        with pytest.raises(ValueError, match="by itself"):
            await store.write(lambda _: (_ for _ in ()).throw(ValueError("by itself")))
        await store.write(lambda tx: add_member(tx, "second"))
        assert await names(store) == {"first", "second"}
    assert timelines == [None]


def break_the_commit(tx: Tx) -> None:
    """A foreign key that is only checked at the commit, and wrong."""
    tx.shops._sql.control("PRAGMA defer_foreign_keys = ON")
    tx.decisions.add(
        tx.shops.default(),
        conversation=ConversationId(999),
        message=None,
        outcome="",
        reason="",
        now=NOW,
    )


async def committed_together(
    store: Store, *units: Callable[[Tx], object]
) -> list[object | BaseException]:
    """Have these units in one transaction; their results or errors."""
    loop = asyncio.get_running_loop()
    started = asyncio.Event()
    go_on = threading.Event()

    def occupy(_tx: Tx) -> None:
        loop.call_soon_threadsafe(started.set)
        assert go_on.wait(WAIT)

    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        tasks.create_task(store.write(occupy))
        await started.wait()
        together = asyncio.gather(*map(store.write, units), return_exceptions=True)
        await asyncio.sleep(0)
        go_on.set()
        return await together


async def test_a_commit_that_fails_fails_for_everybody_in_it(store: Store) -> None:
    results = await committed_together(
        store, partial(add_member, name="neighbour"), break_the_commit
    )
    assert [type(result) for result in results] == [StoreError, StoreError]
    assert await names(store) == set()
    assert await store.write(partial(add_member, name="afterwards")) == "afterwards"


async def test_what_has_not_begun_in_time_is_left_to_the_next_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other hubs wait for their turn until this one has committed."""
    monkeypatch.setattr(writer, "_SECONDS_PER_COMMIT", -1.0)
    results = await committed_together(
        store, *(partial(add_member, name=name) for name in "ab"), break_the_commit, add_late
    )
    assert [*results[:2], type(results[2]), results[3]] == ["a", "b", StoreError, "late"]
    assert await names(store) == {"a", "b", "late"}


def add_late(tx: Tx) -> str:
    return add_member(tx, "late")


async def test_units_that_were_left_hear_of_it_when_the_writer_breaks_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun can neither be committed nor rolled back."""

    control = Sql.control

    def break_down(_: Tx) -> None:
        monkeypatch.setattr(Sql, "control", fail_at_the_end)

    def fail_at_the_end(sql: Sql, *statements: str) -> None:
        if {"COMMIT", "ROLLBACK"}.intersection(statements):
            raise StoreError("gone")
        control(sql, *statements)

    monkeypatch.setattr(writer, "_SECONDS_PER_COMMIT", -1.0)
    async with open_store(tmp_path / "hub.db") as store:
        results = await committed_together(store, break_down, add_late)
    assert [type(one) for one in results] == [StoreError, StoreError]


def lose_the_transaction(tx: Tx) -> None:
    """What SQLite does by itself when the disk is full; this unit does not even notice."""
    tx.shops._sql.control("ROLLBACK")


async def test_a_lost_transaction_is_told_to_everybody_in_it(store: Store) -> None:
    results = await committed_together(
        store,
        partial(add_member, name="before"),
        lose_the_transaction,
        partial(add_member, name="after"),
    )
    assert [type(result) for result in results] == [StoreError] * 3
    assert await names(store) == set()
    with pytest.raises(StoreError, match="lost"):
        await store.write(lose_the_transaction)
    assert await store.write(partial(add_member, name="afterwards")) == "afterwards"


async def test_a_commit_that_fails_announces_nothing(store: Store) -> None:
    def unit(tx: Tx) -> None:
        add_member(tx, "lost")
        break_the_commit(tx)

    async with store.changes() as changes:
        with pytest.raises(StoreError):
            await store.write(unit)
        await store.write(lambda tx: add_member(tx, "kept"))
        async with asyncio.timeout(WAIT):
            change = await anext(aiter(changes))
    kept = await store.read(lambda tx: tx.members.by_name("kept"))
    assert kept is not None
    assert change.id == kept.id


async def test_a_full_disk_is_told_to_those_whose_rows_are_not_stored(store: Store) -> None:
    def fill(tx: Tx) -> None:
        tx.values.set(tx.shops.default(), "big", "x" * 10_000_000)

    await store.write(lambda tx: tx.shops._sql.control("PRAGMA max_page_count = 300"))
    async with asyncio.timeout(WAIT):
        results = await asyncio.gather(
            store.write(lambda tx: add_member(tx, "a")),
            store.write(fill),
            store.write(lambda tx: add_member(tx, "b")),
            return_exceptions=True,
        )
    assert isinstance(results[1], StoreError)
    assert await names(store) == {result for result in results if isinstance(result, str)}
    await store.write(lambda tx: tx.shops._sql.control("PRAGMA max_page_count = 1000000"))
    await store.write(lambda tx: add_member(tx, "afterwards"))


async def test_a_unit_may_raise_what_no_future_takes(store: Store) -> None:
    async with asyncio.timeout(WAIT):
        with pytest.raises(RuntimeError, match="StopIteration"):
            await store.write(lambda _tx: next(iter(())))
    await store.ping()


async def test_a_cancelled_close_still_ends_the_writer(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    entered = asyncio.Event()

    async def live() -> None:
        async with open_store(path) as store:
            entered.set()
            await asyncio.gather(
                *(store.write(partial(add_member, name=f"m{n}")) for n in range(50))
            )
            await asyncio.Event().wait()

    task = asyncio.create_task(live())
    async with asyncio.timeout(WAIT):
        await entered.wait()
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert not [t for t in threading.enumerate() if t.name == "store-writer"]
    async with open_store(path) as store:
        await store.ping()
