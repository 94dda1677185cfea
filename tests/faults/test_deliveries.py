"""SIGKILL at random moments while orders are delivered: every unit gets its cards, once.

Each seed is a day of twenty orders at a market, and the morning after: all forms in which the
platform tells of a payment, repeated and contradicted, sends that are refused or lost, a supplier
in all its moods, people who act in the middle of it, refunds, restarts of the platform, and a hub
that is killed again and again. To play one again:

    pytest tests/faults/test_deliveries.py --deliveries-from SEED --deliveries 20
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.crowd import Crowd, at_once, gathered, selected
from tests.faults.goods import TALLY, keep, settle
from tests.faults.market import Market, open_market
from tests.faults.purchases import ORDERS, ORDERS_IN_SHORT, Event, make_day


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "day" in metafunc.fixturenames:
        first = metafunc.config.getoption("--deliveries-from", 0)
        orders = metafunc.config.getoption("--deliveries", ORDERS_IN_SHORT)
        metafunc.parametrize("day", range(first, first + -(-orders // ORDERS)))


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def crowd(
    request: pytest.FixtureRequest,
    furnished: dict[int, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Crowd[int]]:
    folder = tmp_path_factory.mktemp("market")
    tally = request.config.stash[TALLY]

    async def play_day(seed: int) -> None:
        async with open_market(furnished[1], folder / str(seed)) as market:
            day = make_day(seed)
            market.town.sandbox.manners.change({"bargain": day.bargain})
            await market.town.start_hub()
            await market.town.wait_compared()
            await perform(day.events, market)
            market.heal()
            await settle(market)
            await perform(day.morning, market)
            market.heal()
            tally.add(await keep(market))

    days: list[int] = selected(request, "day")
    async with gathered(play_day, days, at_once(request.config)) as crowd:
        yield crowd


async def perform(events: Sequence[Event], market: Market) -> None:
    """Each event at its time, whatever the others are at."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for event in events:
            await asyncio.sleep(began + event.at - loop.time())
            tasks.create_task(_act(event, market))


async def _act(event: Event, market: Market) -> None:
    await event.act(market)


@pytest.mark.timeout(400)
@pytest.mark.asyncio(loop_scope="package")
async def test_every_unit_of_every_paid_order_gets_its_cards_once(
    day: int, crowd: Crowd[int]
) -> None:
    try:
        await crowd.result(day)
    except BaseException as error:
        error.add_note(f"{make_day(day)}\n\nTo play it again: {_again(day)}")
        raise


def _again(seed: int) -> str:
    return f"pytest tests/faults/test_deliveries.py --deliveries-from {seed} --deliveries {ORDERS}"


def test_a_seed_gives_the_same_day_each_time() -> None:
    assert str(make_day(7)) == str(make_day(7)) != str(make_day(8))
