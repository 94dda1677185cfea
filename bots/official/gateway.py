"""One bot's line to the official gateway: dialled again and again, resumed where it broke off."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from random import uniform
from typing import Any

import aiohttp
import anyio
from loguru import logger
from nonebot.drivers import Request, WebSocket
from nonebot.exception import WebSocketClosed

from bots.official.frames import Frame, read_frame
from bots.official.platform import Platform
from bots.refusals import Refusals
from bots.sockets import Timing
from hub.credits import Place
from hub.errors import AuthExpired, PeerError

EVENT, BEAT, IDENTIFY, RESUME, RECONNECT, INVALID, HELLO, BEAT_HEARD = 0, 1, 2, 6, 7, 9, 10, 11
MESSAGES, PRESSES = 1 << 25, 1 << 26
LONGEST_WAIT = 900.0
"""However long the platform wants us to stay away, we look again then."""
SHORTEST_BEAT = 0.2
BROKEN = (aiohttp.ClientError, OSError, RuntimeError)
"""What a socket raises when its other side is gone."""
_NEW_SESSION = frozenset({4006, 4007})
_NOT_GRANTED = frozenset({4013, 4014})
"""The bot may not hear of something that it asked for."""
_REASONS = {
    4013: "没有这种事件的权限",
    4014: "没有这种事件的权限",
    4914: "机器人已下架，只能连沙箱环境",
    4915: "机器人被封禁",
}

Dial = Callable[[Request], AbstractAsyncContextManager[WebSocket]]


class Gateway:
    """`take` gets every event, in order, and must not wait for anything."""

    def __init__(
        self,
        bot: str,
        platform: Platform,
        dial: Dial,
        timing: Timing,
        *,
        presses: bool,
        take: Callable[[Frame], None],
        changed: Callable[[], None],
        without_presses: Callable[[int], None],
        refusals: Refusals,
    ) -> None:
        """`presses`: hear of buttons too. `changed`: `online` is another now. `without_presses`:
        the platform does not grant these, with its code; the line goes on without them."""
        self._bot = bot
        self._platform = platform
        self._dial = dial
        self._timing = timing
        self._asked = MESSAGES | (PRESSES if presses else 0)
        self._granted = self._asked
        self._refused = False
        self._take = take
        self._changed = changed
        self._without_presses = without_presses
        self._refusals = refusals
        self._session = ""
        self._seq = 0
        self._online = False
        self._beat_open = False

    @property
    def online(self) -> bool:
        return self._online

    @property
    def hears_presses(self) -> bool:
        """Whether a button would do anything: a bot may be refused what it asks for."""
        return bool(self._granted & PRESSES)

    @property
    def place(self) -> Place:
        return Place(self._session, self._seq, self._asked, self._granted)

    def go_on_from(self, place: Place) -> None:
        """Where an earlier life broke off; nothing if that asked for other events."""
        if place.session and place.asked == self._asked:
            self._session, self._seq, self._granted = place.session, place.seq, place.granted

    async def run(self) -> None:
        """Until cancelled; whatever goes wrong is tried again, a little later each time."""
        pause = self._timing.redial_first
        while True:
            try:
                url, wait = await self._platform.gateway()
                if wait > 0 and not self._session:
                    self._refusals.note(self._bot, "今天连接开放平台的次数用完了")
                    await asyncio.sleep(min(wait, LONGEST_WAIT))
                async with self._dial(Request("GET", url)) as socket:
                    try:
                        await self._converse(socket)
                    finally:
                        if self._online:
                            pause = self._timing.redial_first
                        self._set_online(False)
            except AuthExpired as error:
                self._refusals.note(self._bot, error.reason)
                pause = self._timing.redial_most
            except PeerError as error:
                self._refusals.note(self._bot, error.reason)
            except WebSocketClosed as error:
                self._ended(error.code)
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
                self._refusals.note(self._bot, "连不上 QQ 开放平台的网关")
                logger.info("official bot {}: the gateway is away: {!r}", self._bot, error)
            except Exception:  # a line that breaks in a new way must not end all other bots
                self._refusals.note(self._bot, "和 QQ 开放平台的连接出错了，正在重试")
                logger.exception("official bot {}: the line crashed, dialled again", self._bot)
            await asyncio.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(pause * 2, self._timing.redial_most)

    async def _converse(self, socket: WebSocket) -> None:
        """One connection from its first to its last frame.

        Raises WebSocketClosed, TimeoutError or ValueError for one that never came to be.
        """
        async with asyncio.timeout(self._timing.dial):
            every = _interval(await self._next(socket))
            await self._introduce(socket)
            while not self._online:
                if not self._hear(await self._next(socket)):
                    return
        self._beat_open = False
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._beat, socket, every)
            try:
                while self._hear(await self._next(socket)):
                    pass
            except WebSocketClosed as error:
                self._ended(error.code)
            except BROKEN as error:
                logger.info("official bot {}: the line broke: {!r}", self._bot, error)
            finally:
                tasks.cancel_scope.cancel()
        with anyio.move_on_after(self._timing.close, shield=True):
            await socket.close()

    async def _introduce(self, socket: WebSocket) -> None:
        token = f"QQBot {await self._platform.token()}"
        if self._session:
            resume = {"token": token, "session_id": self._session, "seq": self._seq}
            await _send(socket, RESUME, resume)
            return
        await _send(
            socket,
            IDENTIFY,
            {
                "token": token,
                "intents": self._granted,
                "shard": [0, 1],
                "properties": {"$os": sys.platform, "$browser": "yuqiao", "$device": "yuqiao"},
            },
        )

    def _hear(self, frame: Frame) -> bool:
        """False: this connection is over."""
        match frame.get("op"):
            case 0:
                if isinstance(frame.get("s"), int):
                    self._seq = frame["s"]
                self._hear_event(frame)
            case 11:
                self._beat_open = False
            case 7:
                logger.info("official bot {}: the gateway wants us to connect again", self._bot)
                return False
            case 9:
                # Whatever we were is unknown there: begin anew, and what was missed is lost.
                if not self._session:
                    self._refusals.note(self._bot, "开放平台不认这次登录")
                self._begin_anew()
                return False
            case _:
                pass
        return True

    def _hear_event(self, frame: Frame) -> None:
        kind, data = frame.get("t"), frame.get("d")
        if kind == "READY" and isinstance(data, dict):
            self._session = str(data.get("session_id") or "")
        if kind in ("READY", "RESUMED"):
            self._set_online(True)
            return
        self._take(frame)

    async def _beat(self, socket: WebSocket, every: float) -> None:
        """A beat that was not heard before the next one is due means a dead line."""
        while True:
            await asyncio.sleep(every)
            try:
                if self._beat_open:
                    logger.warning("official bot {}: the gateway is silent", self._bot)
                    await socket.close()
                    return
                self._beat_open = True
                await _send(socket, BEAT, self._seq or None)
            except (WebSocketClosed, *BROKEN):  # whoever reads sees it too
                return

    async def _next(self, socket: WebSocket) -> Frame:
        while True:
            frame = read_frame(await socket.receive())
            if frame is not None:
                return frame

    def _set_online(self, online: bool) -> None:
        if online is self._online:
            return
        self._online = online
        logger.info("official bot {} {}", self._bot, "connected" if online else "disconnected")
        self._changed()

    def _ended(self, code: int) -> None:
        if code in _NOT_GRANTED and self._granted & PRESSES:
            # Messages are worth more than buttons: begin anew without these.
            logger.warning("official bot {}: no buttons, code {}", self._bot, code)
            self._refused = True
            self._begin_anew()
            self._without_presses(code)
            return
        if code in _REASONS:
            self._refusals.note(self._bot, f"{_REASONS[code]}（代码 {code}）")
        if code in _NEW_SESSION:
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Ask for everything again, but for what was refused in this life."""
        self._session, self._seq = "", 0
        self._granted = MESSAGES if self._refused else self._asked


def _interval(hello: Frame) -> float:
    """Seconds between two beats, as the greeting says. Raises ValueError if it is none."""
    data = hello.get("d")
    every = data.get("heartbeat_interval") if isinstance(data, dict) else None
    if hello.get("op") != HELLO or not isinstance(every, int | float):
        raise ValueError("the gateway did not say hello")
    return max(SHORTEST_BEAT, every / 1000)


async def _send(socket: WebSocket, op: int, data: Any) -> None:
    await socket.send(json.dumps({"op": op, "d": data}))
