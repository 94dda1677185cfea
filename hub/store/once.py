"""What must happen only once: an operator's input, news of an order, an answer to a stranger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from hub.model import ShopId
from hub.store.codec import micros
from hub.store.sql import Sql, Statement

_FIRST_TIME = Statement(
    "INSERT INTO inputs (shop_id, key, at) VALUES (:shop, :key, :now)"
    " ON CONFLICT DO NOTHING RETURNING key"
)
_KNOWN = Statement("SELECT 1 FROM inputs WHERE shop_id = :shop AND key = :key")
_FORGET = Statement(
    "DELETE FROM inputs WHERE shop_id = :shop AND key >= :stem AND key < :past"
    " AND substr(key, 1, :length) = :stem AND at < :before"
)
_FORGET_OLD = Statement("DELETE FROM strangers WHERE answered_at <= :limit")
_MAY_ANSWER = Statement(
    "INSERT INTO strangers (key, answered_at) VALUES (:key, :now)"
    " ON CONFLICT DO NOTHING RETURNING key"
)


class Inputs:
    """What came from outside, by key, so that an event that is told twice acts once."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def first_time(self, shop: ShopId, key: str, now: datetime) -> bool:
        """True exactly once per shop and key."""
        return self._sql.value(_FIRST_TIME, shop=shop, key=key, now=micros(now)) is not None

    def known(self, shop: ShopId, keys: Iterable[str]) -> set[str]:
        """Those of the keys that have had their first time."""
        return {key for key in keys if self._sql.value(_KNOWN, shop=shop, key=key) is not None}

    def forget(self, shop: ShopId, stem: str, before: datetime) -> int:
        """Those whose key begins so and whose first time is older. Returns how many."""
        return self._sql.run(
            _FORGET,
            shop=shop,
            stem=stem,
            past=stem[:-1] + chr(ord(stem[-1]) + 1),
            length=len(stem),
            before=micros(before),
        )


class Strangers:
    """People who are no members. Belongs to no shop."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def may_answer(self, key: str, now: datetime, every: timedelta) -> bool:
        """True at most once per `every`; that is written down. Use one `every` for all keys."""
        self._sql.run(_FORGET_OLD, limit=micros(now - every))
        return self._sql.value(_MAY_ANSWER, key=key, now=micros(now)) is not None
