"""What a bot keeps that may only answer: its reply credits, and where its line broke off, so that a
restart forgets nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from hub.model import Anchor, AnchorKind, ChatPeer, Reply, ReplyUse, chat_lane
from hub.policy import ANCHOR_LASTS, choose_reply, credits_left
from hub.store import Store, Tx

KEPT = 2 * max(ANCHOR_LASTS.values())


LINE = "qq.official.line"
"""Name of the stored value that tells where a bot's line broke off."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the line of a bot is. Without a session: nowhere yet."""

    session: str = ""
    seq: int = 0
    """Of the last event that was heard."""
    asked: int = 0
    """Which kinds of events the settings want."""
    granted: int = 0
    """Which of them the session brings."""


class Credits:
    """What the port of such a bot asks and tells. A credit is taken before anything leaves, so that
    two texts never leave as the same answer, whatever is killed in between."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def now(self) -> datetime:
        return self._now()

    async def line(self, bot: str) -> Place:
        """Where the line of a bot broke off, so that a new life of the hub can go on from there."""

        def unit(tx: Tx) -> Place:
            found = json.loads(tx.values.get(tx.shops.default(), LINE) or "{}")
            return Place(**found["place"]) if found.get("bot") == bot else Place()

        return await self._store.read(unit)

    async def keep_line(self, bot: str, place: Place) -> None:
        kept = {"bot": bot, "place": asdict(place)}
        await self._store.write(
            lambda tx: tx.values.set(tx.shops.default(), LINE, json.dumps(kept))
        )

    async def hear(self, peer: ChatPeer, anchor: str, kind: AnchorKind) -> None:
        """Somebody wrote or pressed something there just now."""
        now = self._now()
        heard = Anchor(anchor, kind, now)
        await self._store.write(
            lambda tx: tx.reply_anchors.hear(peer.peer, heard, forget=now - KEPT)
        )

    async def wake(self, peer: ChatPeer) -> None:
        """What waits for that chat may try again."""
        now = self._now()
        await self._store.write(lambda tx: tx.outbox.hasten(chat_lane(peer), now))

    async def take(self, peer: ChatPeer, said: str, *, prefer: str = "") -> Reply | None:
        """Leave to say this; None: not before somebody writes again. Words that left before without
        an answer get the leave that they had. `prefer`: the message that is answered."""
        now, mark = self._now(), fingerprint(said)

        def unit(tx: Tx) -> Reply | None:
            anchors = tx.reply_anchors.of(peer.peer)
            reply = choose_reply(anchors, now, said=mark, prefer=prefer)
            if reply is not None and reply.number > len(reply.anchor.uses):
                tx.reply_anchors.put(peer.peer, reply.anchor.used(ReplyUse(mark, now)))
            return reply

        return await self._store.write(unit)

    async def left(self, peer: ChatPeer) -> int:
        """How many things may be said there now."""
        anchors = await self._store.read(lambda tx: tx.reply_anchors.of(peer.peer))
        return credits_left(anchors, self._now())

    async def find(
        self, peer: ChatPeer, said: str, since: datetime, *, known: Callable[[str], bool]
    ) -> Reply | str | None:
        """What became of words that may have been said since then: their id; the leave under which
        they left without an answer; None: leave was never taken, so they never left. `known`: that
        id is of the same words said another time."""
        mark = fingerprint(said)
        for anchor in await self._store.read(lambda tx: tx.reply_anchors.of(peer.peer)):
            for place, use in enumerate(anchor.uses):
                if use.said != mark or use.at < since:
                    continue
                if use.message_id is None:
                    return Reply(anchor, place + 1)
                if not known(use.message_id):
                    return use.message_id
        return None

    async def arrived(self, peer: ChatPeer, reply: Reply, message_id: str) -> None:
        """It was said, or refused for good; either way nobody says it again as this answer."""

        def settle(anchor: Anchor) -> Anchor:
            uses = list(anchor.uses)
            place = reply.number - 1
            uses[place] = replace(uses[place], message_id=message_id)
            return replace(anchor, uses=tuple(uses))

        await self._change(peer, reply, settle)

    async def give_back(self, peer: ChatPeer, reply: Reply) -> None:
        """Nothing left this machine. Only the newest can be had again by other words."""
        await self._change(
            peer,
            reply,
            lambda one: replace(one, uses=one.uses[:-1]) if len(one.uses) == reply.number else one,
        )

    async def end(self, peer: ChatPeer, reply: Reply) -> None:
        """The platform takes no more answers to this anchor."""
        await self._change(peer, reply, lambda one: replace(one, over=True))

    async def _change(
        self, peer: ChatPeer, reply: Reply, change: Callable[[Anchor], Anchor]
    ) -> None:
        def unit(tx: Tx) -> None:
            for anchor in tx.reply_anchors.of(peer.peer):
                if anchor.id == reply.anchor.id and len(anchor.uses) >= reply.number:
                    tx.reply_anchors.put(peer.peer, change(anchor))

        await self._store.write(unit)


def fingerprint(said: str) -> str:
    """Tells whether two texts are the same, and nothing of what they say."""
    return hashlib.sha256(said.encode()).hexdigest()[:16]
