"""`Link`: the port of bots behind plugins that dialled the hub."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

import aiohttp
from loguru import logger
from nonebot.drivers import URL, WebSocket, WebSocketServerSetup
from nonebot.exception import WebSocketClosed

from bots.driver import Driver
from bots.finding import PastMessage, find_said
from bots.inbox import Inbox
from bots.link import wire
from bots.memory import Memory
from bots.memory import Said as Kept
from bots.pictures import BASE64, download, from_base64, seconds_to_take
from bots.port import PEER, Ear
from bots.refusals import ELSEWHERE, Refusals, TurnedAway
from bots.sockets import POLICY
from hub.errors import PeerError, Rejected, Uncertain, Unreachable
from hub.model import ChatAbilities, ChatPeer, ChatPicture, Mark, OperatorMessage

PATH = "/api/bot/ws"
HISTORY = 50
MOST_HEARD = 2_000
HEARD = {"type": "heard", "answered": False}
WELCOME = {"type": "welcome", "version": wire.VERSION}
OTHER_VERSION = 4001
"""Close code: the two sides are of different ages."""
LOOKS = 1.0
"""Seconds within which a plugin is told of a new operator."""


@dataclass
class _Session:
    """One connection of a plugin."""

    instance: str
    socket: WebSocket
    bots: dict[str, wire.LinkedBot]
    ended: asyncio.Future[None]
    told: frozenset[str] = frozenset()
    """The operators that the plugin knows of."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def send(self, frame: dict[str, Any]) -> None:
        """A connection that is gone says so by its end."""
        async with self.lock:
            with suppress(WebSocketClosed, aiohttp.ClientError, ConnectionError, RuntimeError):
                await self.socket.send_text(json.dumps(frame))


class Link:
    """See `bots.port.Port`, and this package's words about the protocol."""

    def __init__(self, driver: Driver, ear: Ear, *, token: str) -> None:
        self._timing = driver.timing
        self._patience = float(driver.config.api_timeout or 15)
        self._ear = ear
        self._token = token
        self._memory = Memory()
        self._refusals = Refusals()
        self._sessions: dict[str, _Session] = {}
        self._changed = asyncio.Event()
        self._numbers = count(1)
        self._life = secrets.token_hex(6)
        self._waiters: dict[str, asyncio.Future[wire.Reply]] = {}
        self._heard: OrderedDict[int, bool] = OrderedDict()
        """By a digest of the words: ids are short hashes that collide now and then."""
        self._inbox: Inbox[tuple[str, wire.OperatorWords]] = Inbox(ear.is_operator, self._hear)
        self._driver = driver
        driver.setup_websocket_server(WebSocketServerSetup(URL(PATH), "link", self._meet))
        driver.on_startup(self._start)

    @property
    def turned_away(self) -> TurnedAway | None:
        return self._refusals.last

    def bots(self) -> tuple[str, ...]:
        known = (bot for session in self._sessions.values() for bot in session.bots)
        return tuple(dict.fromkeys(known))

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        session = self._session_of(peer.bot)
        if session is None:
            return ChatAbilities()
        can = session.bots[peer.bot]
        return ChatAbilities(
            longest_text=can.longest_text,
            quotes=can.quotes,
            pictures=can.pictures,
            reacts=peer.scene in can.reacts,
            pushes=True,
            history=can.history,
        )

    async def say(
        self, peer: ChatPeer, text: str, *, quote: str | None, pictures: Sequence[bytes]
    ) -> tuple[str, ...]:
        seconds = self._patience + seconds_to_take(pictures)
        shown = [base64.b64encode(data).decode() for data in pictures]
        frame = {"type": "say", "text": text, "quote": quote, "pictures": shown}
        reply = await self._ask(peer, "send", frame, seconds=seconds, again=True)
        if not isinstance(reply, wire.Said):
            raise Uncertain(PEER, "send", "机器人的插件答非所问")
        self._note(reply)
        for message_id in reply.message_ids:
            self._memory.claim(peer.bot, message_id)
        return reply.message_ids

    async def find(self, peer: ChatPeer, texts: Sequence[str], since: datetime) -> tuple[str, ...]:
        return await find_said(self._memory, self._history, peer, texts, since, most=HISTORY)

    async def _history(self, peer: ChatPeer, most: int) -> list[PastMessage]:
        data = await self._ask_data(peer, "history", {"type": "history", "count": most})
        try:
            told = wire.History.model_validate(data)
        except ValueError:
            raise Uncertain(PEER, "history", "QQ 的聊天记录读不出来") from None
        return [PastMessage(one.id, one.sender, one.at, one.text) for one in told.messages]

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        packed = from_base64(picture.url) or from_base64(picture.file)
        if packed is not None:
            return packed
        session = self._session_of(peer.bot)
        bridge = str(getattr(session.socket, "host", "")) if session is not None else ""
        try:
            return await download(picture.url, bridge=bridge)
        except (Rejected, Unreachable):
            if not picture.file:
                raise
        told = await self._ask_data(peer, "picture", {"type": "picture", "file": picture.file})
        if told.get("data"):
            return from_base64(f"{BASE64}{told['data']}") or b""
        return await download(str(told.get("url") or ""), bridge=bridge)

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        frame = {"type": "react", "message_id": message_id, "mark": mark.value}
        await self._ask_data(peer, "react", frame)

    # --- Asking ---------------------------------------------------------------------------------

    async def _ask_data(self, peer: ChatPeer, op: str, frame: dict[str, Any]) -> dict[str, Any]:
        reply = await self._ask(peer, op, frame, seconds=self._patience, again=False)
        return reply.data if isinstance(reply, wire.Answer) else {}

    async def _ask(
        self, peer: ChatPeer, op: str, frame: dict[str, Any], *, seconds: float, again: bool
    ) -> wire.Reply:
        """`again`: after a break the same plugin is asked once more, with the same number.

        Raises Unreachable, Rejected, Uncertain.
        """
        session = self._session_of(peer.bot)
        if session is None:
            raise Unreachable(PEER, op, "QQ 机器人没有连接")
        number = f"{self._life}-{next(self._numbers)}"
        place = {"bot": peer.bot, "scene": peer.scene, "peer": peer.peer}
        waiter: asyncio.Future[wire.Reply] = asyncio.get_running_loop().create_future()
        self._waiters[number] = waiter
        try:
            async with asyncio.timeout(seconds):
                while not waiter.done():
                    await session.send({**frame, **place, "id": number})
                    either: set[asyncio.Future[Any]] = {waiter, session.ended}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                    if not waiter.done() and not again:
                        raise Unreachable(PEER, op, "和机器人的连接断了")
                    session = session if waiter.done() else await self._back(session.instance)
        except TimeoutError:
            raise Uncertain(PEER, op, "机器人的插件没有回应") from None
        finally:
            del self._waiters[number]
        reply = waiter.result()
        if isinstance(reply, wire.Failed):
            raise _failure(reply, op)
        return reply

    async def _back(self, instance: str) -> _Session:
        """The next connection of that life of a plugin."""
        while instance not in self._sessions:
            self._changed.clear()
            await self._changed.wait()
        return self._sessions[instance]

    def _session_of(self, bot: str) -> _Session | None:
        """The newest that has it: a bot that lost its power leaves a connection behind."""
        sessions = reversed(self._sessions.values())
        return next((one for one in sessions if bot in one.bots), None)

    # --- Connections ----------------------------------------------------------------------------

    async def _start(self) -> None:
        self._driver.task_group.start_soon(self._inbox.run)

    async def _meet(self, socket: WebSocket) -> None:
        """A plugin dialled us. Nothing is accepted before its token is checked."""
        kind, _, token = socket.request.headers.get("Authorization", "").partition(" ")
        right = kind.lower() == "bearer" and hmac.compare_digest(
            token.strip().encode(errors="surrogateescape"), self._token.encode()
        )
        if not right:
            reason = "插件的 yuqiao_token 不对" if token.strip() else "插件没有带 yuqiao_token"
            self._refusals.note("", reason)
            await socket.close(POLICY, reason)
            return
        await socket.accept()
        try:
            async with asyncio.timeout(self._timing.dial):
                hello = wire.read(await socket.receive())
        except (WebSocketClosed, TimeoutError, ValueError):
            await socket.close(POLICY, "the first frame is no hello")
            return
        if not isinstance(hello, wire.Hello) or hello.version != wire.VERSION:
            reason = "插件和鱼桥的版本对不上，两边都更新一下"
            self._refusals.note("", reason)
            await socket.close(OTHER_VERSION, f"this hub speaks version {wire.VERSION}")
            return
        await self._converse(hello, socket)

    async def _converse(self, hello: wire.Hello, socket: WebSocket) -> None:
        """From the first to the last frame; a newer connection of the same plugin ends it."""
        old = self._sessions.get(hello.instance)
        if old is not None:
            self._leave(old)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        session = _Session(hello.instance, socket, {}, ended)
        self._sessions[hello.instance] = session
        self._refusals.came("")
        logger.info("a plugin (version {}) is linked", hello.plugin or "unknown")
        try:
            async with asyncio.TaskGroup() as tasks:
                telling = tasks.create_task(self._keep_telling(session), name="link operators")
                ended.add_done_callback(lambda _: telling.cancel())
                await session.send({**WELCOME, **self._who(session)})
                for said in hello.said:  # before anybody looks for it
                    self._take_reply(said)
                self._take_bots(session, hello.bots)
                self._changed.set()
                reading = tasks.create_task(self._read(session), name="link reader")
                ended.add_done_callback(lambda _: reading.cancel())
                reading.add_done_callback(lambda _: self._leave(session))
        finally:
            self._leave(session)
            await socket.close()

    def _leave(self, session: _Session) -> None:
        if session.ended.done():
            return
        session.ended.set_result(None)
        if self._sessions.get(session.instance) is session:
            del self._sessions[session.instance]
        logger.info("a plugin with the bots {} is gone", ", ".join(session.bots) or "none")
        for bot in session.bots:
            self._ear.left(bot)

    def _who(self, session: _Session) -> dict[str, Any]:
        session.told = self._ear.operators()
        return {"operators": sorted(one for one in session.told if one.isdigit())}

    async def _keep_telling(self, session: _Session) -> None:
        """Who is an operator: nobody else's words are brought."""
        while True:
            await asyncio.sleep(min(self._timing.heartbeat, LOOKS))
            await self._tell_operators(session)

    async def _tell_operators(self, session: _Session) -> None:
        if session.told != self._ear.operators():
            await session.send({"type": "operators", **self._who(session)})

    def _take_bots(self, session: _Session, bots: Sequence[wire.LinkedBot]) -> None:
        before, session.bots = set(session.bots), {bot.id: bot for bot in bots}
        for bot in session.bots:
            if bot in self._driver.bots:
                self._refusals.note(bot, ELSEWHERE)
            elif bot not in before:
                logger.info("QQ bot {} connected through a plugin", bot)
                self._ear.arrived(bot)
        for bot in before - session.bots.keys():
            self._ear.left(bot)

    # --- Frames ---------------------------------------------------------------------------------

    async def _read(self, session: _Session) -> None:
        while True:
            try:
                data = await session.socket.receive()
            except WebSocketClosed:
                return
            try:
                frame = wire.read(data)
            except ValueError as error:
                logger.warning("a plugin sent what is no frame: {}", type(error).__name__)
                if number := wire.number_of_words(data):
                    await session.send({**HEARD, "id": number, "lost": True})
                continue
            match frame:
                case wire.OperatorWords():
                    await self._take(session, frame)
                case wire.Bots():
                    self._take_bots(session, frame.bots)
                case wire.Said() | wire.Answer() | wire.Failed():
                    self._take_reply(frame)
                case wire.Hello():
                    return

    def _take_reply(self, reply: wire.Reply) -> None:
        """Nobody may wait for it any more; what was said is remembered all the same."""
        waiter = self._waiters.get(reply.id)
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)
        elif isinstance(reply, wire.Said):
            self._note(reply)

    def _note(self, said: wire.Said) -> None:
        at = min(datetime.fromtimestamp(said.at, UTC), datetime.now(UTC))
        for message_id in said.message_ids:
            kept = Kept(said.bot, said.scene, said.peer, message_id, said.text, at)
            self._memory.note(kept)

    async def _take(self, session: _Session, words: wire.OperatorWords) -> None:
        """What nobody will hear is given back. A bot that is connected elsewhere too brings the
        same words there, perhaps by another name: they would be heard twice."""
        elsewhere = words.bot in self._driver.bots
        twice = elsewhere or self._session_of(words.bot) not in (session, None)
        place = (words.bot, words.scene, words.peer, words.sender)
        if twice or not self._inbox.offer(*place, (session.instance, words)):
            lost = not twice and self._ear.is_operator(words.sender)
            await session.send({**HEARD, "id": words.id, "lost": lost})

    async def _hear(self, arrived: tuple[str, wire.OperatorWords]) -> None:
        """Repeated words come after the first ones, in the same lane."""
        instance, words = arrived
        key = hash(words)
        if key not in self._heard:
            self._heard[key] = await self._ear.hear(self._message(words)) or self._used(words)
            while len(self._heard) > MOST_HEARD:
                self._heard.popitem(last=False)
        session = self._sessions.get(instance)
        if session is not None:
            await session.send({**HEARD, "id": words.id, "answered": self._heard[key]})
            await self._tell_operators(session)

    def _message(self, words: wire.OperatorWords) -> OperatorMessage:
        message, quoted = words.message(), words.quoted_id
        ours = quoted is not None and self._memory.by_id(words.bot, quoted) is not None
        return replace(message, addressed=message.addressed or ours)

    def _used(self, words: wire.OperatorWords) -> bool:
        """What an operator says in private is for the hub: silence means that it went to a buyer,
        whose answer is told later."""
        return words.scene == "private" and self._ear.is_operator(words.sender)


def _failure(failed: wire.Failed, op: str) -> PeerError:
    reason = failed.reason or "QQ 端没有说明原因"
    match failed.kind:
        case "unreachable":
            return Unreachable(PEER, op, reason)
        case "rejected":
            return Rejected(PEER, op, reason, code=failed.code)
        case "uncertain":
            return Uncertain(PEER, op, reason)
