"""The automatic answer of a conversation that has not left yet.

There is at most one: it waits until the buyer has finished speaking, for its account, or for its
turn, and what the buyer says meanwhile is answered together with it. Buyers write in bursts, and
three answers within three seconds are what risk control looks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model import Conversation, Message, MessageState, Origin, SendMessage, Task, send_lane
from hub.store import Tx


@dataclass(frozen=True, slots=True)
class WaitingAnswer:
    message: Message
    task: Task
    """Created when the first line that it answers came."""


def waiting_answer(tx: Tx, conversation: Conversation, now: datetime) -> WaitingAnswer | None:
    """None as well for one that a person has overtaken, that has waited too long, or that is about
    to leave. A worker that waits for its turn reads it again then."""
    shop = conversation.shop
    for task in tx.outbox.waiting(shop, send_lane(conversation.account, conversation.id)):
        expired = task.expires_at is not None and task.expires_at <= now
        if expired or not isinstance(task.work, SendMessage):
            continue
        message = tx.messages.get(shop, task.work.message)
        if message is None or message.origin is not Origin.RULE:
            continue
        if not tx.messages.human_answer_since(shop, conversation.id, message.sent_at):
            return WaitingAnswer(message, task)
    return None


def withdraw_answer(
    tx: Tx, conversation: Conversation, answer: WaitingAnswer, reason: str, now: datetime
) -> None:
    """A person answers: nothing of theirs has to wait behind an answer that nobody needs."""
    shop = conversation.shop
    if tx.outbox.drop(shop, answer.task.id, error=reason, now=now):
        state = MessageState.DROPPED
        tx.messages.set_state(shop, answer.message.id, state, reason=reason, now=now)
