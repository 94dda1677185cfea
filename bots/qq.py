"""`QQ`: operators' messages in, notices and answers out; nobody outside sees NoneBot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from aiohttp import web
from loguru import logger

from bots.link import Link
from bots.matcher import Matcher
from bots.milky import Milky
from bots.official import Official
from bots.onebot import OneBot
from bots.pictures import download
from bots.port import PEER, Dialling, Ear, Files, Port, Sparing, dial_always, reaches
from bots.refusals import TurnedAway
from bots.sockets import Timing
from bots.start import start_nonebot
from hub.credits import Credits
from hub.errors import PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    ChatAbilities,
    ChatFile,
    ChatPeer,
    ChatPicture,
    Delivered,
    Mark,
    OfficialBot,
    OperatorMessage,
)
from hub.settings import QQSettings
from hub.text import UNFINISHED, cut_short, in_parts, late_answer

Receive = Callable[[OperatorMessage], Awaitable[str | None]]

Later = Callable[[ChatPeer, str, str], Awaitable[None]]
"""Chat, text, and a key that is the same for the same answer."""

NOTHING: Mapping[str, str] = MappingProxyType({})
LONGEST_ASKED = 20
CLOCKS_APART = timedelta(seconds=5)
CRASHED = "处理这条消息时出错了，可能没有执行，请到后台查看。"


class Unfinished(Uncertain):
    """Of a text in several parts the first are there and the last are not."""


class QQ:
    """One per process at a time. Use: construct, `attach`, then keep `run` going. With QQ disabled
    in the settings there is no route, no connection, and `deliver` finds no bot.

    `receive` gets every message of an operator, in order within a chat, and those private messages
    of others; a repeated event comes again with the same `message_id`, telling them apart is the
    receiver's business. What it returns is said in the chat, quoting the operator.
    `on_connect` is called with a bot's id when it becomes usable, `on_leave` when it may be so no
    more.
    """

    def __init__(
        self,
        settings: QQSettings,
        *,
        access_token: str,
        receive: Receive,
        is_operator: Callable[[str], bool],
        operators: Callable[[], frozenset[str]] = frozenset,
        link_token: str = "",
        on_connect: Callable[[str], None] | None = None,
        on_leave: Callable[[str], None] = lambda _: None,
        timing: Timing | None = None,
        credits: Credits | None = None,
        later: Later | None = None,
        trouble: Callable[[str, str], Awaitable[None]] | None = None,
        dialling: Dialling = dial_always,
    ) -> None:
        """`access_token`: of bridges; `link_token`: of plugins in other programs, empty: there is
        no door for them. `operators`: whom `is_operator` knows, for those plugins. `credits`: what
        the official bot may still say; without it there is no such bot. `later` keeps what an
        operator should have been answered until it can be said; `trouble` is told what the owner
        has to mend about a bot. `dialling`: lets what the hub dials itself be dialled, as long as
        it is this hub's to do."""
        if not access_token:
            raise ValueError("QQ needs an access token; without one anybody could be the bot")
        self._enabled = settings.enabled
        self._official = settings.official.bot
        self._receive = receive
        self._is_operator = is_operator
        self._on_connect = on_connect
        self._arrival = asyncio.Event()
        self._timing = timing or Timing()
        self._driver = start_nonebot(api_seconds=settings.api_seconds, timing=self._timing)
        self._later = later
        self._driver.dialling = dialling
        ear = Ear(is_operator, self._hear, self._bot_arrived, on_leave, operators)
        if trouble is not None:
            ear = replace(ear, trouble=trouble)
        matcher = Matcher()
        driver, forward = self._driver, settings.onebot_ws_urls
        milky_token = settings.milky_token or access_token
        ports: list[Port] = [
            OneBot(driver, ear, matcher, token=access_token, forward=forward),
            Milky(driver, ear, matcher, token=milky_token, urls=settings.milky_urls),
        ]
        if link_token:
            ports.append(Link(driver, ear, token=link_token))
        if credits is not None and settings.official.app_id:
            official = settings.official
            ports.append(Official(driver, ear, matcher, settings=official, credits=credits))
        self._ports = tuple(ports)
        """A bot that is connected twice is used through the first of them."""

    def attach(self, app: web.Application) -> None:
        """Add the routes of the ports to the hub's application, before it starts."""
        if self._enabled:
            self._driver.attach(app)

    async def run(self) -> None:
        """Live until cancelled. A crash inside NoneBot costs the connections, never the hub."""
        if not self._enabled:
            await asyncio.Event().wait()
        while True:
            try:
                await self._driver.serve()
            except Exception:  # whatever a background task of NoneBot raised
                logger.exception("NoneBot crashed and is started again")
            await asyncio.sleep(self._timing.restart)

    @property
    def healthy(self) -> bool:
        """False before `run`, and between a crash of NoneBot and its next start."""
        return self._driver.serving

    @property
    def turned_away(self) -> tuple[TurnedAway, ...]:
        """The last connection of each kind that did not come about, newest first, for the status
        page: one server that is away must not hide that a token elsewhere is wrong."""
        failed = (port.turned_away for port in self._ports)
        found = [one for one in failed if one is not None]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    def official(self) -> OfficialBot | None:
        """How the official bot is, for the status page; None: there is none."""
        port = next((one for one in self._ports if isinstance(one, Official)), None)
        if port is None:
            return None
        last, bot = port.turned_away, self._official
        return OfficialBot(
            bot, bot in port.bots(), None if last is None else (last.at, last.reason)
        )

    def bots(self) -> tuple[str, ...]:
        """Ids of the bots that can be used now, longest connected first."""
        return tuple(dict.fromkeys(bot for port in self._ports for bot in port.bots()))

    async def wait_connected(self) -> None:
        """Return as soon as a bot can be used."""
        await self._wait_for(lambda: bool(self.bots()))

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        """What can be done in a chat now; as good as nothing without a bot."""
        try:
            port, there = self._choose(peer, "ask")
        except Unreachable:
            return ChatAbilities()
        return port.abilities(there)

    async def deliver(
        self,
        peer: ChatPeer,
        text: str,
        *,
        quote: str | None = None,
        goes_on: Mapping[str, str] = NOTHING,
        pictures: Sequence[bytes] = (),
    ) -> Delivered:
        """Say `text`, quoting the message `quote` of that chat if given, with pictures below it.

        `goes_on`, by bot: an earlier message of that bot to be quoted where it can do that.

        Keeping the order within a chat is the caller's part. A long text goes out in several
        messages; where less may be said, it is cut and says so. Pictures that QQ refuses are left
        out: the text must arrive. Raises Unreachable
        (nothing was said), Rejected, Uncertain (see `find_delivered`).
        """
        port, there = self._choose(peer, "send")
        can = port.abilities(there)
        if quote is None and can.quotes:
            quote = goes_on.get(there.bot)
        parts = in_parts(text, can.longest_text)
        if len(parts) > 1 and isinstance(port, Sparing):
            room = await port.room(there)
            parts = cut_short(parts, len(parts) if room is None else room, can.longest_text)
        ids: list[str] = []
        for number, part in enumerate(parts):
            shown = pictures if number == len(parts) - 1 and can.pictures else ()
            try:
                ids += await self._say(port, there, part, quote if number == 0 else None, shown)
            except (Unreachable, Throttled, Uncertain) as error:
                if not ids or not isinstance(port, Sparing):
                    raise
                port.unclaim(there, ids)
                raise Unfinished(PEER, "send", error.reason, raw=error.raw) from error
        return Delivered(there.bot, tuple(ids))

    async def find_delivered(self, peer: ChatPeer, text: str, since: datetime) -> Delivered | None:
        """Whether an uncertain `deliver` arrived: our own text in the chat since then.

        None only if the history was read back to `since` and the text is not in it. A message
        that some `deliver` has reported already is not counted again. Raises Unreachable,
        Rejected (no history to be had), Uncertain.
        """
        places = self._places(peer)
        if not places:
            raise Unreachable(PEER, "find", "QQ 机器人没有连接")
        for port, there in places:
            parts = in_parts(text, port.abilities(there).longest_text)
            ids = await port.find(there, parts, since - CLOCKS_APART)
            if ids:
                return Delivered(there.bot, ids)
        return None

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        """The file of a picture in that chat. Raises Unreachable, Rejected, Uncertain."""
        for port, there in self._places(peer):
            return await port.fetch(there, picture)
        return await download(picture.url, bridge="")  # it may be there when the bot is not

    async def fetch_file(self, peer: ChatPeer, file: ChatFile) -> bytes:
        """What a file in that chat holds. Raises Unreachable, Rejected, Uncertain."""
        port, there = self._choose(peer, "file")
        if not isinstance(port, Files):
            raise Rejected(PEER, "file", "这个 QQ 实现收不了文件")
        return await port.fetch_file(there, file)

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        """Put a mark below somebody's message, where `abilities` says that this can be done.

        Raises Unreachable, Rejected, Uncertain.
        """
        port, there = self._choose(peer, "react")
        await port.react(there, message_id, mark)

    # --- Ports ----------------------------------------------------------------------------------

    def _places(self, peer: ChatPeer) -> list[tuple[Port, ChatPeer]]:
        """Through which ports and bots that chat can be reached now, the best first."""
        found: dict[str, Port] = {}
        for port in self._ports:
            for bot in port.bots():
                if peer.bot in ("", bot) and reaches(bot, peer.peer):
                    found.setdefault(bot, port)
        return [(port, replace(peer, bot=bot)) for bot, port in found.items()]

    def _choose(self, peer: ChatPeer, op: str) -> tuple[Port, ChatPeer]:
        for place in self._places(peer):
            return place
        raise Unreachable(PEER, op, "QQ 机器人没有连接")

    async def _say(
        self,
        port: Port,
        peer: ChatPeer,
        text: str,
        quote: str | None,
        pictures: Sequence[bytes] = (),
    ) -> tuple[str, ...]:
        try:
            return await port.say(peer, text, quote=quote, pictures=pictures)
        except Rejected as refusal:
            if pictures:
                logger.info("QQ refused the pictures of a message: {}", refusal)
                return await self._say(port, peer, text, quote)
            if quote:  # Lagrange refuses the whole message if it cannot name the quoted one
                return await self._say(port, peer, text, None)
            raise

    # --- In -------------------------------------------------------------------------------------

    def _bot_arrived(self, bot: str) -> None:
        self._arrival.set()
        if self._on_connect is not None:
            self._on_connect(bot)

    async def _wait_for(self, met: Callable[[], bool]) -> None:
        while not met():
            self._arrival.clear()
            await self._arrival.wait()

    async def _hear(self, message: OperatorMessage) -> bool:
        try:
            answer = await self._receive(message)
        except Exception:  # the desk's bug must not look like silence to an operator
            logger.exception("a QQ message of {} could not be handled", message.sender)
            answer = CRASHED if self._is_operator(message.sender) else None
        if not answer:
            return False
        try:
            await self._answer(message, answer)
        except PeerError as error:
            logger.warning("an answer in QQ did not go out: {}", error)
        return True

    async def _answer(self, message: OperatorMessage, text: str) -> None:
        """Say it, now or later: a refusal that nobody sees looks like success."""
        try:
            await self._answer_soon(message, text)
        except Unfinished:
            await self._answer_later(message, UNFINISHED)
            raise
        except (Unreachable, Throttled):
            await self._answer_later(message, late_answer(message.text[:LONGEST_ASKED], text))
            raise

    async def _answer_later(self, message: OperatorMessage, text: str) -> None:
        if self._later is not None and self._is_operator(message.sender):
            await self._later(message.peer, text, f"late:{message.peer.bot}:{message.message_id}")

    async def _answer_soon(self, message: OperatorMessage, text: str) -> None:
        """As soon as the bot is there."""
        try:
            await self.deliver(message.peer, text, quote=message.message_id)
        except Unreachable:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.answer_waits):
                    await self._wait_for(lambda: message.peer.bot in self.bots())
            await self.deliver(message.peer, text, quote=message.message_id)
