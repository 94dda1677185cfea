"""Which conversation the plain lines of a private chat go to."""

from __future__ import annotations

from hub.model import ConversationId, Focus, ShopId
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement

_COLUMNS = "shop_id, bot, qq, conversation_id, used_at"
_GET = Statement(f"SELECT {_COLUMNS} FROM focuses WHERE bot = :bot AND qq = :qq")  # noqa: S608
_ALL = Statement(f"SELECT {_COLUMNS} FROM focuses ORDER BY used_at")  # noqa: S608
_SET = Statement(
    "INSERT INTO focuses (bot, qq, shop_id, conversation_id, used_at)"
    " VALUES (:bot, :qq, :shop, :conversation, :used_at) ON CONFLICT (bot, qq) DO UPDATE SET"
    " shop_id = :shop, conversation_id = :conversation, used_at = :used_at"
)
_END = Statement("DELETE FROM focuses WHERE bot = :bot AND qq = :qq")


class Focuses:
    """At most one per bot and person. System-wide: a chat knows no shops; the focus tells."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(self, bot: str, qq: str) -> Focus | None:
        row = self._sql.row(_GET, bot=bot, qq=qq)
        return None if row is None else _to_focus(row)

    def all(self) -> list[Focus]:
        """The one that was used longest ago first."""
        return [_to_focus(row) for row in self._sql.rows(_ALL)]

    def set(self, focus: Focus) -> None:
        self._sql.run(
            _SET,
            bot=focus.bot,
            qq=focus.qq,
            shop=focus.shop,
            conversation=focus.conversation,
            used_at=micros(focus.used_at),
        )
        self._sql.changed(focus.shop, "focus", focus.conversation)

    def end(self, focus: Focus) -> None:
        self._sql.run(_END, bot=focus.bot, qq=focus.qq)
        self._sql.changed(focus.shop, "focus", focus.conversation)


def _to_focus(row: Row) -> Focus:
    shop, bot, qq, conversation, used_at = row
    return Focus(ShopId(shop), bot, qq, ConversationId(conversation), moment(used_at))
