"""Fixtures of the admin's tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from web_stage import Stage, Visitor, open_stage, visiting

from hub.desk import Operator


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path) as stage:
        yield stage


@pytest.fixture
async def owner(stage: Stage) -> Operator:
    return await stage.found()


@pytest.fixture
async def visitor(stage: Stage) -> AsyncIterator[Visitor]:
    """Somebody who is not logged in."""
    async with visiting(stage) as visitor:
        yield visitor


@pytest.fixture
async def boss(stage: Stage, owner: Operator) -> AsyncIterator[Visitor]:
    """The owner, logged in."""
    async with visiting(stage) as visitor:
        await visitor.log_in(owner.member.name)
        yield visitor
