"""Relays: which message in a chat was about which conversation."""

from __future__ import annotations

from datetime import datetime

from hub.model import ConversationId, MessageId, ShopId
from hub.store.codec import micros, moment
from hub.store.nouns import Relay
from hub.store.sql import Sql, Statement

_ADD = Statement(
    "INSERT INTO relays (shop_id, bot, scene, peer, external_id, part, conversation_id,"
    " message_id, need, at) VALUES (:shop, :bot, :scene, :peer, :external_id, :part, :conversation,"
    " :message, :need, :now)"
)
_FIND = Statement(
    "SELECT shop_id, conversation_id, message_id, at, need FROM relays"
    " WHERE bot = :bot AND scene = :scene AND peer = :peer AND external_id = :external_id"
    " ORDER BY id DESC LIMIT 1"
)


class Relays:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        *,
        bot: str,
        scene: str,
        peer: str,
        external_id: str,
        conversation: ConversationId,
        message: MessageId | None = None,
        part: int = 0,
        need: int | None = None,
        now: datetime,
    ) -> None:
        self._sql.run(
            _ADD,
            shop=shop,
            bot=bot,
            scene=scene,
            peer=peer,
            external_id=external_id,
            part=part,
            conversation=conversation,
            message=message,
            need=need,
            now=micros(now),
        )

    def find(self, bot: str, scene: str, peer: str, external_id: str) -> Relay | None:
        """The newest with this id, because short ids in chats come round again.

        System-wide: a chat knows no shops; the relay tells which one it is about.
        """
        row = self._sql.row(_FIND, bot=bot, scene=scene, peer=peer, external_id=external_id)
        if row is None:
            return None
        shop, conversation, message, at, need = row
        return Relay(
            shop=ShopId(shop),
            conversation=ConversationId(conversation),
            message=None if message is None else MessageId(message),
            at=moment(at),
            need=need,
        )
