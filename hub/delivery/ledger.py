"""The ledger at work: answers are settled, the buyer has the goods, cards go back.

Every function is part of a unit of work and does no I/O, so that a crash leaves all of it or
nothing. States change through the table in `hub.policy` only.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from hub import text
from hub.delivery.drawing import put_back
from hub.delivery.needs import UNDELIVERED, close_needs, open_need
from hub.delivery.steps import BY_THE_HUB, HALTED, need_for, take, units_of, withdraw
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    Message,
    MessageId,
    MessageState,
    NeedKind,
    NoticeKind,
    OrderNote,
    Pool,
    ShipOrder,
    ShopId,
    StepOrder,
    Text,
    order_lane,
)
from hub.notices import tell_owners, tell_owners_of_shop, tell_stock
from hub.policy import HANDED_OVER, ON_THEIR_WAY, SETTLED, brake
from hub.store import Tx

FAILURES_WITHIN = timedelta(minutes=10)
UNSENT = frozenset({*UNDELIVERED, NeedKind.OFFLINE, NeedKind.REJECTED, NeedKind.UNCERTAIN})
"""Needs that are over once the buyer has the goods."""
ARRIVED = (MessageState.ACCEPTED, MessageState.READ)
REFUND_REASON = "买家申请了退款，或订单已关闭"
STOP_REASON = "发货急停中"
SEEN_AFTER_ALL = "退回库存的卡密其实已经到了买家手里，已从库存作废"

_BAD_ENDS = {
    MessageState.REJECTED: (DeliveryStep.REJECTED, NeedKind.REJECTED),
    MessageState.UNCERTAIN: (DeliveryStep.UNCERTAIN, NeedKind.UNCERTAIN),
    MessageState.DROPPED: (DeliveryStep.STOPPED, NeedKind.STOPPED),
}
_WANTED = (
    DeliveryStep.ASKED,
    DeliveryStep.RESERVED,
    DeliveryStep.RESENT,
    OrderNote.HURRIED,
)
"""Lines of the story that tell who wanted something to leave."""
_OF_REPETITIONS = (
    DeliveryStep.RESENT,
    DeliveryStep.ACCEPTED,
    *(step for step, _ in _BAD_ENDS.values()),
)


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
        if _came_too_late(tx, order, delivery, message, now):
            return
        parts = tx.deliveries.parts(shop, delivery.id, attempt)
        if all(one in ARRIVED for _, one in parts):
            again = attempt == delivery.attempt and delivery.state in HANDED_OVER
            hand_over(tx, order, delivery, now)
            if again:
                _arrived_again(tx, order, delivery, message, now)
            if attempt != delivery.attempt and delivery.state not in HANDED_OVER:
                withdraw(tx, delivery, now)  # a repetition that has not left is needless
        return
    if state not in _BAD_ENDS or attempt != delivery.attempt:
        return
    step, kind = _BAD_ENDS[state]
    never_left = delivery.state is DeliveryState.RESERVED
    if step is DeliveryStep.STOPPED and order.refund_at is not None and never_left:
        release(tx, delivery, now, detail=reason)
        return
    looked_at = delivery.state is DeliveryState.REVIEW or reason == HALTED
    if step is DeliveryStep.STOPPED and looked_at:
        return  # the rest of what a person looks at already, or that nobody needs
    if take(tx, delivery, step, now, detail=reason) is None:
        return
    need_for(tx, order, kind, reason, now)
    if step is not DeliveryStep.STOPPED:
        _brake_after_failures(tx, order, now)


def _came_too_late(
    tx: Tx, order: KnownOrder, delivery: Delivery, message: MessageId, now: datetime
) -> bool:
    """Whether the buyer turns out to have cards that went back into their pool: they are not sold
    again, and a person is told."""
    if delivery.state in ON_THEIR_WAY | HANDED_OVER | {DeliveryState.REVIEW}:
        again = tx.deliveries.of_message(delivery.shop, message)
        if again is None or again[1] == delivery.attempt:
            return False
    said = [tx.messages.get(delivery.shop, message)]
    seen = [
        card
        for card in tx.card_records.released_from(delivery.shop, delivery.unit)
        if card.unit != delivery.unit
        and card.state is not CardState.VOID
        and speaks_of(said, card.code)
    ]
    for card in seen:
        if card.state is CardState.AVAILABLE:
            tx.cards.void(delivery.shop, card.id, by=Cause(None, "hub", SEEN_AFTER_ALL), now=now)
            tell_stock(tx, delivery.shop, card.pool, now)
    if seen:
        others = [card.unit.order for card in seen if card.unit is not None]
        more = f"；同一张已经给了订单 {'、'.join(others)}，请马上核对" if others else ""
        need_for(tx, order, NeedKind.UNCERTAIN, f"{SEEN_AFTER_ALL}{more}", now)
    return bool(seen)


def speaks_of(messages: Sequence[Message | None], code: str) -> bool:
    return any(
        message is not None and isinstance(message.content, Text) and code in message.content.text
        for message in messages
    )


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
    tx.cards.hand_over(order.shop, delivery.unit, by=by, now=now)
    if order.refund_at is not None:
        tx.cards.dispute(order.shop, delivery.unit, now=now)
    if delivery.state in HANDED_OVER:  # sent once more, perhaps with another card for a void one
        return
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


def _arrived_again(
    tx: Tx, order: KnownOrder, delivery: Delivery, message: MessageId, now: datetime
) -> None:
    """What a person had sent once more is with the buyer. The answer and our own echo may both say
    so; it is told once, with the last unit of the order."""
    story = tx.orders.story(order.shop, order.account, order.id)
    last = {line.unit: line.step for line in story if line.step in _OF_REPETITIONS}
    if last.get(delivery.unit.unit) is not DeliveryStep.RESENT:
        return
    take(tx, delivery, DeliveryStep.ACCEPTED, now)
    if sum(step is DeliveryStep.RESENT for step in last.values()) == 1:
        units = [one for one in units_of(tx, order) if one.attempt > 1]
        _tell_delivered(tx, order, units, now, again=message)


def _tell_delivered(
    tx: Tx,
    order: KnownOrder,
    units: Sequence[Delivery],
    now: datetime,
    *,
    again: MessageId | None = None,
) -> None:
    """`again`: the message that brought the last of it once more."""
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
    said = text.delivered_notice(
        account,
        order,
        conversation,
        name,
        cards,
        len(given),
        again=again is not None,
        by_hand=_by_hand(tx, order, now),
    )
    key = f"delivered:{order.account}:{order.id}" if again is None else f"resent:{again}"
    if conversation is not None:
        tell_owners(tx, conversation, said, key=key, now=now)
    else:
        kind, whose = NoticeKind.ORDER, order.account
        tell_owners_of_shop(tx, order.shop, said, key=key, now=now, kind=kind, account=whose)


def _by_hand(tx: Tx, order: KnownOrder, now: datetime) -> tuple[str, timedelta] | None:
    """Who wanted what has arrived now to leave, and how long ago; None: no person."""
    story = tx.orders.story(order.shop, order.account, order.id)
    wanted = (line for line in reversed(story) if line.step in _WANTED)
    last = next((line for line in wanted if line.door != BY_THE_HUB.door), None)
    if last is None:
        return None
    member = tx.members.get(order.shop, last.member) if last.member is not None else None
    return member.name if member is not None else "", now - last.at


def _pool_of(tx: Tx, units: Sequence[Delivery]) -> Pool | None:
    first = next((one.pool for one in units if one.pool is not None), None)
    return tx.pools.get(units[0].shop, first) if first is not None else None
