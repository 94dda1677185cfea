"""One step of a delivery: its state, its line in the story, and what no longer leaves."""

from __future__ import annotations

from datetime import datetime

from loguru import logger

from hub.delivery.needs import open_need
from hub.model import (
    Cause,
    Delivery,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    MessageState,
    NeedKind,
)
from hub.policy import next_state
from hub.store import Tx

BY_THE_HUB = Cause(None, "hub")
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
    """Take a step of the state machine and write it into the story; None: it leads nowhere.

    What is logged of it holds if the unit of work is committed."""
    state = next_state(delivery.state, step)
    if state is None:
        return None
    unit = delivery.unit
    if state is not delivery.state:
        tx.deliveries.set_state(delivery.shop, delivery.id, state, now)
        logger.info(
            "order {} unit {}: {} -> {} ({})", unit.order, unit.unit, delivery.state, state, step
        )
        if state in NOTHING_MORE_LEAVES:
            withdraw(tx, delivery, now)
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


def withdraw(tx: Tx, delivery: Delivery, now: datetime) -> None:
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


def nothing_left(tx: Tx, delivery: Delivery) -> bool:
    """Whether no message of it was ever put on the wire."""
    unit = delivery.unit
    return not any(
        line.unit == unit.unit and line.step is DeliveryStep.LEFT
        for line in tx.orders.story(delivery.shop, unit.account, unit.order)
    )
