"""What the platform writes into a conversation while an order goes its way."""

from __future__ import annotations

from collections.abc import Callable

from hub.sandbox import cards, payloads, tips
from hub.sandbox.encode import CARD_CHANGED, CONVERSATION_CHANGED, Entry, Payload, entry
from hub.sandbox.im import Im
from hub.sandbox.orders import Order, State
from hub.sandbox.payloads import Stamp, Thread
from hub.sandbox.world import Conversation, Message, World, now_ms

_CARDS: dict[str, str] = {
    "price_changed": "等待买家付款",
    "paid": "等待卖家发货",
    "paid_parcel": "等待卖家发货",
    "ship_reminder": "等待卖家发货",
    "bargain_waiting": "",
    "bargain_done": "等待卖家发货",
    "refund_requested": "买家申请退款",
    "rated": "有新交易评价",
}
_TIPS: dict[str, tuple[str, str, str]] = {
    "shipped": ("[你已发货]", "已发货_卖家", "等待买家收货"),
    "completed": ("[买家确认收货，交易成功]", "交易成功_卖家", "交易成功"),
    "closed": ("[未付款，买家关闭了订单]", "交易关闭_卖家", "交易关闭"),
    "closed_by_seller": ("[未付款，你关闭了订单]", "交易关闭_卖家", "交易关闭"),
    "closed_refunded": ("[你关闭了订单，钱款已原路退返]", "交易关闭_卖家", "交易关闭"),
    "timed_out": ("超时未付款，系统关闭了订单", "交易关闭_系统", "交易关闭"),
    "refunded": ("[退款成功，钱款已原路退返]", "退款成功_卖家", "交易关闭"),
}
_REFUND_BUTTONS = {
    "refund_changed": "已同意",
    "refund_agreed": "已同意",
    "refund_withdrawn": "已撤销",
    "refund_refused": "已拒绝",
}
_STATE_WORDS = {
    State.UNPAID: "等待买家付款",
    State.BARGAIN: "",
    State.PAID: "等待卖家发货",
    State.SHIPPED: "等待买家收货",
    State.COMPLETED: "交易成功",
    State.CLOSED: "交易关闭",
}
EVENTS = (
    "unpaid",
    *_CARDS,
    "paid_update",
    *_TIPS,
    *_REFUND_BUTTONS,
    "rate_invited",
    "parcel_arrived",
    "workbench",
    "marketing",
    "robot",
    "summary",
)
"""Everything that can be told; `summary` is the red line of the conversation list alone."""


class Story:
    """Builds the entries of each event and pushes them in one frame."""

    def __init__(self, world: World, im: Im) -> None:
        self._world = world
        self._im = im

    async def tell(self, conversation: Conversation, event: str, order: Order) -> None:
        """Push one of `EVENTS`."""
        entries, about = self._entries(conversation, event, order)
        await self._im.lines.push(conversation.thread.seller, entries, about=about)

    def _entries(
        self, conversation: Conversation, event: str, order: Order
    ) -> tuple[list[Entry], list[str]]:
        thread = conversation.thread
        if event == "unpaid":
            context = payloads.order_context(thread, order.id, now_ms())
            id, card = self._write(
                conversation, lambda stamp: cards.trade_card(thread, stamp, "unpaid", order.id)
            )
            status = self._status(conversation, "等待买家付款")
            return [entry(context, CONVERSATION_CHANGED), card, *status], ["", id]
        if event == "summary":
            return self._status(conversation, _words_of(order)), []
        if event == "paid_update":
            return self._paid_update(conversation, order), []
        if event == "workbench":
            stamp = self._world.stamp(conversation)
            return [entry(tips.workbench_card(stamp, order.id, thread.item_title))], []
        if event == "robot":
            words = "为了给您提供更好的服务，诚邀您参与服务评价>>"
            return [entry(tips.robot_message(self._world.stamp(conversation), words))], []
        build, words = _builder(event, thread, order)
        id, made = self._write(conversation, build)
        return [made, *self._status(conversation, words)], [id]

    def _paid_update(self, conversation: Conversation, order: Order) -> list[Entry]:
        written = [one for one in conversation.messages if one.system]
        card_id = written[-1].stamp.id if written else self._world.stamp(conversation).id
        stamp = self._world.stamp(conversation)
        update = cards.card_update(conversation.thread, stamp, order.id, card_id=card_id)
        return [entry(update, CARD_CHANGED), *self._status(conversation, "等待卖家发货")]

    def _write(
        self, conversation: Conversation, build: Callable[[Stamp], Payload]
    ) -> tuple[str, Entry]:
        stamp = self._world.stamp(conversation)
        payload = build(stamp)
        content, words = payload[1][6][3], payload[1][6][3][2]
        message = Message(
            conversation.id,
            stamp,
            conversation.thread.buyer,
            payloads.content_in(content),
            words,
            payload[1][10],
            system=True,
        )
        self._world.keep(conversation, message)
        return stamp.id, self._im.chat_entry(conversation, payload)

    def _status(self, conversation: Conversation, words: str) -> list[Entry]:
        if not words:
            return []
        conversation.red_reminder = words
        status = payloads.light_status(conversation.id, words, now_ms())
        return [entry(status, CONVERSATION_CHANGED)]


def _words_of(order: Order) -> str:
    return "买家申请退款" if order.refunding else _STATE_WORDS[order.state]


def _builder(event: str, thread: Thread, order: Order) -> tuple[Callable[[Stamp], Payload], str]:
    if event in _CARDS:
        return lambda stamp: cards.trade_card(thread, stamp, event, order.id), _CARDS[event]
    if event in _TIPS:
        words, task_name, status = _TIPS[event]
        return (
            lambda stamp: tips.tip(thread, stamp, words, task_name=task_name, status=status),
            status,
        )
    if event in _REFUND_BUTTONS:
        button = _REFUND_BUTTONS[event]
        # A refund that is off leaves the order where it stood before.
        words = _words_of(order) if event in ("refund_withdrawn", "refund_refused") else ""
        return (
            lambda stamp: cards.refund_changed(thread, stamp, order.id, button=button),
            words,
        )
    if event == "rate_invited":
        return lambda stamp: tips.rate_invitation(thread, stamp, order.id), ""
    if event == "parcel_arrived":
        return lambda stamp: tips.text_card(thread, stamp, order.id), ""
    return lambda stamp: tips.marketing_tip(thread, stamp), ""
