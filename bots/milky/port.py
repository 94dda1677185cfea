"""`Milky`: the port of bots behind Milky servers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import nonebot
from nonebot.adapters.milky.bot import Bot
from nonebot.adapters.milky.event import MessageEvent
from nonebot.adapters.milky.exception import MilkyAdapterException
from nonebot.adapters.milky.message import MessageSegment

from bots.driver import Driver
from bots.files import check_size, file_from
from bots.finding import PastMessage, find_said
from bots.marks import FACES
from bots.matcher import Matcher
from bots.memory import Memory
from bots.milky.adapter import Adapter, Wiring
from bots.milky.frames import (
    Address,
    history_messages,
    message_id,
    operator_message,
    quoted_id,
    seq_of,
)
from bots.milky.outcomes import as_peer_error
from bots.pictures import download, seconds_to_take
from bots.port import PEER, Ear
from bots.refusals import TurnedAway
from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import ChatAbilities, ChatFile, ChatPeer, ChatPicture, Mark, OperatorMessage

HISTORY = 30
"""Messages read when looking for an uncertain one: the protocol gives no more at once."""
LONGEST_TEXT = 3_000


class Milky:
    """See `bots.port.Port`."""

    def __init__(
        self, driver: Driver, ear: Ear, matcher: Matcher, *, token: str, urls: tuple[str, ...]
    ) -> None:
        """`urls`: the servers that we dial, as `http://host:port`, with `token`."""
        self._patience = float(driver.config.api_timeout or 15)
        self._memory = Memory()
        driver.register_adapter(Adapter, wiring=Wiring(token, urls, ear, matcher, self._memory))
        self._adapter = nonebot.get_adapter(Adapter)
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
            reacts=peer.scene == "group",
            pushes=True,
            history=True,
        )

    async def say(
        self, peer: ChatPeer, text: str, *, quote: str | None, pictures: Sequence[bytes]
    ) -> tuple[str, ...]:
        """An answer that comes too late is lost; the message is found in the history then."""
        seq = seq_of(quote, peer.scene, peer.peer) if quote else None
        said = [
            *([MessageSegment.reply(seq)] if seq else ()),
            MessageSegment.text(text),
            *(MessageSegment.image(raw=data) for data in pictures),
        ]
        group = peer.scene == "group"
        told = await self._ask(
            peer,
            "send_group_message" if group else "send_private_message",
            {
                "group_id" if group else "user_id": _number(peer),
                "message": [_without_nothing(one.dump()) for one in said],
            },
            seconds=self._patience + seconds_to_take(pictures),
        )
        number = told.get("message_seq") if isinstance(told, dict) else None
        if not isinstance(number, int) or not number:
            return ()
        address = Address(peer.scene, peer.peer, peer.bot, number)
        self._adapter.note_said(peer.bot, address, text)
        named = message_id(peer.scene, peer.peer, number)
        self._memory.claim(peer.bot, named)
        return (named,)

    async def find(self, peer: ChatPeer, texts: Sequence[str], since: datetime) -> tuple[str, ...]:
        return await find_said(self._memory, self._history, peer, texts, since, most=HISTORY)

    async def _history(self, peer: ChatPeer, count: int) -> list[PastMessage]:
        where = {**_place(peer), "limit": count}
        messages = history_messages(await self._ask(peer, "get_history_messages", where))
        if messages is None:
            raise Uncertain(PEER, "get_history_messages", "QQ 的聊天记录读不出来")
        return messages

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        """Addresses are good for a while only; the name of a picture is for good."""
        host = self._adapter.host_of(peer.bot)
        try:
            if not picture.url:
                raise Rejected(PEER, "picture", "图片没有地址")
            return await download(picture.url, bridge=host)
        except (Rejected, Unreachable):
            if not picture.file:
                raise
            told = await self._ask(peer, "get_resource_temp_url", {"resource_id": picture.file})
            url = told.get("url") if isinstance(told, dict) else None
            if not url or url == picture.url:
                raise
        return await download(str(url), bridge=host)

    async def fetch_file(self, peer: ChatPeer, file: ChatFile) -> bytes:
        """In private chats only; nothing else asks for one."""
        check_size(file)
        which = {"user_id": _number(peer), "file_id": file.id, "file_hash": file.hash}
        told = await self._ask(peer, "get_private_file_download_url", which)
        place = told.get("download_url") if isinstance(told, dict) else None
        found = await file_from(str(place or ""), self._adapter.host_of(peer.bot))
        if found is None:
            raise Rejected(PEER, "file", "QQ 端没有给出文件的地址")
        return found

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        seq = seq_of(message_id, peer.scene, peer.peer)
        if seq is None or peer.scene != "group":
            raise Rejected(PEER, "react", "只有群里的消息可以加表情")
        face = {"reaction": FACES[mark], "reaction_type": "face", "is_add": True}
        params = {"group_id": _number(peer), "message_seq": seq, **face}
        await self._ask(peer, "send_group_message_reaction", params)

    async def _ask(
        self, peer: ChatPeer, action: str, params: dict[str, Any], *, seconds: float | None = None
    ) -> Any:
        try:
            return await self._adapter.ask(peer.bot, action, params, seconds=seconds)
        except MilkyAdapterException as error:
            raise as_peer_error(error, action) from error

    def _read(self, bot: Bot, event: MessageEvent) -> OperatorMessage:
        data = event.data
        scene = "group" if data.message_scene == "group" else "private"
        address = Address(scene, str(data.peer_id), str(data.sender_id), data.message_seq)
        quoted = quoted_id(event.original_message, address)
        ours = quoted is not None and self._memory.by_id(bot.self_id, quoted) is not None
        return operator_message(event, address, of_ours=ours)


def _place(peer: ChatPeer) -> dict[str, Any]:
    scene = "group" if peer.scene == "group" else "friend"
    return {"message_scene": scene, "peer_id": _number(peer)}


def _number(peer: ChatPeer) -> int:
    if not (peer.peer.isascii() and peer.peer.isdigit()):
        raise Rejected(PEER, "send", "QQ 号或群号不是数字")
    return int(peer.peer)


def _without_nothing(segment: dict[str, Any]) -> dict[str, Any]:
    """The adapter writes down what is not given; strict servers take that for a wrong type."""
    return {
        "type": segment["type"],
        "data": {name: value for name, value in segment["data"].items() if value is not None},
    }
