"""What people say again and again, by its short code."""

from __future__ import annotations

from datetime import datetime

from hub.model import CannedAnswer, CannedId, ShopId
from hub.store.codec import micros
from hub.store.sql import Row, Sql, Statement

_ALL = Statement("SELECT id, shop_id, code, text FROM canned_answers WHERE shop_id = :shop")
_GET = Statement(
    "SELECT id, shop_id, code, text FROM canned_answers WHERE shop_id = :shop AND id = :id"
)
_SAVE = Statement(
    "INSERT INTO canned_answers (shop_id, code, text, changed_at)"
    " VALUES (:shop, :code, :text, :now)"
    " ON CONFLICT (shop_id, code) DO UPDATE SET text = :text, changed_at = :now RETURNING id"
)
_REMOVE = Statement("DELETE FROM canned_answers WHERE shop_id = :shop AND id = :id")


class CannedAnswers:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self, shop: ShopId) -> list[CannedAnswer]:
        """By code."""
        found = [_to_canned(row) for row in self._sql.rows(_ALL, shop=shop)]
        return sorted(found, key=lambda one: one.code)

    def get(self, shop: ShopId, id_: CannedId) -> CannedAnswer | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_canned(row)

    def save(self, shop: ShopId, code: str, text: str, now: datetime) -> CannedAnswer:
        """New, or in the place of what had this code."""
        id_: int = self._sql.value(_SAVE, shop=shop, code=code, text=text, now=micros(now))
        return CannedAnswer(CannedId(id_), shop, code, text)

    def remove(self, shop: ShopId, id_: CannedId) -> bool:
        return self._sql.run(_REMOVE, shop=shop, id=id_) > 0


def _to_canned(row: Row) -> CannedAnswer:
    id_, shop, code, text = row
    return CannedAnswer(CannedId(id_), ShopId(shop), code, text)
