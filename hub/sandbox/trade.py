"""Steps of orders: each changes the order book and lets the platform tell of it."""

from __future__ import annotations

from typing import Any

from hub.sandbox.manners import Manners
from hub.sandbox.orders import Order, OrderBook, Refused, State, cents_of
from hub.sandbox.story import EVENTS, Story
from hub.sandbox.world import Conversation, World

TOLD = ("story", "update", "reminder", "summary", "nothing")
"""How a payment is announced: by its card, by a changed card, by a card that reminds of shipping,
by the red line alone, not at all."""
STEPS = (
    "pay",
    "bargain",
    "ship",
    "receive",
    "rate",
    "close",
    "expire",
    "refund",
    "withdraw",
    "refuse",
    "agree",
    "repay",
)
"""What buyer, seller and platform can do with an order by hand; `place` makes one."""
_NOTED = {
    "paid_parcel": "paid",
    "paid_update": "paid",
    "ship_reminder": "paid",
    "refund_changed": "refund_agreed",
}
_CLOSINGS = ("closed_by_seller", "closed_refunded", "timed_out")
_UNNOTED = ("rate_invited", "parcel_arrived", "workbench", "marketing", "robot", "summary")


class Trade:
    """Checked steps for people and for the shop's APIs; `play` forces any event."""

    def __init__(self, world: World, book: OrderBook, story: Story, manners: Manners) -> None:
        self._world = world
        self.book = book
        self._story = story
        self._manners = manners

    # --- the buyer ---

    async def place(self, conversation: Conversation, **wish: Any) -> Order:
        """The buyer orders; `wish` as in `OrderBook.place`."""
        order = self.book.place(conversation, **wish)
        await self._tell(order, "unpaid")
        return order

    async def step(self, order: Order, name: str, *, told: str = "story", **values: Any) -> Order:
        """One of `STEPS`. Raises ValueError for an unknown one, Refused if the order forbids it."""
        if name not in STEPS:
            raise ValueError(f"step is one of {', '.join(STEPS)}")
        if told not in TOLD:
            raise ValueError(f"told is one of {', '.join(TOLD)}")
        if name == "pay":
            return await self._pay(order, told)
        noted, events = _plain_step(order, name)
        if name == "rate":
            order.buyer_rating = str(values.get("text", "")) or order.buyer_rating
        if name in ("refund", "close"):
            order.reason = str(values.get("reason", ""))
        return await self._take(order, noted, events, told)

    async def _pay(self, order: Order, told: str) -> Order:
        if order.bargain:
            return await self._take(order, "bargain_waiting", ("bargain_waiting",), told)
        card = "paid_parcel" if order.parcel else "paid"
        event = {"update": "paid_update", "reminder": "ship_reminder"}.get(told, card)
        return await self._take(order, "paid", (event,), told)

    # --- the shop's own APIs ---

    async def ship(self, order: Order, text: str = "") -> None:
        """Raises Refused unless it is paid and no refund is pending."""
        await self._take(order, "shipped", ("shipped",))
        order.ship_text = text

    async def change_price(self, order: Order, goods_cents: int, postage_cents: int) -> None:
        """Raises Refused when it is paid or closed."""
        if order.state is not State.UNPAID:
            raise Refused("the order is not unpaid")
        order.goods_cents, order.postage_cents = goods_cents, postage_cents
        await self._take(order, "price_changed", ("price_changed",))

    async def free_shipping(self, order: Order) -> None:
        """End the waiting of a 小刀 order, as far as the platform's manners let it."""
        if order.state is not State.BARGAIN:
            raise Refused("the order is no bargain that waits")
        if self._manners.bargain == "later":
            return
        told = "summary" if self._manners.bargain == "state" else "story"
        await self._take(order, "bargain_done", ("bargain_done",), told)

    async def close_by_seller(self, order: Order, reason: str) -> None:
        """Raises Refused once it is shipped."""
        event = "closed_by_seller" if order.state is State.UNPAID else "closed_refunded"
        await self._take(order, "closed", (event,))
        order.reason = reason

    async def rate_buyer(self, order: Order, text: str) -> None:
        """Raises Refused before completion and for a second rating."""
        if order.seller_rating is not None:
            raise Refused("rated already")
        self.book.step(order, "seller_rated")
        order.seller_rating = text

    # --- by force ---

    async def tell(self, order: Order, event: str) -> None:
        """Tell one of `EVENTS`, true or not, new or not; the order stays as it is."""
        await self._tell(order, event)

    async def play(self, conversation: Conversation, event: str, id: str = "") -> str:
        """Tell one event and make the order fit it, possible or not; returns the order id.

        Raises ValueError for an event that is not in `EVENTS`.
        """
        if event not in EVENTS:
            raise ValueError(f"unknown order event {event!r}; known: {sorted(EVENTS)}")
        id = id or ("" if event == "unpaid" else conversation.order)
        order = self.book.orders.get(id) or self.book.place(conversation, id=id)
        conversation.order = order.id
        if event == "paid_parcel":
            order.parcel = True
        if event in ("bargain_waiting", "bargain_done"):
            order.bargain = True
        if event not in _UNNOTED and event != "unpaid":
            self.book.note(order, "closed" if event in _CLOSINGS else _NOTED.get(event, event))
        await self._tell(order, event)
        return order.id

    async def _take(
        self, order: Order, noted: str, events: tuple[str, ...], told: str = "story"
    ) -> Order:
        self.book.step(order, noted)
        if told in ("summary", "nothing"):
            events = ("summary",) if told == "summary" else ()
        for event in events:
            await self._tell(order, event)
        return order

    async def _tell(self, order: Order, event: str) -> None:
        await self._story.tell(self._world.conversation(order.conversation), event, order)


def _plain_step(order: Order, name: str) -> tuple[str, tuple[str, ...]]:
    """What is noted and what is told when nothing about the step depends on a choice."""
    refund_over = {"withdraw": "refund_withdrawn", "refuse": "refund_refused"}
    if name in refund_over:
        return refund_over[name], (refund_over[name],)
    plain: dict[str, tuple[str, tuple[str, ...]]] = {
        "bargain": ("bargain_done", ("bargain_done",)),
        "ship": ("shipped", ("shipped",)),
        "receive": ("completed", ("completed", "rate_invited")),
        "rate": ("rated", ("rated",)),
        "expire": ("closed", ("timed_out",)),
        "refund": ("refund_requested", ("refund_requested",)),
        "agree": ("refund_agreed", ("refund_agreed",)),
        "repay": ("refunded", ("refunded",)),
    }
    if name == "close":
        return "closed", ("closed" if order.state is State.UNPAID else "refunded",)
    return plain[name]


def cents_wish(body: dict[str, Any], key: str) -> int:
    """Yuan of a request as cents; 0 if it does not say."""
    return cents_of(str(body[key])) if key in body else 0
