"""Units that a supplier's cards are fetched for: what is asked, and what becomes of the answer.

What a supplier gave is written down together with what it sets off. Why it gave nothing is said to
people of the shop only; nothing of its answer ever reaches a buyer (L11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.delivery.ledger import REFUND_REASON, STOP_REASON, release
from hub.delivery.needs import close_needs
from hub.delivery.sending import begin, facts_of
from hub.delivery.steps import BY_THE_HUB, need_for, take, units_of
from hub.model import (
    Delivery,
    DeliveryId,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    NeedKind,
    OrderNote,
    PoolId,
    PoolKind,
    ShopId,
    SupplierCall,
)
from hub.policy import UNDRAWN, supplier_request
from hub.store import Tx

UNHEARD = "请求发出过，不知道供货方的回答"
UNSUPPLIED = frozenset({NeedKind.UNSUPPLIED, NeedKind.SUPPLY_UNCERTAIN})


@dataclass(frozen=True, slots=True)
class Asking:
    """One request to a supplier, its placeholders filled."""

    call: SupplierCall
    pool: PoolId
    url: str = field(repr=False)
    body: str | None = field(repr=False)
    key: str
    """The same for this unit of this order however often it is asked for, until cards came and were
    voided: a supplier that honours it would give the void ones again."""


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Why a supplier is not asked (any more), and what a person is told of it."""

    kind: NeedKind
    reason: str


def asking(
    tx: Tx, shop: ShopId, id_: DeliveryId, *, asked_before: bool
) -> Asking | NotAsked | None:
    """What to ask now; None: nobody waits for it. `asked_before`: an earlier request may have
    reached the supplier, and nobody knows its answer; that is told even if nobody waits any more,
    because it may have cost a card."""
    found = _find(tx, shop, id_)
    if found is None:
        return None
    delivery, order = found
    if delivery.state is not DeliveryState.SUPPLYING:
        return NotAsked(NeedKind.SUPPLY_UNCERTAIN, UNHEARD) if asked_before else None
    pool = tx.pools.get(shop, delivery.pool) if delivery.pool is not None else None
    call = tx.pools.supplier(shop, pool.id) if pool is not None else None
    if asked_before and (call is None or not call.repeatable):
        return NotAsked(NeedKind.SUPPLY_UNCERTAIN, UNHEARD)
    stop = tx.stops.active(shop, order.account)
    if order.refund_at is not None:
        return NotAsked(NeedKind.UNSUPPLIED, UNHEARD if asked_before else REFUND_REASON)
    if stop is not None:
        return NotAsked(NeedKind.STOPPED, f"{STOP_REASON}：{stop.reason}")
    if pool is None or call is None or pool.kind is not PoolKind.API:
        return NotAsked(NeedKind.UNSUPPLIED, "卡池已经不在了，或还没有填供货接口")
    if not pool.enabled:
        return NotAsked(NeedKind.UNSUPPLIED, f"卡池「{pool.name}」已停用")
    url, body = supplier_request(call, facts_of(tx, order, delivery))
    return Asking(call, pool.id, url, body, _key(tx, delivery))


def _key(tx: Tx, delivery: Delivery) -> str:
    """A unit that is asked for has no cards; so what a supplier gave for it before is void."""
    unit = delivery.unit
    served, asked = 0, False
    for line in tx.orders.story(delivery.shop, unit.account, unit.order):
        if line.unit != unit.unit:
            continue
        served += (asked and line.step is DeliveryStep.RESERVED) or line.step is OrderNote.KEPT
        asked = line.step is DeliveryStep.ASKED
    key = f"yuqiao-{unit.order}-{unit.unit}"
    return f"{key}-{served + 1}" if served else key


def on_supplied(
    tx: Tx, shop: ShopId, id_: DeliveryId, pool: PoolId, codes: Sequence[str], now: datetime
) -> None:
    """The supplier gave cards: they are kept for this unit, whatever has happened meanwhile, and
    once every unit has its own, the order goes on."""
    found = _find(tx, shop, id_)
    if found is None:
        return
    delivery, order = found
    kept = tx.cards.keep_fetched(shop, pool, delivery.unit, codes, now=now)
    if {card.code for card in kept} != set(codes):
        tx.cards.keep_late(shop, pool, delivery.unit, codes, now)
    if delivery.state not in UNDRAWN or delivery.pool != pool:
        if delivery.state is not DeliveryState.RESERVED:
            _note(tx, delivery, OrderNote.KEPT, "", now)
        return
    take(tx, delivery, DeliveryStep.RESERVED, now)
    units = units_of(tx, order)
    if any(one.state in UNDRAWN for one in units):
        return
    close_needs(tx, shop, order.account, order.id, kinds=UNSUPPLIED, resolution="已取到卡", now=now)
    begin(tx, order, _rest_of_delay(tx, delivery, now), now)


def on_unsupplied(
    tx: Tx, shop: ShopId, id_: DeliveryId, kind: NeedKind, reason: str, now: datetime
) -> None:
    """There is no card: a person decides. What was fetched for other units waits with it."""
    found = _find(tx, shop, id_)
    if found is None:
        return
    delivery, order = found
    if delivery.state is not DeliveryState.SUPPLYING:
        _note(tx, delivery, DeliveryStep.UNSUPPLIED, reason, now)
        return
    if order.refund_at is not None:
        release(tx, delivery, now, detail=reason)
        return
    take(tx, delivery, DeliveryStep.UNSUPPLIED, now, detail=reason)
    need_for(tx, order, kind, reason, now)


def _find(tx: Tx, shop: ShopId, id_: DeliveryId) -> tuple[Delivery, KnownOrder] | None:
    delivery = tx.deliveries.get(shop, id_)
    if delivery is None:
        return None
    order = tx.orders.get(shop, delivery.unit.account, delivery.unit.order)
    return None if order is None else (delivery, order)


def _rest_of_delay(tx: Tx, delivery: Delivery, now: datetime) -> timedelta:
    """The delay of a rule counts from the time at which it was owed, however long fetching took."""
    rule = tx.delivery_rules.get(delivery.shop, delivery.rule) if delivery.rule else None
    delay = timedelta(seconds=rule.delay_seconds if rule is not None else 0)
    return max(delivery.created_at + delay - now, timedelta())


def _note(
    tx: Tx, delivery: Delivery, step: DeliveryStep | OrderNote, detail: str, now: datetime
) -> None:
    unit = delivery.unit
    tx.orders.note_down(
        delivery.shop,
        unit.account,
        unit.order,
        step,
        unit=unit.unit,
        detail=detail,
        by=BY_THE_HUB,
        now=now,
    )
