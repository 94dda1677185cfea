"""What is said to a buyer without a person, put in line as messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.model import Content, Conversation, Image, Origin, SendMessage, part_key, send_lane
from hub.store import Tx


def queue(
    tx: Tx,
    conversation: Conversation,
    key: str,
    contents: Sequence[Content],
    due_at: datetime,
    now: datetime,
    lifetime: timedelta,
    *,
    origin: Origin = Origin.RULE,
    may_change: bool = False,
) -> None:
    """Once per `key`. `lifetime`: after `due_at` it is worth nothing for so much longer."""
    for number, content in enumerate(contents):
        message = tx.messages.add_out(
            conversation.shop,
            conversation.account,
            conversation.id,
            key=part_key(key, number),
            origin=origin,
            content=content,
            now=now,
        )
        if message is None:
            return
        tx.outbox.enqueue(
            conversation.shop,
            SendMessage(
                conversation.account,
                conversation.id,
                message,
                more=number + 1 < len(contents),
                pictures=isinstance(content, Image),
                may_change=may_change,
            ),
            lane=send_lane(conversation.account, conversation.id),
            key=f"send:{message}",
            due_at=due_at,
            expires_at=due_at + lifetime,
            now=now,
        )
