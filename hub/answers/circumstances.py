"""What a decision depends on beside the words: what was told, heard or answered before."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import MOMENT_KEY, BuyerMessage, Conversation, Moment
from hub.policy import HUMAN_ANSWERED, Decided, Silence
from hub.store import Tx

SAME_SIGNAL = timedelta(minutes=5)
"""Signals of one change come within it."""


def is_first(tx: Tx, conversation: Conversation) -> bool:
    """The buyer has said one thing here, and bought nothing yet."""
    shop, buyer = conversation.shop, conversation.buyer
    if buyer is None or len(tx.messages.heard(shop, conversation.id, limit=2)) > 1:
        return False
    orders = tx.orders.of_buyer(shop, buyer)
    return not any(one.account == conversation.account for one in orders)


def decide_late(
    tx: Tx, conversation: Conversation, event: BuyerMessage, decision: Decided
) -> Decided:
    """A person may have answered in the meantime; and it may be part of an outage."""
    shop, account = conversation.shop, conversation.account
    if not isinstance(decision, Silence) and tx.messages.human_answer_since(
        shop, conversation.id, event.sent_at
    ):
        decision = Silence("answered", HUMAN_ANSWERED)
    expired = isinstance(decision, Silence) and decision.outcome == "expired"
    tx.comparisons.count_late(shop, account, event.sent_at, messages=1, expired=int(expired))
    return decision


def spoken_of_without_number(
    tx: Tx,
    conversation: Conversation,
    moment: Moment,
    since: datetime,
    now: datetime,
    *,
    named: bool,
) -> bool:
    """Whether this was told a while ago by a signal that, or for one that, names no order."""
    stem = f"{MOMENT_KEY}{conversation.account}:{conversation.id}:{moment}"
    while_ = int(since.timestamp() // SAME_SIGNAL.total_seconds())
    others = ("unnamed",) if named else ("unnamed", "named")
    keys = [f"{stem}:{other}:{part}" for other in others for part in (while_, while_ - 1)]
    told = bool(tx.inputs.known(conversation.shop, keys))
    own = "named" if named else "unnamed"
    tx.inputs.first_time(conversation.shop, f"{stem}:{own}:{while_}", now)
    return told
