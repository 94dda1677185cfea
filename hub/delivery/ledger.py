"""The ledger at work: cards drawn for all units or for none, messages written, answers settled.

Every function is part of a unit of work and does no I/O, so that a crash leaves all of it or
nothing. States change through the table in `hub.policy` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub import text
from hub.delivery.needs import UNDELIVERED, close_needs, open_need
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    MessageId,
    MessageState,
    NeedKind,
    Pool,
    PoolKind,
    ShipOrder,
    ShopId,
    StepOrder,
    Supply,
    order_lane,
    supply_lane,
)
from hub.notices import tell_owners, tell_owners_of_shop, tell_stock
from hub.policy import (
    HANDED_OVER,
    SETTLED,
    brake,
    next_state,
)
from hub.store import Tx

BY_THE_HUB = Cause(None, "hub")
ONE_PIECE_KINDS = frozenset({PoolKind.TEXT, PoolKind.IMAGE})
"""However many pieces are bought, the buyer needs it once."""
FAILURES_WITHIN = timedelta(minutes=10)
UNSENT = frozenset({*UNDELIVERED, NeedKind.OFFLINE, NeedKind.REJECTED, NeedKind.UNCERTAIN})
"""Needs that are over once the buyer has the goods."""
ARRIVED = (MessageState.ACCEPTED, MessageState.READ)
REFUND_REASON = "买家申请了退款，或订单已关闭"
STOP_REASON = "发货急停中"
HALTED = "这份发货已经停下"
NOTHING_MORE_LEAVES = frozenset(
    {
        DeliveryState.REVIEW,
        DeliveryState.FAILED,
        DeliveryState.OUTSIDE,
        DeliveryState.RELEASED,
    }
)


def take(
    tx: Tx,
    delivery: Delivery,
    step: DeliveryStep,
    now: datetime,
    *,
    detail: str = "",
    by: Cause = BY_THE_HUB,
) -> DeliveryState | None:
    """Take a step of the state machine and write it into the story; None: it leads nowhere."""
    state = next_state(delivery.state, step)
    if state is None:
        return None
    unit = delivery.unit
    if state is not delivery.state:
        tx.deliveries.set_state(delivery.shop, delivery.id, state, now)
        if state in NOTHING_MORE_LEAVES:
            _withdraw(tx, delivery, now)
    if state is not delivery.state or step is not DeliveryStep.LEFT:
        tx.orders.note_down(
            delivery.shop,
            unit.account,
            unit.order,
            step,
            unit=unit.unit,
            detail=detail,
            by=by,
            now=now,
        )
    return state


def _withdraw(tx: Tx, delivery: Delivery, now: datetime) -> None:
    """What is still queued of it does not leave any more."""
    for message, state in tx.deliveries.parts(delivery.shop, delivery.id, delivery.attempt):
        if state is MessageState.QUEUED:
            tx.messages.set_state(
                delivery.shop, message, MessageState.DROPPED, reason=HALTED, now=now
            )


def units_of(tx: Tx, order: KnownOrder) -> list[Delivery]:
    return tx.deliveries.of_order(order.shop, order.account, order.id)


def need_for(tx: Tx, order: KnownOrder, kind: NeedKind, detail: str, now: datetime) -> None:
    open_need(
        tx,
        order.shop,
        kind,
        account=order.account,
        order=order.id,
        conversation=order.conversation,
        detail=detail,
        now=now,
    )


# --- Reserving ------------------------------------------------------------------------------------


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
        if pool is None:
            return "卡池已经不在了"
        if not pool.enabled:
            return f"卡池「{pool.name}」已停用"
        if pool.kind is PoolKind.API and tx.pools.supplier(shop, pool.id) is None:
            return f"卡池「{pool.name}」还没有填供货接口"
        if pool.kind is PoolKind.IMAGE and not pool.pictures:
            return f"卡池「{pool.name}」里还没有图片"
        if pool.kind is PoolKind.CODES:
            wanted = sum(one.cards for one in units if one.pool == id_ and not _holds(tx, one))
            tx.cards.void_expired(shop, pool.id, now)
            there = pool.counts.available - tx.card_records.expired_count(shop, pool.id, now)
            if there < wanted:
                return f"卡池「{pool.name}」要 {wanted} 张，只剩 {there} 张"
    return None


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
    """Draw anew what was voided after it was reserved. Returns what cannot be had; None: all that
    this delivery hands out is there."""
    pool = tx.pools.get(delivery.shop, delivery.pool) if delivery.pool is not None else None
    if pool is None or pool.kind in ONE_PIECE_KINDS:
        return None
    held, wanted = tx.cards.of_unit(delivery.shop, delivery.unit), 1
    if pool.kind is PoolKind.CODES:
        wanted = delivery.cards
        if len(held) < wanted and _draw(tx, delivery, BY_THE_HUB, now):
            tell_stock(tx, delivery.shop, pool.id, now)
            held = tx.cards.of_unit(delivery.shop, delivery.unit)
    good = any(card.state is not CardState.VOID for card in held)
    return None if good and len(held) >= wanted else "卡密作废了，没有别的可以补上"


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


def put_back(tx: Tx, delivery: Delivery, by: Cause, now: datetime) -> None:
    """Reserved cards go back into their pool. What a supplier gave for this order stays with it:
    it may have been made for it, and it is handed out should the order be delivered after all."""
    cards = tx.cards.of_unit(delivery.shop, delivery.unit)
    if all(card.batch is not None for card in cards):
        tx.cards.release(delivery.shop, delivery.unit, by=by, now=now)


# --- Settling -------------------------------------------------------------------------------------

_BAD_ENDS = {
    MessageState.REJECTED: (DeliveryStep.REJECTED, NeedKind.REJECTED),
    MessageState.UNCERTAIN: (DeliveryStep.UNCERTAIN, NeedKind.UNCERTAIN),
    MessageState.DROPPED: (DeliveryStep.STOPPED, NeedKind.STOPPED),
}


def on_message_settled(
    tx: Tx, shop: ShopId, message: MessageId, state: MessageState, reason: str, now: datetime
) -> None:
    """What became of a message, in the unit of work that settles it. The same news twice, or news
    of a message that carries no delivery, changes nothing."""
    found = tx.deliveries.of_message(shop, message)
    if found is None:
        return
    delivery, attempt = found
    order = tx.orders.get(shop, delivery.unit.account, delivery.unit.order)
    if order is None:
        return
    if state in ARRIVED:
        parts = tx.deliveries.parts(shop, delivery.id, attempt)
        if all(one in ARRIVED for _, one in parts):
            hand_over(tx, order, delivery, now)
        return
    if state not in _BAD_ENDS or attempt != delivery.attempt:
        return
    step, kind = _BAD_ENDS[state]
    never_left = delivery.state is DeliveryState.RESERVED
    if step is DeliveryStep.STOPPED and order.refund_at is not None and never_left:
        release(tx, delivery, now, detail=reason)
        return
    if step is DeliveryStep.STOPPED and delivery.state is DeliveryState.REVIEW:
        return  # the rest of what a person looks at already
    if take(tx, delivery, step, now, detail=reason) is None:
        return
    need_for(tx, order, kind, reason, now)
    if step is not DeliveryStep.STOPPED:
        _brake_after_failures(tx, order, now)


def hand_over(
    tx: Tx,
    order: KnownOrder,
    delivery: Delivery,
    now: datetime,
    *,
    by: Cause = BY_THE_HUB,
    detail: str = "",
) -> None:
    """The buyer has it: the cards are theirs, and once all units are, the order is shipped."""
    if delivery.state in HANDED_OVER:
        return
    tx.cards.hand_over(order.shop, delivery.unit, by=by, now=now)
    if order.refund_at is not None:
        tx.cards.dispute(order.shop, delivery.unit, now=now)
    if take(tx, delivery, DeliveryStep.ACCEPTED, now, by=by, detail=detail) is None:
        return
    units = units_of(tx, order)
    if not all(one.state in HANDED_OVER | SETTLED for one in units):
        return
    close_needs(
        tx,
        order.shop,
        order.account,
        order.id,
        kinds=UNSENT,
        resolution="已发给买家",
        now=now,
    )
    _tell_delivered(tx, order, units, now)
    mark_complete(tx, order, now)


def mark_complete(tx: Tx, order: KnownOrder, now: datetime) -> None:
    """Once the buyer has all of it, at least some of it from us, the platform has to know."""
    states = {one.state for one in units_of(tx, order)}
    if DeliveryState.SENT not in states or not states <= HANDED_OVER | SETTLED:
        return
    if order.shipped_at is not None:
        confirm(tx, order, now)
    elif order.steps is not StepOrder.SEND_ONLY and order.refund_at is None:
        ship(tx, order, now)


def ship(tx: Tx, order: KnownOrder, now: datetime) -> None:
    lane = order_lane(order.account, f"ship:{order.id}")
    work = ShipOrder(order.account, order.id)
    tx.outbox.enqueue(order.shop, work, lane=lane, key=f"{lane}:{now.isoformat()}", due_at=now)


def confirm(tx: Tx, order: KnownOrder, now: datetime) -> None:
    """The platform counts the order as shipped: so do we, for what the buyer has."""
    for delivery in units_of(tx, order):
        if delivery.state is DeliveryState.SENT:
            take(tx, delivery, DeliveryStep.SHIPPED, now)


def release(
    tx: Tx,
    delivery: Delivery,
    now: datetime,
    *,
    by: Cause = BY_THE_HUB,
    detail: str = "",
) -> bool:
    """The cards go back into the pool. False: not from this state."""
    if take(tx, delivery, DeliveryStep.RELEASED, now, by=by, detail=detail) is None:
        return False
    put_back(tx, delivery, by, now)
    if delivery.pool is not None:
        tell_stock(tx, delivery.shop, delivery.pool, now)
    return True


def _brake_after_failures(tx: Tx, order: KnownOrder, now: datetime) -> None:
    guards = tx.guards.get(order.shop)
    limit = max(guards.brake_failures, 1)
    newest = tx.orders.outcomes(order.shop, now - FAILURES_WITHIN, limit)
    failures = next(
        (n for n, step in enumerate(newest) if step is DeliveryStep.ACCEPTED), len(newest)
    )
    reason = brake(guards, in_a_minute=0, failures=failures)
    if reason is not None:
        pull_brake(tx, order.shop, reason, now)


def pull_brake(tx: Tx, shop: ShopId, reason: str, now: datetime) -> None:
    """Stop all deliveries of the shop, until a person resumes."""
    if tx.stops.stop(shop, None, reason=reason, by_brake=True, now=now):
        open_need(tx, shop, NeedKind.BRAKE, detail=reason, now=now)


def _tell_delivered(tx: Tx, order: KnownOrder, units: Sequence[Delivery], now: datetime) -> None:
    account = tx.accounts.get(order.shop, order.account)
    if account is None:
        return
    given = [one for one in units if one.state in HANDED_OVER]
    pool = _pool_of(tx, given)
    cards = [card.masked for one in given for card in tx.cards.of_unit(order.shop, one.unit)]
    conversation = (
        tx.conversations.get(order.shop, order.conversation)
        if order.conversation is not None
        else None
    )
    name = pool.name if pool is not None else "卡池"
    said = text.delivered_notice(account, order, conversation, name, cards, len(given))
    key = f"delivered:{order.account}:{order.id}"
    if conversation is not None:
        tell_owners(tx, conversation, said, key=key, now=now)
    else:
        tell_owners_of_shop(tx, order.shop, said, key=key, now=now)


def _pool_of(tx: Tx, units: Sequence[Delivery]) -> Pool | None:
    first = next((one.pool for one in units if one.pool is not None), None)
    return tx.pools.get(units[0].shop, first) if first is not None else None
