"""Floors, and what was said about prices with whom."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from hub.model import (
    AccountId,
    Bargain,
    Floor,
    FloorKind,
    MessageId,
    PlatformUser,
    ShopId,
    StoredFloor,
)
from hub.store.codec import decimal_or_none, decimal_to_text, micros, moment
from hub.store.sql import Row, Sql, Statement

_FLOOR = "shop_id, account_id, item_id, kind, value, changed_at"
_SET = Statement(
    "INSERT INTO floors (shop_id, scope, account_id, item_id, kind, value, changed_at)"
    " VALUES (:shop, :scope, :account, :item, :kind, :value, :now)"
    " ON CONFLICT (shop_id, scope) DO UPDATE SET account_id = excluded.account_id,"
    " kind = excluded.kind, value = excluded.value, changed_at = excluded.changed_at"
)
_CLEAR = Statement("DELETE FROM floors WHERE shop_id = :shop AND scope = :scope")
_ALL = Statement(f"SELECT {_FLOOR} FROM floors WHERE shop_id = :shop ORDER BY scope")
_OF_SCOPE = Statement(f"SELECT {_FLOOR} FROM floors WHERE shop_id = :shop AND scope = :scope")

_BARGAIN = (
    "account_id, buyer, item_id, rounds, since, offered, countered, agreed, message_id, changed_at"
)
_OF = " WHERE shop_id = :shop AND account_id = :account AND buyer = :buyer AND item_id = :item"
_GET = Statement(f"SELECT {_BARGAIN} FROM bargains{_OF}")
_SAVE = Statement(
    "INSERT INTO bargains (shop_id, account_id, buyer, item_id, rounds, since, offered, countered,"
    " agreed, message_id, changed_at) VALUES (:shop, :account, :buyer, :item, :rounds, :since,"
    " :offered, :countered, :agreed, :message, :now)"
    " ON CONFLICT (shop_id, account_id, buyer, item_id) DO UPDATE SET rounds = excluded.rounds,"
    " since = excluded.since, offered = excluded.offered, countered = excluded.countered,"
    " agreed = excluded.agreed, message_id = excluded.message_id, changed_at = excluded.changed_at"
)


def scope_of(account: AccountId | None, item: str | None) -> str:
    """Item ids are unique on the whole platform, so an item needs no account."""
    if item is not None:
        return f"item:{item}"
    return "shop" if account is None else f"account:{account}"


class Floors:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def set(
        self,
        shop: ShopId,
        account: AccountId | None,
        item: str | None,
        floor: Floor,
        now: datetime,
    ) -> None:
        """For an item, an account (no item) or the shop (neither)."""
        self._sql.run(
            _SET,
            shop=shop,
            scope=scope_of(account, item),
            account=account,
            item=item,
            kind=floor.kind,
            value=decimal_to_text(floor.value),
            now=micros(now),
        )

    def clear(self, shop: ShopId, account: AccountId | None, item: str | None) -> bool:
        """What is above it counts again. False: there was none."""
        return self._sql.run(_CLEAR, shop=shop, scope=scope_of(account, item)) > 0

    def all(self, shop: ShopId) -> list[StoredFloor]:
        return [_to_floor(row) for row in self._sql.rows(_ALL, shop=shop)]

    def of_item(self, shop: ShopId, account: AccountId, item: str) -> StoredFloor | None:
        """The item's own, else its account's, else the shop's."""
        for scope in (scope_of(account, item), scope_of(account, None), scope_of(None, None)):
            row = self._sql.row(_OF_SCOPE, shop=shop, scope=scope)
            if row is not None:
                return _to_floor(row)
        return None


class Bargains:
    """One row per account, buyer and item: never per conversation (L43)."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def get(
        self, shop: ShopId, account: AccountId, buyer: PlatformUser, item: str
    ) -> Bargain | None:
        row = self._sql.row(_GET, shop=shop, account=account, buyer=buyer, item=item)
        return None if row is None else _to_bargain(row)

    def save(self, shop: ShopId, bargain: Bargain) -> None:
        self._sql.run(
            _SAVE,
            shop=shop,
            account=bargain.account,
            buyer=bargain.buyer,
            item=bargain.item,
            rounds=bargain.rounds,
            since=micros(bargain.since),
            offered=decimal_to_text(bargain.offered),
            countered=decimal_to_text(bargain.countered),
            agreed=decimal_to_text(bargain.agreed),
            message=bargain.message,
            now=micros(bargain.changed_at),
        )


def _to_floor(row: Row) -> StoredFloor:
    shop, account, item, kind, value, changed_at = row
    return StoredFloor(
        shop=ShopId(shop),
        account=None if account is None else AccountId(account),
        item=item,
        floor=Floor(FloorKind(kind), Decimal(value)),
        changed_at=moment(changed_at),
    )


def _to_bargain(row: Row) -> Bargain:
    account, buyer, item, rounds, since, offered, countered, agreed, message, changed_at = row
    return Bargain(
        account=AccountId(account),
        buyer=PlatformUser(buyer),
        item=item,
        rounds=rounds,
        since=moment(since),
        offered=decimal_or_none(offered),
        countered=decimal_or_none(countered),
        agreed=decimal_or_none(agreed),
        message=None if message is None else MessageId(message),
        changed_at=moment(changed_at),
    )
