from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from fake_http import FakeHttp, client_at, fake_http
from fake_im import FakeIm, fake_im

from hub.xianyu import Client


@pytest.fixture
async def im() -> AsyncIterator[FakeIm]:
    async with fake_im() as server:
        yield server


@pytest.fixture
async def platform() -> AsyncIterator[FakeHttp]:
    async with fake_http() as server:
        yield server


@pytest.fixture
async def client(platform: FakeHttp) -> AsyncIterator[Client]:
    async with client_at(platform.endpoints) as made:
        yield made
