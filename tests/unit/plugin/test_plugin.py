"""The plugin in an ordinary NoneBot against a hub by hand: polite, numbered, honest."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub.sandbox.milky import MilkySim
from hub.sandbox.onebot import OneBotSim
from hub.sandbox.onebot_chats import LAGRANGE, ChatLine
from tests.own_nonebot import OwnBot, own_bot

OPERATOR, STRANGER, GROUP = "10002", "55555", "777001"
TOKEN = "a-token-of-plugins"
SECONDS = 60.0
"""Deadline of every wait; a Python that imports NoneBot starts slowly on a busy machine."""


class Hub:
    """Takes one link after the other."""

    def __init__(self) -> None:
        self.links: asyncio.Queue[Link] = asyncio.Queue()
        self.tokens: list[str] = []
        self.operators = [OPERATOR]
        self.port = 0
        self.away = False

    async def meet(self, request: web.Request) -> web.StreamResponse:
        self.tokens.append(request.headers.get("Authorization", ""))
        if self.away or self.tokens[-1] != f"Bearer {TOKEN}":
            return web.Response(status=503 if self.away else 403)
        ws = web.WebSocketResponse(timeout=1.0)
        await ws.prepare(request)
        link = Link(ws)
        link.hello = await link.next("hello")
        await link.send(type="welcome", version=1, operators=self.operators)
        await self.links.put(link)
        await link.over.wait()
        return ws

    async def link(self) -> Link:
        """The next connection, once it has a bot to use."""
        async with asyncio.timeout(SECONDS):
            link = await self.links.get()
            if not link.hello["bots"]:
                await link.next("bots")
            return link


class Link:
    def __init__(self, ws: web.WebSocketResponse) -> None:
        self.ws = ws
        self.hello: dict[str, Any] = {}
        self.over = asyncio.Event()

    async def send(self, **frame: Any) -> None:
        await self.ws.send_str(json.dumps(frame))

    async def say(self, number: str, text: str, **more: Any) -> None:
        place = {"bot": "10001", "scene": "private", "peer": OPERATOR, "quote": None}
        await self.send(type="say", id=number, text=text, pictures=[], **{**place, **more})

    async def next(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS):
            while True:
                message = await self.ws.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, message
                frame: dict[str, Any] = json.loads(message.data)
                if frame["type"] == kind:
                    return frame

    async def close(self) -> None:
        await self.ws.close()
        self.over.set()


@asynccontextmanager
async def serving(hub: Hub) -> AsyncIterator[None]:
    app = web.Application()
    app.router.add_get("/api/bot/ws", hub.meet)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", hub.port).start()
    hub.port = runner.addresses[0][1]
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(
    folder: Path, *, token: Any = TOKEN, **settings: Any
) -> AsyncIterator[tuple[Hub, OneBotSim, OwnBot]]:
    hub, bridge = Hub(), OneBotSim()
    async with serving(hub), bridge.serve_forward() as url:
        address = {"yuqiao_hub_url": f"http://127.0.0.1:{hub.port}/", "yuqiao_token": token}
        with own_bot(folder, onebot_ws_urls=[url], **{**address, **settings}) as bot:
            yield hub, bridge, bot


async def parrot(bridge: OneBotSim, scene: str, peer: str, words: str) -> ChatLine:
    said = f"鹦鹉：{words}"
    return await bridge.wait_for_line(scene, peer, lambda line: line.text == said, SECONDS)


async def told(
    bridge: OneBotSim, part: str, scene: str = "private", peer: str = OPERATOR
) -> ChatLine:
    return await bridge.wait_for_line(scene, peer, lambda line: part in line.text, SECONDS)


async def logged(bot: OwnBot, part: str) -> None:
    await until(lambda: part in bot.log.read_text("utf-8"))


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not met():  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.02)


async def test_it_loads_with_no_settings_and_then_does_nothing(tmp_path: Path):
    bridge = OneBotSim()
    async with bridge.serve_forward() as url:
        with own_bot(tmp_path, onebot_ws_urls=[url]) as bot:
            await bridge.wait_online(SECONDS)
            await bridge.say_private(OPERATOR, "在吗")
            await parrot(bridge, "private", OPERATOR, "在吗")
            text = bot.log.read_text("utf-8")
    assert "插件不做任何事" in text
    assert "ERROR" not in text


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"yuqiao_priority": "早", "yuqiao_bots": {"10001": 1}},
            "yuqiao_priority、yuqiao_bots 写得不对",
        ),
        ({"yuqiao_token": ""}, "没有设置 yuqiao_token"),
        ({"yuqiao_token": "a\nb"}, "里有不能用的字符"),
    ],
)
async def test_wrong_settings_are_named_and_cost_nobody_else_anything(
    tmp_path: Path, settings: dict[str, Any], told: str
):
    async with running(tmp_path, **{"token": TOKEN, **settings}) as (_, bridge, bot):
        await bridge.wait_online(SECONDS)
        await bridge.say_private(OPERATOR, "在吗")
        await parrot(bridge, "private", OPERATOR, "在吗")
        await logged(bot, told)
        text = bot.log.read_text("utf-8")
    assert "Traceback" not in text
    assert TOKEN not in text


async def test_numbers_in_the_settings_are_as_good_as_text(tmp_path: Path):
    """NoneBot reads them as numbers, whatever they stand for."""
    async with running(tmp_path, yuqiao_token=483920, yuqiao_bots=10001) as (hub, _, _bot):
        await until(lambda: bool(hub.tokens))
        assert hub.tokens[0] == "Bearer 483920"


async def test_a_wrong_token_is_told_in_the_log_once(tmp_path: Path):
    async with running(tmp_path, token="wrong") as (hub, _, bot):
        await logged(bot, "yuqiao_token 不对")
        await until(lambda: len(hub.tokens) >= 2)
        assert bot.log.read_text("utf-8").count("yuqiao_token 不对") == 1


async def test_what_is_not_for_the_hub_stays_with_the_other_plugins(tmp_path: Path):
    async with running(tmp_path) as (hub, bridge, _):
        link = await hub.link()
        await bridge.say_private(STRANGER, "你好")
        await parrot(bridge, "private", STRANGER, "你好")
        await bridge.say_group(GROUP, STRANGER, "大家好")
        await parrot(bridge, "group", GROUP, "大家好")

        await bridge.say_group(GROUP, OPERATOR, "吃了吗")
        words = await link.next("operator")
        assert (words["text"], words["addressed"], words["sender"]) == ("吃了吗", False, OPERATOR)
        await link.send(type="heard", id=words["id"], answered=False)
        await parrot(bridge, "group", GROUP, "吃了吗")

        await link.say("1", "小林：在吗 #a7")
        said = await link.next("said")
        await bridge.say_private(OPERATOR, "在的", quote=said["message_ids"][0])
        words = await link.next("operator")
        assert (words["text"], words["quoted_id"]) == ("在的", said["message_ids"][0])
        assert words["quoted_text"] == "小林：在吗 #a7"
        await link.send(type="heard", id=words["id"], answered=False)
        bridge.dialect = LAGRANGE
        await bridge.say_private(OPERATOR, "好的", quote=said["message_ids"][0])
        words = await link.next("operator")
        assert (words["text"], words["quoted_id"]) == ("好的", "")
        await link.send(type="heard", id=words["id"], answered=True)
        await bridge.say_private(OPERATOR, "/状态")
        words = await link.next("operator")
        await link.send(type="heard", id=words["id"], answered=True)

        await bridge.say_private(OPERATOR, "#a7 看这个", image="http://127.0.0.1:9/a.png")
        words = await link.next("operator")
        assert words["parts"] == [
            "#a7 看这个",
            {"url": "http://127.0.0.1:9/a.png", "file": "http://127.0.0.1:9/a.png"},
        ]
        await link.send(type="heard", id=words["id"], answered=False)

        await bridge.say_private(STRANGER, "从前的通知\n#a7")
        earlier = await parrot(bridge, "private", STRANGER, "从前的通知\n#a7")
        await bridge.say_private(STRANGER, "引用着说", quote=earlier.id)
        await parrot(bridge, "private", STRANGER, "引用着说")
        await bridge.say_group(GROUP, OPERATOR, "引用着答", quote=earlier.id)
        words = await link.next("operator")
        assert (words["text"], words["quoted_text"]) == ("引用着答", earlier.text)
        await link.send(type="heard", id=words["id"], answered=False)

        await bridge.say_private(STRANGER, "/绑定483920")
        words = await link.next("operator")
        assert (words["sender"], words["text"]) == (STRANGER, "/绑定483920")
        await link.send(type="heard", id=words["id"], answered=True)
        await bridge.say_private(STRANGER, "再见")
        await parrot(bridge, "private", STRANGER, "再见")

        repeated = [
            one.text
            for scene in (("private", OPERATOR), ("private", STRANGER), ("group", GROUP))
            for one in bridge.bot_lines(*scene)
        ]
        assert [one.removeprefix("鹦鹉：") for one in repeated] == [
            *("小林：在吗 #a7", "你好", "从前的通知\n#a7", "引用着说", "再见"),
            *("大家好", "吃了吗"),
        ]


async def test_a_number_is_done_once_and_its_answer_outlives_the_connection(tmp_path: Path):
    async with running(tmp_path) as (hub, bridge, _):
        link = await hub.link()
        bridge.delay("send_private_msg", 0.5)
        await link.say("1", "第一条")
        await bridge.wait_until(lambda: bool(bridge.calls), SECONDS)
        await link.close()

        link = await hub.link()
        async with asyncio.timeout(SECONDS):
            (again,) = link.hello["said"] or [await link.next("said")]
        (line,) = bridge.bot_lines("private", OPERATOR)
        assert (again["id"], again["text"], again["message_ids"]) == ("1", "第一条", [line.id])
        await link.say("1", "第一条")
        assert await link.next("said") == again
        bridge.fail("send_private_msg", 1200, "不是好友", times=1)
        for _ in range(2):
            await link.say("2", "第二条")
            failed = await link.next("failed")
            assert (failed["kind"], failed["reason"]) == ("rejected", "不是好友")
        assert len(bridge.bot_lines("private", OPERATOR)) == 1


async def test_history_reactions_and_pictures_are_given_for_the_asking(tmp_path: Path):
    async with running(tmp_path) as (hub, bridge, _):
        link = await hub.link()
        place = {"bot": "10001", "scene": "group", "peer": GROUP}
        asked = await bridge.say_group(GROUP, OPERATOR, "#a7 在的")
        await link.send(type="react", id="1", message_id=asked, mark="accepted", **place)
        await link.next("answer")
        assert list(bridge.reactions) == [(asked, "124", True)]
        await link.send(type="history", id="2", count=50, **place)
        (line, *_) = (await link.next("answer"))["data"]["messages"]
        assert (line["id"], line["sender"], line["text"]) == (asked, OPERATOR, "#a7 在的")
        bridge.images["a.png"] = {"base64": "base64://QQ=="}
        await link.send(type="picture", id="3", file="a.png", **place)
        assert (await link.next("answer"))["data"] == {"data": "QQ=="}
        bridge.reaction_result = 65002
        await link.send(type="react", id="4", message_id=asked, mark="accepted", **place)
        assert (await link.next("failed"))["kind"] == "rejected"
        await link.send(type="teleport", id="4", **place)
        await link.send(type="history", id="5", count=50, **{**place, "bot": "99999"})
        assert (await link.next("failed"))["kind"] == "unreachable"


async def test_words_wait_for_a_hub_that_is_away_and_are_brought_until_it_has_heard(
    tmp_path: Path,
):
    async with running(tmp_path) as (hub, bridge, _):
        link = await hub.link()
        await bridge.say_private(OPERATOR, "#a7 第一句")
        first = await link.next("operator")
        await link.close()
        await bridge.say_private(OPERATOR, "#a7 第二句")
        link = await hub.link()
        assert await link.next("operator") == first
        second = await link.next("operator")
        assert second["text"] == "#a7 第二句"
        for words in (first, second):
            await link.send(type="heard", id=words["id"], answered=False)
        await link.say("1", "还在")
        await link.next("said")
        await link.close()
        link = await hub.link()
        await link.say("2", "没有别的了")
        assert [one["id"] for one in link.hello["said"]] == ["1"]
        assert (await link.ws.receive_json())["id"] == "2"


async def test_words_that_waited_too_long_are_given_up_and_their_writer_is_told(tmp_path: Path):
    async with running(tmp_path, words_wait=0.2) as (hub, bridge, _):
        link = await hub.link()
        refused = await bridge.say_private(OPERATOR, "#a7 太长")
        words = await link.next("operator")
        await link.send(type="heard", id=words["id"], answered=False, lost=True)
        assert (await told(bridge, "收不下")).quoted == refused
        unclear = await bridge.say_group(GROUP, OPERATOR, "#a7 也许")
        await link.next("operator")
        hub.away = True
        await link.close()
        assert (await told(bridge, "不知道", "group", GROUP)).quoted == unclear
        asked = await bridge.say_private(OPERATOR, "#a7 在的")
        assert (await told(bridge, "没有连上")).quoted == asked
        hub.away = False
        link = await hub.link()
        await link.say("1", "鱼桥回来了")
        assert (await link.ws.receive_json())["type"] == "said", "it does not come after all"


async def test_it_speaks_through_milky_as_well(tmp_path: Path):
    hub, sim = Hub(), MilkySim(self_id="30001", token="bridge")
    async with serving(hub), sim.serve() as url:
        server = {
            "host": "127.0.0.1",
            "port": int(url.rpartition(":")[2]),
            "access_token": "bridge",
        }
        address = {"yuqiao_hub_url": f"ws://127.0.0.1:{hub.port}", "yuqiao_token": TOKEN}
        with own_bot(tmp_path, milky_clients=[server], **address):
            link = await hub.link()
            await link.say("1", "小林：在吗 #a7", bot="30001")
            said = await link.next("said")
            (line,) = sim.bot_lines("private", OPERATOR)
            assert said["message_ids"] == [f"p{OPERATOR}-{line.id}"]
            friend = {"user_id": int(OPERATOR), "nickname": "", "sex": "unknown", "qid": ""}
            await sim.tell_event(
                "message_receive",
                {
                    **{"message_scene": "friend", "peer_id": int(OPERATOR), "message_seq": 900},
                    **{"sender_id": int(OPERATOR), "time": 1},
                    "friend": {
                        **friend,
                        "remark": "",
                        "category": {"category_id": 0, "category_name": ""},
                    },
                    "segments": [
                        {"type": "reply", "data": {"message_seq": int(line.id)}},
                        {"type": "text", "data": {"text": "在的"}},
                    ],
                },
            )
            words = await link.next("operator")
            assert (words["text"], words["quoted_id"]) == ("在的", said["message_ids"][0])
            assert words["message_id"] == f"p{OPERATOR}-900"
            place = {"bot": "30001", "scene": "private", "peer": OPERATOR}
            await link.send(type="history", id="2", count=50, **place)
            (past,) = (await link.next("answer"))["data"]["messages"]
            assert (past["id"], past["sender"]) == (said["message_ids"][0], "30001")
            await link.close()


async def test_the_bot_stops_at_once_when_it_is_told_to(tmp_path: Path):
    async with running(tmp_path) as (hub, _, bot):
        await hub.link()
        assert await asyncio.to_thread(bot.terminate) == 0
        text = bot.log.read_text("utf-8")
    assert "Traceback" not in text
