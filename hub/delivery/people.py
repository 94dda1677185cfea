"""What people decide about deliveries. Raises Refusal with a sentence when it cannot be done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hub import text
from hub.delivery.drawing import ONE_PIECE_KINDS, call_off, make_up, put_back, reserve
from hub.delivery.ledger import UNSENT, hand_over, mark_complete, release, ship
from hub.delivery.needs import close_needs
from hub.delivery.orders import owe_units
from hub.delivery.reading import read_again
from hub.delivery.sending import WRONG_BUYER, is_unwritten, is_with_its_buyer, start, write
from hub.delivery.steps import need_for, nothing_left, take, units_of
from hub.errors import AlreadyDelivered, Invalid, NotFound, OnHold, OutOfStock, Refusal
from hub.model import (
    Account,
    AccountId,
    Cause,
    Delivery,
    DeliveryRule,
    DeliveryState,
    DeliveryStep,
    FreeShipping,
    KnownOrder,
    NeedKind,
    Order,
    OrderNote,
    OrderStatus,
    OrderUnit,
    Pool,
    ShopId,
    StepOrder,
    order_lane,
)
from hub.policy import HANDED_OVER, ON_THEIR_WAY, match_rule
from hub.store import Tx

AGAIN = frozenset({DeliveryState.PENDING, DeliveryState.RELEASED, DeliveryState.FAILED})
"""Cards can be drawn for these."""
AFTER_SENDING = frozenset({NeedKind.REJECTED, NeedKind.UNCERTAIN, NeedKind.STOPPED})
ASKING = "正在向供货方取卡，请等结果出来再处理"


def deliver(
    tx: Tx,
    account: Account,
    order: KnownOrder,
    *,
    pool: Pool | None = None,
    units: int | None = None,
    by: Cause,
    now: datetime,
) -> None:
    """Deliver an order because a person says so: from its rule's pool or from `pool`. Block rules
    do not hold it, an emergency stop does. `units`: pieces, if the order does not say."""
    _check_open(tx, order)
    rows = units_of(tx, order)
    if any(one.state is DeliveryState.OUTSIDE for one in rows):
        raise AlreadyDelivered("没有发货：这笔订单已经记为在别处发过")
    if pool is not None:
        rows = _without_suppliers(tx, rows, now)
    held = [one for one in rows if one.state is DeliveryState.REVIEW]
    wanted = [one for one in rows if one.state in AGAIN]
    if not held and not wanted and any(one.state is DeliveryState.SUPPLYING for one in rows):
        raise Invalid(f"没有发货：{ASKING}")
    delayed = any(is_unwritten(tx, one) for one in rows)
    if rows and not held and not wanted and not delayed:
        if any(one.state in ON_THEIR_WAY for one in rows):
            raise AlreadyDelivered("没有发货：这笔订单已经发过，等一会儿看结果")
        raise AlreadyDelivered(
            "没有发货：这笔订单已经发过，再发一次同样的内容用「再发」（QQ 里写 /补发）"
        )
    if order.conversation is None:
        raise Invalid("没有发货：不知道这笔订单的会话，请先重新读订单")
    if not is_with_its_buyer(tx, order, order.conversation):
        raise Invalid(f"没有发货：{WRONG_BUYER}，请在闲鱼里发")
    if all(one.pool is None for one in rows):
        wanted = _first_time(tx, account, order, pool, units, now)
    elif pool is not None and wanted:
        wanted = _from_another(tx, order, wanted, pool, units, by, now)
    if wanted:
        missing = reserve(tx, order, wanted, now, by=by)
        if missing is not None:
            raise OutOfStock(f"没有发货：{missing}")
    # Before anything is written: what cannot be sent after all opens a need of its own.
    _close(tx, order, None, "人工发货", by, now)
    fresh = _fresh(tx, order)
    if delayed and not wanted:
        tx.orders.note_down(order.shop, order.account, order.id, OrderNote.HURRIED, by=by, now=now)
    start(tx, fresh, now)
    for one in held:
        _send_again(tx, fresh, one, by, now)


def _first_time(
    tx: Tx,
    account: Account,
    order: KnownOrder,
    pool: Pool | None,
    units: int | None,
    now: datetime,
) -> list[Delivery]:
    rule = match_rule(tx.delivery_rules.all(order.shop), account.id, _as_page(order))
    served = rule if isinstance(rule, DeliveryRule) else None
    if pool is None:
        pool = tx.pools.get(order.shop, served.pool) if served is not None else None
        if pool is None:
            raise NotFound("没有发货：没有规则适合这笔订单，请选一个卡池")
    quantity = units or order.quantity
    if quantity is None:
        raise Invalid("没有发货：订单上看不出买了几件，请写上份数")
    steps = served.steps if served is not None else StepOrder.SEND_THEN_CONFIRM
    tx.orders.set_steps(order.shop, order.account, order.id, steps)
    same = served if served is not None and served.pool == pool.id else None
    for one in units_of(tx, order):  # it was declined before anybody knew what is owed
        tx.deliveries.serve_by(
            order.shop,
            one.id,
            pool=pool.id,
            rule=same.id if same is not None else None,
            cards=same.cards if same is not None else 1,
        )
    return owe_units(tx, replace(order, quantity=quantity), pool.id, same, now)


def _from_another(
    tx: Tx,
    order: KnownOrder,
    wanted: Sequence[Delivery],
    pool: Pool,
    units: int | None,
    by: Cause,
    now: datetime,
) -> list[Delivery]:
    """The units to serve from the chosen pool, which may count its pieces otherwise."""
    before = tx.pools.get(order.shop, wanted[0].pool) if wanted[0].pool is not None else None
    if pool.kind in ONE_PIECE_KINDS:
        for one in wanted[1:]:
            take(tx, one, DeliveryStep.REFUSED, now, by=by, detail="这种内容一笔订单只发一次")
            tx.deliveries.forget(order.shop, one.id)
        wanted = wanted[:1]
    for one in wanted:
        tx.deliveries.set_pool(order.shop, one.id, pool.id)
    chosen, known = {one.id for one in wanted}, {one.id for one in units_of(tx, order)}
    if before is None or before.kind in ONE_PIECE_KINDS:
        owe_units(tx, replace(order, quantity=units or order.quantity), pool.id, None, now)
    return [one for one in units_of(tx, order) if one.id in chosen or one.id not in known]


def _without_suppliers(tx: Tx, units: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """The units, none of them waiting for a supplier. Raises Invalid where one may have heard."""
    for one in units:
        if one.state is DeliveryState.SUPPLYING:
            if not call_off(tx, one, now):
                raise Invalid(f"没有改动：{ASKING}")
            take(tx, one, DeliveryStep.UNSUPPLIED, now, detail="不取了")
    fresh = [tx.deliveries.get(one.shop, one.id) for one in units]
    return [one for one in fresh if one is not None]


def _check_open(tx: Tx, order: KnownOrder) -> None:
    stop = tx.stops.active(order.shop, order.account)
    if stop is not None:
        raise OnHold(f"没有发货：发货急停中（{stop.reason}），请先恢复")
    if order.refund_at is not None:
        raise Invalid("没有发货：买家申请了退款，或订单已关闭")
    if order.status is not OrderStatus.PAID and order.shipped_at is None:
        raise Invalid("没有发货：这笔订单现在不是待发货，请先重新读订单")


def _as_page(order: KnownOrder) -> Order:
    return Order(
        id=order.id,
        status=order.status,
        raw_status=order.raw_status,
        item_id=order.item_id,
        item_title=order.item_title,
        spec=order.spec,
    )


def resend(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> int:
    """The same contents once more: of what waits for a person, else of all that the buyer has.
    Returns for how many units."""
    stop = tx.stops.active(order.shop, order.account)
    if stop is not None:
        raise OnHold(f"没有再发：发货急停中（{stop.reason}），请先恢复")
    if order.refund_at is not None:
        raise Invalid("没有再发：买家申请了退款，或订单已关闭")
    rows = units_of(tx, order)
    units = [one for one in rows if one.state is DeliveryState.REVIEW]
    units = units or [one for one in rows if one.state in HANDED_OVER]
    if not units:
        raise Invalid("没有再发：这笔订单没有发过、也没有待处理的内容")
    for one in units:
        _send_again(tx, order, one, by, now)
    _close(tx, order, AFTER_SENDING, "再发一次", by, now)
    return len(units)


def _send_again(tx: Tx, order: KnownOrder, delivery: Delivery, by: Cause, now: datetime) -> None:
    missing = make_up(tx, delivery, now)
    if missing is not None:
        raise OutOfStock(f"没有发货：{missing}")
    take(tx, delivery, DeliveryStep.RESENT, now, by=by)
    write(tx, order, delivery, now)


def arrived(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> int:
    """A person saw in the conversation that the buyer has it. Returns for how many units."""
    units = [one for one in units_of(tx, order) if one.state is DeliveryState.REVIEW]
    for one in units:
        hand_over(tx, _fresh(tx, order), one, now, by=by, detail="人工确认买家已收到")
    _close(tx, order, None, "买家已收到", by, now)
    return len(units)


def outside(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> None:
    """A person delivered it elsewhere. What has not left goes back into its pool; what may have
    left stays with the order."""
    _settle_all(tx, order, DeliveryStep.OUTSIDE, "已在别处发货", by, now)
    mark_complete(tx, order, now)


def refuse(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> None:
    """Nothing is delivered; whatever else has to happen is up to the seller."""
    for one in units_of(tx, order):
        if one.state is DeliveryState.RESERVED:
            release(tx, one, now, by=by)
    _settle_all(tx, order, DeliveryStep.REFUSED, "决定不发", by, now)


def _settle_all(
    tx: Tx, order: KnownOrder, step: DeliveryStep, words: str, by: Cause, now: datetime
) -> None:
    units = units_of(tx, order)
    if any(one.state is DeliveryState.SENDING for one in units):
        raise Invalid("没有改动：正在发送，请等结果出来再处理")
    units = _without_suppliers(tx, units, now)
    if not units:
        # So that nobody delivers it by itself when it is seen again.
        unit = OrderUnit(order.account, order.id, 1)
        new = tx.deliveries.owe(order.shop, unit, pool=None, rule=None, cards=0, now=now)
        units = [new] if new is not None else []
    for one in units:
        unseen = one.state is DeliveryState.REVIEW and nothing_left(tx, one)
        if unseen or one.state is DeliveryState.RESERVED:
            put_back(tx, one, by, now)
        take(tx, one, step, now, by=by)
    _close(tx, order, None, words, by, now)


def give_back(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> int:
    """The cards go back into their pools, because the buyer surely saw none. Returns how many
    units."""
    units = units_of(tx, order)
    if any(one.state is DeliveryState.SENDING for one in units):
        raise Invalid("没有退回：正在发送，请等结果出来再处理")
    units = _without_suppliers(tx, units, now)
    released = sum(release(tx, one, now, by=by) for one in units)
    if not released:
        raise Invalid("没有退回：这笔订单没有预留的卡密")
    _close(tx, order, UNSENT, "卡密退回库存", by, now)
    return released


def ship_now(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> None:
    """Mark it as shipped at the platform, with or without cards."""
    if order.shipped_at is not None:
        raise AlreadyDelivered("这笔订单已经标记为发货")
    if order.refund_at is not None:
        raise Invalid("没有标记：买家申请了退款，或订单已关闭")
    ship(tx, order, now)
    _close(tx, order, {NeedKind.SHIP_FAILED}, "再标记一次", by, now)


def free_now(tx: Tx, order: KnownOrder, *, by: Cause, now: datetime) -> None:
    """Complete a bargain order at the platform, whether a rule serves it or not."""
    if order.status is not OrderStatus.BARGAIN_PENDING:
        said = text.ORDER_STATUSES.get(order.status) if order.status is not None else None
        raise Invalid(f"没有免拼：这笔订单现在是{said or order.raw_status}，只有待刀成的能免拼")
    if order.refund_at is not None:
        raise Invalid("没有免拼：买家申请了退款，或订单已关闭")
    stop = tx.stops.active(order.shop, order.account)
    if stop is not None:
        raise OnHold(f"没有免拼：发货急停中（{stop.reason}），请先恢复")
    lane = order_lane(order.account, f"free:{order.id}")
    if tx.outbox.waiting(order.shop, lane):
        raise Invalid("没有再来一次：正在免拼，等结果出来再说")
    work = FreeShipping(order.account, order.id)
    tx.outbox.enqueue(order.shop, work, lane=lane, key=f"{lane}:{now.isoformat()}", due_at=now)
    _close(tx, order, {NeedKind.BARGAIN}, "再免拼一次", by, now)


def stopped_orders(tx: Tx, shop: ShopId) -> list[KnownOrder]:
    """What is held by emergency stops, of the shop or of accounts."""
    held = []
    for need in tx.needs.all_open(shop):
        if need.kind is not NeedKind.STOPPED:
            continue
        if need.account is not None and need.order is not None:
            order = tx.orders.get(shop, need.account, need.order)
            held += [order] if order is not None else []
    return held


def resume(tx: Tx, shop: ShopId, account: AccountId | None, *, by: Cause, now: datetime) -> int:
    """End an emergency stop. What it held, and surely nobody saw, goes on. Returns how many orders
    that is. Raises Invalid when there was no such stop."""
    if not tx.stops.resume(shop, account, now):
        raise Invalid("这里没有急停")
    going_on = 0
    for need in tx.needs.all_open(shop):
        if need.kind is NeedKind.BRAKE and account is None:
            tx.needs.close(shop, need.id, resolution="已恢复", member=by.member, now=now)
        if need.kind is not NeedKind.STOPPED or need.account is None or need.order is None:
            continue
        order = tx.orders.get(shop, need.account, need.order)
        if order is not None and tx.stops.active(shop, need.account) is None:
            going_on += _go_on(tx, order, by, now)
            if not any(one.state is DeliveryState.REVIEW for one in units_of(tx, order)):
                tx.needs.close(shop, need.id, resolution="已恢复", member=by.member, now=now)
    return going_on


def _go_on(tx: Tx, order: KnownOrder, by: Cause, now: datetime) -> bool:
    units = units_of(tx, order)
    if not units:
        return read_again(tx, order, "resumed", now)
    if order.shipped_at is not None and order.steps is not StepOrder.CONFIRM_THEN_SEND:
        return False  # somebody marked it meanwhile, and may have sent the goods as well
    held = [one for one in units if one.state is DeliveryState.REVIEW and nothing_left(tx, one)]
    for one in held:
        take(tx, one, DeliveryStep.RESENT, now, by=by)
    owed = [one for one in units if one.state is DeliveryState.PENDING]
    missing = reserve(tx, order, owed, now, by=by) if owed else None
    if missing is not None:
        need_for(tx, order, NeedKind.OUT_OF_STOCK, missing, now)
    start(tx, order, now)
    return bool(held or owed)


def _close(
    tx: Tx,
    order: KnownOrder,
    kinds: Sequence[NeedKind] | set[NeedKind] | frozenset[NeedKind] | None,
    words: str,
    by: Cause,
    now: datetime,
) -> None:
    close_needs(
        tx,
        order.shop,
        order.account,
        order.id,
        kinds=kinds,
        resolution=words,
        member=by.member,
        now=now,
    )


def _fresh(tx: Tx, order: KnownOrder) -> KnownOrder:
    found = tx.orders.get(order.shop, order.account, order.id)
    if found is None:
        raise Refusal("这笔订单已经不在了")
    return found
