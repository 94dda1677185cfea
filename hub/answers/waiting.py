"""The automatic answer of a conversation that has not left yet.

There is at most one: it waits until the buyer has finished speaking, for its account, or for its
turn, and what the buyer says meanwhile is answered together with it. Buyers write in bursts, and
three answers within three seconds are what risk control looks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model import (
    Conversation,
    Message,
    MessageId,
    MessageState,
    Origin,
    SendMessage,
    Task,
    send_lane,
)
from hub.store import Tx

ANSWERS = (Origin.RULE, Origin.AI, Origin.OPERATOR, Origin.PHONE)
UNSAID = (MessageState.DRAFT, MessageState.DROPPED, MessageState.REJECTED)


@dataclass(frozen=True, slots=True)
class WaitingAnswer:
    message: Message
    """The first of its messages."""
    task: Task
    """Created when the first line that it answers came."""
    rest: tuple[Task, ...] = ()
    """Of its further messages."""


def waiting_answer(tx: Tx, conversation: Conversation, now: datetime) -> WaitingAnswer | None:
    """None as well for one that a person has overtaken, that has waited too long, or that is about
    to leave. A worker that waits for its turn reads it again then."""
    shop = conversation.shop
    lane = tx.outbox.waiting(shop, send_lane(conversation.account, conversation.id))
    tasks: dict[MessageId, Task] = {}
    for task in lane:
        expired = task.expires_at is not None and task.expires_at <= now
        if isinstance(task.work, SendMessage) and task.work.may_change and not expired:
            tasks[task.work.message] = task
    for id_, task in tasks.items():
        parts = tx.messages.parts(shop, id_)
        if not parts or tx.messages.human_answer_since(shop, conversation.id, parts[0].sent_at):
            continue
        if parts[0].id != id_:  # its beginning has left
            return None
        rest = (tasks[part.id] for part in parts[1:] if part.id in tasks)
        return WaitingAnswer(parts[0], task, tuple(rest))
    return None


LOOKED_BACK = 30
"""Messages among which one is looked for that somebody has answered with meanwhile."""


def answered_since(tx: Tx, conversation: Conversation, asked: MessageId) -> bool:
    """Whether anybody has said anything to the buyer since this line was heard, goods and words
    about orders left out of account."""
    shop = conversation.shop
    asides = tx.messages.about_orders(shop, conversation.id)
    return any(
        one.origin in ANSWERS and one.id > asked and one.state not in UNSAID
        for one in tx.messages.of_conversation(shop, conversation.id, limit=LOOKED_BACK)
        if one.id not in asides
    )


def withdraw_answer(
    tx: Tx, conversation: Conversation, answer: WaitingAnswer, reason: str, now: datetime
) -> None:
    """A person answers: nothing of theirs has to wait behind an answer that nobody needs."""
    shop = conversation.shop
    for task in (answer.task, *answer.rest):
        assert isinstance(task.work, SendMessage)  # noqa: S101 - nothing else is an answer
        if tx.outbox.drop(shop, task.id, error=reason, now=now):
            state = MessageState.DROPPED
            tx.messages.set_state(shop, task.work.message, state, reason=reason, now=now)
