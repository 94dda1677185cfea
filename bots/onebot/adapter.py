"""OneBot v11 over the hub's own lines; models, messages and the bot class are adapter-onebot's.

Its stock adapter registers the waiter of a request after sending it, starts an unordered and
unbounded task per event, refuses a bot that comes back while its old connection half lives, and
drops a connection over a second answer. Those are the parts that are ours here.
"""

from __future__ import annotations

import asyncio
import hmac
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from random import uniform
from typing import Any

import aiohttp
from loguru import logger
from nonebot.adapters import Adapter as BaseAdapter
from nonebot.adapters import Bot as BaseBot
from nonebot.adapters.onebot.v11 import ActionFailed, Bot
from nonebot.adapters.onebot.v11.utils import handle_api_result
from nonebot.drivers import URL, Request, WebSocket, WebSocketServerSetup
from nonebot.exception import WebSocketClosed

from bots.driver import Driver
from bots.inbox import Inbox
from bots.matcher import Matcher
from bots.memory import Memory, Said
from bots.onebot import reasons
from bots.onebot.frames import (
    NO_ID,
    Address,
    address_of,
    message_event,
    message_text,
    quoted_message,
    read_frame,
)
from bots.onebot.line import Frame, Line, NotSent
from bots.port import Ear
from bots.refusals import ELSEWHERE, Refusals
from bots.sockets import POLICY

PATHS = ("/onebot/v11/ws", "/onebot/v11/ws/", "/onebot/v11/", "/onebot/v11")
TAKEN_OVER_TIMES, TAKEN_OVER_WITHIN = 4, 60.0
"""As often, within so many seconds, and two bridges have one account."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the adapter needs from the hub."""

    access_token: str
    forward_urls: tuple[str, ...]
    ear: Ear
    matcher: Matcher
    memory: Memory


class Adapter(BaseAdapter):
    """Lines by bot id; at most one per bot, the newest authenticated one wins."""

    def __init__(self, driver: Driver, *, wiring: Wiring, **kwargs: Any) -> None:
        super().__init__(driver, **kwargs)
        self.timing = driver.timing
        self._dialling = driver.dialling
        self.refusals = Refusals()
        self._wiring = wiring
        self._lines: dict[str, Line] = {}
        self._displaced: dict[str, deque[float]] = {}
        """When connections of a bot were taken over by newer ones, in the loop's seconds."""
        self._inbox: Inbox[tuple[Bot, Address, Frame]] = Inbox(wiring.ear.is_operator, self._handle)
        for path in PATHS:
            self.setup_websocket_server(WebSocketServerSetup(URL(path), "OneBot", self._meet))
        driver.on_startup(self._start)
        driver.when_astray(self._meet_astray)

    @classmethod
    def get_name(cls) -> str:
        return "OneBot V11"

    def connected(self) -> tuple[str, ...]:
        """Ids of the bots whose QQ account is there to be used, longest connected first."""
        return tuple(bot for bot, line in self._lines.items() if line.account_online)

    async def _start(self) -> None:
        group = self.driver.task_group
        group.start_soon(self._inbox.run)
        for url in self._wiring.forward_urls:
            group.start_soon(self._dialling, partial(self._keep_dialling, url))

    # --- Connections ----------------------------------------------------------------------------

    async def _meet(self, socket: WebSocket) -> None:
        """A bridge dialled us. Nothing is accepted before its token and its id are checked."""
        headers = socket.request.headers
        bot_id = headers.get("X-Self-ID", "")
        kind, _, token = headers.get("Authorization", "").partition(" ")
        right = kind.lower() in ("bearer", "token") and hmac.compare_digest(
            token.strip().encode(errors="surrogateescape"), self._wiring.access_token.encode()
        )
        if not right:
            reason = reasons.WRONG_TOKEN if token.strip() else reasons.NO_TOKEN
        elif not (bot_id.isascii() and bot_id.isdigit()):
            reason = reasons.NO_ID
        elif headers.get("X-Client-Role", "universal").lower() in ("api", "event"):
            reason = reasons.NOT_UNIVERSAL
        elif self._is_elsewhere(bot_id):
            reason = ELSEWHERE
        else:
            await socket.accept()
            if not self._is_elsewhere(bot_id):
                await self._converse(bot_id, socket)
                return
            reason = ELSEWHERE  # it came by another protocol while we were shaking hands
        self.refusals.note(bot_id if right else "", reason)
        await socket.close(POLICY, reason)

    def _meet_astray(self, posts: bool) -> None:
        self.refusals.note("", reasons.POSTS if posts else reasons.WRONG_PATH)

    async def _keep_dialling(self, url: str) -> None:
        headers = {"Authorization": f"Bearer {self._wiring.access_token}"}
        pause = self.timing.redial_first
        while True:
            try:
                async with self.websocket(Request("GET", url, headers=headers)) as socket:
                    first = await self._first_event(socket)
                    bot_id = str(first["self_id"])
                    if bot_id in self._lines:
                        self.refusals.note(bot_id, reasons.TWICE)
                    elif self._is_elsewhere(bot_id):
                        self.refusals.note(bot_id, ELSEWHERE)
                    else:
                        pause = self.timing.redial_first
                        await self._converse(bot_id, socket)
            except (
                aiohttp.ClientError,
                OSError,
                TimeoutError,
                WebSocketClosed,
                ValueError,
            ) as error:
                logger.info("QQ bridge at {} cannot be reached: {!r}", _place(url), error)
                self.refusals.note("", reasons.not_reached(_place(url), error))
            except Exception:  # one odd bridge must not cost all other bots their connections
                logger.exception("the QQ bridge at {} cannot be understood", _place(url))
            await asyncio.sleep(pause * uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause = min(pause * 2, self.timing.redial_most)

    async def _first_event(self, socket: WebSocket) -> Frame:
        """Who is at the other end. NapCat accepts a wrong token, says 1403 and hangs up; then this
        raises PermissionError."""
        async with asyncio.timeout(self.timing.dial):
            while True:
                frame = read_frame(await socket.receive()) or {}
                if frame.get("retcode") in (1401, 1403):
                    raise PermissionError
                if "post_type" in frame and str(frame.get("self_id")).isdigit():
                    return frame

    def _is_elsewhere(self, bot_id: str) -> bool:
        """NoneBot knows one bot by an id, whatever it speaks."""
        return bot_id in self.driver.bots and bot_id not in self._lines

    async def _converse(self, bot_id: str, socket: WebSocket) -> None:
        """One connection from its first to its last frame."""
        old = self._lines.get(bot_id)
        if old is not None:
            logger.warning("QQ bot {} connected again; its older connection is closed", bot_id)
            self._leave(old)
        line = Line(Bot(self, bot_id), socket)
        self._lines[bot_id] = line
        self.bot_connect(line.bot)
        self.refusals.came(bot_id)
        if old is not None and self._is_fought_over(bot_id):
            self.refusals.note(bot_id, reasons.FOUGHT_OVER)
        logger.info("QQ bot {} connected", bot_id)
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(line), name=f"qq {bot_id} reader")
                line.when_ended(reading.cancel)
                self._wiring.ear.arrived(bot_id)
        finally:
            self._leave(line)
            await socket.close()

    def _is_fought_over(self, bot_id: str) -> bool:
        """A bridge whose connection half died takes over once; two with one account for ever."""
        times = self._displaced.setdefault(bot_id, deque(maxlen=TAKEN_OVER_TIMES))
        times.append(asyncio.get_running_loop().time())
        return len(times) == TAKEN_OVER_TIMES and times[-1] - times[0] < TAKEN_OVER_WITHIN

    def _leave(self, line: Line) -> None:
        bot_id = line.bot.self_id
        if self._lines.get(bot_id) is line:
            del self._lines[bot_id]
            self.bot_disconnect(line.bot)
            logger.info("QQ bot {} disconnected", bot_id)
            self._wiring.ear.left(bot_id)
        line.end()

    # --- Frames ---------------------------------------------------------------------------------

    async def _read(self, line: Line) -> None:
        """Never waits for work on an event: its answer may be the next frame."""
        try:
            while True:
                frame = read_frame(await line.socket.receive())
                if frame is not None and "post_type" not in frame:
                    line.answer(frame)
                elif frame is not None:
                    self._take(line, frame)
        except WebSocketClosed:
            return

    def _take(self, line: Line, frame: Frame) -> None:
        match frame["post_type"]:
            case "message":
                self._take_message(line, frame)
            case "message_sent":
                self._note_echo(line, frame)
            case "meta_event" if isinstance(frame.get("status"), dict):
                self._note_status(line, frame["status"].get("online") is not False)
            case "notice" if frame.get("notice_type") == "bot_offline":
                self._note_status(line, False)

    def _take_message(self, line: Line, frame: Frame) -> None:
        address = address_of(frame)
        if address is not None:
            place = (line.bot.self_id, address.scene, address.peer, address.sender)
            self._inbox.offer(*place, (line.bot, address, frame))

    def _note_echo(self, line: Line, frame: Frame) -> None:
        """Some bridges report what the bot said; that settles a send without an answer."""
        scene = str(frame.get("message_type"))
        peer = frame.get("group_id") if scene == "group" else frame.get("target_id")
        text = message_text(frame.get("message"))
        self._note_said(line.bot.self_id, scene, str(peer), frame, text)

    def _note_said(self, bot: str, scene: str, peer: str, told: Frame, text: str) -> None:
        message_id = str(told.get("message_id", ""))
        if message_id not in NO_ID:
            said = Said(bot, scene, peer, message_id, text, datetime.now(UTC))
            self._wiring.memory.note(said)

    def _note_status(self, line: Line, online: bool) -> None:
        if online == line.account_online:
            return
        line.account_online = online
        logger.warning("QQ account {} is {}", line.bot.self_id, "back" if online else "offline")
        if online:
            self.refusals.came(line.bot.self_id)
            self._wiring.ear.arrived(line.bot.self_id)
        else:
            self.refusals.note(line.bot.self_id, reasons.THROWN_OUT)
            self._wiring.ear.left(line.bot.self_id)

    async def _handle(self, arrived: tuple[Bot, Address, Frame]) -> None:
        bot, address, frame = arrived
        try:
            event = message_event(frame, address, bot.self_id)
        except (ValueError, TypeError) as error:
            logger.warning("QQ bot {}: unreadable message: {}", bot.self_id, type(error).__name__)
            return
        await bot.handle_event(event)
        message = self._wiring.matcher.take(event)
        if message is not None:
            await self._wiring.ear.hear(message)

    # --- Actions --------------------------------------------------------------------------------

    async def _call_api(self, bot: BaseBot, api: str, **data: Any) -> Any:
        """Raises NotSent, NoAnswer, ActionFailed."""
        if api == "get_msg":
            return await self._look_up(bot.self_id, str(data.get("message_id", "")))
        return await self.ask(bot.self_id, api, data)

    async def say(
        self,
        bot: str,
        scene: str,
        peer: str,
        segments: Iterable[Any],
        text: str,
        *,
        more_seconds: float = 0,
    ) -> str:
        """Say something; returns its id, empty if QQ did not name it. Raises as `_call_api`.

        `more_seconds`: how much longer than usual the answer may take.

        An answer that comes too late is remembered, so that `Memory.unclaimed` finds it.
        """
        if not peer.isascii() or not peer.isdigit():
            raise _refused("QQ 号或群号不是数字")
        key, action = ("group_id", "send_group_msg")
        if scene == "private":
            key, action = ("user_id", "send_private_msg")

        def late(answer: Frame) -> None:
            if isinstance(answer.get("data"), dict):
                self._note_said(bot, scene, peer, answer["data"], text)

        told = await self.ask(
            bot,
            action,
            {key: int(peer), "message": list(segments)},
            seconds=self._patience + more_seconds,
            late=late,
        )
        if not isinstance(told, dict):
            return ""
        self._note_said(bot, scene, peer, told, text)
        message_id = str(told.get("message_id", ""))
        return "" if message_id in NO_ID else message_id

    async def _look_up(self, bot_id: str, message_id: str) -> dict[str, Any]:
        """`get_msg`, from our own memory first: a restarted bridge knows no old message."""
        if message_id in NO_ID:
            raise _refused("引用里没有消息 ID")
        said = self._wiring.memory.by_id(bot_id, message_id)
        if said is not None:
            text = [{"type": "text", "data": {"text": said.text}}]
            return quoted_message(message_id, {"message": text}, sender=bot_id)
        params = {"message_id": int(message_id)}
        found = await self.ask(bot_id, "get_msg", params, seconds=self.timing.lookup)
        return quoted_message(message_id, found if isinstance(found, dict) else {})

    def host_of(self, bot: str) -> str:
        """Where that bot's bridge speaks from; empty when it is not connected."""
        line = self._lines.get(bot)
        return str(getattr(line.socket, "host", "")) if line is not None else ""

    @property
    def _patience(self) -> float:
        return float(self.config.api_timeout or 15)

    async def ask(
        self,
        bot_id: str,
        action: str,
        params: Frame,
        *,
        seconds: float | None = None,
        late: Callable[[Frame], None] | None = None,
    ) -> Any:
        """Any action; returns its data. Raises NotSent, NoAnswer, ActionFailed."""
        line = self._lines.get(bot_id)
        if line is None:
            raise NotSent(f"bot {bot_id} is not connected")
        patience = self._patience if seconds is None else seconds
        return handle_api_result(await line.call(action, params, seconds=patience, late=late))


def _place(url: str) -> str:
    """Host and port: the rest of an address may hold a token."""
    parts = URL(url)
    return f"{parts.host}:{parts.port}" if parts.port else str(parts.host)


def _refused(wording: str) -> ActionFailed:
    """Our own no, in the shape of the bridge's."""
    return ActionFailed(status="failed", retcode=0, wording=wording)  # type: ignore[no-untyped-call]
