"""Small things to ask of the platform that nobody waits for."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.model import Conversation, MarkRead, ReadItem, item_lane, read_lane
from hub.store import Tx

ITEM_READ_WITHIN = timedelta(hours=1)
MARKED_WITHIN = timedelta(hours=1)
"""That something was read is no news any more after this."""


def read_item(tx: Tx, conversation: Conversation, item_id: str, now: datetime) -> None:
    """Look at the page of a conversation's item, at most once a day whatever comes of it."""
    tx.outbox.enqueue(
        conversation.shop,
        ReadItem(conversation.account, item_id),
        lane=item_lane(conversation.account),
        key=f"item:{item_id}:{now.date()}",
        due_at=now,
        expires_at=now + ITEM_READ_WITHIN,
    )


def unread_key(tx: Tx, conversation: Conversation) -> str | None:
    """What `mark_read` would do now goes by this key; None when there is nothing to mark."""
    newest = tx.messages.heard(conversation.shop, conversation.id, limit=1)
    if not newest:
        return None
    key = f"read:{conversation.id}:{newest[0]}"
    return None if tx.outbox.knows(conversation.shop, key) else key


def mark_read(tx: Tx, conversation: Conversation, now: datetime) -> None:
    """Let the buyer see that everything up to now was read; once per new message."""
    key = unread_key(tx, conversation)
    if key is not None:
        tx.outbox.enqueue(
            conversation.shop,
            MarkRead(conversation.account, conversation.id),
            lane=read_lane(conversation.account, conversation.id),
            key=key,
            due_at=now,
            expires_at=now + MARKED_WITHIN,
        )
