"""What AI proposes and a person decides about. A conversation has at most one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.answers.waiting import waiting_answer, withdraw_answer
from hub.model import (
    UNDECIDED_KEY,
    AskedBy,
    Conversation,
    MemberId,
    Message,
    MessageId,
    MessageState,
    Origin,
    SendMessage,
    Text,
    send_lane,
)
from hub.policy import HUMAN_ANSWERED
from hub.store import Tx

REPLACED = "有了新的草稿"
SENT_ALONE = "没人决定，按设置发出了"
ALONE_LIFETIME = timedelta(minutes=5)


def propose(
    tx: Tx, conversation: Conversation, key: str, text: str, why: str, now: datetime
) -> MessageId | None:
    """A new draft in the place of an older one. `why`: why a person has to look at it. None: `key`
    was used before, and nothing has changed."""
    older = tx.drafts.of_conversation(conversation.shop, conversation.id)
    draft = tx.messages.add_out(
        conversation.shop,
        conversation.account,
        conversation.id,
        key=key,
        origin=Origin.AI,
        content=Text(text),
        draft_for=why,
        now=now,
    )
    if draft is not None:
        _drop(tx, conversation, older, REPLACED, now)
    return draft


def drop_drafts(tx: Tx, conversation: Conversation, reason: str, now: datetime) -> None:
    """Nobody needs what was proposed any more."""
    _drop(
        tx, conversation, tx.drafts.of_conversation(conversation.shop, conversation.id), reason, now
    )


def drop_answered_drafts(
    tx: Tx, conversation: Conversation, said_at: datetime, reason: str, now: datetime
) -> None:
    """A person answered at `said_at`, which may be found out late: a draft to what the buyer said
    afterwards is still needed."""
    shop = conversation.shop
    heard = tx.messages.heard_between(shop, conversation.id, said_at, now)
    drafts = [
        one
        for one in tx.drafts.of_conversation(shop, conversation.id)
        if not any(at <= one.sent_at for at in heard)
    ]
    _drop(tx, conversation, drafts, reason, now)


def drop_draft(
    tx: Tx, conversation: Conversation, draft: Message, reason: str, now: datetime
) -> None:
    _drop(tx, conversation, [draft], reason, now)


def send_alone(tx: Tx, conversation: Conversation, draft: Message, now: datetime) -> None:
    """Put a draft in line that nobody decided about: an automatic answer, which yields to people
    and holds until it leaves."""
    _drop(tx, conversation, [draft], SENT_ALONE, now)
    message = tx.messages.add_out(
        conversation.shop,
        conversation.account,
        conversation.id,
        key=f"{UNDECIDED_KEY}{draft.id}",
        origin=Origin.AI,
        content=draft.content,
        now=now,
    )
    if message is not None:
        tx.outbox.enqueue(
            conversation.shop,
            SendMessage(conversation.account, conversation.id, message),
            lane=send_lane(conversation.account, conversation.id),
            key=f"send:{message}",
            due_at=now,
            expires_at=now + ALONE_LIFETIME,
        )


def _drop(
    tx: Tx, conversation: Conversation, drafts: Sequence[Message], reason: str, now: datetime
) -> None:
    for draft in drafts:
        state = MessageState.DROPPED
        tx.messages.set_state(conversation.shop, draft.id, state, reason=reason, now=now)


def send_draft(
    tx: Tx,
    conversation: Conversation,
    draft: Message,
    text: str,
    member: MemberId,
    asked_by: AskedBy | None,
    *,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Put a draft in line, in these words. False: somebody else decided about it before.

    From now on it is that person's answer: no hold stops it, and nothing automatic goes out to what
    the buyer said before. It leads the conversation no further than that: with a takeover, AI would
    propose nothing to the buyer's next words.
    """
    needless = waiting_answer(tx, conversation, now)
    if not tx.drafts.approve(conversation.shop, draft.id, Text(text), member, now):
        return False
    if needless is not None:
        withdraw_answer(tx, conversation, needless, HUMAN_ANSWERED, now)
    tx.outbox.enqueue(
        conversation.shop,
        SendMessage(conversation.account, conversation.id, draft.id, asked_by),
        lane=send_lane(conversation.account, conversation.id),
        key=f"send:{draft.id}",
        due_at=now,
        expires_at=expires_at,
    )
    return True
