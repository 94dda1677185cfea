"""Lanes: order within, patience across, and a bound on what waits."""

from __future__ import annotations

import asyncio

import anyio

from bots.lanes import Lanes


async def test_what_exceeds_the_bound_is_turned_away_until_there_is_room():
    gate, done = asyncio.Event(), asyncio.Event()

    async def work(number: int) -> None:
        await gate.wait()
        if number == 99:
            done.set()

    lanes: Lanes[int] = Lanes(work, at_once=2, most=10)
    async with asyncio.timeout(30), anyio.create_task_group() as group:
        group.start_soon(lanes.run)
        await anyio.wait_all_tasks_blocked()
        assert [lanes.offer("a", n) for n in range(12)] == [True] * 10 + [False] * 2
        assert lanes.waiting("a") == 10
        gate.set()
        await anyio.wait_all_tasks_blocked()
        assert lanes.waiting("a") == 0
        assert lanes.offer("a", 99)
        await done.wait()
        group.cancel_scope.cancel()


async def test_at_most_so_many_lanes_are_worked_on_at_once():
    working: set[str] = set()
    most = 0

    async def work(lane: str) -> None:
        nonlocal most
        working.add(lane)
        most = max(most, len(working))
        await asyncio.sleep(0)
        working.remove(lane)

    lanes: Lanes[str] = Lanes(work, at_once=3, most=100)
    async with asyncio.timeout(30), anyio.create_task_group() as group:
        group.start_soon(lanes.run)
        await anyio.wait_all_tasks_blocked()
        for _ in range(3):
            for name in "abcdefgh":
                assert lanes.offer(name, name)
        await anyio.wait_all_tasks_blocked()
        assert most == 3
        assert all(lanes.waiting(name) == 0 for name in "abcdefgh")
        group.cancel_scope.cancel()


async def test_a_second_run_starts_empty():
    async def never(_: int) -> None:
        await asyncio.Event().wait()

    lanes: Lanes[int] = Lanes(never, most=3)
    for _ in range(2):
        async with asyncio.timeout(30), anyio.create_task_group() as group:
            group.start_soon(lanes.run)
            await anyio.wait_all_tasks_blocked()
            assert [lanes.offer("a", n) for n in range(4)] == [True, True, True, False]
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
