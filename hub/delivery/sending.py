"""How what is reserved leaves: messages are written, and checked once more before each is sent."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.delivery.drawing import make_up, spoilt
from hub.delivery.ledger import REFUND_REASON, STOP_REASON, ship, speaks_of
from hub.delivery.steps import HALTED, need_for, take, units_of
from hub.model import (
    KEPT,
    CardState,
    Content,
    ConversationId,
    Delivery,
    DeliveryState,
    DeliveryStep,
    Image,
    KnownOrder,
    Message,
    MessageId,
    MessageState,
    NeedKind,
    Origin,
    Picture,
    SendMessage,
    ShopId,
    StartDelivery,
    StepOrder,
    StoredPicture,
    Text,
    send_lane,
)
from hub.policy import HANDED_OVER, ON_THEIR_WAY, UNDRAWN, DeliveryFacts, compose
from hub.store import Tx

WRONG_BUYER = "这个会话的对方不是这笔订单的买家"
SPOILT = "等着发的时候卡密作废或过期了，选发货会换一张"


def begin(tx: Tx, order: KnownOrder, delay: timedelta, now: datetime) -> None:
    """Let what is reserved leave after its delay, which survives restarts (L16)."""
    if not delay:
        start(tx, order, now)
        return
    if _lacks_cards(tx, order):
        return
    lane = delay_lane(order)
    work = StartDelivery(order.account, order.id)
    key = f"{lane}:{now.isoformat()}"
    tx.outbox.enqueue(order.shop, work, lane=lane, key=key, due_at=now + delay, now=now)


def delay_lane(order: KnownOrder) -> str:
    return f"delayed:{order.account}:{order.id}"


def start(tx: Tx, order: KnownOrder, now: datetime) -> None:
    """Let what is reserved and not written yet leave: the messages, or the mark at the platform
    first. All units or none: what a supplier still owes is waited for (L10)."""
    if _lacks_cards(tx, order):
        return
    waiting = [one for one in units_of(tx, order) if is_unwritten(tx, one)]
    if not waiting:
        return
    stop = tx.stops.active(order.shop, order.account)
    if stop is not None:
        for delivery in waiting:
            take(tx, delivery, DeliveryStep.STOPPED, now, detail=stop.reason)
        need_for(tx, order, NeedKind.STOPPED, f"{STOP_REASON}：{stop.reason}", now)
    elif order.steps is StepOrder.CONFIRM_THEN_SEND and order.shipped_at is None:
        ship(tx, order, now)
    else:
        for delivery in waiting:
            write(tx, order, delivery, now)


def halt_before_mark(tx: Tx, order: KnownOrder, now: datetime) -> bool:
    """An emergency stop keeps the mark at the platform back as well where it comes before the goods
    (L4). True: what waited for the mark waits for a person now."""
    if order.steps is not StepOrder.CONFIRM_THEN_SEND:
        return False
    waited = any(is_unwritten(tx, one) for one in units_of(tx, order))
    if not waited or tx.stops.active(order.shop, order.account) is None:
        return False
    start(tx, order, now)
    return True


def _lacks_cards(tx: Tx, order: KnownOrder) -> bool:
    return any(one.state in UNDRAWN for one in units_of(tx, order))


def is_unwritten(tx: Tx, delivery: Delivery) -> bool:
    """Reserved, and the messages of this time are not there yet."""
    if delivery.state is not DeliveryState.RESERVED:
        return False
    parts = tx.deliveries.parts(delivery.shop, delivery.id, delivery.attempt)
    return not any(state is MessageState.QUEUED for _, state in parts)


def write(tx: Tx, order: KnownOrder, delivery: Delivery, now: datetime) -> None:
    """Messages and tasks of one unit: the same contents as before if it was written before."""
    assert order.conversation is not None  # noqa: S101 - nothing is reserved without one
    missing = make_up(tx, delivery, now)
    contents = [] if missing else _said_before(tx, delivery) or _compose(tx, order, delivery)
    if not contents:
        detail = missing or "卡池里没有可以发的内容"
        take(tx, delivery, DeliveryStep.STOPPED, now, detail=detail)
        need_for(tx, order, NeedKind.OUT_OF_STOCK, detail, now)
        return
    attempt = tx.deliveries.written_again(delivery.shop, delivery.id)
    for number, content in enumerate(contents, 1):
        message = tx.messages.add_out(
            order.shop,
            order.account,
            order.conversation,
            key=f"delivery:{delivery.id}:{attempt}:{number}",
            origin=Origin.DELIVERY,
            content=content,
            now=now,
        )
        assert message is not None  # noqa: S101 - the attempt is new
        tx.deliveries.add_part(order.shop, delivery.id, attempt, message)
        pictures = isinstance(content, Image)
        tx.outbox.enqueue(
            order.shop,
            SendMessage(order.account, order.conversation, message, pictures=pictures),
            lane=send_lane(order.account, order.conversation),
            key=f"send:{message}",
            due_at=now,
        )


def _said_before(tx: Tx, delivery: Delivery) -> list[Content]:
    """What a resend repeats word for word; a card that was voided since is no such thing."""
    if not delivery.attempt:
        return []
    cards = tx.cards.of_unit(delivery.shop, delivery.unit)
    if any(card.state is CardState.VOID for card in cards):
        return []
    parts = tx.deliveries.parts(delivery.shop, delivery.id, delivery.attempt)
    found = [tx.messages.get(delivery.shop, message) for message, _ in parts]
    if cards and not all(speaks_of(found, card.code) for card in cards):
        return []
    return [message.content for message in found if message is not None]


def _compose(tx: Tx, order: KnownOrder, delivery: Delivery) -> list[Content]:
    pool = tx.pools.get(order.shop, delivery.pool) if delivery.pool is not None else None
    cards = [
        card
        for card in tx.cards.of_unit(order.shop, delivery.unit)
        if card.state is not CardState.VOID
    ]
    parts = compose(
        pool.template if pool is not None else "",
        facts_of(tx, order, delivery),
        codes=[card.code for card in cards],
        text=pool.text if pool is not None else "",
        pictures=pool.pictures if pool is not None else (),
    )
    return [part if isinstance(part, Text) else _image(part) for part in parts]


def _image(picture: StoredPicture) -> Image:
    """A message of its own, never a mark inside a text (L15)."""
    return Image((Picture(KEPT + picture.name, picture.width, picture.height),))


def facts_of(tx: Tx, order: KnownOrder, delivery: Delivery) -> DeliveryFacts:
    """What the placeholders of its pool stand for."""
    account = tx.accounts.get(order.shop, order.account)
    item = tx.items.get(order.shop, order.item_id) if order.item_id is not None else None
    return DeliveryFacts(
        order_id=order.id,
        item_id=order.item_id or "",
        item_title=order.item_title,
        item_detail=item.item.description if item is not None else "",
        buyer_id=order.buyer or "",
        buyer_name=order.buyer_name,
        cookie_id=account.name if account is not None else "",
        spec_name=" ".join(name for name, _ in order.spec if name),
        spec_value=" ".join(value for _, value in order.spec),
        order_amount="" if order.paid_amount is None else str(order.paid_amount),
        order_quantity="" if order.quantity is None else str(order.quantity),
        order_unit=str(delivery.unit.unit),
    )


# --- At the moment of sending ---------------------------------------------------------------------


def why_not(tx: Tx, message: Message, shop: ShopId, now: datetime) -> str | None:
    """Why a message of a delivery may not leave now; None: it may."""
    found = tx.deliveries.of_message(shop, message.id)
    if found is None:
        return "不属于任何一次发货"
    delivery, attempt = found
    unit = delivery.unit
    order = tx.orders.get(shop, unit.account, unit.order)
    stop = tx.stops.active(shop, unit.account)
    if order is None or delivery.state not in ON_THEIR_WAY | HANDED_OVER:
        return HALTED
    if message.state is MessageState.DROPPED:
        return HALTED
    if attempt != delivery.attempt:
        return "已经重新发送"
    if order.refund_at is not None:
        return REFUND_REASON
    if not is_with_its_buyer(tx, order, message.conversation):
        return WRONG_BUYER
    if stop is not None:
        return f"{STOP_REASON}：{stop.reason}"
    return SPOILT if spoilt(tx, delivery, now) else None


def is_with_its_buyer(tx: Tx, order: KnownOrder, id_: ConversationId) -> bool:
    """Whether a conversation is with the buyer of this order, as far as both are known."""
    conversation = tx.conversations.get(order.shop, id_)
    return conversation is not None and (
        order.buyer is None or conversation.buyer in (None, order.buyer)
    )


def on_message_waits(tx: Tx, shop: ShopId, message: MessageId, now: datetime) -> None:
    """Its account has not been connected for so long that a person has to know (L18)."""
    found = tx.deliveries.of_message(shop, message)
    unit = found[0].unit if found is not None else None
    order = tx.orders.get(shop, unit.account, unit.order) if unit is not None else None
    if order is not None:
        need_for(tx, order, NeedKind.OFFLINE, "连上以后会自己发出去", now)


def on_message_left(tx: Tx, shop: ShopId, message: MessageId, now: datetime) -> None:
    """It is marked as on the wire, in the same unit of work."""
    found = tx.deliveries.of_message(shop, message)
    if found is not None:
        take(tx, found[0], DeliveryStep.LEFT, now)
