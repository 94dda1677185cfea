"""A PostgreSQL server that goes and comes back: the hub says so, lives, and goes on by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import aiohttp
import pytest

from hub.app import Hub, open_hub, utc_now
from hub.errors import StoreError
from hub.model import Role
from hub.settings import DatabaseSettings, Settings, WebSettings
from hub.text import backups as words
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


def settings_on(server: Server, tmp_path: Path, *, synchronous: bool = False) -> Settings:
    return Settings(
        database=DatabaseSettings(
            path=tmp_path / "hub.db", url=server.make(), synchronous_standby=synchronous
        ),
        web=WebSettings(host="127.0.0.1", port=0),
    )


async def health(hub: Hub) -> int:
    url = f"http://127.0.0.1:{hub.port}/health"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return answer.status


async def add_member(hub: Hub, qq: str) -> None:
    await hub.store.write(
        lambda tx: tx.members.add(
            tx.shops.default(), f"客服{qq}", Role.AGENT, qq=(qq,), now=utc_now()
        )
    )


async def until_fine(hub: Hub) -> None:
    async def fine() -> bool:
        return await health(hub) == 200

    await wait_until(fine, SECONDS)


async def test_a_database_that_goes_and_comes_back_costs_nothing_but_the_time(
    own_server: Server, tmp_path: Path
) -> None:
    async with open_hub(settings_on(own_server, tmp_path)) as hub:

        async def known() -> bool:
            return hub.desk.chat.is_operator("20003")

        await until_fine(hub)
        await add_member(hub, "20002")
        await asyncio.to_thread(own_server.stop)
        assert await health(hub) == 503
        with pytest.raises(StoreError):
            await add_member(hub, "20003")
        # What follows the members, too, has met the trouble when it is over.
        await asyncio.to_thread(own_server.start)
        await until_fine(hub)
        await add_member(hub, "20003")
        await wait_until(known, SECONDS)
        assert await stops(hub) == []


@pytest.mark.parametrize("behind", [False, True])
@pytest.mark.parametrize("synchronous", [False, True])
async def test_a_standby_that_takes_over_delivers_nothing_before_a_person_has_looked(
    own_server: Server, tmp_path: Path, *, synchronous: bool, behind: bool
) -> None:
    """Unless it is said to know everything, and knows what this node said last."""
    async with open_hub(settings_on(own_server, tmp_path, synchronous=synchronous)) as hub:
        await until_fine(hub)
        await asyncio.to_thread(own_server.copy)
        await until_fine(hub)
        copied = await last_word(hub)

        async def said_more() -> bool:
            return await last_word(hub) > copied

        await wait_until(said_more, SECONDS)
        await add_member(hub, "20002")
        assert await stops(hub) == []

        await asyncio.to_thread(own_server.fail_over, behind=behind)
        await until_fine(hub)
        assert await members(hub) == ([] if behind else ["客服20002"])
        assert await stops(hub) == ([] if synchronous and not behind else [words.OTHER_SERVER])

        await resume(hub)
        await asyncio.to_thread(own_server.stop)
        await asyncio.to_thread(own_server.start)
        await until_fine(hub)
        await add_member(hub, "20003")
        assert await stops(hub) == []


async def test_an_old_server_that_comes_back_delivers_nothing_either(
    own_server: Server, tmp_path: Path
) -> None:
    """What it says of its own line agrees with its rows: only this node knows of a later one."""
    settings = settings_on(own_server, tmp_path)
    async with open_hub(settings) as hub:
        await until_fine(hub)
        await asyncio.to_thread(own_server.copy)
        await asyncio.to_thread(own_server.fail_over, behind=True)
        await until_fine(hub)
        await resume(hub)
        await add_member(hub, "20002")
    await asyncio.to_thread(own_server.come_back)
    for expected in ([words.OTHER_SERVER], []):
        async with open_hub(settings) as hub:
            await until_fine(hub)
            assert await members(hub) == []
            assert await stops(hub) == expected
            await resume(hub)


async def test_a_standby_that_has_not_taken_over_is_no_place_to_write(
    own_server: Server, tmp_path: Path
) -> None:
    settings = settings_on(own_server, tmp_path)
    async with open_hub(settings):
        pass
    assert own_server.folder is not None
    own_server.stop()
    (own_server.folder / "data" / "standby.signal").touch()
    own_server.start()
    with pytest.raises(StoreError, match="read-only"):
        async with open_hub(settings):
            pass


async def last_word(hub: Hub) -> datetime:
    return (await hub.store.read(lambda tx: tx.nodes.all()))[0].seen_at


async def members(hub: Hub) -> list[str]:
    found = await hub.store.read(lambda tx: tx.members.all(tx.shops.default()))
    return [one.name for one in found]


async def resume(hub: Hub) -> None:
    await hub.store.write(lambda tx: tx.stops.resume(tx.shops.default(), None, utc_now()))


async def stops(hub: Hub) -> list[str]:
    """Why deliveries stand still."""
    found = await hub.store.read(lambda tx: tx.stops.all(tx.shops.default()))
    return [one.reason for one in found]
