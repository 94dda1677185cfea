"""The ledger: what is owed for each unit of an order, at most once, and which messages carry it."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.model import (
    AccountId,
    Delivery,
    DeliveryId,
    DeliveryRuleId,
    DeliveryState,
    MessageId,
    MessageState,
    OrderUnit,
    PlatformUser,
    PoolId,
    ShopId,
)
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "id, shop_id, account_id, order_id, unit, state, rule_id, pool_id, cards, attempt,"
    " created_at, changed_at"
)
_ADD = Statement(
    "INSERT INTO deliveries (shop_id, account_id, order_id, unit, state, rule_id, pool_id, cards,"
    " attempt, created_at, changed_at) VALUES (:shop, :account, :order, :unit, 'pending', :rule,"
    " :pool, :cards, 0, :now, :now)"
    " ON CONFLICT (shop_id, account_id, order_id, unit) DO NOTHING RETURNING id"
)
_OF_ORDER = Statement(
    f"SELECT {_COLUMNS} FROM deliveries WHERE shop_id = :shop AND account_id = :account"
    " AND order_id = :order ORDER BY unit"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM deliveries WHERE shop_id = :shop AND id = :id")
_SET_STATE = Statement(
    "UPDATE deliveries SET state = :state, changed_at = :now WHERE shop_id = :shop AND id = :id"
)
_SET_RESERVED = Statement(
    "UPDATE deliveries SET reserved_at = :now WHERE shop_id = :shop AND id = :id"
)
_SET_POOL = Statement(
    "UPDATE deliveries SET pool_id = :pool, rule_id = NULL WHERE shop_id = :shop AND id = :id"
)
_SERVE_BY = Statement(
    "UPDATE deliveries SET pool_id = :pool, rule_id = :rule, cards = :cards"
    " WHERE shop_id = :shop AND id = :id"
)
_FORGET = Statement("DELETE FROM deliveries WHERE shop_id = :shop AND id = :id AND attempt = 0")
_WRITTEN_AGAIN = Statement(
    "UPDATE deliveries SET attempt = attempt + 1 WHERE shop_id = :shop AND id = :id"
    " RETURNING attempt"
)
_ADD_PART = Statement(
    "INSERT INTO delivery_parts (message_id, shop_id, delivery_id, attempt)"
    " VALUES (:message, :shop, :delivery, :attempt)"
)
_OF_MESSAGE = Statement(
    "SELECT delivery_id, attempt FROM delivery_parts"
    " WHERE shop_id = :shop AND message_id = :message"
)
_PARTS = Statement(
    "SELECT p.message_id, m.state FROM delivery_parts p JOIN messages m ON m.id = p.message_id"
    " AND m.shop_id = :shop WHERE p.shop_id = :shop AND p.delivery_id = :delivery"
    " AND p.attempt = :attempt ORDER BY p.message_id"
)
_RESERVED_SINCE = Statement(
    "SELECT count(*) FROM deliveries WHERE shop_id = :shop AND reserved_at >= :since"
)
_TALLY = Statement("SELECT state, count(*), min(created_at) FROM deliveries GROUP BY state")
_GIVEN = Statement(
    "SELECT pool_id, count(*), sum(CASE WHEN changed_at >= :since THEN 1 ELSE 0 END)"
    " FROM deliveries WHERE shop_id = :shop AND pool_id IS NOT NULL"
    " AND state IN ('sent', 'confirmed') GROUP BY pool_id"
)
_OF_BUYER = Statement(
    "SELECT count(DISTINCT CASE WHEN d.state IN ('sent', 'confirmed', 'outside')"
    " THEN o.order_id END), count(DISTINCT CASE WHEN o.status IN ('paid', 'shipped') AND d.state"
    " NOT IN ('pending', 'failed', 'released') THEN o.order_id END)"
    " FROM orders o JOIN deliveries d ON d.shop_id = :shop"
    " AND d.account_id = o.account_id AND d.order_id = o.order_id"
    " WHERE o.shop_id = :shop AND o.buyer = :buyer AND o.order_id <> :order"
)


class Deliveries:
    """One row per unit of an order, whoever asks for it and however often."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def owe(
        self,
        shop: ShopId,
        unit: OrderUnit,
        *,
        pool: PoolId | None,
        rule: DeliveryRuleId | None,
        cards: int,
        now: datetime,
    ) -> Delivery | None:
        """A new unit, PENDING; None: the ledger has it already (L2)."""
        id_ = self._sql.value(
            _ADD,
            shop=shop,
            account=unit.account,
            order=unit.order,
            unit=unit.unit,
            rule=rule,
            pool=pool,
            cards=cards,
            now=micros(now),
        )
        return None if id_ is None else self.get(shop, DeliveryId(id_))

    def of_order(self, shop: ShopId, account: AccountId, order: str) -> list[Delivery]:
        rows = self._sql.rows(_OF_ORDER, shop=shop, account=account, order=order)
        return [_to_delivery(row) for row in rows]

    def get(self, shop: ShopId, id_: DeliveryId) -> Delivery | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_delivery(row)

    def set_state(self, shop: ShopId, id_: DeliveryId, state: DeliveryState, now: datetime) -> None:
        self._sql.run(_SET_STATE, shop=shop, id=id_, state=state, now=micros(now))
        if state in (DeliveryState.SUPPLYING, DeliveryState.RESERVED):
            self._sql.run(_SET_RESERVED, shop=shop, id=id_, now=micros(now))

    def set_pool(self, shop: ShopId, id_: DeliveryId, pool: PoolId) -> None:
        """A person chose what it is served from."""
        self._sql.run(_SET_POOL, shop=shop, id=id_, pool=pool)

    def serve_by(
        self,
        shop: ShopId,
        id_: DeliveryId,
        *,
        pool: PoolId,
        rule: DeliveryRuleId | None,
        cards: int,
    ) -> None:
        """What it is served from, after all: it was written down before anybody knew."""
        self._sql.run(_SERVE_BY, shop=shop, id=id_, pool=pool, rule=rule, cards=cards)

    def forget(self, shop: ShopId, id_: DeliveryId) -> bool:
        """A unit that is not owed after all. False: messages were written for it, so it stays."""
        return self._sql.run(_FORGET, shop=shop, id=id_) > 0

    def reserved_since(self, shop: ShopId, since: datetime) -> int:
        found: int = self._sql.value(_RESERVED_SINCE, shop=shop, since=micros(since))
        return found

    def given(self, shop: ShopId, since: datetime) -> dict[PoolId, tuple[int, int]]:
        """Units that buyers have from each pool: over all times, and those since then."""
        rows = self._sql.rows(_GIVEN, shop=shop, since=micros(since))
        return {PoolId(pool): (ever, lately) for pool, ever, lately in rows}

    def of_buyer(self, shop: ShopId, buyer: PlatformUser, apart_from: str) -> tuple[int, int]:
        """How many other orders of this buyer were delivered, and how many were delivered, or are
        on their way, and are not completed."""
        row = self._sql.row(_OF_BUYER, shop=shop, buyer=buyer, order=apart_from)
        return (0, 0) if row is None else (row[0], row[1])

    def tally(self) -> dict[DeliveryState, tuple[int, datetime]]:
        """How many units are in each state, and since when the oldest of them is owed.
        System-wide: figures about the program."""
        rows = self._sql.rows(_TALLY)
        return {DeliveryState(state): (count, moment(oldest)) for state, count, oldest in rows}

    # --- messages ---

    def written_again(self, shop: ShopId, id_: DeliveryId) -> int:
        """Its messages are written once more; returns which time this is, from 1 on."""
        number: int = self._sql.value(_WRITTEN_AGAIN, shop=shop, id=id_)
        return number

    def add_part(self, shop: ShopId, id_: DeliveryId, attempt: int, message: MessageId) -> None:
        self._sql.run(_ADD_PART, shop=shop, delivery=id_, attempt=attempt, message=message)

    def of_message(self, shop: ShopId, message: MessageId) -> tuple[Delivery, int] | None:
        """Which delivery it carries, and which time it was written."""
        row = self._sql.row(_OF_MESSAGE, shop=shop, message=message)
        found = None if row is None else self.get(shop, DeliveryId(row[0]))
        return None if row is None or found is None else (found, row[1])

    def parts(
        self, shop: ShopId, id_: DeliveryId, attempt: int
    ) -> Sequence[tuple[MessageId, MessageState]]:
        rows = self._sql.rows(_PARTS, shop=shop, delivery=id_, attempt=attempt)
        return [(MessageId(message), MessageState(state)) for message, state in rows]


def _to_delivery(row: Row) -> Delivery:
    id_, shop, account, order, unit, state, rule, pool, cards, attempt, created, changed = row
    return Delivery(
        id=DeliveryId(id_),
        shop=ShopId(shop),
        unit=OrderUnit(AccountId(account), order, unit),
        state=DeliveryState(state),
        rule=None if rule is None else DeliveryRuleId(rule),
        pool=None if pool is None else PoolId(pool),
        cards=cards,
        attempt=attempt,
        created_at=moment(created),
        changed_at=moment(changed),
    )
