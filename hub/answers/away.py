"""What buyers are told in quiet hours, when nobody is there to answer them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hub.answers.waiting import ANSWERS, LOOKED_BACK, UNSAID
from hub.model import (
    AWAY_KEY,
    Account,
    Conversation,
    ConversationId,
    Message,
    MessageId,
    Origin,
    PeoplePlan,
)
from hub.policy import Away, Silence, away_words, is_undisturbed, quiet_began
from hub.store import Tx

UNANSWERED = frozenset({"no_rule", "asks_person"})
"""Outcomes in which nobody and nothing answers by itself, and nobody wanted it so."""


def when_away(
    tx: Tx,
    account: Account,
    conversation: Conversation,
    decision: Silence,
    plan: PeoplePlan,
    now: datetime,
) -> Silence | Away:
    """What is said in the place of nothing: once per conversation and time of quiet, and not where
    a person has answered in it."""
    shop, words = account.shop, away_words(plan, account.id)
    if decision.outcome not in UNANSWERED or not words:
        return decision
    if not is_undisturbed(plan, tx.members.all(shop), now):
        return decision
    began = quiet_began(plan, now)
    if tx.messages.human_answer_since(shop, conversation.id, began):
        return _not_said(decision, "人工回复过")
    said = tx.messages.with_key(shop, _stem(conversation.id, began))
    if any(one.state not in UNSAID for one in said):
        return _not_said(decision, "这个会话里已经说过")
    reason = f"{decision.reason}；现在是安静时段，没有人值班"
    return Away(words, began, reason, decision.steps)


def away_key(conversation: Conversation, decision: Away, asked: MessageId) -> str:
    return f"{_stem(conversation.id, decision.since)}{asked}"


def says_away(tx: Tx, conversation: Conversation, message: Message) -> bool:
    """Whether this message is what is said when nobody is there."""
    said = tx.messages.with_key(conversation.shop, f"{AWAY_KEY}{conversation.id}:")
    return any(one.id == message.id for one in said)


def waits_for_answer(tx: Tx, conversation: Conversation) -> bool:
    """Whether nobody has answered the buyer's latest words: that nobody is there is no answer, and
    neither are goods and words about orders."""
    shop = conversation.shop
    latest = tx.messages.of_conversation(shop, conversation.id, limit=LOOKED_BACK)
    heard = max((one.id for one in latest if one.origin is Origin.BUYER), default=None)
    asides = tx.messages.about_orders(shop, conversation.id)
    return not any(
        one.origin in ANSWERS and one.state not in UNSAID and one.id not in asides
        for one in latest
        if (heard is None or one.id > heard) and not says_away(tx, conversation, one)
    )


def _stem(conversation: ConversationId, began: datetime) -> str:
    return f"{AWAY_KEY}{conversation}:{began.isoformat()}:"


def _not_said(decision: Silence, why: str) -> Silence:
    return replace(decision, steps=(*decision.steps, f"安静时段的自动答复：{why}，不说"))
