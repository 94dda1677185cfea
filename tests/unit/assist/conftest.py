"""Fixtures of the tests of AI."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from assist_stage import AssistStage, open_assist


@pytest.fixture
async def stage() -> AsyncIterator[AssistStage]:
    async with open_assist() as stage:
        yield stage
