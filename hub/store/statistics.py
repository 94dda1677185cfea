"""Counts what happened in a shop. Reads only what came in since: numbers of rows grow with time."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation

from hub.model import AccountId, Counted, DeliveryState, Origin, ShopId
from hub.store.codec import micros, moment
from hub.store.sql import Sql, Statement

_QUARTER = 15 * 60 * 1_000_000
"""Every zone is whole quarters of an hour from UTC, so these fall into days in all of them."""
_SAID = "'operator', 'phone', 'rule', 'ai', 'delivery'"

_LAST = {
    "messages": Statement("SELECT coalesce(max(id), 0) FROM messages"),
    "deliveries": Statement("SELECT coalesce(max(id), 0) FROM deliveries"),
}
_NEXT = {
    name: Statement(f"SELECT created_at FROM {name} WHERE id >= :id ORDER BY id LIMIT 1")
    for name in _LAST
}
_MESSAGES = Statement(
    "SELECT sent_at / :quarter, origin, count(*) FROM messages WHERE id >= :first"
    " AND shop_id = :shop AND account_id = :account AND sent_at >= :since"
    f" AND (origin = 'buyer' OR origin IN ({_SAID}) AND state IN ('accepted', 'read'))"
    " GROUP BY 1, 2"
)
_DELIVERIES = Statement(
    "SELECT created_at / :quarter, state, count(*) FROM deliveries WHERE id >= :first"
    " AND shop_id = :shop AND account_id = :account AND created_at >= :since GROUP BY 1, 2"
)
_ORDERS = Statement(
    "SELECT paid_at, paid_amount FROM orders WHERE shop_id = :shop AND seen_at >= :since"
    " AND account_id = :account AND paid_at >= :since"
)


class Statistics:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def counted(self, shop: ShopId, account: AccountId, since: datetime) -> Counted:
        """What happened since then, of one account."""
        at = micros(since)
        said = self._sql.rows(
            _MESSAGES,
            shop=shop,
            account=account,
            since=at,
            quarter=_QUARTER,
            first=self._first("messages", at),
        )
        owed = self._sql.rows(
            _DELIVERIES,
            shop=shop,
            account=account,
            since=at,
            quarter=_QUARTER,
            first=self._first("deliveries", at),
        )
        paid = self._sql.rows(_ORDERS, shop=shop, account=account, since=at)
        return Counted(
            [(moment(q * _QUARTER), Origin(origin), number) for q, origin, number in said],
            [(moment(q * _QUARTER), DeliveryState(state), number) for q, state, number in owed],
            [(moment(when), _amount(amount)) for when, amount in paid],
        )

    def _first(self, table: str, since: int) -> int:
        """The first row that was written since: by halving, as ids grow with time."""
        return _first_since(
            self._sql.value(_LAST[table]) + 1,
            lambda id_: self._sql.value(_NEXT[table], id=id_),
            since,
        )


def _first_since(end: int, written: Callable[[int], int | None], since: int) -> int:
    low, high = 1, end
    while low < high:
        middle = (low + high) // 2
        at = written(middle)
        if at is None or at >= since:
            high = middle
        else:
            low = middle + 1
    return low


def _amount(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        return None
