"""What is offered for an order is what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.model import (
    AccountId,
    Choice,
    ConversationId,
    DeliveryState,
    KnownOrder,
    OrderStatus,
    ShopId,
    StepOrder,
)
from hub.policy import acts_on

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
C, S = Choice, DeliveryState
PAID = KnownOrder(
    shop=ShopId(1),
    account=AccountId(1),
    id="4400112233445566778",
    conversation=ConversationId(1),
    status=OrderStatus.PAID,
    raw_status="",
    item_id=None,
    item_title="",
    buyer=None,
    buyer_name="",
    spec=(),
    quantity=1,
    paid_amount=None,
    bargain=False,
    created_at=None,
    paid_at=None,
    steps=StepOrder.SEND_THEN_CONFIRM,
    shipped_at=None,
    refund_at=None,
    seen_at=NOW,
    read_at=NOW,
)
SHIPPED = replace(PAID, status=OrderStatus.SHIPPED, shipped_at=NOW)
REFUNDED = replace(PAID, status=OrderStatus.REFUNDED, refund_at=NOW)


@pytest.mark.parametrize(
    ("order", "states", "acts"),
    [
        (PAID, [], [C.DELIVER, C.OUTSIDE, C.SHIP, C.REFUSE, C.READ]),
        (replace(PAID, conversation=None), [], [C.DELIVER, C.OUTSIDE, C.SHIP, C.REFUSE]),
        (PAID, [S.PENDING], [C.DELIVER, C.OUTSIDE, C.SHIP, C.REFUSE, C.READ]),
        (PAID, [S.RESERVED], [C.OUTSIDE, C.SHIP, C.RELEASE, C.REFUSE, C.READ]),
        (PAID, [S.SENDING], [C.SHIP, C.READ]),
        (PAID, [S.SENDING, S.REVIEW], [C.ARRIVED, C.RESEND, C.SHIP, C.READ]),
        (
            PAID,
            [S.REVIEW],
            [C.ARRIVED, C.RESEND, C.OUTSIDE, C.SHIP, C.RELEASE, C.REFUSE, C.READ],
        ),
        (PAID, [S.OUTSIDE], [C.SHIP, C.READ]),
        (SHIPPED, [S.CONFIRMED], [C.RESEND, C.READ]),
        (SHIPPED, [], [C.DELIVER, C.OUTSIDE, C.REFUSE, C.READ]),
        (REFUNDED, [], [C.READ]),
        (REFUNDED, [S.CONFIRMED], [C.READ]),
        (replace(PAID, status=OrderStatus.UNPAID), [], [C.READ]),
        (replace(PAID, status=None), [], [C.OUTSIDE, C.REFUSE, C.READ]),
    ],
)
def test_what_is_offered_fits_the_order_and_its_units(
    order: KnownOrder, states: list[DeliveryState], acts: list[Choice]
) -> None:
    assert list(acts_on(order, states)) == acts
