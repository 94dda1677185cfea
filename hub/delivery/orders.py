"""From what the platform says about an order to what is owed for it.

A signal only makes the order be read; then the order's page decides, and nothing else (L1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub import text
from hub.delivery.drawing import ONE_PIECE_KINDS, goes_back, reserve
from hub.delivery.ledger import (
    REFUND_REASON,
    STOP_REASON,
    confirm,
    mark_complete,
    pull_brake,
    release,
)
from hub.delivery.needs import UNDELIVERED, close_needs
from hub.delivery.reading import read_again, was_left_alone
from hub.delivery.sending import begin, delay_lane, start
from hub.delivery.steps import need_for, take, units_of
from hub.model import (
    Account,
    ConversationId,
    Delivery,
    DeliveryRule,
    DeliveryState,
    DeliveryStep,
    FreeShipping,
    KnownOrder,
    NeedKind,
    NoticeKind,
    Order,
    OrderNote,
    OrderStatus,
    OrderUnit,
    Pool,
    PoolId,
    StepOrder,
    order_lane,
)
from hub.notices import tell_owners, tell_owners_of_shop
from hub.policy import HANDED_OVER, UNDRAWN, brake, held_by, match_rule
from hub.store import Tx

A_MINUTE = timedelta(minutes=1)
NO_RULES_YET = "付款时店里还没有发货规则；要发请用「发货」选一个卡池"
FROM_BEFORE = "付款时账号还没有接入过，可能已经发过；没发过就选发货"
SHIPPED_ELSEWHERE = "订单在别处标记了发货"


# --- The page -------------------------------------------------------------------------------------


def on_order_read(
    tx: Tx,
    account: Account,
    order: Order,
    conversation: ConversationId | None,
    signalled: OrderStatus | None,
    now: datetime,
) -> None:
    """What the page says becomes what is owed, held, given back or confirmed. However often and
    whoever reads it, nothing is owed twice (L2). `signalled`: what was heard of it before."""
    if order.buyer == account.user:
        return
    before = tx.orders.get(account.shop, account.id, order.id)
    order = _called_as_in(tx, account, order, conversation)
    known = tx.orders.save(account.shop, account.id, order, conversation=conversation, now=now)
    if before is None or before.status is not known.status:
        _note(tx, known, OrderNote.READ, known.raw_status, now)
    match known.status:
        case OrderStatus.PAID:
            _paid(tx, account, known, order, now)
        case OrderStatus.BARGAIN_PENDING:
            _refund_off(tx, known, now)
            _bargain(tx, known, order, now)
        case OrderStatus.REFUND_REQUESTED | OrderStatus.REFUNDED | OrderStatus.CLOSED:
            _over(tx, account, known, known.status, now)
        case OrderStatus.SHIPPED | OrderStatus.COMPLETED:
            _refund_off(tx, known, now)
            on_shipped(tx, known, now, news=before is None or before.shipped_at is None)
        case None if not is_left_alone(tx, known, now):
            _hold(tx, known, NeedKind.UNCLEAR, f"订单状态看不懂：{known.raw_status}", now)
        case OrderStatus.UNPAID if signalled is OrderStatus.PAID and tx.delivery_rules.ever(
            account.shop
        ):
            detail = f"闲鱼提示已付款，订单页面却是：{known.raw_status}"
            _hold(tx, known, NeedKind.UNCLEAR, detail, now)
        case _:
            pass


def _called_as_in(
    tx: Tx, account: Account, order: Order, conversation: ConversationId | None
) -> Order:
    """With the buyer's name, if his order or his conversation knows it: then both do."""
    if conversation is None or order.buyer is None:
        return order
    if order.buyer_name:
        tx.conversations.name_buyer(account.shop, conversation, order.buyer, order.buyer_name)
        return order
    talk = tx.conversations.get(account.shop, conversation)
    if talk is None or talk.buyer != order.buyer:
        return order
    return replace(order, buyer_name=talk.buyer_name)


def _refund_off(tx: Tx, known: KnownOrder, now: datetime) -> bool:
    """The page speaks of no refund any more. False: nor did it before."""
    if not tx.orders.clear_refund(known.shop, known.account, known.id):
        return False
    _note(tx, known, OrderNote.REFUND_OFF, known.raw_status, now)
    stopped = [one for one in units_of(tx, known) if one.state is DeliveryState.RELEASED]
    if stopped:
        detail = f"{len(stopped)} 份在退款时停下了，要发请选发货"
        _hold(tx, known, NeedKind.REFUND_OFF, detail, now)
    return True


def _paid(tx: Tx, account: Account, known: KnownOrder, order: Order, now: datetime) -> None:
    if _refund_off(tx, known, now):
        mark_complete(tx, replace(known, refund_at=None), now)
    units = units_of(tx, known)
    if units:
        _ask_about_forgotten(tx, known, units, now)
        return
    if is_left_alone(tx, known, now):
        return
    found = judge(tx, account, known, order, now)
    if isinstance(found, DeliveryRule) and _is_from_before(tx, account, order):
        found = NeedKind.HELD, FROM_BEFORE
    if isinstance(found, DeliveryRule):
        owe(tx, known, found, now)
    elif found is not None:
        _hold(tx, known, found[0], found[1], now)


def _ask_about_forgotten(
    tx: Tx, known: KnownOrder, units: Sequence[Delivery], now: datetime
) -> None:
    """What waits for a person, and nobody was asked, or the question is gone (L18)."""
    states = {one.state for one in units}
    if tx.needs.open_about(known.shop, known.account, known.id):
        return
    if DeliveryState.REVIEW in states:
        _hold(tx, known, NeedKind.UNCERTAIN, "还没有决定怎么处理", now)
    elif DeliveryState.PENDING in states:
        _hold(tx, known, NeedKind.OUT_OF_STOCK, "还没有留到卡密", now)


def is_left_alone(tx: Tx, known: KnownOrder, now: datetime) -> bool:
    """Many sellers sell nothing that can be delivered by itself. Until the shop has its first rule
    nobody is asked about its orders, and those of that time are never delivered by later rules."""
    shop, account, order = known.shop, known.account, known.id
    if was_left_alone(tx, known):
        return True
    if tx.delivery_rules.ever(shop):
        return False
    tx.orders.note_down(shop, account, order, OrderNote.LEFT_ALONE, detail=NO_RULES_YET, now=now)
    return True


def _is_from_before(tx: Tx, account: Account, order: Order) -> bool:
    """Whether it was paid before the account was connected here for the first time: whoever ran the
    shop then may have delivered it without marking it, whatever speaks of it now."""
    since, at = tx.comparisons.since(account.shop, account.id), order.paid_at or order.created_at
    # The pages of orders know no fractions of seconds.
    return since is not None and at is not None and at < since.replace(microsecond=0)


def judge(
    tx: Tx, account: Account, known: KnownOrder, order: Order, now: datetime
) -> DeliveryRule | tuple[NeedKind, str]:
    """The rule that a paid order is delivered by, or what a person has to be asked and why."""
    if known.buyer is None or known.conversation is None:
        return NeedKind.UNCLEAR, "订单上看不出买家是谁"
    rule = match_rule(tx.delivery_rules.all(known.shop), account.id, order)
    if isinstance(rule, NeedKind):
        return rule, _spec_words(known) if rule is NeedKind.UNKNOWN_SPEC else known.item_title
    if known.quantity is None:
        return NeedKind.UNCLEAR, "订单上看不出买了几件"
    own = next((one for one in tx.accounts.all(known.shop) if one.user == known.buyer), None)
    if own is not None:  # either side of such an order looks like the other one
        return NeedKind.HELD, f"对方是你自己的账号「{own.name}」"
    if known.quantity > rule.most_units:
        return NeedKind.TOO_MANY, f"买了 {known.quantity} 件，规则最多发 {rule.most_units} 件"
    stop = tx.stops.active(known.shop, known.account)
    if stop is not None:
        return NeedKind.STOPPED, f"{STOP_REASON}：{stop.reason}"
    guards = tx.guards.get(known.shop)
    before, unfinished = tx.deliveries.of_buyer(known.shop, known.buyer, known.id)
    held = held_by(guards, order, delivered_before=before, unfinished=unfinished)
    if held is not None:
        return NeedKind.HELD, held
    in_a_minute = tx.deliveries.reserved_since(known.shop, now - A_MINUTE)
    reason = brake(guards, in_a_minute=in_a_minute, failures=0)
    if reason is not None:
        pull_brake(tx, known.shop, reason, now)
        return NeedKind.STOPPED, f"{STOP_REASON}：{reason}"
    return rule


def owe(tx: Tx, known: KnownOrder, rule: DeliveryRule, now: datetime) -> None:
    """Write all units into the ledger, draw their cards and let them leave: one unit of work."""
    units = owe_units(tx, known, rule.pool, rule, now)
    tx.orders.set_steps(known.shop, known.account, known.id, rule.steps)
    missing = reserve(tx, known, units, now)
    if missing is not None:
        _hold(tx, known, NeedKind.OUT_OF_STOCK, missing, now)
        return
    fresh = tx.orders.get(known.shop, known.account, known.id)
    assert fresh is not None  # noqa: S101 - it was read just now
    begin(tx, fresh, timedelta(seconds=rule.delay_seconds), now)


def owe_units(
    tx: Tx, known: KnownOrder, pool: PoolId, rule: DeliveryRule | None, now: datetime
) -> list[Delivery]:
    """The units of an order, those included that the ledger has."""
    for number in range(1, pieces(tx.pools.get(known.shop, pool), known.quantity or 1) + 1):
        unit = OrderUnit(known.account, known.id, number)
        new = tx.deliveries.owe(
            known.shop,
            unit,
            pool=pool,
            rule=rule.id if rule is not None else None,
            cards=rule.cards if rule is not None else 1,
            now=now,
        )
        if new is not None:
            step = DeliveryStep.OWED
            tx.orders.note_down(known.shop, known.account, known.id, step, unit=number, now=now)
    return units_of(tx, known)


def pieces(pool: Pool | None, quantity: int) -> int:
    return 1 if pool is not None and pool.kind in ONE_PIECE_KINDS else quantity


def _spec_words(known: KnownOrder) -> str:
    said = "；".join(f"{name}:{value}" if name else value for name, value in known.spec)
    return f"买家选的是「{said}」" if said else "商品有多个规格，订单上没写买家选了哪个"


def _hold(tx: Tx, known: KnownOrder, kind: NeedKind, detail: str, now: datetime) -> None:
    what = text.NEED_KINDS[kind]
    _note(tx, known, OrderNote.HELD, f"{what}：{detail}" if detail else what, now)
    need_for(tx, known, kind, detail, now)


def _note(tx: Tx, known: KnownOrder, note: OrderNote, detail: str, now: datetime) -> None:
    tx.orders.note_down(known.shop, known.account, known.id, note, detail=detail, now=now)


# --- Bargains -------------------------------------------------------------------------------------


def _bargain(tx: Tx, known: KnownOrder, order: Order, now: datetime) -> None:
    """Free shipping is called once for a bargain that a rule serves, and once more when a refund
    came between; then its page decides."""
    rule = match_rule(tx.delivery_rules.all(known.shop), known.account, order)
    if isinstance(rule, NeedKind):
        return
    stop = tx.stops.active(known.shop, known.account)
    if stop is not None:
        _hold(tx, known, NeedKind.STOPPED, f"{STOP_REASON}：{stop.reason}", now)
        return
    lane = order_lane(known.account, f"free:{known.id}")
    story = tx.orders.story(known.shop, known.account, known.id)
    refunds = sum(line.step is OrderNote.REFUND_OFF for line in story)
    key = f"{lane}:{refunds}" if refunds else lane
    work = FreeShipping(known.account, known.id)
    tx.outbox.enqueue(known.shop, work, lane=lane, key=key, due_at=now)


def on_freed(tx: Tx, known: KnownOrder, now: datetime) -> None:
    """Free shipping was called; whether the order is to be shipped now is on its page."""
    _note(tx, known, OrderNote.FREED, "", now)
    read_again(tx, known, "freed", now)


def on_bargain_refused(tx: Tx, known: KnownOrder, reason: str, now: datetime) -> None:
    """L17: nothing goes out."""
    _hold(tx, known, NeedKind.BARGAIN, reason, now)


# --- Shipped --------------------------------------------------------------------------------------


def on_shipped(tx: Tx, known: KnownOrder, now: datetime, *, news: bool) -> None:
    """The platform counts it as shipped, whoever did it. `news`: we hear of it only now."""
    elsewhere = news and _is_not_our_mark(tx, known)
    confirm(tx, known, now)
    for delivery in units_of(tx, known):
        if delivery.state in UNDRAWN:
            take(tx, delivery, DeliveryStep.OUTSIDE, now, detail=SHIPPED_ELSEWHERE)
        elif elsewhere and delivery.state is DeliveryState.RESERVED:
            take(tx, delivery, DeliveryStep.STOPPED, now, detail=SHIPPED_ELSEWHERE)
    over = UNDELIVERED | {NeedKind.SHIP_FAILED}
    if known.steps is StepOrder.CONFIRM_THEN_SEND and not elsewhere:
        over -= {NeedKind.STOPPED, NeedKind.REFUND_OFF}  # the mark came first, the goods are owed
    held = any(one.state is DeliveryState.REVIEW for one in units_of(tx, known))
    if held:
        over -= {NeedKind.STOPPED}  # its cards wait for a decision
    close_needs(
        tx,
        known.shop,
        known.account,
        known.id,
        kinds=over,
        resolution="订单已标记发货",
        now=now,
    )
    if held and elsewhere:
        need_for(tx, known, NeedKind.STOPPED, f"{SHIPPED_ELSEWHERE}，货可能已经给了买家", now)
        if known.steps is StepOrder.CONFIRM_THEN_SEND:  # there is no mark of ours to wait for
            tx.orders.set_steps(known.shop, known.account, known.id, StepOrder.SEND_THEN_CONFIRM)


def _is_not_our_mark(tx: Tx, known: KnownOrder) -> bool:
    """Whether somebody else marked it as shipped while goods of ours had still to leave: that may
    have been their way of sending them."""
    if known.steps is not StepOrder.CONFIRM_THEN_SEND:
        return True
    undrawn = any(one.state in UNDRAWN for one in units_of(tx, known))
    return undrawn or bool(tx.outbox.waiting(known.shop, delay_lane(known)))


def on_ship_done(tx: Tx, known: KnownOrder, now: datetime) -> None:
    """Our own mark at the platform is set; what waited for it leaves."""
    news = tx.orders.set_shipped(known.shop, known.account, known.id, now)
    on_shipped(tx, known, now, news=news)
    fresh = tx.orders.get(known.shop, known.account, known.id)
    if fresh is not None and fresh.steps is StepOrder.CONFIRM_THEN_SEND:
        start(tx, fresh, now)


def on_ship_refused(tx: Tx, known: KnownOrder, reason: str, now: datetime) -> None:
    _note(tx, known, OrderNote.SHIP_FAILED, reason, now)
    if any(one.state is DeliveryState.RESERVED for one in units_of(tx, known)):
        reason = f"{reason}；货还没有发给买家"
    need_for(tx, known, NeedKind.SHIP_FAILED, reason, now)


# --- Refunds --------------------------------------------------------------------------------------


def _over(tx: Tx, account: Account, known: KnownOrder, status: OrderStatus, now: datetime) -> None:
    """A refund, or the end of the order: what has not left goes back, what was given is disputed,
    and it is told at once."""
    tx.orders.set_refund(known.shop, known.account, known.id, now)
    units, returned, kept, disputed, unsure = units_of(tx, known), 0, 0, 0, 0
    for delivery in units:
        match delivery.state:
            case DeliveryState.PENDING | DeliveryState.SUPPLYING | DeliveryState.RESERVED:
                own = goes_back(tx, delivery)
                release(tx, delivery, now, detail=REFUND_REASON)
                returned, kept = returned + own, kept + (not own)
            case DeliveryState.SENDING | DeliveryState.REVIEW:
                unsure += 1
            case state if state in HANDED_OVER:
                if tx.cards.dispute(known.shop, delivery.unit, now=now):
                    disputed += 1
                    _note(tx, known, OrderNote.DISPUTED, f"第 {delivery.unit.unit} 份", now)
            case _:
                pass
    closed = close_needs(
        tx,
        known.shop,
        known.account,
        known.id,
        kinds=UNDELIVERED,
        resolution=text.ORDER_STATUSES[status],
        now=now,
    )
    news = tx.inputs.first_time(
        known.shop, f"over:{known.account}:{known.id}:{status}:{known.refund_at or now}", now
    )
    if not news or not (units or closed):
        return
    _note(tx, known, OrderNote.REFUND, text.ORDER_STATUSES[status], now)
    stopped = (returned, kept)
    _tell_over(tx, account, known, status, stopped, disputed, now)
    if (disputed or unsure) and status is not OrderStatus.CLOSED:
        detail = "货可能已经到买家手里，请核对后再同意退款" if unsure else "卡密已经发出"
        need_for(tx, known, NeedKind.REFUND, detail, now)


def _tell_over(
    tx: Tx,
    account: Account,
    known: KnownOrder,
    status: OrderStatus,
    stopped: tuple[int, int],
    disputed: int,
    now: datetime,
) -> None:
    """`stopped`: how many units went back into stock, and how many others had not left."""
    conversation = (
        tx.conversations.get(known.shop, known.conversation)
        if known.conversation is not None
        else None
    )
    returned, kept = stopped
    said = text.refund_notice(
        account, known, conversation, status, returned=returned, kept=kept, disputed=disputed
    )
    key = f"over:{known.account}:{known.id}:{status}:{now.isoformat()}"
    if conversation is not None:
        tell_owners(tx, conversation, said, key=key, now=now)
    else:
        kind, whose = NoticeKind.ORDER, known.account
        tell_owners_of_shop(tx, known.shop, said, key=key, now=now, kind=kind, account=whose)
