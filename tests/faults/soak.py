"""One schedule from its beginning to the promises at its end."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.promises import keep
from tests.faults.schedules import Schedule, Step
from tests.faults.town import Town, open_town


async def play(schedule: Schedule, furnished: Path, folder: Path) -> None:
    """Raises AssertionError when a promise is broken."""
    async with open_town(
        furnished,
        folder,
        accounts=schedule.accounts,
        debounce_seconds=schedule.debounce_seconds,
    ) as town:
        town.sandbox.manners.change(schedule.manners)
        await town.start_hub()
        await _perform(town, schedule.steps)
        town.heal()
        await keep(town)


async def _perform(town: Town, steps: tuple[Step, ...]) -> None:
    """Each at its time, whatever the others are at."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for step in steps:
            await asyncio.sleep(began + step.at - loop.time())
            tasks.create_task(_act(step, town))


async def _act(step: Step, town: Town) -> None:
    await step.act(town)
