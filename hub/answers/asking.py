"""Questions that AI is to answer: put in line, and held back while the buyer goes on speaking."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import AnswerByAi, Conversation, MessageId, Task, answer_lane
from hub.policy import HUMAN_ANSWERED
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


def drop_overtaken(tx: Tx, conversation: Conversation, task: Task, now: datetime) -> bool:
    """Give up a question that a person has answered before anybody was asked. False: nobody has,
    or a model thinks about it, and it is looked at again afterwards."""
    assert isinstance(task.work, AnswerByAi)  # noqa: S101 - nothing else is in this lane
    shop, asked = conversation.shop, task.work.message
    heard = tx.messages.get(shop, asked)
    if heard is not None and not tx.messages.human_answer_since(
        shop, conversation.id, heard.sent_at
    ):
        return False
    if not tx.outbox.drop(shop, task.id, error=HUMAN_ANSWERED, now=now):
        return False
    tx.decisions.add(
        shop,
        conversation=conversation.id,
        message=asked,
        outcome="ai_dropped",
        reason=HUMAN_ANSWERED,
        now=now,
    )
    return True
