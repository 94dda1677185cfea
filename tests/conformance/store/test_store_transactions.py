"""Units of work: all or nothing, apart from their neighbours, told only when committed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import pytest
from store_stage import WAIT, Opener, Stage, at, furnish, writer_held_up, yield_to_others

from hub.errors import Conflict, StoreError
from hub.model import Role, TaskKind, TaskState
from hub.store import EVERY_KIND, Change, Store, Tx


class Broken(Exception):
    pass


def add_member(tx: Tx, name: str) -> int:
    return tx.members.add(tx.shops.default(), name, Role.AGENT, now=at()).id


async def names(store: Store) -> list[str]:
    members = await store.read(lambda tx: tx.members.all(tx.shops.default()))
    return [member.name for member in members]


async def test_what_write_returned_is_visible_to_readers(store: Store) -> None:
    for number in range(20):
        await store.write(partial(add_member, name=f"m{number}"))
        assert len(await names(store)) == number + 1


async def test_a_failing_unit_leaves_nothing_and_raises_at_its_caller(store: Store) -> None:
    def unit(tx: Tx) -> None:
        add_member(tx, "half")
        raise Broken

    with pytest.raises(Broken):
        await store.write(unit)
    assert await names(store) == []


async def test_a_failing_unit_does_not_hurt_its_neighbours(store: Store) -> None:
    def broken(tx: Tx) -> int:
        add_member(tx, "half")
        raise Broken

    async with writer_held_up(store):
        units: list[Callable[[Tx], int]] = [
            partial(add_member, name="before"),
            broken,
            partial(add_member, name="before"),
            partial(add_member, name="after"),
        ]
        writes = asyncio.gather(*map(store.write, units), return_exceptions=True)
        await yield_to_others()
    first, second, third, fourth = await writes
    assert (type(first), type(second), type(third), type(fourth)) == (int, Broken, Conflict, int)
    assert await names(store) == ["before", "after"]


async def test_units_happen_in_the_order_in_which_they_were_given(store: Store) -> None:
    order: list[int] = []

    def take_turn(number: int, _tx: Tx) -> None:
        order.append(number)

    async with writer_held_up(store):
        writes = asyncio.gather(*(store.write(partial(take_turn, n)) for n in range(600)))
        await yield_to_others()
    await writes
    assert order == list(range(600))


async def test_a_caller_cancelled_while_waiting_leaves_nothing_half_done(store: Store) -> None:
    async with writer_held_up(store):
        write = asyncio.create_task(store.write(lambda tx: add_member(tx, "never wanted")))
        await yield_to_others()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
    await store.write(lambda tx: add_member(tx, "next"))
    assert await names(store) == ["next"]


async def test_a_caller_cancelled_while_its_unit_runs_finds_it_done_completely(
    store: Store,
) -> None:
    loop = asyncio.get_running_loop()
    running = asyncio.Event()

    def unit(tx: Tx) -> None:
        add_member(tx, "one")
        loop.call_soon_threadsafe(running.set)
        add_member(tx, "two")

    write = asyncio.create_task(store.write(unit))
    async with asyncio.timeout(WAIT):
        await running.wait()
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    await store.write(lambda tx: add_member(tx, "next"))
    assert await names(store) == ["one", "two", "next"]


async def test_readers_that_are_cancelled_leave_the_store_usable(stage: Stage) -> None:
    for _ in range(20):
        reads = [
            asyncio.create_task(stage.store.read(lambda tx: tx.members.all(stage.shop)))
            for _ in range(8)
        ]
        await yield_to_others()
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
    await stage.do(lambda tx: add_member(tx, "still here"))
    assert await names(stage.store) == ["still here"]


async def test_a_reader_sees_one_moment(store: Store) -> None:
    written = asyncio.Event()

    def read(tx: Tx) -> set[int]:
        shop = tx.shops.default()
        seen = {len(tx.members.all(shop))}
        for _ in range(10_000):  # each look lets the writer go on
            if written.is_set():
                return seen | {len(tx.members.all(shop))}
            seen.add(len(tx.members.all(shop)))
        raise AssertionError("the write never came through")

    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(store.read(read))
        await yield_to_others()
        await store.write(lambda tx: add_member(tx, "meanwhile"))
        written.set()
    assert len(reading.result()) == 1


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError):
        await store.read(lambda tx: add_member(tx, "smuggled"))
    assert await names(store) == []


async def test_closing_writes_what_waits(opener: Opener) -> None:
    async with opener() as store, writer_held_up(store):
        writes = asyncio.gather(
            *(store.write(partial(add_member, name=f"m{n}")) for n in range(300))
        )
        await yield_to_others()
    assert len(await writes) == 300
    async with opener() as store:
        assert len(await names(store)) == 300


async def test_a_closed_store_says_so(opener: Opener) -> None:
    async with opener() as store:
        pass
    with pytest.raises(StoreError, match="closed"):
        await store.write(lambda tx: tx.shops.default())
    with pytest.raises(StoreError, match="closed"):
        await store.ping()


async def test_ping_answers_for_an_open_store(store: Store) -> None:
    await store.ping()


async def test_everything_survives_reopening(opener: Opener) -> None:
    async with opener() as store:
        shop, account, conversation = await store.write(furnish)
    async with opener() as store:
        assert await store.read(lambda tx: tx.accounts.get(shop, account.id)) == account
        found = await store.read(lambda tx: tx.conversations.get(shop, conversation.id))
        assert found == conversation
        cookies = await store.read(lambda tx: tx.accounts.cookies(shop, account.id))
        assert cookies == "unb=1; cookie2=secret-1"


# --- Wake-ups -------------------------------------------------------------------------------------


async def woken(
    store: Store, within: float = WAIT, kinds: frozenset[TaskKind] = EVERY_KIND
) -> bool:
    async with asyncio.timeout(WAIT * 2):
        started = asyncio.get_running_loop().time()
        await store.wait_for_tasks(within, kinds)
        return asyncio.get_running_loop().time() - started < within


async def test_a_task_wakes_the_waiter(stage: Stage) -> None:
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(woken(stage.store))
        await yield_to_others()
        await stage.do(lambda tx: stage.enqueue(tx, "a", "1"))
    assert waiting.result()


async def test_a_task_committed_before_the_wait_is_not_missed(stage: Stage) -> None:
    await stage.do(lambda tx: stage.enqueue(tx, "a", "1"))
    assert await woken(stage.store)


async def test_each_of_several_workers_is_woken_even_if_another_was_first(stage: Stage) -> None:
    """One claims sends, the other notices: a wake-up that one takes is not the other's."""
    looked = asyncio.Event()
    go_on = asyncio.Event()

    async def busy_worker() -> bool:
        await stage.store.wait_for_tasks(0)
        looked.set()
        await go_on.wait()
        return await woken(stage.store)

    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        busy = tasks.create_task(busy_worker())
        idle = tasks.create_task(woken(stage.store))
        await looked.wait()
        await stage.do(lambda tx: stage.enqueue(tx, "a", "1"))
        assert await idle
        go_on.set()
    assert busy.result()


async def test_nobody_is_woken_for_the_tasks_of_another_worker(stage: Stage) -> None:
    sends, notices = frozenset({TaskKind.SEND}), frozenset({TaskKind.NOTICE, TaskKind.RECEIPT})
    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        sender = tasks.create_task(woken(stage.store, WAIT, sends))
        teller = tasks.create_task(woken(stage.store, WAIT, notices))
        await yield_to_others()
        await stage.do(lambda tx: stage.enqueue(tx, "a", "1"))
        assert await teller
        await yield_to_others()
        assert not sender.done()
        sender.cancel()


async def test_the_next_of_a_lane_wakes_its_worker(stage: Stage) -> None:
    await stage.do(lambda tx: (stage.enqueue(tx, "a", "1"), stage.enqueue(tx, "a", "2")))
    (task,) = await stage.do(lambda tx: stage.claim(tx))
    sends, notices = frozenset({TaskKind.SEND}), frozenset({TaskKind.NOTICE})
    assert await woken(stage.store, WAIT, notices), "by what was put in"
    await stage.do(lambda tx: tx.outbox.settle(task, "one", TaskState.DONE, now=at()))
    assert await woken(stage.store, WAIT, notices)
    async with asyncio.TaskGroup() as tasks:
        assert not await tasks.create_task(woken(stage.store, 0.05, sends))


async def test_nobody_is_woken_before_the_commit_or_for_nothing(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        raise Broken

    async with writer_held_up(stage.store):
        write = asyncio.gather(
            stage.do(unit), stage.do(lambda tx: add_member(tx, "x")), return_exceptions=True
        )
        assert not await woken(stage.store, 0.05)
    assert isinstance((await write)[0], Broken)
    assert not await woken(stage.store, 0.05)


async def test_releasing_and_settling_wake_the_waiter(stage: Stage) -> None:
    def begin(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        stage.enqueue(tx, "a", "2")

    await stage.do(begin)
    (task,) = await stage.do(stage.claim)
    assert await woken(stage.store)
    assert not await woken(stage.store, 0.02)
    assert await stage.do(lambda tx: tx.outbox.release(task, "one", at()))
    assert await woken(stage.store)


# --- Changes --------------------------------------------------------------------------------------


async def test_changes_are_told_after_the_commit_once_each(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.hear(tx, 1)
        stage.hear(tx, 2)
        tx.accounts.rename(stage.shop, stage.account.id, "新名字")

    async with stage.store.changes() as changes, asyncio.timeout(WAIT):
        async with writer_held_up(stage.store):
            write = asyncio.create_task(stage.do(unit))
            next_change = asyncio.ensure_future(changes.__anext__())
            await yield_to_others()
            assert not next_change.done()
        await write
        told = {await next_change, await anext(changes)}
    assert told == {
        Change(stage.shop, "conversation", stage.conversation.id),
        Change(stage.shop, "account", stage.account.id),
    }


async def test_a_slow_listener_loses_the_oldest_changes_and_nothing_else(store: Store) -> None:
    async with store.changes() as changes, asyncio.timeout(WAIT):
        await store.write(lambda tx: [add_member(tx, f"m{n}") for n in range(400)])
        seen = last = 0
        async for change in changes:
            seen, last = seen + 1, change.id
            if last == 400:
                break
    assert last == 400
    assert seen < 400


async def test_listening_ends_when_the_store_closes(opener: Opener) -> None:
    async with asyncio.timeout(WAIT), asyncio.TaskGroup() as tasks:
        listening = asyncio.Event()

        async def listen(store: Store) -> list[Change]:
            async with store.changes() as changes:
                listening.set()
                return [change async for change in changes]

        async with opener() as store:
            heard = tasks.create_task(listen(store))
            await listening.wait()
    assert heard.result() == []
