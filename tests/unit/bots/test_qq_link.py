"""The hub's end of the link: who is let in, numbers that are answered once, breaks, odd frames."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from qq_stage import (
    GROUP,
    IN_GROUP,
    LINK_TOKEN,
    OPERATOR,
    PRIVATE,
    SECOND_OPERATOR,
    TOKEN,
    Door,
    OpenDoor,
    eventually,
)

from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import ChatPeer, ChatPicture, Mark
from hub.sandbox.pictures import blank

BOT = "20001"
HERE = ChatPeer(BOT, "private", OPERATOR)
PICTURE = blank(4, 3)
ABLE = {"id": BOT, "quotes": True, "pictures": True, "history": True, "reacts": ["group"]}
HELLO: dict[str, Any] = {"type": "hello", "version": 1, "instance": "first", "bots": [ABLE]}


class Plugin:
    """A plugin by hand: sends frames, and shows those that come."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse) -> None:
        self.ws = ws

    async def send(self, **frame: Any) -> None:
        await self.ws.send_str(json.dumps(frame))

    async def next(self, kind: str) -> dict[str, Any]:
        """The next frame of a kind; others before it are passed over."""
        async with asyncio.timeout(30):
            while True:
                frame: dict[str, Any] = json.loads((await self.ws.receive()).data)
                if frame["type"] == kind:
                    return frame

    async def said(self, asked: dict[str, Any], *ids: str, ago: int = 0) -> None:
        place = {key: asked[key] for key in ("id", "bot", "scene", "peer", "text")}
        await self.send(type="said", **place, message_ids=ids, at=int(time.time()) - ago)

    async def writes(self, text: str, message_id: str = "7", **more: Any) -> None:
        place = {"bot": BOT, "scene": "private", "peer": OPERATOR, "sender": OPERATOR}
        words = {"message_id": message_id, "text": text, **more}
        await self.send(**{"type": "operator", "id": f"{BOT}:{message_id}", **place, **words})


@asynccontextmanager
async def dialled(door: Door, *, token: str = LINK_TOKEN) -> AsyncIterator[Plugin]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"ws://{door.base}/api/bot/ws", headers=headers) as ws,
    ):
        yield Plugin(ws)


@asynccontextmanager
async def linked(door: Door, **hello: Any) -> AsyncIterator[Plugin]:
    async with dialled(door) as plugin:
        await plugin.send(**{**HELLO, **hello})
        await plugin.next("welcome")
        yield plugin


def now() -> datetime:
    return datetime.now(UTC)


# --- Who is let in ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "wrong", TOKEN, LINK_TOKEN + "x", "ключ"])
async def test_without_the_links_own_token_nobody_gets_in(door: Door, token: str):
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with dialled(door, token=token):
            pass
    assert refused.value.status == 403
    assert door.qq.turned_away
    assert "yuqiao_token" in door.qq.turned_away[0].reason


async def test_the_welcome_names_the_operators_and_changes_are_told(door: Door):
    async with dialled(door) as plugin:
        await plugin.send(**HELLO)
        welcome = await plugin.next("welcome")
        assert (welcome["version"], welcome["operators"]) == (1, [OPERATOR, SECOND_OPERATOR])
        door.desk.operators |= {"10004", "official:1/A"}
        assert (await plugin.next("operators"))["operators"] == [
            OPERATOR,
            SECOND_OPERATOR,
            "10004",
        ]
        assert door.arrivals == [BOT]


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({**HELLO, "version": 2}, 4001),
        ({"type": "bots", "bots": []}, 4001),
        ({"type": "hello"}, 1008),
        ({**HELLO, "bots": [{"id": "official:1"}]}, 1008),
        ({**HELLO, "bots": [ABLE] * 51}, 1008),
        ([], 1008),
    ],
)
async def test_another_version_and_nonsense_are_shown_out(door: Door, first: Any, code: int):
    async with dialled(door) as plugin:
        await plugin.ws.send_str(json.dumps(first))
        async with asyncio.timeout(30):
            await plugin.ws.receive()
        assert plugin.ws.close_code == code
    assert door.qq.bots() == ()


# --- Out ----------------------------------------------------------------------------------------


async def test_texts_and_pictures_go_out_with_a_number_and_come_back_with_ids(door: Door):
    async with linked(door) as plugin:
        telling = asyncio.create_task(
            door.qq.deliver(PRIVATE, "新图 #a7", quote="5", pictures=[PICTURE])
        )
        asked = await plugin.next("say")
        await plugin.said(asked, "8")
        delivered = await telling
    assert (delivered.bot, delivered.message_ids) == (BOT, ("8",))
    assert (asked["bot"], asked["scene"], asked["peer"]) == (BOT, "private", OPERATOR)
    assert (asked["text"], asked["quote"]) == ("新图 #a7", "5")
    assert [base64.b64decode(one) for one in asked["pictures"]] == [PICTURE]


@pytest.mark.parametrize(
    ("kind", "error"),
    [("rejected", Rejected), ("uncertain", Uncertain), ("unreachable", Unreachable)],
)
async def test_what_became_of_it_is_what_the_plugin_says(
    door: Door, kind: str, error: type[Exception]
):
    async with linked(door) as plugin:
        telling = asyncio.create_task(door.qq.deliver(PRIVATE, "在吗"))
        asked = await plugin.next("say")
        await plugin.send(type="failed", id=asked["id"], kind=kind, reason="不是好友")
        with pytest.raises(error, match="不是好友"):
            await telling


async def test_a_break_before_the_answer_asks_the_same_plugin_the_same_number_again(door: Door):
    async with linked(door) as plugin:
        telling = asyncio.create_task(door.qq.deliver(PRIVATE, "新消息 #a7"))
        asked = await plugin.next("say")
    async with linked(door) as plugin:
        assert await plugin.next("say") == asked
        await plugin.said(asked, "8")
        assert (await telling).message_ids == ("8",)


async def test_a_plugin_that_was_started_anew_is_asked_for_the_history_instead(
    open_door: OpenDoor,
):
    async with open_door(api_seconds=0.3) as door:
        started = now()
        async with linked(door) as plugin:
            telling = asyncio.create_task(door.qq.deliver(PRIVATE, "新消息 #a7"))
            await plugin.next("say")
        async with linked(door, instance="second") as plugin:
            with pytest.raises(Uncertain):
                await telling
            looking = asyncio.create_task(door.qq.find_delivered(PRIVATE, "新消息 #a7", started))
            asked = await plugin.next("history")
            line = {"id": "8", "sender": BOT, "at": int(time.time()), "text": "新消息 #a7"}
            await plugin.send(type="answer", id=asked["id"], data={"messages": [line]})
            found = await looking
    assert found is not None
    assert found.message_ids == ("8",)


async def test_a_hub_that_was_restarted_is_told_what_was_said_and_looks_no_further(door: Door):
    """The acknowledgement that its predecessor never got comes after the next hello."""
    started = now()
    lost = {"type": "said", "id": "of-another-life-1", **_place(), "text": "新消息 #a7"}
    at = int(time.time())
    said = [
        {**lost, "message_ids": ["6"], "at": at - 3600},
        {**lost, "message_ids": ["8"], "at": at},
    ]
    async with linked(door, said=said):
        found = await door.qq.find_delivered(PRIVATE, "新消息 #a7", started)
        assert found is not None
        assert found.message_ids == ("8",)
        assert door.qq.bots() == (BOT,)


def _place() -> dict[str, str]:
    return {"bot": BOT, "scene": "private", "peer": OPERATOR}


async def test_an_answer_that_comes_too_late_is_remembered(open_door: OpenDoor):
    async with open_door(api_seconds=0.1) as door, linked(door) as plugin:
        started = now()
        with pytest.raises(Uncertain):
            await door.qq.deliver(IN_GROUP, "新消息 #a7")
        await plugin.said(await plugin.next("say"), "8")
        await plugin.writes("后面的话")
        await door.desk.wait_for(1)
        found = await door.qq.find_delivered(IN_GROUP, "新消息 #a7", started)
        assert found is not None
        assert found.message_ids == ("8",)


async def test_marks_go_where_the_plugin_can_put_them_and_pictures_are_asked_for(door: Door):
    async with linked(door) as plugin:
        assert door.qq.abilities(ChatPeer(BOT, "group", GROUP)).reacts
        assert not door.qq.abilities(HERE).reacts
        there = ChatPeer(BOT, "group", GROUP)
        marking = asyncio.create_task(door.qq.react(there, "7", Mark.READ))
        asked = await plugin.next("react")
        assert (asked["message_id"], asked["mark"]) == ("7", "read")
        await plugin.send(type="answer", id=asked["id"])
        await marking
        fetching = asyncio.create_task(door.qq.fetch(HERE, ChatPicture("", "a.png")))
        asked = await plugin.next("picture")
        packed = base64.b64encode(PICTURE).decode()
        await plugin.send(type="answer", id=asked["id"], data={"data": packed})
        assert await fetching == PICTURE


async def test_bots_come_and_go_without_a_new_connection(door: Door):
    async with linked(door, bots=[]) as plugin:
        assert door.qq.bots() == ()
        await plugin.send(type="bots", bots=[ABLE])
        await door.qq.wait_connected()
        await plugin.send(type="bots", bots=[])
        await eventually(lambda: door.qq.bots() == ())
        assert door.departures == [BOT]
        with pytest.raises(Unreachable):
            await door.qq.deliver(PRIVATE, "在吗")


# --- In -----------------------------------------------------------------------------------------


async def test_words_are_heard_once_however_often_they_come(door: Door):
    door.desk.answer = lambda message: "没有发送" if message.text == "/什么" else None
    async with linked(door) as plugin:
        await plugin.writes("在的", quoted_id="5", quoted_text="小林：在吗 #a7")
        heard = await plugin.next("heard")
        assert (heard["id"], heard["answered"]) == (f"{BOT}:7", True), "it went to a buyer"
        await plugin.writes("在的", quoted_id="5", quoted_text="小林：在吗 #a7")
        assert await plugin.next("heard") == heard
        await plugin.writes("/什么", "8", quoted_id="")
        asked = await plugin.next("say")
        await plugin.said(asked, "9")
        assert (await plugin.next("heard"))["answered"]
        assert (asked["text"], asked["quote"]) == ("没有发送", "8")
    first, second = door.desk.heard
    assert (first.peer, first.sender, first.text) == (HERE, OPERATOR, "在的")
    assert (first.quoted_id, first.quoted_text) == ("5", "小林：在吗 #a7")
    assert (second.text, second.quoted_id) == ("/什么", "")


async def test_pictures_of_an_operator_come_between_the_words(door: Door):
    async with linked(door) as plugin:
        whole = "base64://" + base64.b64encode(bytes(60_000)).decode()
        await plugin.writes("看", parts=["看", {"url": "http://x/a.png", "file": whole}])
        (heard,) = await door.desk.wait_for(1)
    assert heard.parts == ("看", ChatPicture("http://x/a.png", whole))


async def test_other_words_by_the_same_short_id_are_other_words(door: Door):
    async with linked(door) as plugin:
        await plugin.writes("第一句")
        await plugin.writes("第二句")
        await door.desk.wait_for(2)


async def test_a_quote_of_what_the_bot_said_is_meant_for_it(door: Door):
    in_group = {"scene": "group", "peer": GROUP}
    async with linked(door) as plugin:
        telling = asyncio.create_task(door.qq.deliver(IN_GROUP, "新消息 #a7"))
        await plugin.said(await plugin.next("say"), "8")
        await telling
        await plugin.writes("/状态", "9", **in_group, quoted_id="8")
        await plugin.writes("/状态", "10", **in_group)
        ours, other = await door.desk.wait_for(2)
        assert (ours.addressed, other.addressed) == (True, False)
        assert not (await plugin.next("heard"))["answered"]


@pytest.mark.parametrize(
    ("words", "lost"),
    [
        ({"text": "长" * 50_001}, True),
        ({"peer": "55555"}, True),
        ({"scene": "group", "peer": GROUP, "sender": "55555"}, False),
    ],
)
async def test_words_that_nobody_will_hear_are_given_back_at_once(
    door: Door, words: dict[str, Any], lost: bool
):
    """The plugin would bring them again after its next connection, hours later perhaps."""
    async with linked(door) as plugin:
        await plugin.writes(**{"text": "在的", **words})
        heard = await plugin.next("heard")
        assert (heard["id"], heard["answered"], heard["lost"]) == (f"{BOT}:7", False, lost)
        assert door.desk.heard == []


def _words_in_the_chat_of_another() -> dict[str, str]:
    return {"type": "operator", "id": "x", **_place(), "sender": SECOND_OPERATOR}


@pytest.mark.parametrize(
    "frame",
    [
        "nonsense",
        {"type": "operator"},
        {"type": "said", "id": "1", **_place(), "text": "x", "message_ids": [], "at": 1e30},
        {"type": "teleport", "to": "moon"},
        {"type": "answer", "id": "nobody asked", "data": {"messages": 7}},
        {"type": "operator", "id": "x", **_place(), "sender": "me", "message_id": "1"},
        {**_words_in_the_chat_of_another(), "message_id": "1"},
    ],
)
async def test_odd_frames_cost_nothing_but_themselves(door: Door, frame: Any):
    async with linked(door) as plugin:
        await plugin.ws.send_str(json.dumps(frame))
        await plugin.writes("在的")
        (heard,) = await door.desk.wait_for(1)
        assert heard.text == "在的"


async def test_a_plugin_that_comes_back_replaces_its_half_dead_connection(door: Door):
    async with linked(door) as old:
        async with linked(door) as plugin:
            async with asyncio.timeout(30):
                while (await old.ws.receive()).type is aiohttp.WSMsgType.TEXT:
                    pass
            telling = asyncio.create_task(door.qq.deliver(PRIVATE, "在吗"))
            await plugin.said(await plugin.next("say"), "8")
            await telling
        await eventually(lambda: door.qq.bots() == ())


async def test_of_two_plugins_with_one_bot_the_newer_one_is_used(door: Door):
    """The older one may be what a power cut left behind."""
    async with linked(door) as old, linked(door, instance="second") as plugin:
        telling = asyncio.create_task(door.qq.deliver(PRIVATE, "在吗"))
        await plugin.said(await plugin.next("say"), "8")
        await telling
        await old.writes("只听一次")
        assert not (await old.next("heard"))["lost"]
        await plugin.writes("只听一次", f"p{OPERATOR}-7")
        await plugin.next("heard")
        assert len(door.desk.heard) == 1


async def test_a_bot_that_is_connected_directly_too_is_used_directly(door: Door):
    bot = {**ABLE, "id": "10001"}
    async with linked(door, bots=[]) as plugin, door.bridge() as bridge:
        await plugin.send(type="bots", bots=[bot])
        await eventually(lambda: bool(door.qq.turned_away))
        await door.qq.deliver(PRIVATE, "只说一次")
        assert len(bridge.bot_lines("private", OPERATOR)) == 1
        await bridge.say_private(OPERATOR, "只听一次")
        await plugin.writes("只听一次", f"p{OPERATOR}-7", bot="10001")
        assert not (await plugin.next("heard"))["lost"]
        await door.desk.wait_for(1)
        assert len(door.desk.heard) == 1
