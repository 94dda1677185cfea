"""Random faults at random moments: whatever the seed, every promise is kept.

Each seed is a schedule: buyers talk and pay, an operator answers in QQ, the line breaks in the ways
that `schedules.py` knows, the platform restarts, the hub is killed. To play one again:

    pytest tests/faults/test_soak.py --soak-from SEED --soak 1
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.crowd import SEEDS, Crowd, at_once, gathered, selected
from tests.faults.schedules import make_schedule
from tests.faults.soak import play


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        first = metafunc.config.getoption("--soak-from", 0)
        count = metafunc.config.getoption("--soak", SEEDS)
        metafunc.parametrize("seed", range(first, first + count))


@pytest_asyncio.fixture(scope="module", loop_scope="package")
async def crowd(
    request: pytest.FixtureRequest,
    furnished: dict[int, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Crowd[int]]:
    folder = tmp_path_factory.mktemp("soak")

    async def play_seed(seed: int) -> None:
        schedule = make_schedule(seed)
        await play(schedule, furnished[schedule.accounts], folder / str(seed))

    seeds: list[int] = selected(request, "seed")
    async with gathered(play_seed, seeds, at_once(request.config)) as crowd:
        yield crowd


@pytest.mark.timeout(240)
@pytest.mark.asyncio(loop_scope="package")
async def test_every_promise_is_kept(seed: int, crowd: Crowd[int]) -> None:
    try:
        await crowd.result(seed)
    except BaseException as error:
        error.add_note(f"{make_schedule(seed)}\n\nTo play it again: {_again(seed)}")
        raise


def _again(seed: int) -> str:
    return f"pytest tests/faults/test_soak.py --soak-from {seed} --soak 1"


def test_a_seed_gives_the_same_schedule_each_time() -> None:
    assert str(make_schedule(7)) == str(make_schedule(7)) != str(make_schedule(8))
