"""Fixtures of the QQ tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from qq_stage import Door, OpenDoor, open_door_to_qq


@pytest.fixture
def open_door() -> OpenDoor:
    return open_door_to_qq


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door_to_qq() as door:
        yield door
