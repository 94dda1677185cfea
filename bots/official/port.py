"""`Official`: the port of the official QQ bot, which may only answer, and not for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import nonebot
from loguru import logger

from bots.driver import Driver
from bots.matcher import Matcher
from bots.memory import Memory, Said
from bots.official.adapter import Adapter, Bot
from bots.official.buttons import keyboard_for
from bots.official.frames import Event, address_in, anchor_of, operator_message
from bots.official.outcomes import Answered, Outcome
from bots.official.words import LONGEST_TEXT, without_dots, without_links
from bots.pictures import download, from_base64
from bots.port import PEER, Ear
from bots.refusals import TurnedAway
from hub.credits import Credits
from hub.errors import AuthExpired, Rejected, Unreachable
from hub.model import (
    AnchorKind,
    ChatAbilities,
    ChatPeer,
    ChatPicture,
    Mark,
    OperatorMessage,
    Reply,
)
from hub.settings import OfficialSettings

TEXT, WITH_BUTTONS, WITH_PICTURE = 0, 2, 7
"""Kinds of messages."""
MOST_ANCHORS = 20
"""Of one chat that are tried for one text."""
NO_PUSH_FOR = timedelta(hours=6)
"""After the platform said that this bot may not speak unasked."""


class Official:
    """See `bots.port.Port`."""

    def __init__(
        self,
        driver: Driver,
        ear: Ear,
        matcher: Matcher,
        *,
        settings: OfficialSettings,
        credits: Credits,
    ) -> None:
        driver.register_adapter(
            Adapter, settings=settings, ear=ear, matcher=matcher, credits=credits
        )
        self._adapter = nonebot.get_adapter(Adapter)
        self._platform = self._adapter.platform
        self._credits = credits
        self._pushes = settings.pushes
        self._buttons = settings.buttons
        self._no_push_until: datetime | None = None
        self._memory = Memory()
        matcher.add(Bot, self._read)

    @property
    def turned_away(self) -> TurnedAway | None:
        return self._adapter.refusals.last

    def bots(self) -> tuple[str, ...]:
        return (self._adapter.settings.bot,) if self._adapter.gateway.online else ()

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        return ChatAbilities(longest_text=LONGEST_TEXT, pictures=True, pushes=self._may_push())

    async def say(
        self, peer: ChatPeer, text: str, *, quote: str | None, pictures: Sequence[bytes]
    ) -> tuple[str, ...]:
        """Shows the first picture only: each message takes a credit, and a notice tells how many
        there are. `quote` is what is answered,
        where that may still be answered; nobody sees a quotation."""
        body = _body(text)
        if pictures:
            shown = await self._upload(peer, pictures[0])
            body |= {"msg_type": WITH_PICTURE, "media": {"file_info": shown}}
        said = await self._answer(peer, text, body, anchor_of(quote or ""))
        self._memory.claim(peer.bot, said)
        return (said,)

    async def find(self, peer: ChatPeer, texts: Sequence[str], since: datetime) -> tuple[str, ...]:
        """There is no history to look in, but leave is taken before anything leaves: without that
        nothing did. What left as answer number n and had no answer leaves so again, because the
        platform takes it once. Where one part is there, those that are missing are said."""
        known = partial(self._memory.is_claimed, peer.bot)
        found = [await self._credits.find(peer, text, since, known=known) for text in texts]
        if not any(found):
            if self._may_push():
                raise Rejected(PEER, "find", "官方机器人没有聊天记录可查")
            return ()
        ids = []
        for text, there in zip(texts, found, strict=True):
            if isinstance(there, Reply):
                ids.append(await self._finish(peer, text, there))
            else:
                ids.append(there or await self._answer(peer, text, _body(text), ""))
            self._memory.claim(peer.bot, ids[-1])
        return tuple(ids)

    async def _finish(self, peer: ChatPeer, text: str, reply: Reply) -> str:
        answered = await self._post(peer, _body(text), reply, again=True)
        if answered.outcome in (Outcome.TOO_FAST, Outcome.TOKEN):
            error = answered.error("find")  # it tells nothing of the first time: look again
            raise Unreachable(PEER, "find", error.reason, raw=error.raw)
        if answered.outcome not in (Outcome.SAID, Outcome.SAID_BEFORE):
            raise answered.error("find")
        return await self._arrived(peer, text, reply, answered)

    async def room(self, peer: ChatPeer) -> int | None:
        return None if self._may_push() else await self._credits.left(peer)

    def unclaim(self, peer: ChatPeer, ids: Sequence[str]) -> None:
        for one in ids:
            self._memory.unclaim(peer.bot, one)

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        packed = from_base64(picture.url)
        return packed if packed is not None else await download(picture.url, bridge=self._host())

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        raise Rejected(PEER, "react", "官方机器人不能贴表情")

    def _host(self) -> str:
        """Where the platform is, if that is a place of our own: a sandbox keeps pictures too."""
        return self._adapter.get_api_base().host or ""

    # --- Out ------------------------------------------------------------------------------------

    async def _upload(self, peer: ChatPeer, picture: bytes) -> str:
        try:
            return await self._platform.upload(peer, picture)
        except AuthExpired as error:
            raise Unreachable(PEER, "send", error.reason, raw=error.raw) from error

    async def _answer(self, peer: ChatPeer, text: str, body: dict[str, Any], prefer: str) -> str:
        """Say it as an answer to whatever may be answered. Raises Unreachable without that."""
        for _ in range(MOST_ANCHORS):
            reply = await self._credits.take(peer, text, prefer=prefer)
            if reply is None:
                return await self._push(peer, body)
            answered = await self._post(peer, self._dressed(text, body), reply)
            if answered.outcome is Outcome.NO_BUTTONS and self._buttons:
                logger.warning("the official bot may not show buttons; texts do without them")
                self._buttons = False
                answered = await self._post(peer, body, reply)
            if answered.outcome is Outcome.LINK:
                body = {**body, "content": without_dots(body["content"])}
                answered = await self._post(peer, body, reply)
            match answered.outcome:
                case Outcome.SAID | Outcome.SAID_BEFORE:
                    return await self._arrived(peer, text, reply, answered)
                case Outcome.ANCHOR_OVER | Outcome.NO_PUSH:
                    await self._credits.end(peer, reply)
                case Outcome.TOO_FAST | Outcome.TOKEN:
                    await self._credits.give_back(peer, reply)
                    raise _unsaid(answered)
                case Outcome.UNKNOWN:
                    raise answered.error("send")
                case _:
                    await self._credits.arrived(peer, reply, "")
                    raise answered.error("send")
        raise _no_credit()

    async def _post(
        self, peer: ChatPeer, body: dict[str, Any], reply: Reply, *, again: bool = False
    ) -> Answered:
        """Raises Unreachable, with the credit given back unless it may be used already, or
        Uncertain."""
        pressed = reply.anchor.kind is AnchorKind.INTERACTION
        answers = {"event_id" if pressed else "msg_id": reply.anchor.id, "msg_seq": reply.number}
        try:
            return await self._platform.say(peer, body | answers)
        except (Unreachable, AuthExpired) as error:
            if not again:
                await self._credits.give_back(peer, reply)
            raise Unreachable(PEER, "send", error.reason, raw=error.raw) from error

    async def _arrived(self, peer: ChatPeer, text: str, reply: Reply, answered: Answered) -> str:
        """Its id: what a quote calls it, where the platform says so."""
        ext = answered.body.get("ext_info")
        index = ext.get("ref_idx") if isinstance(ext, dict) else None
        named = str(index or answered.body.get("id") or f"{reply.anchor.id}#{reply.number}")
        self._memory.note(Said(peer.bot, peer.scene, peer.peer, named, text, self._credits.now()))
        await self._credits.arrived(peer, reply, named)
        return named

    def _dressed(self, text: str, body: dict[str, Any]) -> dict[str, Any]:
        """With buttons, where the bot may show them and there are any; the text says it all."""
        heard = self._buttons and self._adapter.gateway.hears_presses
        keyboard = keyboard_for(text) if heard and body["msg_type"] == TEXT else None
        if keyboard is None:
            return body
        dressed = {"msg_type": WITH_BUTTONS, "markdown": {"content": body["content"]}}
        return {**body, **dressed, "keyboard": keyboard}

    # --- Unasked --------------------------------------------------------------------------------

    def _may_push(self) -> bool:
        until = self._no_push_until
        return self._pushes and (until is None or self._credits.now() >= until)

    async def _push(self, peer: ChatPeer, body: dict[str, Any]) -> str:
        if not self._may_push():
            raise _no_credit()
        try:
            answered = await self._platform.say(peer, body)
        except AuthExpired as error:
            raise Unreachable(PEER, "send", error.reason, raw=error.raw) from error
        match answered.outcome:
            case Outcome.SAID | Outcome.SAID_BEFORE:
                return str(answered.body.get("id") or "")
            case Outcome.NO_PUSH | Outcome.ANCHOR_OVER:
                logger.warning("the official bot may not speak unasked: {}", answered.words)
                self._no_push_until = self._credits.now() + NO_PUSH_FOR
                raise _no_credit()
            case _:
                raise _unsaid(answered)

    # --- In -------------------------------------------------------------------------------------

    def _read(self, bot: Bot, event: Event) -> OperatorMessage:
        address = address_in(bot.self_id, event)
        heard = operator_message(event, address, self._adapter.sender_of(address))
        if heard.quoted_id is None or heard.quoted_text:
            return heard
        said = self._memory.by_id(bot.self_id, heard.quoted_id)
        return heard if said is None else replace(heard, quoted_text=said.text)


def _body(text: str) -> dict[str, Any]:
    return {"msg_type": TEXT, "content": without_links(text)}


def _no_credit() -> Unreachable:
    return Unreachable(PEER, "send", "官方机器人要等对方先说话")


def _unsaid(answered: Answered) -> Exception:
    """Certainly not said."""
    error = answered.error("send")
    if isinstance(error, AuthExpired):
        return Unreachable(PEER, "send", error.reason, raw=error.raw)
    return error
