"""Cards for looking back and over: batches, history, pages, numbers."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub.model import (
    Batch,
    BatchId,
    CardEvent,
    CardId,
    CardState,
    CardStep,
    Cause,
    MemberId,
    OrderUnit,
    PoolId,
    ShopId,
    StockCard,
)
from hub.store.card_rows import CARD, NEVER, to_card, to_unit
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement

_ADD_BATCH = Statement(
    "INSERT INTO card_batches (shop_id, pool_id, label, added, member_id, door, at)"
    " VALUES (:shop, :pool, :label, 0, :member, :door, :now) RETURNING id"
)
_GROW_BATCH = Statement(
    "UPDATE card_batches SET added = added + :added WHERE shop_id = :shop AND id = :id"
)
_BATCHES = Statement(
    "SELECT id, pool_id, label, added, member_id, door, at FROM card_batches"
    " WHERE shop_id = :shop AND pool_id = :pool ORDER BY id DESC LIMIT :limit"
)
_BATCH = Statement(
    "SELECT id, pool_id, label, added, member_id, door, at FROM card_batches"
    " WHERE shop_id = :shop AND id = :id"
)
_ASKED_AT_ONCE = 500
_KNOWN = Statement(
    "SELECT code FROM cards WHERE shop_id = :shop AND NOT fetched AND code IN ("
    + ", ".join(f":code{n}" for n in range(_ASKED_AT_ONCE))
    + ")"
)
_EXPIRED_COUNT = Statement(
    "SELECT count(*) FROM cards WHERE shop_id = :shop AND pool_id = :pool"
    " AND state = 'available' AND expires_at <= :now"
)
_OF_ORDER = Statement(f"{CARD} AND order_id = :order ORDER BY id LIMIT :limit")
_RELEASED_FROM = Statement(
    f"{CARD} AND id IN (SELECT card_id FROM card_history WHERE shop_id = :shop"
    " AND step = 'released' AND order_id = :order AND account_id = :account AND unit = :unit)"
    " ORDER BY id"
)
_PAGE = Statement(
    f"{CARD} AND pool_id = :pool AND state = :state AND id < :before ORDER BY id DESC LIMIT :limit"
)
_SOLD_SINCE = Statement(
    "SELECT pool_id, count(*) FROM cards WHERE shop_id = :shop AND handed_over_at >= :since"
    " GROUP BY pool_id"
)
_NOTE_DOWN = Statement(
    "INSERT INTO card_history (shop_id, card_id, step, member_id, door, why, account_id, order_id,"
    " unit, at) VALUES (:shop, :card, :step, :member, :door, :why, :account, :order, :unit, :now)"
)
_HISTORY = Statement(
    "SELECT step, member_id, door, why, account_id, order_id, unit, at FROM card_history"
    " WHERE shop_id = :shop AND card_id = :card ORDER BY id"
)


class CardRecords:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def new_batch(
        self, shop: ShopId, pool: PoolId, label: str, *, by: Cause, now: datetime
    ) -> BatchId:
        id_: int = self._sql.value(
            _ADD_BATCH,
            shop=shop,
            pool=pool,
            label=label,
            member=by.member,
            door=by.door,
            now=micros(now),
        )
        return BatchId(id_)

    def grow_batch(self, shop: ShopId, id_: BatchId, added: int) -> None:
        self._sql.run(_GROW_BATCH, shop=shop, id=id_, added=added)

    def known(self, shop: ShopId, codes: Sequence[str]) -> set[str]:
        """Those of the codes that the shop has or had."""
        found: set[str] = set()
        for start in range(0, len(codes), _ASKED_AT_ONCE):
            part = codes[start : start + _ASKED_AT_ONCE]
            filled = [*part, *[part[0]] * (_ASKED_AT_ONCE - len(part))]
            named = {f"code{n}": code for n, code in enumerate(filled)}
            found.update(row[0] for row in self._sql.rows(_KNOWN, shop=shop, **named))
        return found

    def of_order(self, shop: ShopId, order: str, limit: int = 100) -> list[StockCard]:
        return [
            to_card(row) for row in self._sql.rows(_OF_ORDER, shop=shop, order=order, limit=limit)
        ]

    def released_from(self, shop: ShopId, unit: OrderUnit) -> list[StockCard]:
        """Cards that went back into their pool after they had been reserved for this unit. Reads
        the whole history: for what hardly ever happens."""
        rows = self._sql.rows(
            _RELEASED_FROM, shop=shop, order=unit.order, account=unit.account, unit=unit.unit
        )
        return [to_card(row) for row in rows]

    def page(
        self,
        shop: ShopId,
        pool: PoolId,
        *,
        state: CardState | None = None,
        before: CardId | None = None,
        limit: int = 50,
    ) -> list[StockCard]:
        """The newest first; the next page is what comes before the last one's id.

        Cards in whatever state are merged from the pages of each: an index for this alone would
        make adding cards slower.
        """
        found = [
            to_card(row)
            for one in ([state] if state is not None else CardState)
            for row in self._sql.rows(
                _PAGE,
                shop=shop,
                pool=pool,
                state=one,
                before=NEVER if before is None else before,
                limit=limit,
            )
        ]
        found.sort(key=lambda card: card.id, reverse=True)
        return found[:limit]

    def history(self, shop: ShopId, id_: CardId) -> list[CardEvent]:
        """What happened to a card after it was added, in order."""
        return [
            CardEvent(
                CardStep(step),
                Cause(None if member is None else MemberId(member), door, why),
                to_unit(account, order, unit),
                moment(at),
            )
            for step, member, door, why, account, order, unit, at in self._sql.rows(
                _HISTORY, shop=shop, card=id_
            )
        ]

    def batches(self, shop: ShopId, pool: PoolId, limit: int = 20) -> list[Batch]:
        """The newest first."""
        rows = self._sql.rows(_BATCHES, shop=shop, pool=pool, limit=limit)
        return [_to_batch(row) for row in rows]

    def batch(self, shop: ShopId, id_: BatchId) -> Batch | None:
        row = self._sql.row(_BATCH, shop=shop, id=id_)
        return None if row is None else _to_batch(row)

    def expired_count(self, shop: ShopId, pool: PoolId, now: datetime) -> int:
        """Available by their state, but over."""
        found: int = self._sql.value(_EXPIRED_COUNT, shop=shop, pool=pool, now=micros(now))
        return found

    def sold_since(self, shop: ShopId, now: datetime, length: timedelta) -> dict[PoolId, int]:
        """Cards handed over within `length`, by pool."""
        rows = self._sql.rows(_SOLD_SINCE, shop=shop, since=micros(now - length))
        return {PoolId(pool): count for pool, count in rows}

    def note_down(
        self,
        shop: ShopId,
        card: CardId,
        step: CardStep,
        by: Cause,
        unit: OrderUnit | None,
        now: datetime,
    ) -> None:
        self._sql.run(
            _NOTE_DOWN,
            shop=shop,
            card=card,
            step=step,
            member=by.member,
            door=by.door,
            why=by.why,
            account=None if unit is None else unit.account,
            order=None if unit is None else unit.order,
            unit=None if unit is None else unit.unit,
            now=micros(now),
        )


def _to_batch(row: Row) -> Batch:
    id_, pool, label, added, member, door, at = row
    by = Cause(None if member is None else MemberId(member), door)
    return Batch(BatchId(id_), PoolId(pool), label, added, by, moment(at))
