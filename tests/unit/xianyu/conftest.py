from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fake_im import FakeIm, fake_im


@pytest.fixture
async def im() -> AsyncIterator[FakeIm]:
    async with fake_im() as server:
        yield server
