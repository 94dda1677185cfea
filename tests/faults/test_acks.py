"""What is acknowledged is stored: the platform never tells it again, so it must not be earlier."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hub.sandbox.world import DEMO_SELLER
from tests.faults.promises import keep, settle
from tests.faults.town import BUYER, OTHER_BUYER, Town, open_town


@pytest.mark.asyncio(loop_scope="package")
async def test_nothing_is_acknowledged_before_its_commit(
    furnished: dict[int, Path], tmp_path: Path
) -> None:
    """Somebody else keeps the database locked: pushes arrive and nothing can be committed."""
    async with open_town(furnished[1], tmp_path / "town") as town:
        await town.start_hub()
        await town.wait_declared()
        await town.say(town.conversation(), "在吗，平时")
        await settle(town)
        await town.until(lambda: not _owed(town), "the ordinary acknowledgements")

        with closing(sqlite3.connect(town.settings.database.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            await town.say(town.conversation(BUYER), "第一句", "第二句")
            await town.say(town.conversation(OTHER_BUYER), "在吗")
            await _beats(town, 2)  # what the hub would say at once, it has said before these
            assert len(_owed(town)) == 2
            other.rollback()

        await keep(town)
        assert not _owed(town)
        assert town.witness.seen >= 4, "the witness looked at each acknowledgement"


@pytest.mark.asyncio(loop_scope="package")
async def test_a_push_that_cannot_be_stored_is_not_acknowledged_and_comes_again(
    furnished: dict[int, Path], tmp_path: Path
) -> None:
    """The database stays locked for longer than the hub waits for it."""
    async with open_town(furnished[1], tmp_path / "town") as town:
        await town.start_hub()
        await town.wait_declared()
        with closing(sqlite3.connect(town.settings.database.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = town.sandbox.lines.of(DEMO_SELLER)[-1].id
            await town.say(town.conversation(), "在吗")
            await town.until(
                lambda: before not in town.sandbox.lines.open, "the hub to give this line up"
            )
            assert len(_owed(town)) == 1
            other.rollback()

        await keep(town)


def _owed(town: Town) -> list[str]:
    """Pushes with messages that were sent and never acknowledged, at no attempt."""
    pushes = [one for one in town.sandbox.lines.log if any(one.about)]
    acknowledged = {id for one in pushes if one.acked_at for id in one.about}
    return sorted({one.about[0] for one in pushes if one.about[0] not in acknowledged})


async def _beats(town: Town, count: int) -> None:
    """Wait for so many heartbeats that the hub has yet to send."""
    (line,) = town.sandbox.lines.of(DEMO_SELLER)
    enough = line.heartbeats + count

    async def look() -> list[str]:
        return [] if line.heartbeats >= enough else [f"{line.heartbeats} heartbeats"]

    await town.nothing_left(look, "heartbeats")
