"""Cards are drawn for all units of an order or for none; those of suppliers are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.delivery.needs import UNDELIVERED, close_needs
from hub.delivery.steps import BY_THE_HUB, nothing_left, take
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryStep,
    KnownOrder,
    Pool,
    PoolKind,
    ShopId,
    Supply,
    supply_lane,
)
from hub.notices import tell_stock
from hub.policy import ON_THEIR_WAY, why_short
from hub.store import Tx

ONE_PIECE_KINDS = frozenset({PoolKind.TEXT, PoolKind.IMAGE})
"""However many pieces are bought, the buyer needs it once."""


def reserve(
    tx: Tx,
    order: KnownOrder,
    units: Sequence[Delivery],
    now: datetime,
    *,
    by: Cause = BY_THE_HUB,
) -> str | None:
    """Draw the cards of all these units, or of none (L10). Returns why not; None: it is done.

    A unit of an API pool has its supplier asked instead, unless its cards are there already.
    """
    fresh: list[Delivery] = []
    missing = _why_short(tx, order.shop, units, now)
    for delivery in () if missing else units:
        if not _draw(tx, delivery, by, now):
            missing = "库存不足"
            break
        fresh.append(delivery)
    if missing:
        for delivery in fresh:
            tx.cards.release(order.shop, delivery.unit, by=by, now=now)
        return missing
    for delivery in units:
        if _waits_for_supplier(tx, delivery):
            _ask_supplier(tx, delivery, by, now)
        else:
            take(tx, delivery, DeliveryStep.RESERVED, now, by=by)
        if delivery.pool is not None:
            tell_stock(tx, order.shop, delivery.pool, now)
    close_needs(
        tx,
        order.shop,
        order.account,
        order.id,
        kinds=UNDELIVERED,
        resolution="已安排发货",
        member=by.member,
        now=now,
    )
    return None


def _why_short(tx: Tx, shop: ShopId, units: Sequence[Delivery], now: datetime) -> str | None:
    for id_ in {delivery.pool for delivery in units}:
        pool = tx.pools.get(shop, id_) if id_ is not None else None
        wanted = there = 0
        if pool is not None and pool.kind is PoolKind.CODES:
            wanted = sum(one.cards for one in units if one.pool == id_ and not _holds(tx, one))
            tx.cards.void_expired(shop, pool.id, now)
            there = pool.counts.available - tx.card_records.expired_count(shop, pool.id, now)
        supplied = pool is not None and _is_supplied(tx, pool)
        missing = why_short(pool, wanted=wanted, there=there, supplied=supplied)
        if missing is not None:
            return missing
    return None


def _is_supplied(tx: Tx, pool: Pool) -> bool:
    return pool.kind is PoolKind.API and tx.pools.supplier(pool.shop, pool.id) is not None


def _holds(tx: Tx, delivery: Delivery) -> bool:
    return bool(tx.cards.of_unit(delivery.shop, delivery.unit))


def _draw(tx: Tx, delivery: Delivery, by: Cause, now: datetime) -> bool:
    assert delivery.pool is not None  # noqa: S101 - `_why_short` looked
    pool = tx.pools.get(delivery.shop, delivery.pool)
    if pool is None or pool.kind is not PoolKind.CODES:
        return pool is not None
    drawn = tx.cards.reserve(delivery.shop, pool.id, delivery.unit, delivery.cards, by=by, now=now)
    return drawn is not None and all(card.state is CardState.RESERVED for card in drawn)


def make_up(tx: Tx, delivery: Delivery, now: datetime) -> str | None:
    """Draw anew what was voided, or ran out unseen, after it was reserved. Returns what cannot be
    had; None: all that this delivery hands out is there."""
    pool = tx.pools.get(delivery.shop, delivery.pool) if delivery.pool is not None else None
    if pool is None or pool.kind in ONE_PIECE_KINDS:
        return None
    if nothing_left(tx, delivery) and tx.cards.void_expired_of(delivery.shop, delivery.unit, now):
        tell_stock(tx, delivery.shop, pool.id, now)
    held, wanted = tx.cards.of_unit(delivery.shop, delivery.unit), 1
    if pool.kind is PoolKind.CODES:
        wanted = delivery.cards
        if len(held) < wanted and _draw(tx, delivery, BY_THE_HUB, now):
            tell_stock(tx, delivery.shop, pool.id, now)
            held = tx.cards.of_unit(delivery.shop, delivery.unit)
    good = any(card.state is not CardState.VOID for card in held)
    return None if good and len(held) >= wanted else "卡密作废了，没有别的可以补上"


def spoilt(tx: Tx, delivery: Delivery, now: datetime) -> bool:
    """Whether a message that was written for it speaks of cards that were voided since, or ran out
    before anything left."""
    pool = tx.pools.get(delivery.shop, delivery.pool) if delivery.pool is not None else None
    if delivery.state not in ON_THEIR_WAY or pool is None or pool.kind in ONE_PIECE_KINDS:
        return False
    held = tx.cards.of_unit(delivery.shop, delivery.unit)
    good = [card for card in held if card.state is not CardState.VOID]
    if len(good) < (delivery.cards if pool.kind is PoolKind.CODES else 1):
        return True
    over = [card for card in good if card.expires_at is not None and card.expires_at <= now]
    return bool(over) and nothing_left(tx, delivery)


# --- Suppliers ------------------------------------------------------------------------------------


def _waits_for_supplier(tx: Tx, delivery: Delivery) -> bool:
    pool = tx.pools.get(delivery.shop, delivery.pool) if delivery.pool is not None else None
    return pool is not None and pool.kind is PoolKind.API and not _holds(tx, delivery)


def _ask_supplier(tx: Tx, delivery: Delivery, by: Cause, now: datetime) -> None:
    """One call for each time that somebody wanted one; the state sees to it that this is once."""
    assert delivery.pool is not None  # noqa: S101 - `_waits_for_supplier` looked
    if take(tx, delivery, DeliveryStep.ASKED, now, by=by) is None:
        return
    lane = supply_lane(delivery.pool, delivery.id)
    key = _supply_key(tx, delivery)
    tx.outbox.enqueue(delivery.shop, Supply(delivery.id), lane=lane, key=key, due_at=now)


def call_off(tx: Tx, delivery: Delivery, now: datetime) -> bool:
    """Do not ask the supplier after all. False: it may have heard already."""
    return tx.outbox.cancel(delivery.shop, _supply_key(tx, delivery), error="called off", now=now)


def _supply_key(tx: Tx, delivery: Delivery) -> str:
    unit = delivery.unit
    story = tx.orders.story(delivery.shop, unit.account, unit.order)
    asked = sum(line.step is DeliveryStep.ASKED and line.unit == unit.unit for line in story)
    return f"supply:{delivery.id}:{asked}"


def goes_back(tx: Tx, delivery: Delivery) -> bool:
    """Whether it holds cards of our own. What a supplier gave for this order stays with it: it may
    have been made for it, and it is handed out should the order be delivered after all."""
    cards = tx.cards.of_unit(delivery.shop, delivery.unit)
    return bool(cards) and all(card.batch is not None for card in cards)


def put_back(tx: Tx, delivery: Delivery, by: Cause, now: datetime) -> None:
    """Reserved cards go back into their pool, if they came from one."""
    if goes_back(tx, delivery):
        tx.cards.release(delivery.shop, delivery.unit, by=by, now=now)
