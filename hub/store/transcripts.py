"""What was said lately, in whichever conversation: for looking back."""

# ruff: noqa: S608 - the parts are constants of these files, values are always bound

from __future__ import annotations

from hub.model import AccountId, Message, ShopId
from hub.store.messages import COLUMNS, to_message
from hub.store.sql import Sql, Statement

_BY_BUYERS = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop AND m.origin = 'buyer'"
    " AND m.state <> 'recalled' AND (CAST(:account AS BIGINT) IS NULL OR m.account_id = :account)"
    " ORDER BY m.id DESC LIMIT :limit"
)
_BY_AI = Statement(
    f"SELECT {COLUMNS} FROM messages m WHERE m.shop_id = :shop AND m.origin = 'ai'"
    " ORDER BY m.id DESC LIMIT :limit"
)


class Transcripts:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def by_buyers(self, shop: ShopId, account: AccountId | None, *, limit: int) -> list[Message]:
        """What buyers said last, to one account or to all, oldest first."""
        rows = self._sql.rows(_BY_BUYERS, shop=shop, account=account, limit=limit)
        return [to_message(row) for row in reversed(rows)]

    def by_ai(self, shop: ShopId, *, limit: int) -> list[Message]:
        """What AI said or proposed last, the newest first, whatever became of it."""
        return [to_message(row) for row in self._sql.rows(_BY_AI, shop=shop, limit=limit)]
