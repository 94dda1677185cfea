"""A PostgreSQL server that goes and comes back: the hub says so, lives, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from hub.app import Hub, open_hub, utc_now
from hub.errors import StoreError
from hub.model import Role
from hub.settings import DatabaseSettings, Settings, WebSettings
from tests.postgres import MISSING, Server, can_serve, server
from tests.waiting import wait_until

SECONDS = 60.0
"""Deadline of every wait; nothing takes nearly as long."""


@pytest.fixture
def own_server() -> Iterator[Server]:
    if not can_serve():
        pytest.skip(MISSING)
    with server() as running:
        if running.folder is None:
            pytest.skip("the server of TEST_DATABASE_URL is not ours to stop")
        yield running


@pytest.fixture
async def hub(own_server: Server, tmp_path: Path) -> AsyncIterator[Hub]:
    settings = Settings(
        database=DatabaseSettings(path=tmp_path / "hub.db", url=own_server.make()),
        web=WebSettings(host="127.0.0.1", port=0),
    )
    async with open_hub(settings) as opened:
        yield opened


async def test_a_database_that_goes_and_comes_back_costs_nothing_but_the_time(
    hub: Hub, own_server: Server
) -> None:
    async def health() -> int:
        url = f"http://127.0.0.1:{hub.port}/health"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return answer.status

    async def add_member(qq: str) -> None:
        await hub.store.write(
            lambda tx: tx.members.add(
                tx.shops.default(), f"客服{qq}", Role.AGENT, qq=(qq,), now=utc_now()
            )
        )

    async def fine() -> bool:
        return await health() == 200

    async def known() -> bool:
        return hub.desk.chat.is_operator("20003")

    await wait_until(fine, SECONDS)
    await add_member("20002")
    await asyncio.to_thread(own_server.stop)
    assert await health() == 503
    with pytest.raises(StoreError):
        await add_member("20003")
    # What follows the members, too, has met the trouble when it is over.
    await asyncio.to_thread(own_server.start)
    await wait_until(fine, SECONDS)
    await add_member("20003")
    await wait_until(known, SECONDS)
