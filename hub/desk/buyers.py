"""Buyers: notes and tags about them, and those whom nothing serves by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hub.buyers import block_changed
from hub.desk.delivery_rules import MOST_BLOCKED
from hub.desk.operator import Operator
from hub.errors import Invalid, NotFound
from hub.model import BuyerCard, Conversation, ConversationId, Role
from hub.store import Store, Tx

LONGEST_NOTE = 200
LONGEST_TAG = 12
MOST_TAGS = 10


@dataclass(frozen=True, slots=True)
class KnownBuyer:
    card: BuyerCard
    conversation: Conversation
    """The one through which the buyer was named."""


class Buyers:
    """What is said about a buyer counts in all their conversations with the shop."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def of_conversation(
        self, operator: Operator, conversation: ConversationId
    ) -> KnownBuyer | None:
        """None: nobody is there."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> KnownBuyer | None:
            found = _find(tx, operator, conversation)
            if found.buyer is None:
                return None
            return KnownBuyer(tx.buyers.get(operator.shop, found.buyer), found)

        return await self._store.read(unit)

    async def change(
        self,
        operator: Operator,
        conversation: ConversationId,
        *,
        note: str | None = None,
        tags: Sequence[str] | None = None,
        blocked: bool | None = None,
    ) -> KnownBuyer:
        """Change what is given, leave the rest (L54). The same words again change nothing.

        Blocking silences what answers by itself and holds orders for a person; what is on its way
        to the buyer is not taken back.
        """
        operator.require(Role.AGENT)
        wished: dict[str, object] = {}
        if note is not None:
            wished["note"] = _checked_note(note)
        if tags is not None:
            wished["tags"] = _checked_tags(tags)
        if blocked is not None:
            wished["blocked"] = blocked
        now = self._now()

        def unit(tx: Tx) -> KnownBuyer:
            found = _find(tx, operator, conversation)
            if found.buyer is None:
                raise Invalid("这个会话里没有买家")
            before = tx.buyers.get(operator.shop, found.buyer)
            after: BuyerCard = replace(before, **wished)  # type: ignore[arg-type]
            if after == before:
                return KnownBuyer(before, found)
            if after.blocked and not before.blocked:
                _check_room(tx, operator)
            tx.buyers.save(after, now)
            if after.blocked is not before.blocked:
                block_changed(tx, operator.shop, [found.buyer], now)
                act = "buyer.block" if after.blocked else "buyer.unblock"
                operator.record(tx, act, found.ticket, now)
            if (after.note, after.tags) != (before.note, before.tags):
                operator.record(tx, "buyer.note", found.ticket, now)
            return KnownBuyer(after, found)

        return await self._store.write(unit)


def split_tags(words: str) -> list[str]:
    """`老客 爱砍价` or `老客、爱砍价` -> both."""
    for sign in "，,、；;#＃":
        words = words.replace(sign, " ")
    return words.split()


def _find(tx: Tx, operator: Operator, conversation: ConversationId) -> Conversation:
    found = tx.conversations.get(operator.shop, conversation)
    if found is None:
        raise NotFound("这个会话不存在，可能已经被删除")
    return found


def _check_room(tx: Tx, operator: Operator) -> None:
    if len(tx.guards.get(operator.shop).blocked_buyers) >= MOST_BLOCKED:
        raise Invalid(f"没有拉黑：黑名单最多 {MOST_BLOCKED} 人，请先在「发货规则」里去掉一些")


def _checked_note(note: str) -> str:
    line = " ".join(note.split())
    if len(line) > LONGEST_NOTE:
        raise Invalid(f"没有保存：备注最多 {LONGEST_NOTE} 字", {"note": f"最多 {LONGEST_NOTE} 字"})
    return line


def _checked_tags(tags: Sequence[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(found) > MOST_TAGS:
        raise Invalid(f"没有保存：标签最多 {MOST_TAGS} 个", {"tags": f"最多 {MOST_TAGS} 个"})
    if any(len(tag) > LONGEST_TAG for tag in found):
        raise Invalid(
            f"没有保存：一个标签最多 {LONGEST_TAG} 字", {"tags": f"每个最多 {LONGEST_TAG} 字"}
        )
    return found
