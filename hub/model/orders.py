"""Orders as the platform's order pages show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hub.model.events import OrderStatus
from hub.model.ids import AccountId, PlatformUser
from hub.model.items import Spec


@dataclass(frozen=True, slots=True)
class Order:
    """The truth about one purchase. What the platform does not say is None or empty, never guessed.

    `status` is one of UNPAID, BARGAIN_PENDING, PAID, SHIPPED, COMPLETED, REFUND_REQUESTED, REFUNDED
    and CLOSED, or None when the page cannot be read for sure or contradicts itself. Goods may go
    out at PAID and at nothing else.
    """

    id: str
    status: OrderStatus | None
    raw_status: str
    """The platform's own words for the status."""
    item_id: str | None = None
    item_title: str = ""
    buyer: PlatformUser | None = None
    buyer_name: str = ""
    spec: Spec = ()
    quantity: int | None = None
    paid_amount: Decimal | None = None
    """Yuan, with postage: what the buyer pays or paid after every change of price."""
    listed_price: Decimal | None = None
    """Yuan, for one piece, before any change of price."""
    created_at: datetime | None = None
    paid_at: datetime | None = None
    shipped_at: datetime | None = None
    completed_at: datetime | None = None
    bargain: bool = False
    """Sold in a bargain group (小刀)."""


@dataclass(frozen=True, slots=True)
class OrderPage:
    """One page of a list of orders; lists lack the spec and some of the times."""

    orders: tuple[Order, ...]
    more: bool
    """Another page may follow. Stop as well when a page brings nothing new."""


@dataclass(frozen=True, slots=True)
class Done:
    """The platform did what was asked, now or (`already`) before."""

    already: bool = False


def order_key(account: AccountId, order_id: str, status: str) -> str:
    """Names one piece of news about an order, so that it is told once whoever brings it."""
    return f"order:{account}:{order_id}:{status}"
