"""`/聊`: the plain lines of a private chat go to one buyer, until that is left or left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub import text
from hub.desk.operator import Operator
from hub.errors import Invalid
from hub.model import ChatPeer, Conversation, ConversationId, Focus, Role
from hub.notices import tell_chat
from hub.policy import conversations_called
from hub.store import Store, Tx, persistently

LOOKED_AT = 1000
"""The latest conversations, among which a name is looked for."""
LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Focused:
    focus: Focus
    conversation: Conversation


class Focusing:
    """Stored, so that a restart changes nothing: whoever was talking goes on, and is told when it
    ends."""

    def __init__(self, store: Store, now: Callable[[], datetime], *, minutes: float) -> None:
        """`minutes`: so long after the last line it ends by itself."""
        self._store = store
        self._now = now
        self._idle = timedelta(minutes=minutes)

    async def begin(
        self, operator: Operator, peer: ChatPeer, conversation: ConversationId
    ) -> Focused:
        """From now on; another focus of this chat is over. Raises Invalid."""
        operator.require(Role.AGENT)
        if peer.scene != "private":
            raise Invalid("没有开始：/聊 只在私聊里用，群里请引用通知或者写编号")
        now = self._now()

        def unit(tx: Tx) -> Focused:
            found = tx.conversations.get(operator.shop, conversation)
            if found is None or found.buyer is None:
                raise Invalid("没有开始：这个会话里没有买家可以回复")
            focus = Focus(operator.shop, peer.bot, peer.peer, found.id, now)
            tx.focuses.set(focus)
            operator.record(tx, "focus", found.ticket, now)
            return Focused(focus, found)

        return await self._store.write(unit)

    async def called(self, operator: Operator, words: str) -> Sequence[Conversation]:
        """Conversations that these words may mean, the latest first."""
        operator.require(Role.AGENT)
        lines = await self._store.read(
            lambda tx: tx.conversations.recent(operator.shop, limit=LOOKED_AT)
        )
        return conversations_called([line.conversation for line in lines], words)

    async def of(self, operator: Operator, peer: ChatPeer) -> Focused | None:
        """Whom this chat talks with now."""
        if peer.scene != "private":
            return None
        return await self._store.read(lambda tx: self._running(tx, operator, peer))

    async def used(self, focused: Focused) -> None:
        """A line went there: the time begins anew."""
        focus = replace(focused.focus, used_at=self._now())

        def unit(tx: Tx) -> None:
            now = tx.focuses.get(focus.bot, focus.qq)
            if now is not None and now.conversation == focus.conversation:
                tx.focuses.set(focus)

        await self._store.write(unit)

    async def leave(self, operator: Operator, peer: ChatPeer) -> Conversation | None:
        """Whom the chat talked with; None: nobody."""

        def unit(tx: Tx) -> Conversation | None:
            focused = self._running(tx, operator, peer)
            if focused is None:
                return None
            tx.focuses.end(focused.focus)
            return focused.conversation

        return await self._store.write(unit)

    def _running(self, tx: Tx, operator: Operator, peer: ChatPeer) -> Focused | None:
        """One that has run out is none, even before it was ended."""
        focus = tx.focuses.get(peer.bot, peer.peer)
        if focus is None or focus.shop != operator.shop:
            return None
        if focus.used_at + self._idle <= self._now():
            return None
        found = tx.conversations.get(focus.shop, focus.conversation)
        return None if found is None else Focused(focus, found)

    async def keep_ending(self) -> None:
        """End what is left alone, with a word, until cancelled."""
        async with self._store.changes() as changes:
            while True:
                wait = await persistently(
                    "the end of a focus", lambda: self._store.write(self._end_idle)
                )
                try:
                    async with asyncio.timeout(wait.total_seconds()):
                        while (await anext(changes)).noun != "focus":
                            pass
                except TimeoutError:
                    continue
                except StopAsyncIteration:
                    return

    def _end_idle(self, tx: Tx) -> timedelta:
        """Returns after how long to look again."""
        now = self._now()
        for focus in tx.focuses.all():
            left = focus.used_at + self._idle - now
            if left > timedelta(0):
                return min(left, LONGEST_WAIT)
            tx.focuses.end(focus)
            found = tx.conversations.get(focus.shop, focus.conversation)
            if found is not None:
                peer = ChatPeer(focus.bot, "private", focus.qq)
                key = f"focus:{focus.bot}:{focus.qq}:{focus.used_at.isoformat()}"
                tell_chat(tx, focus.shop, peer, text.focus_over(found), key=key, now=now)
        return LONGEST_WAIT
