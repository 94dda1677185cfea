"""What people and the platform do of their own accord: speak, read, type, place and pay orders."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hub.sandbox import cards, payloads, tips
from hub.sandbox.encode import (
    CARD_CHANGED,
    CONVERSATION_CHANGED,
    NEW_MESSAGE,
    TYPING,
    Entry,
    Payload,
    entry,
)
from hub.sandbox.im import Im
from hub.sandbox.payloads import Content, Stamp, Thread
from hub.sandbox.world import Conversation, Message, World, now_ms

TYPING_SECONDS = 6.0

Line = Mapping[str, Any]
"""One thing to say, as the admin door takes it: `{"text": …}`, `{"image": …}`, `{"raw": …}` …"""

_CARD_EVENTS: dict[str, str] = {
    "price_changed": "等待买家付款",
    "paid": "等待卖家发货",
    "paid_parcel": "等待卖家发货",
    "bargain_waiting": "",
    "bargain_done": "等待卖家发货",
    "refund_requested": "买家申请退款",
    "rated": "有新交易评价",
}
_TIP_EVENTS: dict[str, tuple[str, str, str]] = {
    "shipped": ("[你已发货]", "已发货_卖家", "等待买家收货"),
    "completed": ("[买家确认收货，交易成功]", "交易成功_卖家", "交易成功"),
    "closed": ("[未付款，买家关闭了订单]", "交易关闭_卖家", "交易关闭"),
    "refunded": ("[退款成功，钱款已原路退返]", "退款成功_卖家", "交易关闭"),
}
ORDER_EVENTS = (
    "unpaid",
    *_CARD_EVENTS,
    "paid_update",
    *_TIP_EVENTS,
    "refund_changed",
    "rate_invited",
    "workbench",
    "marketing",
    "robot",
)
"""Everything that `order` can play."""


class Stage:
    """Buyers, the seller's own phone, and the platform's robots. All of it is hand-driven."""

    def __init__(self, world: World, im: Im) -> None:
        self._world = world
        self._im = im

    async def say(self, conversation: Conversation, lines: Sequence[Line]) -> list[str]:
        """The buyer says these in one push; returns the message ids, empty for raw payloads.

        Raises ValueError for a line that says nothing.
        """
        entries: list[Entry] = []
        ids: list[str] = []
        for line in _repeated(lines):
            if "raw" in line:
                kind = int(line.get("object_type", NEW_MESSAGE))
                entries.append(entry(with_integer_keys(line["raw"]), kind))
                ids.append("")
                continue
            id, made = self._speak(conversation, line)
            entries.append(made)
            ids.append(id)
        conversation.typing_until = 0.0
        await self._im.lines.push(conversation.thread.seller, entries, about=ids)
        return ids

    def _speak(self, conversation: Conversation, line: Line) -> tuple[str, Entry]:
        stamp = self._world.stamp(conversation)
        content = content_of(line)
        quoted = str(line.get("quote", ""))
        platform = str(line.get("platform", "ios"))
        payload = payloads.user_message(
            conversation.thread,
            stamp,
            content,
            platform=platform,
            app_version="7.28.20" if platform == "android" else "",
            quoted=quoted,
        )
        message = Message(
            conversation.id,
            stamp,
            conversation.thread.buyer,
            content,
            payloads.summary_of(content),
            payload[1][10],
        )
        self._world.keep(conversation, message)
        return stamp.id, entry(payload)

    async def read(
        self, conversation: Conversation, ids: Sequence[str] = (), *, batch: bool = False
    ) -> list[str]:
        """The buyer looks at the conversation: everything, or these messages, counts as read."""
        wanted = list(ids) or [
            one.stamp.id for one in conversation.messages if one.own and not one.read
        ]
        await self._im.buyer_reads(conversation, wanted, batch=batch)
        return wanted

    async def type(self, conversation: Conversation, *, active: bool = True) -> None:
        conversation.typing_until = time.monotonic() + TYPING_SECONDS if active else 0.0
        seller = conversation.thread.seller
        made = entry(payloads.typing(conversation.id, seller, active=active), TYPING)
        await self._im.lines.push(seller, [made], lwp="/s/para")

    async def phone(self, conversation: Conversation, words: str, *, platform: str = "ios") -> str:
        """The seller writes from another device; the hub sees it as an echo."""
        content = payloads.text(words, phone=platform != "web")
        message, echo = self._im.own_message(conversation, content, platform=platform)
        await self._im.lines.push(conversation.thread.seller, [echo], about=[message.stamp.id])
        return message.stamp.id

    async def push_raw(
        self, user: str, raws: Sequence[Any], *, object_type: int, lwp: str = "/s/sync"
    ) -> None:
        """Push payloads as given; map keys of digits become integers."""
        made = [entry(with_integer_keys(raw), object_type) for raw in raws]
        await self._im.lines.push(user, made, lwp=lwp)

    # --- the platform ---

    async def order(self, conversation: Conversation, event: str, order: str = "") -> str:
        """Play one event of an order's story; returns the order id.

        Raises ValueError for an event that is not in `ORDER_EVENTS`.
        """
        if event not in ORDER_EVENTS:
            raise ValueError(f"unknown order event {event!r}; known: {sorted(ORDER_EVENTS)}")
        if order or not conversation.order or event == "unpaid":
            conversation.order = order or self._world.new_order()
        entries, about = self._order_entries(conversation, event, conversation.order)
        await self._im.lines.push(conversation.thread.seller, entries, about=about)
        return conversation.order

    def _order_entries(
        self, conversation: Conversation, event: str, order: str
    ) -> tuple[list[Entry], list[str]]:
        thread = conversation.thread
        if event == "unpaid":
            context = payloads.order_context(thread, order, now_ms())
            id, card = self._platform_message(
                conversation, lambda stamp: cards.trade_card(thread, stamp, "unpaid", order)
            )
            status = self._status(conversation, "等待买家付款")
            return [entry(context, CONVERSATION_CHANGED), card, *status], ["", id]
        if event == "paid_update":
            return self._paid_update(conversation, order)
        if event == "workbench":
            stamp = self._world.stamp(conversation)
            return [entry(tips.workbench_card(stamp, order, thread.item_title))], []
        if event == "robot":
            words = "为了给您提供更好的服务，诚邀您参与服务评价>>"
            return [entry(tips.robot_message(self._world.stamp(conversation), words))], []
        build, status_words = _builder(event, thread, order)
        id, made = self._platform_message(conversation, build)
        return [made, *self._status(conversation, status_words)], [id]

    def _paid_update(self, conversation: Conversation, order: str) -> tuple[list[Entry], list[str]]:
        unpaid = [one for one in conversation.messages if one.system]
        card_id = unpaid[-1].stamp.id if unpaid else self._world.stamp(conversation).id
        stamp = self._world.stamp(conversation)
        update = cards.card_update(conversation.thread, stamp, order, card_id=card_id)
        status = self._status(conversation, "等待卖家发货")
        return [entry(update, CARD_CHANGED), *status], []

    def _platform_message(
        self, conversation: Conversation, build: Callable[[Stamp], Payload]
    ) -> tuple[str, Entry]:
        stamp = self._world.stamp(conversation)
        payload = build(stamp)
        inner = payload[1][6][3]
        message = Message(
            conversation.id,
            stamp,
            conversation.thread.buyer,
            {"contentType": inner[4]},
            inner[2],
            payload[1][10],
            system=True,
        )
        self._world.keep(conversation, message)
        return stamp.id, entry(payload)

    def _status(self, conversation: Conversation, words: str) -> list[Entry]:
        if not words:
            return []
        conversation.red_reminder = words
        status = payloads.light_status(conversation.id, words, now_ms())
        return [entry(status, CONVERSATION_CHANGED)]


def _builder(event: str, thread: Thread, order: str) -> tuple[Callable[[Stamp], Payload], str]:
    if event in _CARD_EVENTS:
        return (
            lambda stamp: cards.trade_card(thread, stamp, event, order),
            _CARD_EVENTS[event],
        )
    if event in _TIP_EVENTS:
        words, task_name, status = _TIP_EVENTS[event]
        return (
            lambda stamp: tips.tip(thread, stamp, words, task_name=task_name, status=status),
            status,
        )
    if event == "refund_changed":
        return lambda stamp: cards.refund_changed(thread, stamp, order), ""
    if event == "rate_invited":
        return lambda stamp: tips.rate_invitation(thread, stamp, order), ""
    return lambda stamp: tips.marketing_tip(thread, stamp), ""


def content_of(line: Line) -> Content:
    """Content JSON of one line. Raises ValueError when it has none of the known keys."""
    if "text" in line:
        return payloads.text(str(line["text"]), phone=line.get("platform", "ios") != "web")
    if "image" in line:
        urls = line["image"] if isinstance(line["image"], list) else [line["image"]]
        return payloads.images([(str(url), 1080, 1440) for url in urls])
    if "voice" in line:
        return payloads.voice(str(line["voice"]), int(line.get("duration", 8)))
    if "video" in line:
        return payloads.video(str(line["video"]), str(line.get("snapshot", "")))
    if "location" in line:
        place = line["location"]
        return payloads.location(
            str(place["title"]),
            str(place.get("address", "")),
            str(place.get("latitude", "31.230400")),
            str(place.get("longitude", "121.473700")),
        )
    if "content" in line and isinstance(line["content"], dict):
        return dict(line["content"])
    raise ValueError("say text, image, voice, video, location, content or raw")


def with_integer_keys(value: Any) -> Any:
    """JSON cannot have integer keys; on the wire every key of digits is one."""
    if isinstance(value, dict):
        return {
            int(key) if key.isdigit() else key: with_integer_keys(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [with_integer_keys(inner) for inner in value]
    return value


def _repeated(lines: Sequence[Line]) -> list[Line]:
    """`{"text": "第{n}条", "repeat": 3}` stands for three lines, `{n}` counts from 1."""
    spread: list[Line] = []
    for line in lines:
        times = int(line.get("repeat", 1))
        for number in range(1, times + 1):
            if times > 1 and "text" in line:
                spread.append({**line, "text": str(line["text"]).replace("{n}", str(number))})
            else:
                spread.append(line)
    return spread
