"""Who is told: notices to operators become outbox tasks here and nowhere else."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import (
    AskedBy,
    ChatPeer,
    Conversation,
    MessageId,
    SendNotice,
    SendReceipt,
    chat_lane,
)
from hub.store import Tx

NOTICE_LIFETIME = timedelta(hours=24)


def tell_owners(
    tx: Tx,
    conversation: Conversation,
    text: str,
    *,
    key: str,
    now: datetime,
    message: MessageId | None = None,
) -> None:
    """Once per `key` to each QQ id of each owner: the default routing of a shop."""
    for owner in tx.members.owners(conversation.shop):
        for qq in owner.qq:
            peer = ChatPeer("", "private", qq)
            tx.outbox.enqueue(
                conversation.shop,
                SendNotice(peer, text, conversation.id, message),
                lane=chat_lane(peer),
                key=f"{key}:{qq}",
                due_at=now,
                expires_at=now + NOTICE_LIFETIME,
            )


def tell_asker(
    tx: Tx, conversation: Conversation, asked_by: AskedBy, text: str, *, key: str, now: datetime
) -> None:
    tx.outbox.enqueue(
        conversation.shop,
        SendReceipt(asked_by, text, conversation.id),
        lane=chat_lane(asked_by.peer),
        key=key,
        due_at=now,
        expires_at=now + NOTICE_LIFETIME,
    )
