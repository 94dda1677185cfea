"""`QQ`: operators' messages in, notices and answers out; nobody outside sees NoneBot."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import nonebot
from aiohttp import web
from loguru import logger
from nonebot.adapters.onebot.v11 import (
    ActionFailed,
    Bot,
    MessageEvent,
    MessageSegment,
    NetworkError,
)

from bots.adapter import Adapter, TurnedAway, Wiring
from bots.driver import Timing
from bots.frames import history_messages, operator_message, quoted_id
from bots.memory import Memory, plain
from bots.outcomes import PEER, as_peer_error
from bots.pictures import BASE64, download, from_base64
from bots.start import start_nonebot
from hub.errors import PeerError, Rejected, Uncertain, Unreachable
from hub.model import ChatPeer, ChatPicture, Delivered, OperatorMessage
from hub.settings import QQSettings

Receive = Callable[[OperatorMessage], Awaitable[str | None]]

LONGEST_PART = 3_000
"""Characters in one QQ message; QQ turns longer ones into something that cannot be quoted."""
BYTES_A_SECOND = 256 * 1024
"""How fast bridges take pictures; NapCat allows itself that long too."""
HISTORY = 50
"""Messages read when looking for an uncertain one."""
CLOCKS_APART = timedelta(seconds=5)
CRASHED = "处理这条消息时出错了，可能没有执行，请到后台查看。"


class QQ:
    """One per process at a time. Use: construct, `attach`, then keep `run` going. With QQ disabled
    in the settings there is no route, no connection, and `deliver` finds no bot.

    `receive` gets every message of an operator, in order within a chat, and those private messages
    of others; a repeated event comes again with the same `message_id`, telling them apart is the
    receiver's business. What it returns is said in the chat, quoting the operator.
    `on_connect` is called with a bot's id when it becomes usable.
    """

    def __init__(
        self,
        settings: QQSettings,
        *,
        access_token: str,
        receive: Receive,
        is_operator: Callable[[str], bool],
        on_connect: Callable[[str], None] | None = None,
        timing: Timing | None = None,
    ) -> None:
        if not access_token:
            raise ValueError("QQ needs an access token; without one anybody could be the bot")
        self._enabled = settings.enabled
        self._receive = receive
        self._is_operator = is_operator
        self._on_connect = on_connect
        self._memory = Memory()
        self._read: dict[int, OperatorMessage] = {}
        """By identity of the event: from the matcher to `_hand_over`, within one task."""
        self._arrival = asyncio.Event()
        self._timing = timing or Timing()
        self._driver = start_nonebot(api_seconds=settings.api_seconds, timing=self._timing)
        wiring = Wiring(
            access_token=access_token,
            forward_urls=settings.onebot_ws_urls,
            is_operator=is_operator,
            on_connect=self._bot_arrived,
            hand_over=self._hand_over,
            memory=self._memory,
        )
        self._driver.register_adapter(Adapter, wiring=wiring)
        self._adapter = nonebot.get_adapter(Adapter)
        nonebot.on_message(handlers=[self._on_message])

    def attach(self, app: web.Application) -> None:
        """Add the OneBot routes to the hub's application, before it starts."""
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
    def turned_away(self) -> TurnedAway | None:
        """The last connection attempt that failed, for the status page."""
        return self._adapter.turned_away

    def bots(self) -> tuple[str, ...]:
        """Ids of the bots that can be used now, longest connected first."""
        return self._adapter.connected()

    async def wait_connected(self) -> None:
        """Return as soon as a bot can be used."""
        await self._wait_for(lambda: bool(self.bots()))

    async def deliver(
        self,
        peer: ChatPeer,
        text: str,
        *,
        quote: str | None = None,
        pictures: Sequence[bytes] = (),
    ) -> Delivered:
        """Say `text`, quoting the message `quote` of that chat if given, with pictures below it.

        Keeping the order within a chat is the caller's part. A long text goes out in several
        messages. Pictures that QQ refuses are left out: the text must arrive. Raises Unreachable
        (nothing was said), Rejected, Uncertain (see `find_delivered`).
        """
        bot = self._choose(peer)
        ids = []
        parts = split(text)
        for number, part in enumerate(parts):
            shown = pictures if number == len(parts) - 1 else ()
            ids.append(await self._say(bot, peer, part, quote if number == 0 else None, shown))
        return Delivered(bot, tuple(message_id for message_id in ids if message_id))

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        """The file of a picture in that chat. Raises Unreachable, Rejected, Uncertain.

        Addresses of QQ are good for an hour or so; when one is not, the bridge is asked.
        """
        packed = from_base64(picture.url) or from_base64(picture.file)
        if packed is not None:
            return packed
        bridge = self._adapter.host_of(peer.bot)
        try:
            return await download(picture.url, bridge=bridge)
        except (Rejected, Unreachable) as error:
            logger.info("a picture in QQ is not at its address: {}", error)
            found = await self._ask_for_picture(peer.bot, picture.file)
            if found is None:
                raise
        place, data = found
        return data if data is not None else await download(place, bridge=bridge)

    async def _ask_for_picture(self, bot: str, file: str) -> tuple[str, bytes | None] | None:
        """What the bridge says about a picture by its name; None when it has nothing else."""
        if not file:
            return None
        try:
            told = await self._adapter.ask(bot, "get_image", {"file": file})
        except (ActionFailed, NetworkError):
            return None
        if not isinstance(told, dict):
            return None
        packed, place = told.get("base64"), str(told.get("url") or "")
        if isinstance(packed, str) and packed:
            return place, from_base64(BASE64 + packed.removeprefix(BASE64))
        return (place, None) if place else None

    async def find_delivered(self, peer: ChatPeer, text: str, since: datetime) -> Delivered | None:
        """Whether an uncertain `deliver` arrived: our own text in the chat since then.

        None only if the history was read back to `since` and the text is not in it. A message
        that some `deliver` has reported already is not counted again. Raises Unreachable,
        Rejected (no history to be had), Uncertain.
        """
        bots = (peer.bot,) if peer.bot else self.bots()
        if not bots:
            raise Unreachable(PEER, "find", "QQ 机器人没有连接")
        for bot in bots:
            ids = await self._find(bot, peer, split(text), since - CLOCKS_APART)
            if ids:
                return Delivered(bot, ids)
        return None

    async def _wait_for(self, met: Callable[[], bool]) -> None:
        while not met():
            self._arrival.clear()
            await self._arrival.wait()

    # --- Out ------------------------------------------------------------------------------------

    def _choose(self, peer: ChatPeer) -> str:
        bots = self.bots()
        if peer.bot in bots:
            return peer.bot
        if peer.bot or not bots:
            raise Unreachable(PEER, "send", "QQ 机器人没有连接")
        return bots[0]

    async def _say(
        self,
        bot: str,
        peer: ChatPeer,
        text: str,
        quote: str | None,
        pictures: Sequence[bytes] = (),
    ) -> str:
        quoted = [MessageSegment.reply(int(quote))] if quote and _is_id(quote) else []
        shown = [MessageSegment.image(data) for data in pictures]
        said = [*quoted, MessageSegment.text(text), *shown]
        seconds = sum(map(len, pictures)) / BYTES_A_SECOND
        try:
            message_id = await self._adapter.say(
                bot, peer.scene, peer.peer, said, text, more_seconds=seconds
            )
        except (ActionFailed, NetworkError) as error:
            outcome = as_peer_error(error, "send")
            if not isinstance(outcome, Rejected) or not (quoted or shown):
                raise outcome from error
            if shown:
                logger.info("QQ refused the pictures of a message: {}", outcome)
                return await self._say(bot, peer, text, quote)
            # Lagrange refuses the whole message if it cannot name the quoted one.
            return await self._say(bot, peer, text, None)
        self._memory.claim(bot, message_id)
        return message_id

    async def _find(
        self, bot: str, peer: ChatPeer, parts: list[str], since: datetime
    ) -> tuple[str, ...]:
        """Ids of the parts in that bot's chat; empty unless all of them are there."""
        ids = [self._memory.unclaimed(bot, peer.scene, peer.peer, p, since) for p in parts]
        if not all(ids):
            own = await self._own_messages(bot, peer, since)
            ids = [next((i for i, text in own if text == plain(p)), "") for p in parts]
        if not all(ids):
            return ()
        for message_id in ids:
            self._memory.claim(bot, message_id)
        return tuple(ids)

    async def _own_messages(
        self, bot: str, peer: ChatPeer, since: datetime
    ) -> list[tuple[str, str]]:
        """Id and text of what the bot said there since then and nobody was told about."""
        group = peer.scene == "group"
        action = "get_group_msg_history" if group else "get_friend_msg_history"
        where = {"group_id" if group else "user_id": peer.peer, "count": HISTORY}
        try:
            told = await self._adapter.ask(bot, action, where)
        except (ActionFailed, NetworkError) as error:
            raise as_peer_error(error, action) from error
        messages = history_messages(told)
        if messages is None:
            raise Uncertain(PEER, action, "QQ 的聊天记录读不出来")
        floor = int(since.timestamp())
        if len(messages) >= HISTORY and all(m.at >= floor for m in messages):
            raise Uncertain(PEER, action, "QQ 的聊天记录不够长，查不到那么早")
        return [
            (m.message_id, plain(m.text))
            for m in messages
            if m.sender == bot and m.at >= floor and not self._memory.is_claimed(bot, m.message_id)
        ]

    # --- In -------------------------------------------------------------------------------------

    def _bot_arrived(self, bot: str) -> None:
        self._arrival.set()
        if self._on_connect is not None:
            self._on_connect(bot)

    async def _on_message(self, bot: Bot, event: MessageEvent) -> None:
        """NoneBot's one matcher: only reads.

        NoneBot shields matchers from cancellation, so a slow desk in here would hold up a stop.
        """
        quoted = quoted_id(event.original_message)
        ours = quoted is not None and self._memory.by_id(bot.self_id, quoted) is not None
        self._read[id(event)] = operator_message(event, of_ours=ours)

    async def _hand_over(self, event: MessageEvent) -> None:
        message = self._read.pop(id(event), None)
        if message is None:
            return
        try:
            answer = await self._receive(message)
        except Exception:  # the desk's bug must not look like silence to an operator
            logger.exception("a QQ message of {} could not be handled", message.sender)
            answer = CRASHED if self._is_operator(message.sender) else None
        if not answer:
            return
        try:
            await self._answer(message, answer)
        except PeerError as error:
            logger.warning("an answer in QQ did not go out: {}", error)

    async def _answer(self, message: OperatorMessage, text: str) -> None:
        """Say it as soon as the bot is there: a refusal that nobody sees looks like success."""
        try:
            await self.deliver(message.peer, text, quote=message.message_id)
        except Unreachable:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._timing.answer_waits):
                    await self._wait_for(lambda: message.peer.bot in self.bots())
            await self.deliver(message.peer, text, quote=message.message_id)


def split(text: str) -> list[str]:
    """Parts of at most `LONGEST_PART` characters, cut at a line end where there is one."""
    parts = []
    while len(text) > LONGEST_PART:
        cut = text.rfind("\n", 1, LONGEST_PART + 1)
        cut = cut if cut > 0 else LONGEST_PART
        parts.append(text[:cut])
        text = text[cut:].removeprefix("\n")
    return [*parts, text] if text or not parts else parts


def _is_id(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text.isascii()
