"""Small things to ask of the platform, that hardly anybody waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.model import (
    AccountId,
    Conversation,
    ListedItem,
    MarkRead,
    ReadItem,
    ShopId,
    TaskId,
    item_lane,
    read_lane,
)
from hub.store import Tx
from hub.xianyu import Client

ITEM_READ_WITHIN = timedelta(hours=1)
WHOLE_LIST = ""
"""Instead of an item's number: all that the account has on sale."""
LIST_READ_WITHIN = timedelta(minutes=1)
"""Somebody looks at a page and waits for it."""
MOST_LIST_PAGES = 25
"""Five hundred items; whoever has more sees the newest."""
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


def read_item_list(tx: Tx, shop: ShopId, account: AccountId, now: datetime) -> TaskId | None:
    """Have the whole list of an account's items read where the account is connected. None: somebody
    asked for that within this minute."""
    return tx.outbox.enqueue(
        shop,
        ReadItem(account, WHOLE_LIST),
        lane=item_lane(account),
        key=f"items:{account}:{now:%Y-%m-%dT%H:%M}",
        due_at=now,
        expires_at=now + LIST_READ_WITHIN,
    )


async def listed_items(client: Client) -> list[ListedItem]:
    """What an account has on sale, in the platform's order. Raises PeerError.

    The client spaces the pages. An empty first one is asked for twice: now and then it is a lie.
    """
    items: dict[str, ListedItem] = {}
    for number in range(1, MOST_LIST_PAGES + 1):
        page = await client.items(number)
        if number == 1 and not page.items:
            page = await client.items(number)
        before = len(items)
        items.update((item.id, item) for item in page.items)
        if not page.more or len(items) == before:
            break
    return list(items.values())


def keep_item_list(
    tx: Tx, shop: ShopId, account: AccountId, items: Sequence[ListedItem], now: datetime
) -> bool:
    """False: an empty list where there was one is not believed."""
    if not items and tx.items.listed(shop, account):
        return False
    tx.items.save_list(shop, account, items, now)
    return True


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
