"""The order book: what an order is worth, where it stands, and which steps lead on from there."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from hub.sandbox.world import Conversation, Item, Sku, World, now_ms

CHINA = timezone(timedelta(hours=8))
Specs = tuple[tuple[str, str], ...]


class State(StrEnum):
    UNPAID = "unpaid"
    BARGAIN = "bargain"
    """Paid as a 小刀 order that is not complete yet."""
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    CLOSED = "closed"


class Refused(Exception):
    """The order does not allow this step now; carries a sentence."""


@dataclass(slots=True)
class Order:
    id: str
    conversation: str
    seller: str
    buyer: str
    buyer_name: str
    item: str
    item_title: str
    item_picture: str
    specs: Specs
    quantity: int
    listed_cents: int
    """Price of one piece in the listing."""
    goods_cents: int
    """What all pieces cost, after a change of price."""
    created_at: int
    postage_cents: int = 0
    parcel: bool = False
    """To be sent by post."""
    bargain: bool = False
    state: State = State.UNPAID
    refunding: bool = False
    refunded: bool = False
    reason: str = ""
    """Why it was closed or is to be refunded."""
    ship_text: str = ""
    buyer_rating: str | None = None
    seller_rating: str | None = None
    steps: dict[str, int] = field(default_factory=dict)
    """Time in ms of each step, the newest of equal ones; what a detail page shows."""
    story: list[str] = field(default_factory=list)
    """Every step in order, repeated ones included."""

    @property
    def paid_cents(self) -> int:
        return self.goods_cents + self.postage_cents


_OPEN = (State.PAID, State.SHIPPED, State.COMPLETED)
_FROM: dict[str, tuple[State, ...]] = {
    "price_changed": (State.UNPAID,),
    "paid": (State.UNPAID,),
    "bargain_waiting": (State.UNPAID,),
    "bargain_done": (State.BARGAIN,),
    "shipped": (State.PAID,),
    "completed": (State.SHIPPED,),
    "closed": (State.UNPAID, State.BARGAIN, State.PAID),
    "refund_requested": (*_OPEN, State.BARGAIN),
    "refund_withdrawn": (*_OPEN, State.BARGAIN),
    "refund_refused": (*_OPEN, State.BARGAIN),
    "refund_agreed": (*_OPEN, State.BARGAIN),
    "refunded": (*_OPEN, State.BARGAIN),
    "rated": (State.COMPLETED,),
    "seller_rated": (State.COMPLETED,),
}
"""Steps, and the states from which each is possible."""
_TO: dict[str, State] = {
    "unpaid": State.UNPAID,
    "paid": State.PAID,
    "bargain_waiting": State.BARGAIN,
    "bargain_done": State.PAID,
    "shipped": State.SHIPPED,
    "completed": State.COMPLETED,
    "closed": State.CLOSED,
    "refunded": State.CLOSED,
}
_WHILE_REFUNDING = ("refund_withdrawn", "refund_refused", "refund_agreed", "refunded")
_AFTER_REFUND = ("refund_withdrawn", "refund_refused", "refunded")


class OrderBook:
    """All orders of a sandbox."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.orders: dict[str, Order] = {}

    def get(self, id: str) -> Order:
        """Raises KeyError with a sentence when there is no such order."""
        if id not in self.orders:
            raise KeyError(f"no order {id!r}")
        return self.orders[id]

    def of_seller(self, user: str) -> list[Order]:
        """Newest first."""
        mine = [one for one in self.orders.values() if one.seller == user]
        return sorted(mine, key=lambda one: (one.created_at, one.id), reverse=True)

    def newest_in(self, conversation: str) -> Order | None:
        mine = [one for one in self.orders.values() if one.conversation == conversation]
        return max(mine, key=lambda one: (one.created_at, one.id), default=None)

    def place(
        self,
        conversation: Conversation,
        *,
        id: str = "",
        quantity: int = 1,
        sku: str = "",
        bargain: bool = False,
        parcel: bool = False,
        postage_cents: int = 0,
    ) -> Order:
        """A new unpaid order about the conversation's item.

        Raises ValueError for no quantity or an unknown choice.
        """
        if quantity < 1:
            raise ValueError("quantity is at least 1")
        thread = conversation.thread
        item = self._world.items[thread.item]
        chosen = _choose(item, sku)
        cents = chosen.cents if chosen else cents_of(item.price)
        now = now_ms()
        order = Order(
            id=id or self._world.new_order(),
            conversation=thread.conversation,
            seller=thread.seller,
            buyer=thread.buyer,
            buyer_name=thread.buyer_name,
            item=item.id,
            item_title=item.title,
            item_picture=item.picture,
            specs=chosen.specs if chosen else (),
            quantity=quantity,
            listed_cents=cents,
            goods_cents=cents * quantity,
            created_at=now,
            postage_cents=postage_cents,
            parcel=parcel,
            bargain=bargain,
        )
        self.orders[order.id] = order
        conversation.order = order.id
        self.note(order, "unpaid")
        return order

    def step(self, order: Order, step: str) -> None:
        """Take a step that the order allows. Raises Refused when it does not."""
        if order.state not in _FROM[step]:
            raise Refused(f"an order that is {order.state} cannot become {step}")
        if order.refunding != (step in _WHILE_REFUNDING) and "refund" in step:
            raise Refused("a refund is pending" if order.refunding else "no refund is pending")
        if order.refunding and step in ("shipped", "closed"):
            raise Refused("a refund is pending")
        self.note(order, step)

    def note(self, order: Order, step: str) -> None:
        """Record a step without asking whether it is possible."""
        order.state = _TO.get(step, order.state)
        if step == "refund_requested":
            order.refunding = True
        elif step in _AFTER_REFUND:
            order.refunding = False
            order.refunded = step == "refunded"
        elif step == "rated":
            order.buyer_rating = order.buyer_rating or "好评"
        order.steps[step] = now_ms()
        order.story.append(step)
        self._world.bell.ring()


def _choose(item: Item, sku: str) -> Sku | None:
    """The choice whose id or one of whose values is `sku`; without a wish the first."""
    for one in item.skus:
        if not sku or sku == one.id or sku in [value for _, value in one.specs]:
            return one
    if sku:
        raise ValueError(f"item {item.id} has no choice {sku!r}")
    return None


def cents_of(price: str) -> int:
    """Cents of a shown price: `12.80`, `1.2万` or the lower end of `9.90-29.90`."""
    found = re.search(r"(\d+(?:\.\d+)?)(万?)", price)
    if found is None:
        raise ValueError(f"{price!r} is no price")
    return round(float(found[1]) * 100 * (10_000 if found[2] else 1))


def yuan(cents: int) -> str:
    """`880` becomes `8.80`."""
    return f"{cents // 100}.{cents % 100:02d}"


def china_time(at: int) -> str:
    """Ms as the platform's pages write a time."""
    return datetime.fromtimestamp(at / 1000, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def china_day() -> str:
    return china_time(now_ms())[:10]
