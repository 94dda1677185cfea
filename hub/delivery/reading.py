"""Which orders are read, when, and what an answer is worth that came late."""

from __future__ import annotations

from datetime import datetime, timedelta

from hub.delivery.needs import open_need
from hub.model import (
    Account,
    AccountId,
    AccountState,
    Conversation,
    DeliveryState,
    KnownOrder,
    MessageId,
    Need,
    NeedKind,
    Order,
    OrderNote,
    OrderSignal,
    OrderStatus,
    ReadOrder,
    ShopId,
    order_lane,
)
from hub.store import Tx

_S = OrderStatus
ONCE = frozenset({_S.UNPAID, _S.PAID, _S.BARGAIN_PENDING, _S.SHIPPED, _S.COMPLETED})
"""News that an order brings once; refunds come and go."""
OVER = frozenset({_S.REFUND_REQUESTED, _S.REFUNDED, _S.CLOSED})
WATCHED = ONCE | OVER | {_S.REFUND_CHANGED}
SAME_NEWS = timedelta(minutes=5)
"""How far two words of the platform about one payment may lie apart."""


def on_signal(
    tx: Tx, account: Account, conversation: Conversation, event: OrderSignal, now: datetime
) -> None:
    """Have the order read that the platform speaks of. Signals come from the platform's own marks
    only; what a buyer types never is one."""
    buys = f"buys:{account.id}:{conversation.platform_id}"
    if event.as_buyer:
        tx.inputs.first_time(account.shop, buys, now)
        return
    if event.status not in WATCHED:
        return
    if event.order_id is None and tx.inputs.known(account.shop, [buys]):
        return  # a mark without an order, where the account itself may be the buyer
    if event.status in ONCE and event.order_id is not None:
        news = event.order_id
    else:
        news = event.id or f"{conversation.platform_id}:{event.sent_at.isoformat()}"
    is_news = read_order(
        tx,
        account.shop,
        ReadOrder(
            account.id,
            conversation.platform_id,
            event.order_id,
            event.item_id or conversation.item_id,
            event.status,
        ),
        key=f"read:{account.id}:{news}:{event.status}",
        now=now,
    )
    if is_news and event.status in OVER and event.order_id is not None:
        # Believed at once, because it only keeps goods back; the page decides afterwards.
        tx.orders.set_refund(account.shop, account.id, event.order_id, now)


def read_order(tx: Tx, shop: ShopId, work: ReadOrder, *, key: str, now: datetime) -> bool:
    """Once per `key`. One order after the other in a conversation, so that an old page never
    overtakes a new one."""
    lane = order_lane(work.account, work.conversation)
    return tx.outbox.enqueue(shop, work, lane=lane, key=key, due_at=now) is not None


def read_again(
    tx: Tx, order: KnownOrder, why: str, now: datetime, *, since: datetime | None = None
) -> bool:
    """Have a known order read once more; with `since` once after that moment. False: it is read
    already, or nobody knows its conversation."""
    conversation = (
        tx.conversations.get(order.shop, order.conversation)
        if order.conversation is not None
        else None
    )
    if conversation is None:
        return False
    work = ReadOrder(
        order.account, conversation.platform_id, order.id, order.item_id, order.status or _S.PAID
    )
    key = f"read:{order.account}:{order.id}:{why}:{(since or now).isoformat()}"
    return read_order(tx, order.shop, work, key=key, now=now)


def look_up(tx: Tx, need: Need, now: datetime) -> bool:
    """Have the order read that a need is about without knowing its number. False: nobody knows the
    conversation either."""
    where = need.conversation
    conversation = tx.conversations.get(need.shop, where) if where is not None else None
    if conversation is None:
        return False
    work = ReadOrder(
        conversation.account, conversation.platform_id, None, conversation.item_id, _S.PAID
    )
    key = f"read:{conversation.account}:need {need.id}:{now.isoformat()}"
    return read_order(tx, need.shop, work, key=key, now=now)


def look_again(tx: Tx, shop: ShopId, message: MessageId, now: datetime) -> bool:
    """Whether a message of a delivery has to wait until its order was read: since it was read last,
    the account was not connected all the time, and a refund may have gone unheard."""
    found = tx.deliveries.of_message(shop, message)
    unit = found[0].unit if found is not None else None
    order = tx.orders.get(shop, unit.account, unit.order) if unit is not None else None
    account = tx.accounts.get(shop, order.account) if order is not None else None
    if order is None or account is None:
        return False
    if account.state is not AccountState.ONLINE:
        return True  # its session lives, but since when is not written down yet
    since = account.state_since
    if order.read_at >= since:
        return False
    if read_again(tx, order, "back", now, since=since) or since <= now:
        return True
    return _is_being_read(tx, order)  # the clock went back: waiting for that moment is no use


def _is_being_read(tx: Tx, order: KnownOrder) -> bool:
    where = order.conversation
    conversation = tx.conversations.get(order.shop, where) if where is not None else None
    return conversation is not None and any(
        isinstance(task.work, ReadOrder) and task.work.order == order.id
        for task in tx.outbox.waiting(
            order.shop, order_lane(order.account, conversation.platform_id)
        )
    )


def is_lost(tx: Tx, shop: ShopId, account: AccountId, order: str) -> bool:
    """An order that waits at the platform, paid, and nobody here does anything about it."""
    known = tx.orders.get(shop, account, order)
    if known is not None and known.refund_at is not None:
        return True  # the refund is off, and no word of that came
    if known is not None and was_left_alone(tx, known):
        return False
    units = tx.deliveries.of_order(shop, account, order)
    owed = [one for one in units if one.state in (DeliveryState.PENDING, DeliveryState.REVIEW)]
    return (not units or bool(owed)) and not tx.needs.open_about(shop, account, order)


def was_left_alone(tx: Tx, known: KnownOrder) -> bool:
    """Whether it was paid while its shop had no delivery rules."""
    story = tx.orders.story(known.shop, known.account, known.id)
    return any(line.step is OrderNote.LEFT_ALONE for line in story)


def is_doubted(tx: Tx, shop: ShopId, work: ReadOrder, order: Order) -> bool:
    """Whether a refund was heard of since the page was asked for: then it is read once more, behind
    this, and the page that was read for the refund decides."""
    return order.status not in OVER and any(
        isinstance(task.work, ReadOrder)
        and task.work.order == order.id
        and task.work.status in OVER
        for task in tx.outbox.waiting(shop, order_lane(work.account, work.conversation))
    )


def speaks_of_another(
    tx: Tx, shop: ShopId, work: ReadOrder, order: Order, heard_at: datetime, *, lags: bool
) -> bool:
    """Whether a mark "paid" that names no order is explained by another order than this unpaid one,
    which is only the newest of its conversation. `lags`: this one's page may still be behind, so
    only a word that names the other one counts."""
    if work.order is not None or work.status is not _S.PAID or order.status is not _S.UNPAID:
        return False
    named = any(
        isinstance(task.work, ReadOrder)
        and task.work.order not in (None, order.id)
        and task.work.status is _S.PAID
        for task in tx.outbox.waiting(shop, order_lane(work.account, work.conversation))
    )
    conversation = tx.conversations.by_platform(shop, work.account, work.conversation)
    if named or lags or conversation is None or order.buyer is None:
        return named
    return any(
        one.conversation == conversation.id
        and one.id != order.id
        and one.status in ONCE
        and (one.status is _S.PAID or one.seen_at >= heard_at - SAME_NEWS)
        for one in tx.orders.of_buyer(shop, order.buyer)
    )


def on_unread(
    tx: Tx, shop: ShopId, work: ReadOrder, kind: NeedKind, detail: str, now: datetime
) -> None:
    """The page of an order that has to be delivered cannot be had: a person has to know (L18)."""
    known = tx.orders.get(shop, work.account, work.order) if work.order is not None else None
    if work.status not in (_S.PAID, _S.BARGAIN_PENDING) and known is None:
        return
    if not tx.delivery_rules.ever(shop):
        return
    conversation = tx.conversations.by_platform(shop, work.account, work.conversation)
    if known is None and work.order is not None:
        # So that a person finds it under its number, and what is chosen for it can be done.
        unread = Order(work.order, None, "", work.item_id)
        where = conversation.id if conversation is not None else None
        tx.orders.save(shop, work.account, unread, conversation=where, now=now)
    open_need(
        tx,
        shop,
        kind,
        account=work.account,
        order=work.order,
        subject="" if work.order else f"conversation:{work.account}:{work.conversation}",
        conversation=conversation.id if conversation is not None else None,
        detail=detail,
        now=now,
    )
