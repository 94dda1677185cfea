"""What another program remembers from before we were there: messages and items.

Nothing in here acts. A past message has no id of the platform, so nobody is told that it was read,
and ours counts as read, so that no echo is ever taken for it.
"""

from __future__ import annotations

from datetime import datetime

from hub.model import AccountId, Content, ConversationId, Item, MessageState, Origin, ShopId
from hub.store.codec import content_to_text, decimal_to_text, micros
from hub.store.messages import TOUCH
from hub.store.sql import Sql, Statement

_SAY = Statement(
    "INSERT INTO messages (shop_id, account_id, conversation_id, key, origin, content, state,"
    " reason, sent_at, created_at) VALUES (:shop, :account, :conversation, :key, :origin, :content,"
    " :state, '', :sent_at, :now) ON CONFLICT (shop_id, key) WHERE key IS NOT NULL DO NOTHING"
    " RETURNING id"
)
_SAID = Statement("SELECT 1 FROM messages WHERE shop_id = :shop AND key = :key")
_ITEM = Statement(
    "INSERT INTO items (shop_id, account_id, platform_id, title, description, price,"
    " highest_price, picture, variants) VALUES (:shop, :account, :id, :title, :description, :price,"
    " :highest, '', '[]') ON CONFLICT DO NOTHING RETURNING id"
)


class Past:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def said(self, shop: ShopId, key: str) -> bool:
        """Whether the shop has a message with this key."""
        return self._sql.value(_SAID, shop=shop, key=key) is not None

    def say(
        self,
        shop: ShopId,
        account: AccountId,
        conversation: ConversationId,
        *,
        key: str,
        origin: Origin,
        content: Content,
        sent_at: datetime,
        now: datetime,
    ) -> bool:
        """False: the shop has used `key` already."""
        heard = origin is Origin.BUYER
        id_ = self._sql.value(
            _SAY,
            shop=shop,
            account=account,
            conversation=conversation,
            key=key,
            origin=origin,
            content=content_to_text(content),
            state=MessageState.RECEIVED if heard else MessageState.READ,
            sent_at=micros(sent_at),
            now=micros(now),
        )
        if id_ is None:
            return False
        self._sql.run(TOUCH, shop=shop, conversation=conversation, at=micros(sent_at))
        self._sql.changed(shop, "conversation", conversation)
        return True

    def keep_item(self, shop: ShopId, account: AccountId, item: Item) -> bool:
        """Its page is still to be read. False: we know the item already, and better."""
        id_ = self._sql.value(
            _ITEM,
            shop=shop,
            account=account,
            id=item.id,
            title=item.title,
            description=item.description,
            price=decimal_to_text(item.price),
            highest=decimal_to_text(item.highest_price),
        )
        return id_ is not None
