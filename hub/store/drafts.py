"""Drafts: messages that AI proposes, as long as no person has decided about them."""

# ruff: noqa: S608 - the parts are constants of these files, values are always bound

from __future__ import annotations

from datetime import datetime

from hub.model import Content, ConversationId, MemberId, Message, MessageId, ShopId
from hub.store.codec import content_to_text, micros
from hub.store.messages import COLUMNS, TOUCH, to_message
from hub.store.sql import Sql, Statement

_OF_CONVERSATION = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop"
    " AND m.conversation_id = :conversation AND m.state = 'draft' ORDER BY m.id"
)
_EVERYWHERE = Statement(
    "SELECT DISTINCT conversation_id FROM messages WHERE shop_id = :shop AND state = 'draft'"
)
_APPROVE = Statement(
    "UPDATE messages SET state = 'queued', reason = '', content = :content, member_id = :member,"
    " sent_at = :now WHERE shop_id = :shop AND id = :id AND state = 'draft'"
    " RETURNING conversation_id"
)


class Drafts:
    """They are written by `Messages.add_out`."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def of_conversation(self, shop: ShopId, conversation: ConversationId) -> list[Message]:
        """What is proposed and waits for a person, oldest first."""
        rows = self._sql.rows(_OF_CONVERSATION, shop=shop, conversation=conversation)
        return [to_message(row) for row in rows]

    def conversations(self, shop: ShopId) -> frozenset[ConversationId]:
        """Conversations in which a proposal waits for a person."""
        return frozenset(ConversationId(row[0]) for row in self._sql.rows(_EVERYWHERE, shop=shop))

    def approve(
        self, shop: ShopId, id_: MessageId, content: Content, member: MemberId, now: datetime
    ) -> bool:
        """A person wants it said, in these words. False: it is no draft any more."""
        conversation = self._sql.value(
            _APPROVE,
            shop=shop,
            id=id_,
            content=content_to_text(content),
            member=member,
            now=micros(now),
        )
        if conversation is None:
            return False
        self._sql.run(TOUCH, shop=shop, conversation=conversation, at=micros(now))
        self._sql.changed(shop, "conversation", conversation)
        return True
