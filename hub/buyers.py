"""Buyers whom the shop knows: what is kept about them, and that nothing answers a blocked one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from hub.model import BuyerCard, Conversation, HoldKind, PlatformUser, Scope, ShopId
from hub.store import Tx
from hub.text import BLOCKED


def know_buyer(tx: Tx, conversation: Conversation, now: datetime) -> BuyerCard | None:
    """What is kept about the buyer; None: nobody is there.

    Call it before anything answers: a blocked buyer may have begun another conversation.
    """
    if conversation.buyer is None:
        return None
    card = tx.buyers.get(conversation.shop, conversation.buyer)
    if card.blocked:
        _silence(tx, conversation, now)
    return card


def block_changed(tx: Tx, shop: ShopId, buyers: Iterable[PlatformUser], now: datetime) -> None:
    """The list of blocked buyers is another one: these were put on it or taken off."""
    for buyer in buyers:
        blocked = tx.buyers.is_blocked(shop, buyer)
        for conversation in tx.conversations.of_buyer(shop, buyer):
            if blocked:
                _silence(tx, conversation, now)
            else:
                _let_speak(tx, conversation, now)


def _silence(tx: Tx, conversation: Conversation, now: datetime) -> None:
    """A pause that a person set stays theirs; a takeover ends by itself and may run beside it."""
    scope = Scope(conversation=conversation.id)
    running = tx.holds.of_scope(conversation.shop, scope, now)
    if not any(one.kind is HoldKind.PAUSE and one.until is None for one in running):
        tx.holds.add(conversation.shop, scope, kind=HoldKind.PAUSE, reason=BLOCKED, now=now)


def _let_speak(tx: Tx, conversation: Conversation, now: datetime) -> None:
    scope = Scope(conversation=conversation.id)
    running = tx.holds.of_scope(conversation.shop, scope, now)
    if any(one.kind is HoldKind.PAUSE and one.reason == BLOCKED for one in running):
        tx.holds.end(conversation.shop, scope, now, {HoldKind.PAUSE})
