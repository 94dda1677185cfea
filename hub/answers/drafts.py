"""What AI proposes and a person decides about. A conversation has at most one."""

from __future__ import annotations

from datetime import datetime

from hub.model import (
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
from hub.store import Tx

REPLACED = "有了新的草稿"


def propose(
    tx: Tx, conversation: Conversation, key: str, text: str, why: str, now: datetime
) -> MessageId | None:
    """A new draft in the place of an older one. `why`: why a person has to look at it. None: `key`
    was used before."""
    drop_drafts(tx, conversation, REPLACED, now)
    return tx.messages.add_out(
        conversation.shop,
        conversation.account,
        conversation.id,
        key=key,
        origin=Origin.AI,
        content=Text(text),
        draft_for=why,
        now=now,
    )


def drop_drafts(tx: Tx, conversation: Conversation, reason: str, now: datetime) -> None:
    """Nobody needs what was proposed any more."""
    for draft in tx.messages.drafts(conversation.shop, conversation.id):
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
    """Put a draft in line, in these words. False: somebody else decided about it before."""
    if not tx.messages.approve(conversation.shop, draft.id, Text(text), member, now):
        return False
    tx.outbox.enqueue(
        conversation.shop,
        SendMessage(conversation.account, conversation.id, draft.id, asked_by),
        lane=send_lane(conversation.account, conversation.id),
        key=f"send:{draft.id}",
        due_at=now,
        expires_at=expires_at,
    )
    return True
