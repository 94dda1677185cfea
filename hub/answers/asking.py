"""Questions that AI is to answer: put in line, and held back while the buyer goes on speaking."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import AnswerByAi, Conversation, MessageId, Task, answer_lane
from hub.store import Tx

WAITS = timedelta(minutes=5)
"""A buyer who has waited longer for a model gets no answer from it any more."""


def ask_ai(
    tx: Tx,
    conversation: Conversation,
    message: MessageId,
    due_at: datetime,
    now: datetime,
    *,
    unlike: MessageId | None = None,
) -> bool:
    """False: this was asked before."""
    key = f"answer:{message}" if unlike is None else f"answer:{message}:unlike:{unlike}"
    task = tx.outbox.enqueue(
        conversation.shop,
        AnswerByAi(conversation.account, conversation.id, message, unlike),
        lane=answer_lane(conversation.account, conversation.id),
        key=key,
        due_at=due_at,
        expires_at=due_at + WAITS,
        now=now,
    )
    return task is not None


def waiting_question(tx: Tx, conversation: Conversation) -> Task | None:
    """The newest that no model has been asked yet, or that a model is thinking about."""
    lane = answer_lane(conversation.account, conversation.id)
    waiting = tx.outbox.waiting(conversation.shop, lane)
    return waiting[-1] if waiting else None
