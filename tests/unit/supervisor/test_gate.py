"""Many accounts go to the platform one after the other, a single one at once."""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

from hub.supervisor import Gate

SECONDS = 30.0


async def test_a_single_account_is_not_held_up() -> None:
    async with asyncio.timeout(SECONDS):
        await Gate(0.001).turn()


async def test_of_two_that_come_together_one_waits() -> None:
    gate = Gate(0.001)
    await gate.turn()
    second = asyncio.ensure_future(gate.turn())
    done, _ = await asyncio.wait([second], timeout=0.05)
    assert not done
    second.cancel()


async def test_a_crowd_is_spread_in_the_order_it_came() -> None:
    passed = await pass_all(Gate(100), 20)
    assert list(passed) == list(range(20))
    moments = list(passed.values())
    assert moments[-1] - moments[0] >= 19 * 0.0075, "a quarter less than even at most"


async def test_turns_that_come_late_are_not_made_up_for() -> None:
    """A machine that was busy for a while must not let everybody go at once afterwards."""
    gate = Gate(20)
    await gate.turn()
    going = asyncio.ensure_future(pass_all(gate, 5))
    await asyncio.sleep(0)
    time.sleep(0.4)  # noqa: ASYNC251 - the whole loop stands still
    moments = list((await going).values())
    assert min(b - a for a, b in pairwise(moments)) >= 0.035


async def test_who_gives_up_costs_the_others_nothing() -> None:
    gate = Gate(5)
    await gate.turn()
    impatient = [asyncio.ensure_future(gate.turn()) for _ in range(200)]
    await asyncio.sleep(0)
    for one in impatient:
        one.cancel()
    await asyncio.wait(impatient)

    async with asyncio.timeout(SECONDS):  # the turns of all of them would take longer
        await gate.turn()


async def test_ways_out_of_their_own_do_not_wait_for_each_other() -> None:
    gate = Gate(0.001)
    async with asyncio.timeout(SECONDS):
        for way in (None, "socks5://one:1080", "socks5://two:1080"):
            await gate.turn(way)


async def pass_all(gate: Gate, count: int) -> dict[int, float]:
    """When each of so many that come together had its turn."""
    passed: dict[int, float] = {}

    async def go(number: int) -> None:
        await gate.turn()
        passed[number] = time.perf_counter()

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(go(number))
    return passed
