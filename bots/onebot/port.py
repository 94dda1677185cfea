"""`OneBot`: the port of bots behind OneBot v11."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import nonebot
from nonebot.adapters.onebot.v11 import (
    ActionFailed,
    Bot,
    MessageEvent,
    MessageSegment,
    NetworkError,
)

from bots.driver import Driver
from bots.finding import PastMessage, find_said
from bots.matcher import Matcher
from bots.memory import Memory
from bots.onebot.adapter import Adapter, Wiring
from bots.onebot.files import fetch_file
from bots.onebot.frames import history_messages, operator_message, quoted_id
from bots.onebot.outcomes import as_peer_error
from bots.onebot.reactions import Reactions
from bots.pictures import BASE64, download, from_base64, seconds_to_take
from bots.port import PEER, Ear
from bots.refusals import TurnedAway
from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import (
    ChatAbilities,
    ChatFile,
    ChatPeer,
    ChatPicture,
    Mark,
    OperatorMessage,
)

HISTORY = 50
"""Messages read when looking for an uncertain one."""
LONGEST_TEXT = 3_000
"""QQ turns longer ones into something that cannot be quoted."""


class OneBot:
    """See `bots.port.Port`."""

    def __init__(
        self,
        driver: Driver,
        ear: Ear,
        matcher: Matcher,
        *,
        token: str,
        forward: tuple[str, ...],
    ) -> None:
        """`token` of either direction; `forward`: addresses that we dial."""
        self._memory = Memory()
        wiring = Wiring(token, forward, ear, matcher, self._memory)
        driver.register_adapter(Adapter, wiring=wiring)
        self._adapter = nonebot.get_adapter(Adapter)
        self._reactions = Reactions(self._adapter.ask)
        matcher.add(Bot, self._read)

    @property
    def turned_away(self) -> TurnedAway | None:
        return self._adapter.refusals.last

    def bots(self) -> tuple[str, ...]:
        return self._adapter.connected()

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        return ChatAbilities(
            longest_text=LONGEST_TEXT,
            quotes=True,
            pictures=True,
            reacts=self._reactions.may_work(peer),
            pushes=True,
            history=True,
        )

    async def say(
        self, peer: ChatPeer, text: str, *, quote: str | None, pictures: Sequence[bytes]
    ) -> tuple[str, ...]:
        quoted = [MessageSegment.reply(int(quote))] if quote and is_id(quote) else []
        said = [*quoted, MessageSegment.text(text), *map(MessageSegment.image, pictures)]
        try:
            message_id = await self._adapter.say(
                peer.bot, peer.scene, peer.peer, said, text, more_seconds=seconds_to_take(pictures)
            )
        except (ActionFailed, NetworkError) as error:
            raise as_peer_error(error, "send") from error
        self._memory.claim(peer.bot, message_id)
        return (message_id,) if message_id else ()

    async def find(self, peer: ChatPeer, texts: Sequence[str], since: datetime) -> tuple[str, ...]:
        return await find_said(self._memory, self._history, peer, texts, since, most=HISTORY)

    async def _history(self, peer: ChatPeer, count: int) -> list[PastMessage]:
        group = peer.scene == "group"
        action = "get_group_msg_history" if group else "get_friend_msg_history"
        where = {"group_id" if group else "user_id": peer.peer, "count": count}
        try:
            told = await self._adapter.ask(peer.bot, action, where)
        except (ActionFailed, NetworkError) as error:
            raise as_peer_error(error, action) from error
        messages = history_messages(told)
        if messages is None:
            raise Uncertain(PEER, action, "QQ 的聊天记录读不出来")
        return messages

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        """Addresses of QQ are good for an hour or so; when one is not, the bridge is asked."""
        packed = from_base64(picture.url) or from_base64(picture.file)
        if packed is not None:
            return packed
        bridge = self._adapter.host_of(peer.bot)
        try:
            return await download(picture.url, bridge=bridge)
        except (Rejected, Unreachable):
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

    async def fetch_file(self, peer: ChatPeer, file: ChatFile) -> bytes:
        bridge = self._adapter.host_of(peer.bot)
        return await fetch_file(self._adapter.ask, peer, file, bridge=bridge)

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        if not is_id(message_id):
            raise Rejected(PEER, "react", "这条消息不是从 OneBot 来的")
        try:
            await self._reactions.put(peer, message_id, mark)
        except (ActionFailed, NetworkError) as error:
            raise as_peer_error(error, "react") from error

    def _read(self, bot: Bot, event: MessageEvent) -> OperatorMessage:
        quoted = quoted_id(event.original_message)
        ours = quoted is not None and self._memory.by_id(bot.self_id, quoted) is not None
        return operator_message(event, of_ours=ours)


def is_id(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text.isascii()
