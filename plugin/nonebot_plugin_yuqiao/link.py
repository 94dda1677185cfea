"""The connection to the hub: dialled for ever, numbered, and with a memory over its breaks."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from random import uniform
from typing import Any

import aiohttp
from nonebot.log import logger

from nonebot_plugin_yuqiao.hands import Frame, Hands
from nonebot_plugin_yuqiao.words import Words, names_conversation, quotes_notice

VERSION = 1
OTHER_VERSION = 4001
LARGEST_FRAME = 32 * 1024 * 1024
HEARTBEAT = 20.0
DIAL = 10.0
GOODBYE = 2.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
MOST_AT_ONCE = 200
MOST_ANSWERS = 1_000
TOLD_AGAIN = 600.0
"""Seconds after which what was said is no news to a hub that comes back."""
MOST_TOLD_AGAIN = 100
MOST_WAITING = 200
WAITS = 60.0
"""Seconds that a member's words may wait for the hub: later they would come out of the blue."""
PATIENCE = 5.0
"""How long other plugins behind this one wait for the hub's word."""
AWAY = "没有送到鱼桥：它没有连上，这句话不会再发了。请稍后再写一次。"
UNKNOWN = "鱼桥断开了，不知道这句话它收到没有，不会再发了。请看一眼后台，没有的话再写一次。"
REFUSED = "没有送到鱼桥：它收不下这句话（太长，或者一下子太多）。请改短一些再写一次。"


@dataclass
class _Waiting:
    words: Words
    heard: asyncio.Future[bool]
    since: float = field(default_factory=time.monotonic)
    sent: aiohttp.ClientWebSocketResponse | None = None
    """The last connection that they were written to."""


class Link:
    def __init__(self, url: str, token: str, hands: Hands) -> None:
        self.operators: frozenset[str] = frozenset()
        """Whose words the hub wants; as it said last."""
        self._url = url
        self._token = token
        self._hands = hands
        self._instance = secrets.token_hex(8)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._answers: OrderedDict[str, tuple[float, Frame]] = OrderedDict()
        """To `say`, by number: what was said once is never said again."""
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        self._trouble = ""
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._life = asyncio.create_task(self._live(), name="yuqiao link")

    async def stop(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})

    async def tell_bots(self, *, without: str = "") -> None:
        await self._send({"type": "bots", "bots": self._hands.bots(without=without)})

    async def hear(self, words: Words) -> bool:
        """Bring it to the hub, now or when it is back; returns whether the hub answered it.

        False as well when that is not known in time.
        """
        known = self._waiting.get(words["id"])
        if known is None:
            heard: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            known = self._waiting[words["id"]] = _Waiting(words, heard)
            while len(self._waiting) > MOST_WAITING:
                await self._give_up(next(iter(self._waiting)))
            await self._bring(known)
        if self._socket is None:
            return False
        done, _ = await asyncio.wait({known.heard}, timeout=PATIENCE)
        return bool(done) and not known.heard.cancelled() and known.heard.result()

    async def _bring(self, waiting: _Waiting) -> None:
        if self._socket is not None:
            waiting.sent = self._socket
            await self._send({**waiting.words, "type": "operator"})

    # --- Life -----------------------------------------------------------------------------------

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_giving_up())
            pause = FIRST_PAUSE
            while True:
                try:
                    if await self._connect(tasks):
                        pause = FIRST_PAUSE
                except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                    self._tell_trouble(_why(error))
                except Exception:  # nobody starts the link again but a restart of the bot
                    logger.opt(exception=True).error("鱼桥：连接出错了，正在重连")
                await asyncio.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _connect(self, tasks: asyncio.TaskGroup) -> bool:
        """One connection from its first to its last frame; returns whether the hub took it."""
        headers = {"Authorization": f"Bearer {self._token}"}
        async with aiohttp.ClientSession() as http:
            async with asyncio.timeout(DIAL):
                socket = await http.ws_connect(
                    self._url,
                    headers=headers,
                    heartbeat=HEARTBEAT,
                    max_msg_size=LARGEST_FRAME,
                    timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE),
                )
            try:
                hello = {"version": VERSION, "plugin": _own_version(), "instance": self._instance}
                bots = self._hands.bots()
                lately = {"bots": bots, "said": self._lately()}
                await socket.send_str(json.dumps({"type": "hello", **hello, **lately}))
                welcome = False
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        frame = _read(message.data)
                        if frame.get("type") == "welcome":
                            welcome = True
                            await self._begin(socket, frame, bots)
                        self._take(frame, tasks)
            finally:
                self._socket = None
                await socket.close()
        if socket.close_code == OTHER_VERSION:
            self._tell_trouble("鱼桥和插件的版本对不上，两边都更新一下")
        elif welcome:
            self._tell_trouble("连接断了，正在重连")
        else:
            self._tell_trouble("鱼桥一句话没说就断开了，正在重连")
        return welcome

    async def _begin(
        self, socket: aiohttp.ClientWebSocketResponse, welcome: Frame, bots: list[Frame]
    ) -> None:
        """From now on it can be spoken to."""
        self._socket, self._trouble = socket, ""
        self._take_operators(welcome)
        logger.opt(colors=False).success("鱼桥：已连接")
        if bots != self._hands.bots():
            await self.tell_bots()
        oldest = time.monotonic() - WAITS
        for waiting in tuple(self._waiting.values()):
            if waiting.since >= oldest:
                await self._bring(waiting)

    def _lately(self) -> list[Frame]:
        """What was said, for a hub that may not know."""
        oldest = time.time() - TOLD_AGAIN
        answers = [answer for at, answer in self._answers.values() if at >= oldest]
        return [one for one in answers if one["type"] == "said"][-MOST_TOLD_AGAIN:]

    def _tell_trouble(self, reason: str) -> None:
        """Once for each new reason."""
        if reason != self._trouble:
            logger.warning("鱼桥：{}", reason)
            self._trouble = reason

    async def _send(self, frame: Frame) -> None:
        socket = self._socket
        if socket is not None:
            with suppress(aiohttp.ClientError, ConnectionError, RuntimeError):
                await socket.send_str(json.dumps(frame))

    # --- Frames ---------------------------------------------------------------------------------

    def _take(self, frame: Frame, tasks: asyncio.TaskGroup) -> None:
        """Never waits: what is asked for is done beside the reading."""
        match frame.get("type"):
            case "operators":
                self._take_operators(frame)
            case "heard":
                waiting = self._waiting.pop(str(frame.get("id")), None)
                if waiting is not None and not waiting.heard.done():
                    waiting.heard.set_result(bool(frame.get("answered")))
                    if frame.get("lost"):
                        tasks.create_task(self._tell_lost(waiting.words, REFUSED))
            case "say" | "history" | "picture" | "react":
                number = str(frame.get("id"))
                if number not in self._running:
                    task = tasks.create_task(self._answer(number, frame))
                    self._running[number] = task
                    task.add_done_callback(lambda _: self._running.pop(number, None))
            case _:
                return  # of a newer hub

    def _take_operators(self, frame: Frame) -> None:
        given = frame.get("operators")
        if isinstance(given, list):
            self.operators = frozenset(str(one) for one in given)

    async def _answer(self, number: str, frame: Frame) -> None:
        """Goes on when the connection breaks; the answer is kept for the next one."""
        known = self._answers.get(number)
        if known is not None:
            await self._send(known[1])
            return
        if len(self._running) > MOST_AT_ONCE:
            busy = {"kind": "unreachable", "reason": "机器人太忙"}
            await self._send({"type": "failed", "id": number, **busy})
            return
        answer = await self._hands.perform(frame)
        if frame["type"] == "say":
            self._answers[number] = (time.time(), answer)
            while len(self._answers) > MOST_ANSWERS:
                self._answers.popitem(last=False)
        await self._send(answer)

    # --- Words that wait ------------------------------------------------------------------------

    async def _keep_giving_up(self) -> None:
        while True:
            await asyncio.sleep(WAITS / 10)
            oldest = time.monotonic() - WAITS
            for number, waiting in tuple(self._waiting.items()):
                at_work = waiting.sent is not None and waiting.sent is self._socket
                if waiting.since < oldest and not at_work:
                    await self._give_up(number)

    async def _give_up(self, number: str) -> None:
        waiting = self._waiting.pop(number, None)
        if waiting is not None:
            waiting.heard.cancel()
            await self._tell_lost(waiting.words, UNKNOWN if waiting.sent else AWAY)

    async def _tell_lost(self, words: Words, why: str) -> None:
        """Not in groups, where most of what members say is for each other."""
        ours = names_conversation(words) or quotes_notice(words) or self._hands.said(words)
        if words["scene"] == "private" or ours:
            await self._hands.tell_lost(words, why)


def _read(data: str) -> dict[str, Any]:
    """The object in a frame; empty for what is none."""
    try:
        frame = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.WSServerHandshakeError):
        if error.status in (401, 403):
            return "yuqiao_token 不对，请到鱼桥后台的 QQ 页复制"
        return f"这个地址没有鱼桥（HTTP {error.status}），或者鱼桥太旧、还没有启动好"
    if isinstance(error, aiohttp.ClientSSLError | aiohttp.ClientConnectorCertificateError):
        return "鱼桥的 https 证书不受信任，或者那个端口不是 https"
    if isinstance(error, ValueError):
        return "yuqiao_hub_url 或 yuqiao_token 里有不能用的字符"
    return "连不上鱼桥，正在重试"


def _own_version() -> str:
    try:
        return version("nonebot-plugin-yuqiao")
    except PackageNotFoundError:
        return "source"
