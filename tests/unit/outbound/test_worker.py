"""The loop that takes due tasks: one shop's crowd or one bad minute stops nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest
from outbound_stage import FakeSession, Stage, add_account, add_conversation

from hub.errors import StoreError
from hub.model import AccountId, TaskKind
from hub.outbound import BuyerSends, Worker
from hub.pacing import Pacer
from hub.store import Store
from hub.xianyu import Session

SECONDS = 30.0
HOUR = 3600.0


async def test_a_long_queue_of_one_account_takes_no_place_of_the_others(stage: Stage) -> None:
    def unit(tx: Any) -> Any:
        crowd = [add_conversation(tx, stage.account, f"6001002003{n}") for n in range(5)]
        other = add_account(tx, stage.shop, "另一家", "2200111122224")
        return crowd, add_conversation(tx, other, "70010020030")

    crowd, elsewhere = await stage.store.write(unit)
    for conversation in crowd:
        await stage.queue("排队", conversation=conversation)
    await stage.queue("不排队", conversation=elsewhere)
    session, sent = FakeSession(), asyncio.Event()

    def session_of(account: AccountId) -> Session:
        if account == elsewhere.account:
            sent.set()
        return cast(Session, session)

    sends = BuyerSends(
        stage.store,
        session_of,
        stage.uploads,
        pacer=Pacer(HOUR),
        look_for=stage.now - stage.now,
        now=stage.clock,
    )
    worker = Worker(stage.store, {TaskKind.SEND: sends}, holder="w", most=2, now=stage.clock)
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(SECONDS):
        await sent.wait()
        await worker.stop()
    await running

    assert sorted(session.said) == ["不排队", "排队"]


async def test_a_store_that_fails_for_a_moment_does_not_end_the_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.outbound.worker.IDLE_SECONDS", 0.01)
    failing_store = _FailingFirst(stage.store)
    stage.session = FakeSession()
    await stage.queue()
    worker = Worker(
        cast(Store, failing_store),
        {TaskKind.SEND: stage.sends},
        holder="w",
        most=2,
        now=stage.clock,
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(SECONDS), stage.store.changes():
        while await stage.open_tasks() != {TaskKind.RECEIPT: 1}:
            await stage.store.wait_for_tasks(0.05)
        await worker.stop()
    await running

    assert stage.session.said == ["在的"]


async def test_a_store_that_stays_broken_ends_the_worker(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.outbound.worker.BROKEN_STORE_SECONDS", 0)
    monkeypatch.setattr("hub.outbound.worker.IDLE_SECONDS", 0.001)
    store = _FailingFirst(stage.store, times=1000)
    worker = Worker(
        cast(Store, store), {TaskKind.SEND: stage.sends}, holder="w", most=2, now=stage.clock
    )

    async with asyncio.timeout(SECONDS):
        with pytest.raises(BaseExceptionGroup) as raised:
            await worker.run()
    assert raised.group_contains(StoreError)


async def test_nothing_is_left_half_claimed_by_a_stop(stage: Stage) -> None:
    """A claim that is under way when the stop comes is performed and waited for."""
    store = _SlowClaim(stage.store)
    stage.session = FakeSession()
    await stage.queue()
    worker = Worker(
        cast(Store, store), {TaskKind.SEND: stage.sends}, holder="w", most=2, now=stage.clock
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(SECONDS):
        await store.claiming.wait()
        stopping = asyncio.create_task(worker.stop())
        await asyncio.sleep(0)
        store.go_on.set()
        await stopping

    assert stage.session.said == ["在的"]
    await running


async def test_a_message_is_claimed_once_and_looked_for_no_more(stage: Stage) -> None:
    """What a claim did not find cannot be there: only news of the store is a reason to look."""
    stage.session = FakeSession()
    counting = _Counting(stage.store)
    worker = Worker(
        cast(Store, counting), {TaskKind.SEND: stage.sends}, holder="w", most=9, now=stage.clock
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(SECONDS):
        await counting.idle.wait()
        counting.claims = 0
        await stage.queue("在的")
        while await stage.open_tasks() != {TaskKind.RECEIPT: 1}:
            await stage.store.wait_for_tasks(0.05)
        await worker.stop()
    running.cancel()
    await asyncio.wait([running])

    assert stage.session.said == ["在的"]
    assert counting.claims == 1


class _Counting:
    """The stage's store; it counts the claims of a worker, and knows when the worker waits."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.claims = 0
        self.idle = asyncio.Event()

    async def write(self, unit: Callable[[Any], Any]) -> Any:
        self.claims += "_claim" in unit.__qualname__
        return await self._store.write(unit)

    async def wait_for_tasks(self, _: float, kinds: frozenset[TaskKind]) -> None:
        self.idle.set()
        await self._store.wait_for_tasks(SECONDS, kinds)


class _FailingFirst:
    """The stage's store; its first writes fail."""

    def __init__(self, store: Store, times: int = 3) -> None:
        self._store = store
        self._times = times
        self.alone = store.alone
        self.wait_for_tasks = store.wait_for_tasks

    async def write(self, unit: Callable[[Any], Any]) -> Any:
        if self._times:
            self._times -= 1
            raise StoreError("database or disk is full")
        return await self._store.write(unit)


class _SlowClaim:
    """The stage's store; a write takes until it is allowed to go on."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.claiming = asyncio.Event()
        self.go_on = asyncio.Event()
        self.wait_for_tasks = store.wait_for_tasks

    async def write(self, unit: Callable[[Any], Any]) -> Any:
        result = await self._store.write(unit)
        self.claiming.set()
        await self.go_on.wait()
        return result
