"""What changes while somebody looks: a stream of server-sent events, one line per change.

Only the noun and its id travel; the page then asks for its parts again, so that what a member may
see is decided in one place.
"""

from __future__ import annotations

import asyncio
import json

from aiohttp import web

from hub.model import ShopId
from web.auth import SESSION_COOKIE, operator
from web.site import SITE, Site

MOST_STREAMS = 200
"""Open streams of one process; each costs a connection and a small queue."""
TICK = 1.0
"""Seconds between looks at what the store does not announce."""
BEAT_EVERY = 15
"""Ticks between two heartbeats; proxies cut lines that are silent for a minute."""


class Streams:
    """How many streams are open, and the signal that ends all of them."""

    def __init__(self) -> None:
        self.open = 0
        self.closing = asyncio.Event()


STREAMS = web.AppKey("streams", Streams)


class _Over(Exception):
    """The stream has come to its end: shutdown, or the member is logged out."""


async def events(request: web.Request) -> web.StreamResponse:
    streams = request.app[STREAMS]
    if streams.closing.is_set() or streams.open >= MOST_STREAMS:
        raise web.HTTPServiceUnavailable
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
    )
    streams.open += 1
    try:
        await _tell(request, response, streams.closing)
    except* (_Over, ConnectionError):
        pass
    finally:
        streams.open -= 1
    return response


async def _tell(request: web.Request, response: web.StreamResponse, closing: asyncio.Event) -> None:
    site, who = request.app[SITE], operator(request)
    async with site.desk.system.changes() as changes, asyncio.TaskGroup() as group:
        await response.prepare(request)
        await response.write(b"retry: 2000\n: hello\n\n")
        group.create_task(_watch(request, response, site, closing))
        async for change in changes:
            if change.shop == who.shop:
                await response.write(_event(change.noun, change.id))
        raise _Over


async def _watch(
    request: web.Request, response: web.StreamResponse, site: Site, closing: asyncio.Event
) -> None:
    """Heartbeats, what the store does not announce, the end of the session and of the program."""
    shop = operator(request).shop
    seen, ticks = _unannounced(site, shop), 0
    while not await _set_within(closing, TICK):
        ticks += 1
        before, seen = seen, _unannounced(site, shop)
        for noun in seen:
            if seen[noun] != before[noun]:
                await response.write(_event(noun, 0))
        if ticks % BEAT_EVERY == 0:
            token = request.cookies.get(SESSION_COOKIE, "")
            if await site.desk.members.session(token) is None:
                break
            await response.write(b": beat\n\n")
    raise _Over


def _unannounced(site: Site, shop: ShopId) -> dict[str, object]:
    """What can change without a commit, by noun."""
    qq = (site.qq(), site.qq_refusals(), site.official())
    return {"qq": qq, "login": site.desk.logins.revision(shop)}


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


def _event(noun: str, number: int) -> bytes:
    return f"data: {json.dumps({'noun': noun, 'id': number})}\n\n".encode()


async def close_streams(app: web.Application) -> None:
    """End every stream, so that the server can stop without waiting for browsers."""
    app[STREAMS].closing.set()


ROUTES = (web.get("/events", events),)
