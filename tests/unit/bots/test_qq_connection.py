"""Who gets in, who is kept out, and what a lost or dead connection costs."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
import nonebot
import pytest
from loguru import logger
from nonebot.exception import WebSocketClosed
from qq_stage import FAST, GROUP, OPERATOR, PRIVATE, TOKEN, Door, OpenDoor, eventually

from bots import QQ
from bots.onebot.reasons import not_reached
from hub.sandbox.onebot import Dialect, OneBotSim
from hub.sandbox.onebot_chats import LAGRANGE, NAPCAT
from hub.settings import QQSettings

NOWHERE: Any = SimpleNamespace(host="napcat", port=3001, ssl=True)


def handshake_error(status: int) -> Exception:
    request: Any = SimpleNamespace(real_url="ws://napcat:3001/")
    return aiohttp.WSServerHandshakeError(request, (), status=status)


SOON = 30.0
"""s; nothing here is to wait for a peer, and one that is waited for gets a minute."""
RIGHT = {"Authorization": f"Bearer {TOKEN}", "X-Self-ID": "10001"}


async def handshake(door: Door, headers: dict[str, str], path: str = "/onebot/v11/ws") -> int:
    """HTTP status of a connection attempt; 101 is success."""
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(f"ws://{door.base}{path}", headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({**RIGHT, "Authorization": "Bearer wrong"}, "access token 不对"),
        ({**RIGHT, "Authorization": f"Bearer {TOKEN}x"}, "access token 不对"),
        ({**RIGHT, "Authorization": f"Basic {TOKEN}"}, "access token 不对"),
        ({**RIGHT, "Authorization": "Bearer "}, "没有带 access token"),
        ({"X-Self-ID": "10001"}, "没有带 access token"),
        ({"Authorization": f"Bearer {TOKEN}"}, "没有带 X-Self-ID"),
        ({**RIGHT, "X-Self-ID": "ten"}, "没有带 X-Self-ID"),
        ({**RIGHT, "X-Client-Role": "API"}, "Universal"),
    ],
)
async def test_a_peer_that_is_not_right_is_refused_before_the_websocket_opens(
    door: Door, headers: dict[str, str], reason: str
):
    assert await handshake(door, headers) == 403
    assert door.qq.bots() == ()
    (turned_away,) = door.qq.turned_away
    assert reason in turned_away.reason
    assert TOKEN not in turned_away.reason


async def test_a_token_that_is_no_text_is_refused_like_any_wrong_one(door: Door):
    host, _, port = door.base.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /onebot/v11/ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        b"X-Self-ID: 10001\r\nAuthorization: Bearer \xff\xfe\r\n\r\n"
    )
    assert b" 403 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "path", ["/onebot/v11/ws", "/onebot/v11/ws/", "/onebot/v11/", "/onebot/v11"]
)
async def test_every_usual_address_is_a_door(door: Door, path: str):
    assert await handshake(door, RIGHT, path) == 101


async def test_an_empty_token_is_no_token():
    with pytest.raises(ValueError, match="access token"):
        QQ(QQSettings(), access_token="", receive=lambda _: None, is_operator=bool)


async def test_http_posts_are_refused_and_a_browser_is_told_what_this_is(door: Door):
    async with aiohttp.ClientSession() as http:
        for path in ("/onebot/v11/", "/onebot/v11/ws"):
            async with http.post(f"http://{door.base}{path}", headers=RIGHT, json={}) as answer:
                assert answer.status == 405
                assert "反向 WebSocket" in await answer.text()
        async with http.get(f"http://{door.base}/onebot/v11/ws") as answer:
            assert answer.status == 426
    assert door.qq.bots() == ()


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/ws", 404, "路径应当是 /onebot/v11/ws"),
        ("GET", "/", 404, "路径应当是 /onebot/v11/ws"),
        ("POST", "/onebot/v11/", 405, "HTTP 上报"),
        ("POST", "/", 405, "HTTP 上报"),
    ],
)
async def test_a_bridge_with_a_wrong_address_is_named_on_the_status_page(
    door: Door, method: str, path: str, status: int, reason: str
):
    async with (
        aiohttp.ClientSession() as http,
        http.request(method, f"http://{door.base}{path}", headers=RIGHT) as answer,
    ):
        assert answer.status == status
    assert door.qq.turned_away
    assert reason in door.qq.turned_away[0].reason


async def test_nobody_gets_in_while_nonebot_is_not_running(door: Door):
    door.running.cancel()
    await eventually(lambda: not door.qq.healthy)
    assert await handshake(door, RIGHT) == 503


async def test_strangers_who_knock_again_and_again_do_not_fill_the_log(door: Door):
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING")
    for _ in range(3):
        assert await handshake(door, {"X-Self-ID": "10001"}) == 403
        assert await handshake(door, {**RIGHT, "Authorization": "Bearer wrong"}) == 403
    logger.remove(sink)
    assert len(lines) == 2


async def test_the_newest_authenticated_connection_of_a_bot_wins(door: Door):
    async with aiohttp.ClientSession() as http, door.bridge() as bridge:
        async with http.ws_connect(door.url, headers=RIGHT) as older:
            assert door.qq.bots() == ("10001",)
            frame = await older.receive(timeout=30)  # the simulator comes back and takes over
            assert frame.type is aiohttp.WSMsgType.CLOSE
        await bridge.wait_online()
        assert door.qq.bots() == ("10001",)
        await door.qq.deliver(PRIVATE, "还在")
        assert bridge.bot_lines("private", OPERATOR)[-1].text == "还在"


async def test_two_bridges_with_one_account_are_named_on_the_status_page(door: Door):
    def fought_over() -> bool:
        return any("抢着连" in one.reason for one in door.qq.turned_away)

    async with door.bridge(), OneBotSim(reconnect_seconds=0.05).connected(door.url, TOKEN):
        await eventually(fought_over)


async def test_a_stranger_cannot_displace_a_connected_bot(door: Door):
    async with door.bridge() as bridge:
        assert await handshake(door, {**RIGHT, "Authorization": "Bearer wrong"}) == 403
        await door.qq.deliver(PRIVATE, "还在")
        assert bridge.connections == 1


async def test_a_half_open_peer_is_noticed_and_does_not_block_its_return(door: Door):
    async with aiohttp.ClientSession() as http:
        async with http.ws_connect(door.url, headers=RIGHT, autoping=False):
            await eventually(lambda: door.qq.bots() == ("10001",))
            await eventually(lambda: door.qq.bots() == ())  # it answers no ping
        async with door.bridge():
            await door.qq.deliver(PRIVATE, "回来了")


async def test_two_bots_are_told_apart(door: Door):
    async with door.bridge() as one, door.bridge(self_id="20002") as two:
        await eventually(lambda: door.qq.bots() == ("10001", "20002"))
        await two.say_private(OPERATOR, "给二号")
        (message,) = await door.desk.wait_for(1)
        delivered = await door.qq.deliver(message.peer, "二号答")
        assert delivered.bot == "20002"
        assert not one.bot_lines("private", OPERATOR)
        assert two.bot_lines("private", OPERATOR)[0].text == "二号答"


async def test_each_arrival_and_departure_of_a_bot_is_told_so_that_waiting_notices_flow(door: Door):
    async with door.bridge() as bridge:
        assert door.arrivals == ["10001"]
        bridge.cut()
        await eventually(lambda: door.arrivals == ["10001", "10001"])
        assert door.departures == ["10001"]
        async with asyncio.timeout(30):
            await door.qq.wait_connected()
        await door.qq.deliver(PRIVATE, "补上")


async def test_an_account_that_qq_threw_out_is_not_used(door: Door):
    async with door.bridge() as bridge:
        await bridge.set_account_online(False)
        await eventually(lambda: door.qq.bots() == ())
        assert door.qq.turned_away
        assert "重新登录" in door.qq.turned_away[0].reason
        assert door.departures == ["10001"]
        await bridge.set_account_online(True)
        await eventually(lambda: door.qq.bots() == ("10001",))
        assert not door.qq.turned_away
        assert door.arrivals == ["10001", "10001"]
        await bridge.tell_event({"post_type": "notice", "notice_type": "bot_offline"})
        await eventually(lambda: door.qq.bots() == ())


# --- Forward ------------------------------------------------------------------------------------


async def test_the_hub_dials_a_forward_bridge_and_is_heard_there(open_door: OpenDoor):
    bridge = OneBotSim()
    async with bridge.serve_forward(token=TOKEN) as url, open_door(urls=(url,)) as door:
        async with asyncio.timeout(30):
            await door.qq.wait_connected()
        await door.qq.deliver(PRIVATE, "正向")
        await bridge.say_private(OPERATOR, "在的")
        (message,) = await door.desk.wait_for(1)
        assert message.text == "在的"
        assert bridge.bot_lines("private", OPERATOR)[0].text == "正向"


async def test_a_forward_bridge_may_be_silent_longer_than_our_heartbeat(open_door: OpenDoor):
    """NapCat's 30 s against NoneBot's 30 s read limit, scaled: one connection, not one per beat."""
    bridge = OneBotSim(dialect=Dialect(heartbeat_seconds=5 * FAST.heartbeat))
    async with (
        bridge.serve_forward(token=TOKEN) as url,
        open_door(urls=(url,), api_seconds=FAST.heartbeat) as door,
    ):
        await bridge.wait_until(lambda: bridge.beats >= 1, timeout=30)
        assert bridge.connections == 1
        assert door.qq.bots() == ("10001",)


async def test_a_forward_connection_that_is_cut_is_dialled_again(open_door: OpenDoor):
    bridge = OneBotSim()
    async with bridge.serve_forward(token=TOKEN) as url, open_door(urls=(url,)) as door:
        await bridge.wait_online()
        bridge.cut()
        await bridge.wait_until(lambda: bridge.connections == 2)
        await eventually(lambda: door.arrivals == ["10001", "10001"])
        await door.qq.deliver(PRIVATE, "又通了")


async def test_a_bot_that_dialled_us_is_not_displaced_by_a_forward_connection(
    open_door: OpenDoor,
):
    forward, reverse = OneBotSim(), OneBotSim()
    async with forward.serve_forward(token=TOKEN) as url, open_door(urls=(url,)) as door:
        await forward.wait_online()
        async with reverse.connected(door.url, TOKEN):
            await forward.wait_until(lambda: forward.connections >= 3)
            assert reverse.connections == 1
            await door.qq.deliver(PRIVATE, "走反向")
            assert reverse.bot_lines("private", OPERATOR)[0].text == "走反向"


@pytest.mark.parametrize("dialect", [NAPCAT, LAGRANGE], ids=["NapCat", "Lagrange"])
async def test_a_forward_bridge_that_refuses_our_token_is_named(
    open_door: OpenDoor, dialect: Dialect
):
    async with (
        OneBotSim(dialect=dialect).serve_forward(token="another") as url,
        open_door(urls=(f"{url}?access_token=hidden",)) as door,
    ):
        await eventually(lambda: bool(door.qq.turned_away))
        assert door.qq.turned_away
        assert "不认可 access token" in door.qq.turned_away[0].reason
        assert "hidden" not in door.qq.turned_away[0].reason
        assert door.qq.bots() == ()


async def test_an_address_at_which_no_bridge_is_says_so(open_door: OpenDoor):
    async with OneBotSim().serve_forward() as url:
        pass
    async with open_door(urls=(url,)) as door:
        await eventually(lambda: bool(door.qq.turned_away))
        assert door.qq.turned_away
        assert "没有程序在听" in door.qq.turned_away[0].reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(), "不认可 access token"),
        (handshake_error(401), "不认可 access token"),
        (handshake_error(404), "HTTP 404"),
        (aiohttp.ClientConnectorSSLError(NOWHERE, OSError()), "ws://"),
        (aiohttp.ClientConnectorDNSError(NOWHERE, OSError()), "找不到这个主机名"),
        (aiohttp.ClientConnectorError(NOWHERE, ConnectionRefusedError()), "没有程序在听"),
        (aiohttp.ClientConnectorError(NOWHERE, OSError()), "连不上"),
        (TimeoutError(), "防火墙"),
        (aiohttp.InvalidURL("napcat"), "不是一个地址"),
        (WebSocketClosed(1000, ""), "马上断开"),
    ],
)
def test_each_reason_why_a_bridge_is_not_reached_says_what_helps(error: Exception, words: str):
    assert words in not_reached("napcat:3001", error)


async def test_a_proxy_of_the_environment_is_not_asked_for_a_bridge_nearby(
    open_door: OpenDoor, monkeypatch: pytest.MonkeyPatch
):
    for name in ("http_proxy", "HTTP_PROXY", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    bridge = OneBotSim()
    async with bridge.serve_forward(token=TOKEN) as url, open_door(urls=(url,)):
        await bridge.wait_online()


# --- Life ---------------------------------------------------------------------------------------


async def test_a_stop_with_open_connections_takes_no_time(door: Door):
    async with aiohttp.ClientSession() as http, http.ws_connect(door.url, headers=RIGHT) as idle:
        await eventually(lambda: door.qq.bots() == ("10001",))
        goodbye = asyncio.ensure_future(idle.receive())
        async with asyncio.timeout(SOON):
            await door.stop()
        assert (await goodbye).data == aiohttp.WSCloseCode.GOING_AWAY


async def test_a_server_that_closes_first_says_goodbye_too(door: Door):
    async with aiohttp.ClientSession() as http, http.ws_connect(door.url, headers=RIGHT) as idle:
        await eventually(lambda: door.qq.bots() == ("10001",))
        goodbye = asyncio.ensure_future(idle.receive())
        async with asyncio.timeout(SOON):
            await door.close_server()
        assert (await goodbye).data == aiohttp.WSCloseCode.GOING_AWAY
        assert door.qq.bots() == ()


async def test_a_stop_does_not_wait_for_a_peer_that_never_answers(door: Door):
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(door.url, headers=RIGHT, autoclose=False, autoping=False),
    ):
        await eventually(lambda: door.qq.bots() == ("10001",))
        async with asyncio.timeout(SOON):
            await door.stop()


async def test_a_stop_does_not_wait_for_a_desk_that_is_busy(door: Door):
    async def never(_: object) -> None:
        await asyncio.Event().wait()

    door.desk.answer = never
    async with door.bridge() as bridge:
        await bridge.say_private(OPERATOR, "在的")
        await door.desk.wait_for(1)
        async with asyncio.timeout(SOON):
            await door.stop()


async def test_a_stop_with_a_backlog_takes_no_time(door: Door):
    """NoneBot's matchers are shielded and lose a cancellation that comes while they run."""
    async with door.bridge() as bridge:
        for number in range(100):
            await bridge.say_private(OPERATOR, str(number))
        await door.desk.wait_for(1)
        async with asyncio.timeout(SOON):
            await door.stop()
        assert door.running.done()


async def test_a_crash_inside_nonebot_costs_the_connection_and_not_the_hub(door: Door):
    async def crash() -> None:
        raise ZeroDivisionError("a plugin's background task")

    seen: list[Any] = []
    sink = logger.add(seen.append, level="ERROR")
    try:
        async with door.bridge() as bridge:
            nonebot.get_driver().task_group.start_soon(crash)
            await bridge.wait_until(lambda: bridge.connections == 2)
            await eventually(lambda: door.qq.bots() == ("10001",))
            await bridge.say_group(GROUP, OPERATOR, "还好吗", at_bot=True)
            await door.desk.wait_for(1)
        assert not door.running.done()
        assert any("ZeroDivisionError" in str(line) for line in seen)
    finally:
        logger.remove(sink)


async def test_with_qq_disabled_there_is_no_route_and_no_life(open_door: OpenDoor):
    qq = QQ(QQSettings(enabled=False), access_token=TOKEN, receive=lambda _: None, is_operator=bool)
    app = aiohttp.web.Application()
    qq.attach(app)
    assert not list(app.router.routes())
    running = asyncio.create_task(qq.run())
    done, _ = await asyncio.wait({running}, timeout=0.05)
    assert not done
    assert not qq.healthy
    running.cancel()
