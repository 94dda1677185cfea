"""Pictures to QQ and from it: shown, fetched, and never from where they have no business."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from qq_stage import OPERATOR, PRIVATE, Door

from bots.pictures import MOST_BYTES, download, may_ask
from hub.errors import PeerError, Rejected, Unreachable
from hub.model import ChatPeer, ChatPicture
from hub.sandbox.pictures import blank

PICTURE = blank(4, 3)
FROM = ChatPeer("10001", "private", OPERATOR)


@asynccontextmanager
async def serving(*answers: web.Response) -> AsyncIterator[str]:
    """A picture server; answers in turn, the last one for ever."""
    left = list(answers)

    async def give(_: web.Request) -> web.Response:
        answer = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    app = web.Application()
    app.router.add_get("/{name}", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_pictures_go_below_the_text_as_bytes(door: Door):
    """Bridges in other containers can read neither our disk nor the platform's addresses."""
    async with door.bridge() as bridge:
        delivered = await door.qq.deliver(PRIVATE, "新图 #a7", pictures=[PICTURE, PICTURE])
        (line,) = bridge.bot_lines("private", OPERATOR)
    assert delivered.message_ids == (line.id,)
    kinds = [segment["type"] for segment in line.segments]
    assert kinds == ["text", "image", "image"]
    packed = line.segments[1]["data"]["file"].removeprefix("base64://")
    assert base64.b64decode(packed) == PICTURE


async def test_a_picture_that_qq_refuses_costs_the_picture_and_not_the_notice(door: Door):
    async with door.bridge() as bridge:
        bridge.fail("send_private_msg", 1200, "rich media transfer failed")
        await door.qq.deliver(PRIVATE, "新图 #a7", pictures=[PICTURE])
        (line,) = bridge.bot_lines("private", OPERATOR)
    assert [segment["type"] for segment in line.segments] == ["text"]


async def test_a_picture_is_fetched_from_the_address_that_the_bridge_named(door: Door):
    async with door.bridge(), serving(web.Response(body=PICTURE)) as url:
        assert await door.qq.fetch(FROM, ChatPicture(f"{url}/a.png", "a.png")) == PICTURE


async def test_a_picture_inside_the_message_needs_no_address(door: Door):
    packed = "base64://" + base64.b64encode(PICTURE).decode()
    async with door.bridge():
        assert await door.qq.fetch(FROM, ChatPicture("", packed)) == PICTURE


async def test_the_bridge_is_asked_when_the_address_has_expired(door: Door):
    packed = base64.b64encode(PICTURE).decode()
    async with door.bridge() as bridge, serving(web.Response(status=400)) as url:
        bridge.images["a.png"] = {"file": "/napcat/cache/a.png", "base64": packed}
        assert await door.qq.fetch(FROM, ChatPicture(f"{url}/a.png", "a.png")) == PICTURE


async def test_a_picture_that_nobody_has_is_refused_in_words(door: Door):
    async with door.bridge(), serving(web.Response(status=404)) as url:
        with pytest.raises(Rejected) as refused:
            await door.qq.fetch(FROM, ChatPicture(f"{url}/a.png", "a.png"))
    assert "404" in refused.value.reason


async def test_a_picture_too_large_is_not_read_to_its_end():
    async with serving(web.Response(body=b"x" * (MOST_BYTES + 1))) as url:
        with pytest.raises(Rejected, match="图片太大"):
            await download(f"{url}/a.png", bridge="127.0.0.1")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a.png",
        "http://localhost:1/a.png",
        "http://[::1]:1/a.png",
        "http://[::ffff:127.0.0.1]:1/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/a.png",
        "file:///etc/passwd",
        "ftp://example.com/a.png",
        "/etc/passwd",
        "",
        "http://[half",
    ],
)
async def test_no_private_address_is_asked_for_a_picture(url: str):
    with pytest.raises(Rejected):
        await download(url, bridge="203.0.113.9")


async def test_a_redirect_leads_to_no_private_address():
    moved = web.Response(status=302, headers={"Location": "http://169.254.169.254/"})
    async with serving(moved) as url:
        with pytest.raises(Rejected, match="不是公开的"):
            await download(f"{url}/a.png", bridge="127.0.0.1")


async def test_redirects_come_to_an_end():
    async with serving(web.Response(status=302, headers={"Location": "/b.png"})) as url:
        with pytest.raises(Rejected, match="太多次"):
            await download(f"{url}/a.png", bridge="127.0.0.1")


async def test_a_server_that_is_not_there_is_unreachable():
    with pytest.raises(Unreachable):
        await download("http://127.0.0.1:1/a.png", bridge="127.0.0.1")


@pytest.mark.parametrize(
    ("host", "bridge", "allowed"),
    [
        ("1.1.1.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::1", True),
        ("172.17.0.5", "172.17.0.5", True),
        ("::ffff:172.17.0.5", "172.17.0.5", True),
        ("172.17.0.6", "172.17.0.5", False),
        ("127.0.0.1", "172.17.0.5", False),
        ("224.0.0.1", "", False),
        ("169.254.169.254", "", False),
        ("100.64.0.1", "", False),
        ("0.0.0.0", "", False),  # noqa: S104 - an address to refuse
        ("fd00::1", "", False),
        ("64:ff9b::7f00:1", "", False),
        ("64:ff9b::101:101", "", True),
        ("2002:c0a8:101::1", "", False),
        ("2606:4700:4700::1111", "", True),
        ("example.com", "", False),
    ],
)
def test_only_public_addresses_and_the_bridges_own_are_asked(host: str, bridge: str, allowed: bool):
    assert may_ask(host, bridge) is allowed


async def test_broken_base64_is_refused(door: Door):
    async with door.bridge():
        with pytest.raises(PeerError):
            await door.qq.fetch(FROM, ChatPicture("", "base64://***"))
