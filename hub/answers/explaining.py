"""What became of a decision: what was said for it, and which line an answer was said to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from hub.model import (
    AI_KEY,
    ANSWER_KEY,
    AWAY_KEY,
    DRAFT_KEY,
    UNDECIDED_KEY,
    Conversation,
    Message,
    MessageId,
    ShopId,
)
from hub.store import Decision, Tx

LOOKED_AT = 30
"""Messages among which those are looked for that were said for a step of an order."""
WITHOUT_ROW = frozenset({"joined", "answered", "bargained"})
"""Outcomes after which the answer may be that of an earlier line, in these or in new words."""
_ASKED = re.compile(f"(?:{ANSWER_KEY}|{AI_KEY}|{DRAFT_KEY})(\\d+)")


def asked_by_answer(tx: Tx, shop: ShopId, said: MessageId) -> MessageId | None:
    """The buyer's line that an automatic answer, or a draft of AI, was made for."""
    found = _ASKED.match(tx.messages.key(shop, said))
    return MessageId(int(found[1])) if found is not None else None


def said_for(
    tx: Tx, conversation: Conversation, about: Sequence[Decision], earlier: Sequence[MessageId]
) -> list[Message]:
    """What was put in line because of these decisions, which are about one line or one step of an
    order; oldest first, however far it got. `earlier`: lines that were decided about before this
    one, newest first."""
    last = about[-1]
    if last.message is None:
        return _said_at(tx, conversation, last.at)
    if last.outcome == "superseded":  # what stood there may say by now what the next line got
        return []
    lines = [last.message, *(earlier if last.outcome in WITHOUT_ROW else ())]
    answers = (_answers_to(tx, conversation, line) for line in lines)
    return next((found for found in answers if found), [])


def _said_at(tx: Tx, conversation: Conversation, at: datetime) -> list[Message]:
    shop = conversation.shop
    asides = tx.messages.about_orders(shop, conversation.id)
    latest = tx.messages.of_conversation(shop, conversation.id, limit=LOOKED_AT)
    return [one for one in latest if one.id in asides and one.sent_at == at]


def _answers_to(tx: Tx, conversation: Conversation, asked: MessageId) -> list[Message]:
    messages, shop = tx.messages, conversation.shop
    drafts = messages.with_key(shop, f"{DRAFT_KEY}{asked}:")[-1:]
    alone = [part for one in drafts for part in messages.answer(shop, f"{UNDECIDED_KEY}{one.id}")]
    away = [
        part
        for first in messages.with_key(shop, f"{AWAY_KEY}{conversation.id}:")
        if messages.key(shop, first.id).endswith(f":{asked}")
        for part in messages.parts(shop, first.id)
    ]
    found = [
        *(alone or drafts),
        *messages.answer(shop, f"{ANSWER_KEY}{asked}"),
        *messages.answer(shop, f"{AI_KEY}{asked}"),
        *away,
    ]
    return sorted(found, key=lambda one: one.id)
