"""Cards: one row per unit of stock, moved by operation, each move with its history (L5, L6)."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from hub.model import (
    AccountId,
    BatchId,
    CardCounts,
    CardId,
    CardState,
    CardStep,
    Cause,
    OrderUnit,
    PlatformUser,
    PoolId,
    ShopId,
    StockCard,
)
from hub.store.card_records import CardRecords
from hub.store.card_rows import CARD, NEVER, to_card
from hub.store.codec import micros
from hub.store.pools import Pools
from hub.store.sql import Sql, Statement

_ONE = " WHERE shop_id = :shop AND id = :id"
_AT_ONCE = 200
"""Codes in one statement: three times as fast as one by one."""
_ADD = Statement(
    "INSERT INTO cards (shop_id, pool_id, code, state, fetched, batch_id, note, expires_at,"
    " created_at, changed_at) WITH given (code) AS (VALUES "
    + ", ".join(f"(:code{n})" for n in range(_AT_ONCE))
    + ") SELECT :shop, :pool, code, 'available', FALSE, :batch, :note,"
    " :expires_at, :now, :now FROM given WHERE TRUE ON CONFLICT DO NOTHING RETURNING code"
)
_ADD_FETCHED = Statement(
    "INSERT INTO cards (shop_id, pool_id, code, state, fetched, note, expires_at, account_id,"
    " order_id, unit, created_at, changed_at) VALUES (:shop, :pool, :code, 'reserved', TRUE, '',"
    " :expires_at, :account, :order, :unit, :now, :now) RETURNING id"
)
_CODES_OF_BUYER = Statement(
    "SELECT code FROM cards WHERE shop_id = :shop AND account_id = :account AND order_id IN ("
    "SELECT order_id FROM orders WHERE shop_id = :shop AND buyer = :buyer"
    " ORDER BY seen_at DESC LIMIT :orders)"
)
_MAY_DRAW = Statement(
    "SELECT 1 FROM pools WHERE shop_id = :shop AND id = :pool AND enabled AND removed_at IS NULL"
)
_NEXT = Statement(
    "SELECT id FROM cards WHERE shop_id = :shop AND pool_id = :pool AND state = 'available'"
    " AND expires_at > :now ORDER BY expires_at, id LIMIT :count"
)
_EXPIRED = Statement(
    "SELECT id FROM cards WHERE shop_id = :shop AND pool_id = :pool AND state = 'available'"
    " AND expires_at <= :now ORDER BY expires_at, id LIMIT :limit"
)
_RESERVE = Statement(
    "UPDATE cards SET state = 'reserved', account_id = :account, order_id = :order, unit = :unit,"
    f" changed_at = :now{_ONE} AND state = 'available'"
)
_HAND_OVER = Statement(
    "UPDATE cards SET state = 'handed_over', handed_over_at = :now, changed_at = :now"
    f"{_ONE} AND state = 'reserved'"
)
_RELEASE = Statement(
    "UPDATE cards SET state = 'available', account_id = NULL, order_id = NULL, unit = NULL,"
    f" changed_at = :now{_ONE} AND state = 'reserved'"
)
_DISPUTE = Statement(
    f"UPDATE cards SET state = 'disputed', changed_at = :now{_ONE} AND state = 'handed_over'"
)
_VOID = Statement(
    "UPDATE cards SET state = 'void', changed_at = :now,"
    " account_id = CASE WHEN handed_over_at IS NULL THEN NULL ELSE account_id END,"
    " order_id = CASE WHEN handed_over_at IS NULL THEN NULL ELSE order_id END,"
    " unit = CASE WHEN handed_over_at IS NULL THEN NULL ELSE unit END"
    f"{_ONE} AND state <> 'void'"
)
_SET_NOTE = Statement(f"UPDATE cards SET note = :note{_ONE}")
_DISCARD = Statement(
    "DELETE FROM cards WHERE shop_id = :shop AND id IN (SELECT c.id FROM cards c"
    " WHERE c.shop_id = :shop AND c.pool_id = :pool AND c.state = 'available'"
    " ORDER BY c.expires_at, c.id LIMIT :limit)"
)
_GET = Statement(f"{CARD} AND id = :id")
_BY_CODE = Statement(f"{CARD} AND NOT fetched AND code = :code")
_FETCHED = Statement(f"{CARD} AND fetched AND code = :code ORDER BY id DESC LIMIT :limit")
_OF_UNIT = Statement(
    f"{CARD} AND order_id = :order AND account_id = :account AND unit = :unit ORDER BY id"
)
_EXPIRED_PER_DRAW = 200
"""Bounds what one reservation tidies up."""
_BY_THE_HUB = Cause(None, "hub")
LATE = "供货方给得太晚，这份货已经用了别的卡"
_MOVES = {
    CardStep.HANDED_OVER: (_HAND_OVER, CardState.HANDED_OVER),
    CardStep.RELEASED: (_RELEASE, CardState.AVAILABLE),
    CardStep.VOID: (_VOID, CardState.VOID),
    CardStep.EXPIRED: (_VOID, CardState.VOID),
    CardStep.DISPUTED: (_DISPUTE, CardState.DISPUTED),
}


class Cards:
    """Every move keeps the numbers of the pool true and leaves a line of history.

    A code is unique in its shop for all time. For one unit of an order cards are drawn once,
    however often that is asked.
    """

    __slots__ = ("_pools", "_records", "_sql")

    def __init__(self, sql: Sql, records: CardRecords, pools: Pools) -> None:
        self._sql = sql
        self._records = records
        self._pools = pools

    # --- adding ---

    def add(
        self,
        shop: ShopId,
        pool: PoolId,
        codes: Sequence[str],
        *,
        batch: BatchId,
        note: str = "",
        expires_at: datetime | None = None,
        now: datetime,
    ) -> list[str]:
        """Add codes, each given once. Returns those that were not added because the shop knows
        them already, in whatever pool and state. Some ten µs each: give thousands in several units
        of work."""
        known: list[str] = []
        for start in range(0, len(codes), _AT_ONCE):
            part = codes[start : start + _AT_ONCE]
            filled = [*part, *[part[-1]] * (_AT_ONCE - len(part))]
            rows = self._sql.rows(
                _ADD,
                shop=shop,
                pool=pool,
                batch=batch,
                note=note,
                expires_at=NEVER if expires_at is None else micros(expires_at),
                now=micros(now),
                **{f"code{n}": code for n, code in enumerate(filled)},
            )
            fresh = {code for (code,) in rows}
            known += [code for code in part if code not in fresh]
        added = len(codes) - len(known)
        self._records.grow_batch(shop, batch, added)
        self._pools.shift(shop, pool, CardCounts(available=added))
        return known

    def keep_fetched(
        self,
        shop: ShopId,
        pool: PoolId,
        unit: OrderUnit,
        codes: Iterable[str],
        *,
        by: Cause = _BY_THE_HUB,
        now: datetime,
    ) -> list[StockCard]:
        """Keep what a supplier gave for this unit, reserved. Kept before: returns that instead."""
        held = self.of_unit(shop, unit)
        if held:
            return held
        self._add_fetched(shop, pool, unit, codes, by, now)
        return self.of_unit(shop, unit)

    def keep_late(
        self, shop: ShopId, pool: PoolId, unit: OrderUnit, codes: Iterable[str], now: datetime
    ) -> None:
        """Keep what a supplier gave for a unit that has other cards by now: void, so that it goes
        to nobody, and a person can look at it."""
        for id_ in self._add_fetched(shop, pool, unit, codes, _BY_THE_HUB, now):
            self.void(shop, id_, by=Cause(None, "hub", LATE), now=now)

    def _add_fetched(
        self,
        shop: ShopId,
        pool: PoolId,
        unit: OrderUnit,
        codes: Iterable[str],
        by: Cause,
        now: datetime,
    ) -> list[CardId]:
        added: list[CardId] = []
        for code in codes:
            id_ = self._sql.value(
                _ADD_FETCHED,
                shop=shop,
                pool=pool,
                code=code,
                expires_at=NEVER,
                account=unit.account,
                order=unit.order,
                unit=unit.unit,
                now=micros(now),
            )
            added.append(CardId(id_))
            self._records.note_down(shop, CardId(id_), CardStep.FETCHED, by, unit, now)
        self._pools.shift(shop, pool, CardCounts(reserved=len(added)))
        return added

    # --- moving ---

    def reserve(
        self,
        shop: ShopId,
        pool: PoolId,
        unit: OrderUnit,
        count: int,
        *,
        by: Cause = _BY_THE_HUB,
        now: datetime,
    ) -> list[StockCard] | None:
        """Draw `count` cards for a unit of an order: all of them, or None and nothing.

        The soonest to expire first, then the oldest, never an expired one. Asked again for the same
        unit, whatever the pool, it returns the cards drawn before, void ones among them: that unit
        had its cards, and a replacement is a unit of its own. Only if a reserved card was voided
        before anything was handed over is the missing one drawn anew.

        None: not enough left, or the pool is switched off.
        """
        held = self.of_unit(shop, unit)
        untouched = all(card.state is CardState.RESERVED for card in held)
        if held and (len(held) >= count or not untouched):
            return held
        if self._sql.value(_MAY_DRAW, shop=shop, pool=pool) is None:
            return None
        self.void_expired(shop, pool, now)
        missing = count - len(held)
        rows = self._sql.rows(_NEXT, shop=shop, pool=pool, now=micros(now), count=missing)
        if len(rows) < missing:
            return None
        for (id_,) in rows:
            self._sql.run(
                _RESERVE,
                shop=shop,
                id=id_,
                account=unit.account,
                order=unit.order,
                unit=unit.unit,
                now=micros(now),
            )
            self._records.note_down(shop, CardId(id_), CardStep.RESERVED, by, unit, now)
        self._pools.shift(shop, pool, CardCounts(available=-missing, reserved=missing))
        return self.of_unit(shop, unit)

    def hand_over(
        self, shop: ShopId, unit: OrderUnit, *, by: Cause = _BY_THE_HUB, now: datetime
    ) -> list[StockCard]:
        """The buyer has them. Returns the cards that were reserved until now."""
        return self._move_unit(shop, unit, CardStep.HANDED_OVER, CardState.RESERVED, by, now)

    def release(
        self, shop: ShopId, unit: OrderUnit, *, by: Cause = _BY_THE_HUB, now: datetime
    ) -> list[StockCard]:
        """Back into the pool; only for what the buyer surely never saw."""
        return self._move_unit(shop, unit, CardStep.RELEASED, CardState.RESERVED, by, now)

    def dispute(
        self, shop: ShopId, unit: OrderUnit, *, by: Cause = _BY_THE_HUB, now: datetime
    ) -> list[StockCard]:
        """The buyer wants the money back for what was handed over."""
        return self._move_unit(shop, unit, CardStep.DISPUTED, CardState.HANDED_OVER, by, now)

    def void(self, shop: ShopId, id_: CardId, *, by: Cause, now: datetime) -> StockCard | None:
        """Never to be handed out (again). Returns the card as it was; None: none, or void before.

        A reserved card is taken from its order, a handed-over one stays tied to it.
        """
        card = self.get(shop, id_)
        if card is None or card.state is CardState.VOID:
            return None
        self._move(shop, card, CardStep.VOID, by, now)
        return card

    def void_expired(
        self, shop: ShopId, pool: PoolId, now: datetime, limit: int = _EXPIRED_PER_DRAW
    ) -> int:
        """Void available cards whose time is over; returns how many, at most `limit`."""
        rows = self._sql.rows(_EXPIRED, shop=shop, pool=pool, now=micros(now), limit=limit)
        for (id_,) in rows:
            self._sql.run(_VOID, shop=shop, id=id_, now=micros(now))
            self._records.note_down(shop, CardId(id_), CardStep.EXPIRED, _BY_THE_HUB, None, now)
        if rows:
            self._pools.shift(shop, pool, CardCounts(available=-len(rows), void=len(rows)))
        return len(rows)

    def void_expired_of(self, shop: ShopId, unit: OrderUnit, now: datetime) -> int:
        """Void what is reserved for a unit and ran out; returns how many."""
        over = [
            card
            for card in self.of_unit(shop, unit)
            if card.state is CardState.RESERVED
            and card.expires_at is not None
            and card.expires_at <= now
        ]
        for card in over:
            self._move(shop, card, CardStep.EXPIRED, _BY_THE_HUB, now)
        return len(over)

    def discard(self, shop: ShopId, pool: PoolId, limit: int) -> int:
        """Forget available cards, at most `limit`; returns how many. Nobody ever had them."""
        gone = self._sql.run(_DISCARD, shop=shop, pool=pool, limit=limit)
        self._pools.shift(shop, pool, CardCounts(available=-gone))
        return gone

    def set_note(self, shop: ShopId, id_: CardId, note: str) -> bool:
        return self._sql.run(_SET_NOTE, shop=shop, id=id_, note=note) > 0

    # --- looking ---

    def get(self, shop: ShopId, id_: CardId) -> StockCard | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else to_card(row)

    def by_code(self, shop: ShopId, code: str) -> StockCard | None:
        row = self._sql.row(_BY_CODE, shop=shop, code=code)
        return None if row is None else to_card(row)

    def fetched(self, shop: ShopId, code: str, limit: int = 20) -> list[StockCard]:
        """What suppliers gave that reads so, the newest first."""
        rows = self._sql.rows(_FETCHED, shop=shop, code=code, limit=limit)
        return [to_card(row) for row in rows]

    def of_unit(self, shop: ShopId, unit: OrderUnit) -> list[StockCard]:
        """What is tied to a unit of an order."""
        rows = self._sql.rows(
            _OF_UNIT, shop=shop, order=unit.order, account=unit.account, unit=unit.unit
        )
        return [to_card(row) for row in rows]

    def codes_of_buyer(
        self, shop: ShopId, account: AccountId, buyer: PlatformUser, *, orders: int = 20
    ) -> list[str]:
        """What this buyer got from the account, or is about to get, by the last orders."""
        rows = self._sql.rows(
            _CODES_OF_BUYER, shop=shop, account=account, buyer=buyer, orders=orders
        )
        return [code for (code,) in rows]

    # --- how a card moves ---

    def _move_unit(
        self,
        shop: ShopId,
        unit: OrderUnit,
        step: CardStep,
        from_: CardState,
        by: Cause,
        now: datetime,
    ) -> list[StockCard]:
        cards = [card for card in self.of_unit(shop, unit) if card.state is from_]
        for card in cards:
            self._move(shop, card, step, by, now)
        return cards

    def _move(
        self, shop: ShopId, card: StockCard, step: CardStep, by: Cause, now: datetime
    ) -> None:
        statement, to = _MOVES[step]
        self._sql.run(statement, shop=shop, id=card.id, now=micros(now))
        self._records.note_down(shop, card.id, step, by, card.unit, now)
        self._pools.shift(shop, card.pool, _counted(card.state, to))


def _counted(from_: CardState, to: CardState) -> CardCounts:
    """One card less in one state, one more in another."""
    return CardCounts(**{from_.value: -1, to.value: 1})
