"""The admin door and the page: what people and scripts outside can do and see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.sandbox import Sandbox, SandboxOptions, start_sandbox

from .client import BUYER, CONVERSATION, SELLER, SEND, Browser, Rig, send_body

TEXT = {"text": "在吗"}


async def test_a_new_seller_can_log_in_with_the_cookies_it_was_given(rig: Rig) -> None:
    made = await rig.admin("POST", "/sellers", {"name": "第二家店"})
    browser = Browser(rig.http, rig.sandbox.urls["mtop_url"], made["cookies"])
    answer = await browser.call("mtop.idle.web.user.page.nav")
    assert answer["data"]["module"]["base"]["displayName"] == "第二家店"
    await rig.admin("POST", "/sellers", {"user": made["user"]}, status=400)


@asynccontextmanager
async def sandbox_of(realm: str) -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0, realm=realm)) as sandbox:
        yield sandbox


async def test_stored_cookies_stay_good_after_a_restart_and_ids_do_not_repeat() -> None:
    async with sandbox_of("ours") as before:
        cookies = before.cookies()
        (first,) = await before.stage.say(before.world.conversation(CONVERSATION), [TEXT])
    async with sandbox_of("ours") as again, aiohttp.ClientSession() as http:
        browser = Browser(http, again.urls["mtop_url"], cookies)
        assert (await browser.call("mtop.idle.web.user.page.nav"))["ret"] == ["SUCCESS::调用成功"]
        (second,) = await again.stage.say(again.world.conversation(CONVERSATION), [TEXT])
    assert first != second


async def test_logins_of_another_sandbox_are_refused(rig: Rig) -> None:
    """A hub that a test left behind may find another one at the port of its own."""
    async with start_sandbox() as elsewhere:
        pasted, issued = elsewhere.cookies(), elsewhere.logins.issue(SELLER)
        long_login = elsewhere.logins.long_login(SELLER)
    browser = Browser(rig.http, rig.sandbox.urls["mtop_url"], pasted)
    answer = await browser.call("mtop.idle.web.user.page.nav")
    assert answer["ret"] == ["FAIL_SYS_SESSION_EXPIRED::Session过期"]
    logins = rig.sandbox.logins
    assert logins.holds(issued) is None
    logins.end(SELLER, renewable=True)
    assert logins.renew({"unb": SELLER, **long_login}) is None
    assert logins.renew({"unb": SELLER, **logins.long_login(SELLER)}) is not None


async def test_buyers_items_and_conversations_are_made_on_demand(rig: Rig) -> None:
    buyer = await rig.admin("POST", "/buyers", {"name": "新买家"})
    item = await rig.admin("POST", "/items", {"seller": SELLER, "title": "新商品"})
    place = {"seller": SELLER, "buyer": buyer["user"], "item": item["id"]}
    first = await rig.admin("POST", "/conversations", place)
    again = await rig.admin("POST", "/conversations", place)
    assert first == again
    assert len(first["conversation"]) == 11
    state = await rig.admin("GET", "/state")
    assert first["conversation"] in [one["conversation"] for one in state["conversations"]]


async def test_a_buyer_can_be_named_instead_of_a_conversation(rig: Rig) -> None:
    body = {"seller": SELLER, "buyer": BUYER, "item": "880011223344", "text": "在吗"}
    answer = await rig.admin("POST", "/say", body)
    assert answer["conversation"] == CONVERSATION


async def test_the_buyer_sees_every_kind_of_content(rig: Rig) -> None:
    messages: list[dict[str, Any]] = [
        {"text": "文字"},
        {"image": ["https://example.com/1.jpg", "https://example.com/2.jpg"]},
        {"voice": "https://example.com/1.amr"},
        {"video": "https://example.com/1.mp4"},
        {"location": {"title": "自提点"}},
    ]
    answer = await rig.admin("POST", "/say", {"conversation": CONVERSATION, "messages": messages})
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    assert [one["id"] for one in view["messages"]] == answer["ids"]
    kinds = ["text", "image", "voice", "video", "location"]
    assert [one["kind"] for one in view["messages"]] == kinds
    assert view["messages"][1]["pictures"] == messages[1]["image"]


async def test_a_waiting_poll_ends_with_the_message_or_with_408(rig: Rig) -> None:
    path = f"/conversations/{CONVERSATION}/wait?from=seller"
    answer = await rig.admin("GET", f"{path}&timeout=0", status=408)
    assert answer["met"] is False
    async with rig.online() as wire, asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(rig.admin("GET", path))
        await wire.ask(SEND, send_body("在的"))
    assert waiting.result()["messages"][-1]["text"] == "在的"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/say", {"conversation": "1", "text": "x"}, 404),
        ("POST", "/say", {"conversation": CONVERSATION, "nothing": 1}, 400),
        ("POST", "/say", {"text": "x"}, 400),
        ("POST", "/say", [], 400),
        ("POST", "/order", {"conversation": CONVERSATION, "event": "nonsense"}, 400),
        ("POST", "/faults", {"kind": "nonsense"}, 400),
        ("PATCH", "/manners", {"nonsense": 1}, 400),
        ("PATCH", "/manners", {"zombies": 3}, 400),
        ("POST", "/connections/cut", {"user": SELLER, "how": "nonsense"}, 400),
        ("POST", "/load", {"mode": "nonsense"}, 400),
    ],
)
async def test_wrong_input_is_answered_with_a_sentence(
    rig: Rig, method: str, path: str, body: Any, status: int
) -> None:
    answer = await rig.admin(method, path, body, status=status)
    assert answer["error"]


async def test_foreign_web_pages_are_turned_away(rig: Rig) -> None:
    url = rig.sandbox.urls["admin_url"] + "/state"
    async with rig.http.get(url, headers={"Origin": "http://evil.example"}) as response:
        assert response.status == 403
    own = rig.sandbox.urls["playground_url"].rstrip("/")
    async with rig.http.get(url, headers={"Origin": own}) as response:
        assert response.status == 200


async def test_faults_are_listed_and_cleared(rig: Rig) -> None:
    await rig.fault("send_lost", times=None)
    await rig.fault("push_lost")
    listed = await rig.admin("GET", "/faults")
    assert [one["kind"] for one in listed["waiting"][SELLER]] == ["send_lost", "push_lost"]
    assert set(listed["kinds"]) > {"send_lost", "mtop_risk"}
    left = await rig.admin("DELETE", f"/faults?user={SELLER}&kind=push_lost")
    assert [one["kind"] for one in left["waiting"][SELLER]] == ["send_lost"]
    assert (await rig.admin("DELETE", "/faults"))["waiting"] == {}


# --- QQ ---


class FakeHub:
    """The hub's end of the reverse WebSocket, as far as these tests need it."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sockets: list[web.WebSocketResponse] = []

    async def meet(self, request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        self.sockets.append(ws)
        async for message in ws:
            event = json.loads(message.data)
            if event.get("post_type") == "message":
                self.messages.put_nowait(event)
        return ws

    async def tell(self, user: str, text: str) -> None:
        params = {"user_id": int(user), "message": [{"type": "text", "data": {"text": text}}]}
        action = {"action": "send_private_msg", "params": params, "echo": "1"}
        await self.sockets[-1].send_str(json.dumps(action))


@asynccontextmanager
async def hub_for(rig: Rig) -> AsyncIterator[FakeHub]:
    hub = FakeHub()
    app = web.Application()
    app.router.add_get("/onebot/v11/ws", hub.meet)
    runner = web.AppRunner(app, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"ws://127.0.0.1:{runner.addresses[0][1]}/onebot/v11/ws"
        await rig.admin("POST", "/qq/connect", {"url": url})
        await rig.admin("GET", "/qq/wait_online")
        yield hub
    finally:
        await runner.cleanup()


async def test_the_operator_writes_quotes_and_reads_through_the_door(rig: Rig) -> None:
    async with hub_for(rig) as hub:
        await hub.tell("10002", "买家小林：在吗 #a1")
        told = await rig.admin("GET", "/qq/wait?contains=%23a1")
        quote = told["lines"][0]["id"]
        mine = (await rig.admin("POST", "/qq/say", {"text": "在的", "quote": quote}))["id"]
        await rig.admin("POST", "/qq/repeat", {"id": mine})
        await rig.admin("GET", "/qq/wait?contains=nothing&timeout=0", status=408)
        chat = await rig.admin("GET", "/qq/chat")
        assert [(one["by_bot"], one["quoted"]) for one in chat] == [(True, None), (False, quote)]
        async with asyncio.timeout(30):
            said = [await hub.messages.get() for _ in range(2)]
        assert [str(event["message_id"]) for event in said] == [mine, mine]


async def test_group_talk_dialects_and_faults_go_through_the_door(rig: Rig) -> None:
    async with hub_for(rig):
        body = {"scene": "group", "text": "/状态", "at": True}
        await rig.admin("POST", "/qq/say", body)
        (line,) = await rig.admin("GET", "/qq/chat?scene=group")
        assert line["segments"][0]["type"] == "at"
        changed = await rig.admin("PATCH", "/qq/dialect", {"reply_id_zero": True})
        assert changed["reply_id_zero"] is True
        await rig.admin("PATCH", "/qq/dialect", {"nonsense": 1}, status=400)
        for how in ("fail", "delay", "swallow"):
            fault = {"action": "send_msg", "how": how, "seconds": 1}
            await rig.admin("POST", "/qq/faults", fault)
        await rig.admin("DELETE", "/qq/faults")
        await rig.admin("POST", "/qq/restart")
        await rig.admin("GET", "/qq/wait_online")


# --- the page ---


async def test_the_page_and_its_files_are_served_without_foreign_resources(rig: Rig) -> None:
    origin = rig.sandbox.urls["playground_url"]
    async with rig.http.get(origin) as response:
        page = await response.text()
        assert response.content_type == "text/html"
        assert "default-src 'self'" in response.headers["Content-Security-Policy"]
    assert "http://" not in page
    assert "https://" not in page
    for name in ("app.css", "app.js", "icon.svg", "photo.png"):
        async with rig.http.get(f"{origin}static/{name}") as response:
            assert response.status == 200
    async with rig.http.get(f"{origin}static/..%2Fserver.py") as response:
        assert response.status == 404


async def test_the_state_of_the_page_comes_from_the_server(rig: Rig) -> None:
    await rig.say("在吗")
    rig.sandbox.hub_url = "http://127.0.0.1:8080/"
    url = f"{rig.sandbox.urls['playground_url']}playground/state?conversation={CONVERSATION}"
    async with rig.online(), rig.http.get(url) as response:
        state = await response.json()
    assert state["hub_connected"] is True
    assert state["qq_connected"] is False
    assert state["hub_url"] == "http://127.0.0.1:8080/"
    assert [one["text"] for one in state["conversation"]["messages"]] == ["在吗"]


async def test_the_page_is_told_when_something_changed(rig: Rig) -> None:
    url = f"{rig.sandbox.urls['playground_url']}playground/events"
    async with asyncio.timeout(30), rig.http.get(url) as stream:
        first = await stream.content.readuntil(b"\n\n")
        await rig.say("在吗")
        second = await stream.content.readuntil(b"\n\n")
    assert first.startswith(b"data: ")
    assert second.startswith(b"data: ")
    assert first != second


async def test_the_page_shows_the_order_and_what_the_buyer_can_do_next(rig: Rig) -> None:
    url = f"{rig.sandbox.urls['playground_url']}playground/state?conversation={CONVERSATION}"

    async def shown() -> Any:
        async with rig.http.get(url) as response:
            return (await response.json())["conversation"]["order"]

    assert await shown() is None
    order = await rig.order(sku="季卡")
    assert await shown() == {
        "id": order["id"],
        "status": "等你付款",
        "amount": "34.80",
        "quantity": 1,
        "specs": "季卡",
        "can": ["pay", "close"],
    }
    can = []
    for step in ("pay", "refund", "withdraw", "ship", "receive", "rate"):
        await rig.step(order, step)
        can.append((await shown())["can"])
    assert can == [
        ["refund"],
        ["withdraw"],
        ["refund"],
        ["receive", "refund"],
        ["rate", "place"],
        ["place"],
    ]
