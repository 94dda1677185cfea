"""Turns: spaced, in order, people first, and nobody waits for one who has gone."""

from __future__ import annotations

import asyncio
import math

from hub.pacing import Pacer

SECONDS = 30.0
HOUR = 3600.0


async def test_turns_come_one_spacing_after_the_other() -> None:
    pacer = Pacer(0.01)
    began = asyncio.get_running_loop().time()

    assert [await pacer.turn("a") for _ in range(4)] == [0.0] * 4

    assert asyncio.get_running_loop().time() - began >= 0.03


async def test_a_turn_that_is_far_away_is_not_waited_for_and_costs_nobody_his() -> None:
    pacer = Pacer(HOUR)
    async with asyncio.timeout(SECONDS):
        again = [round(await pacer.turn("a")) for _ in range(4)]
        other = await pacer.turn("b")

    assert again == [0, HOUR, 2 * HOUR, 3 * HOUR]
    assert other == 0


async def test_jitter_makes_gaps_longer_and_never_shorter() -> None:
    chances = iter([0.0, 1.0, 0.5])
    pacer = Pacer(HOUR, jitter=0.5, patience=0, chance=lambda: next(chances))
    gaps = []
    for key in ("a", "b", "c"):
        assert pacer.take(key)
        gaps.append(round(await pacer.turn(key)))
    assert gaps == [HOUR, 1.5 * HOUR, 1.25 * HOUR]


async def test_who_may_go_ahead_passes_those_who_wait_and_none_of_its_like() -> None:
    pacer, order = Pacer(0.02, patience=math.inf), []

    async def ask(name: str, ahead: bool) -> None:
        await pacer.turn("a", ahead=ahead)
        order.append(name)

    assert pacer.take("a")
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        for name in ("auto 1", "auto 2", "human 1", "auto 3", "human 2"):
            tasks.create_task(ask(name, name.startswith("human")))

    assert order == ["human 1", "human 2", "auto 1", "auto 2", "auto 3"]


async def test_nobody_takes_a_turn_before_those_who_wait_for_it() -> None:
    pacer = Pacer(0.01, patience=math.inf)
    assert pacer.take("a")
    waiting = asyncio.create_task(pacer.turn("a"))
    await asyncio.sleep(0)
    assert not pacer.take("a")
    assert await waiting == 0


async def test_who_stops_waiting_holds_nobody_up() -> None:
    pacer = Pacer(0.01, patience=math.inf)
    assert pacer.take("a")
    gone, next_one = (asyncio.create_task(pacer.turn("a")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    async with asyncio.timeout(SECONDS):
        assert await next_one == 0


async def test_a_place_is_given_up_when_others_keep_passing() -> None:
    pacer, passed = Pacer(0.01, patience=0.05), asyncio.Event()

    async def pass_by() -> None:
        while not passed.is_set():
            await pacer.turn("a", ahead=True)

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        assert pacer.take("a")
        for _ in range(3):
            tasks.create_task(pass_by())
        assert await pacer.turn("a") > 0
        passed.set()


async def test_without_spacing_nobody_waits() -> None:
    pacer = Pacer(0)
    assert [await pacer.turn("a") for _ in range(100)] == [0.0] * 100
