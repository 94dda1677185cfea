"""How far each account was compared with the platform's lists, and what an outage has cost."""

from __future__ import annotations

from datetime import datetime

from hub.model import AccountId, ShopId
from hub.store.codec import micros, micros_or_none, moment, moment_or_none
from hub.store.nouns import Outage
from hub.store.sql import Row, Sql, Statement

_BEGIN = Statement(
    "INSERT INTO comparisons (account_id, shop_id, since, compared_until, outage_told,"
    " outage_messages, outage_expired, outage_orders)"
    " VALUES (:account, :shop, :since, :until, FALSE, 0, 0, 0)"
    " ON CONFLICT (account_id) DO NOTHING"
)
_SINCE = Statement("SELECT since FROM comparisons WHERE shop_id = :shop AND account_id = :account")
_UNTIL = Statement(
    "SELECT compared_until FROM comparisons WHERE shop_id = :shop AND account_id = :account"
)
_ADVANCE = Statement(
    "UPDATE comparisons SET compared_until = :until WHERE shop_id = :shop"
    " AND account_id = :account AND compared_until < :until"
)
_OPEN = Statement(
    "UPDATE comparisons SET outage_since = coalesce(outage_since, :since), outage_until = :until,"
    " outage_caught_up_at = NULL, outage_told = outage_told OR :told"
    " WHERE shop_id = :shop AND account_id = :account"
)
_COUNT = (
    "UPDATE comparisons SET outage_messages = outage_messages + :messages,"
    " outage_expired = outage_expired + :expired, outage_orders = outage_orders + :orders"
    " WHERE shop_id = :shop AND account_id = :account AND outage_since IS NOT NULL"
)
_COUNT_ANY = Statement(_COUNT)
_COUNT_SAID = Statement(f"{_COUNT} AND outage_since <= :said AND :said < outage_until")
_CAUGHT_UP = Statement(
    "UPDATE comparisons SET outage_caught_up_at = :now WHERE shop_id = :shop"
    " AND account_id = :account AND outage_since IS NOT NULL AND outage_caught_up_at IS NULL"
)
_OUTAGES = Statement(
    "SELECT account_id, outage_since, outage_until, outage_told, outage_messages, outage_expired,"
    " outage_orders, outage_caught_up_at FROM comparisons"
    " WHERE shop_id = :shop AND outage_since IS NOT NULL ORDER BY account_id"
)
_CLOSE = Statement(
    "UPDATE comparisons SET outage_since = NULL, outage_until = NULL, outage_told = FALSE,"
    " outage_caught_up_at = NULL, outage_messages = 0,"
    " outage_expired = 0, outage_orders = 0 WHERE shop_id = :shop AND account_id = :account"
)


class Comparisons:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def begin(self, shop: ShopId, account: AccountId, since: datetime, until: datetime) -> None:
        """The account is connected for the first time; later calls change nothing."""
        self._sql.run(_BEGIN, shop=shop, account=account, since=micros(since), until=micros(until))

    def since(self, shop: ShopId, account: AccountId) -> datetime | None:
        """When the account was connected for the first time; None: never yet."""
        return moment_or_none(self._sql.value(_SINCE, shop=shop, account=account))

    def until(self, shop: ShopId, account: AccountId) -> datetime | None:
        """Up to this moment of the platform's clock nothing is missing."""
        return moment_or_none(self._sql.value(_UNTIL, shop=shop, account=account))

    def advance(self, shop: ShopId, account: AccountId, until: datetime) -> None:
        """A comparison is complete up to there. It never goes back."""
        self._sql.run(_ADVANCE, shop=shop, account=account, until=micros(until))

    def open_outage(
        self, shop: ShopId, account: AccountId, since: datetime, until: datetime, *, told: bool
    ) -> None:
        """An outage is over. One that is not reported yet becomes part of it.

        `told`: owners know of it.
        """
        self._sql.run(
            _OPEN,
            shop=shop,
            account=account,
            since=micros(since),
            until=micros(until),
            told=told,
        )

    def count_late(
        self,
        shop: ShopId,
        account: AccountId,
        said_at: datetime | None,
        *,
        messages: int = 0,
        expired: int = 0,
        orders: int = 0,
    ) -> None:
        """Something was caught up. It counts if it was said within the outage; None: if there is
        an outage to report at all."""
        self._sql.run(
            _COUNT_ANY if said_at is None else _COUNT_SAID,
            shop=shop,
            account=account,
            said=micros_or_none(said_at),
            messages=messages,
            expired=expired,
            orders=orders,
        )

    def caught_up(self, shop: ShopId, account: AccountId, now: datetime) -> bool:
        """What an outage has cost is known by now; True if there is one to report."""
        touched = self._sql.run(_CAUGHT_UP, shop=shop, account=account, now=micros(now))
        if touched:
            self._sql.changed(shop, "account", account)
        return touched > 0

    def outages(self, shop: ShopId) -> list[Outage]:
        """Those that are over and not reported yet."""
        return [_to_outage(row) for row in self._sql.rows(_OUTAGES, shop=shop)]

    def close_outage(self, shop: ShopId, account: AccountId) -> None:
        """It was reported, or there is nothing to report about it."""
        self._sql.run(_CLOSE, shop=shop, account=account)


def _to_outage(row: Row) -> Outage:
    account, since, until, told, messages, expired, orders, caught_up_at = row
    return Outage(
        account=AccountId(account),
        since=moment(since),
        until=moment(until),
        told=bool(told),
        messages=messages,
        expired=expired,
        orders=orders,
        caught_up_at=moment_or_none(caught_up_at),
    )
