"""Many towns side by side, because most of their time is waiting; each test asks for its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytest

from tests.faults.town import SELLERS, furnish

T = TypeVar("T")
SEEDS = 200
"""Of the soak, always the same ones, unless `--soak` says otherwise."""
HUBS = 20
"""Side by side, unless `--hubs` says otherwise: they wait more than they work."""


class Crowd(Generic[T]):
    """`result` of a case is that of `play`, whether that ended a while ago or is still to come."""

    def __init__(self, play: Callable[[T], Awaitable[None]], at_once: int) -> None:
        self._play = play
        self._gate = asyncio.Semaphore(at_once)
        self._tasks: dict[T, asyncio.Task[None]] = {}

    def start(self, cases: Iterable[T]) -> None:
        """In this order, so that who asks in the same order never waits long."""
        for case in cases:
            self._tasks[case] = asyncio.create_task(self._one(case))

    async def _one(self, case: T) -> None:
        async with self._gate:
            await self._play(case)

    async def result(self, case: T) -> None:
        """Raises what `play` raised."""
        await self._tasks[case]

    async def go_home(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


@asynccontextmanager
async def gathered(
    play: Callable[[T], Awaitable[None]], cases: Iterable[T], at_once: int
) -> AsyncIterator[Crowd[T]]:
    crowd = Crowd(play, at_once)
    crowd.start(cases)
    try:
        yield crowd
    finally:
        await crowd.go_home()


def at_once(config: pytest.Config) -> int:
    """How many hubs run side by side."""
    number: int = config.getoption("--hubs", HUBS)
    return number


def selected(request: pytest.FixtureRequest, parameter: str) -> list[Any]:
    """What the selected tests of this module ask the crowd for, in their order."""
    found = [
        item.callspec.params[parameter]
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and item.path == request.path
        and parameter in item.fixturenames
        and "crowd" in item.fixturenames
    ]
    return list(dict.fromkeys(found))


async def furnish_all(folder: Path) -> dict[int, Path]:
    """A furnished folder for each number of accounts."""
    folders = {number: folder / f"accounts-{number}" for number in range(1, len(SELLERS) + 1)}
    for number, one in folders.items():
        await furnish(one, number)
    return folders
