"""An account asks and changes things no faster than the platform likes, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from fake_http import COOKIES, FakeHttp

from hub.model import PlatformConversation, PlatformUser
from hub.xianyu import Client, CookieJar, Pace, Spacings, Timing, open_http

GAP = 0.1
HOUR = 3600.0
SECONDS = 30.0
ITEM, ORDER = "880011223344", "5120000111122223333"

Call = Callable[[Client], Awaitable[object]]
CALLS: dict[str, Call] = {
    "item": lambda client: client.item(ITEM),
    "item_list": lambda client: client.items(),
    "order": lambda client: client.order(ORDER),
    "order_list": lambda client: client.unshipped_orders(),
    "polish": lambda client: client.polish(ITEM),
    "ship": lambda client: client.ship(ORDER),
    "rate": lambda client: client.rate(ORDER, "好"),
    "close": lambda client: client.close_order(ORDER),
    "price": lambda client: client.change_price(ORDER, 880),
    "bargain": lambda client: client.free_shipping(ORDER, ITEM, PlatformUser("31")),
    "lookup": lambda client: client.order_of_conversation(PlatformConversation("6"), ITEM),
}
SPACING = {name: name for name in ("item", "item_list", "order", "order_list", "polish")} | {
    "lookup": "order"
}
"""Which spacing a call obeys; all others are writes."""


@asynccontextmanager
async def paced(platform: FakeHttp, pace: Pace) -> AsyncIterator[Client]:
    async def forget(_: str) -> None: ...

    async with open_http() as http:
        yield Client(
            http,
            platform.endpoints,
            CookieJar.parse(COOKIES),
            on_cookies=forget,
            timing=Timing(answer=3),
            pace=pace,
        )


def only(name: str, seconds: float) -> Pace:
    return Pace(replace(Spacings(), **{SPACING.get(name, "write"): seconds}))


def arrivals(platform: FakeHttp) -> list[float]:
    """Has the platform note when it was asked."""
    at: list[float] = []

    def note(_: web.Request) -> web.StreamResponse:
        at.append(asyncio.get_running_loop().time())
        return web.json_response({"ret": ["FAIL_BIZ_X::不行"]})

    platform.on("*", note)
    return at


@pytest.mark.parametrize("name", CALLS)
async def test_calls_of_a_kind_keep_their_distance_even_on_a_new_connection(
    platform: FakeHttp, name: str
) -> None:
    at, pace = arrivals(platform), only(name, GAP)
    async with asyncio.timeout(SECONDS):
        for _ in range(2):
            async with paced(platform, pace) as client:
                await asyncio.gather(
                    *(CALLS[name](client) for _ in range(2)), return_exceptions=True
                )
    assert len(at) == 4
    assert at[-1] - at[0] >= 3 * GAP * 0.7  # the first one may arrive late


@pytest.mark.parametrize("name", CALLS)
async def test_calls_of_one_kind_hold_up_no_other(platform: FakeHttp, name: str) -> None:
    at, pace = arrivals(platform), only(name, HOUR)
    mine = SPACING.get(name, "write")
    others = [call for other, call in CALLS.items() if SPACING.get(other, "write") != mine]
    async with paced(platform, pace) as client, asyncio.timeout(SECONDS):
        for call in (CALLS[name], *others, *others):
            await asyncio.gather(call(client), return_exceptions=True)
    assert len(at) == 1 + 2 * len(others)


async def test_a_write_that_is_given_up_before_its_turn_never_happens(platform: FakeHttp) -> None:
    at, pace = arrivals(platform), only("ship", GAP)
    async with paced(platform, pace) as client, asyncio.timeout(SECONDS):
        first, given_up, last = (
            asyncio.create_task(call)
            for call in (client.ship(ORDER), client.close_order(ORDER), client.ship(ORDER))
        )
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.gather(first, given_up, last, return_exceptions=True)
    assert len(at) == 2
    assert not [one for one in platform.seen if "close" in one.path]
