"""What the platform says about orders: marks and words, and which of them to believe first.

Structure outranks words: a buyer can type any words. The exceptions are a few card titles that
tell more than the marks around them (a bargain that is not complete yet carries the marks of a
paid order). Whoever acts on a signal reads the order first; a signal alone proves nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.model import OrderStatus
from hub.xianyu.content import TIP, WORKBENCH_CARD, card_body, plain
from hub.xianyu.shapes import EMPTY, Map, as_map, as_text, load_json

_S = OrderStatus

EVENTS = {
    "1_NOT_PAY_SELLER": _S.UNPAID,
    "BUYER_CREATE_ORDER": _S.UNPAID,
    "TRADE_MODIFY_FEE_SELLER": _S.PRICE_CHANGED,
    "TRADE_PAID_DONE_SELLER": _S.PAID,
    "BUYER_RATE_SELLER": _S.RATED,
}
"""Tails of `updateKey`. TRADE_MODIFY_FEE_BUYER is missing: the same key returns once it is paid."""

TASKS = {
    "已拍下_未付款_卖家": _S.UNPAID,
    "付款完成待发货": _S.PAID,
    "已发货_卖家": _S.SHIPPED,
    "发起退款申请": _S.REFUND_REQUESTED,
    "期待评价_卖家": _S.RATED,
}
"""Beginnings of `taskName`."""

REMINDERS = {
    "等待买家付款": _S.UNPAID,
    "等待卖家发货": _S.PAID,
    "等待买家收货": _S.SHIPPED,
    "交易成功": _S.COMPLETED,
    "交易关闭": _S.CLOSED,
    "买家申请退款": _S.REFUND_REQUESTED,
    "有新交易评价": _S.RATED,
}
"""Values of `redReminder`, the status line under a conversation."""

TITLES_FIRST = {
    "我已小刀，待刀成": _S.BARGAIN_PENDING,
    "我已修改价格，等待你付款": _S.PRICE_CHANGED,
    "我已修改价格，快来付款吧": _S.PRICE_CHANGED,
    "我发起了退款申请": _S.REFUND_REQUESTED,
    "卖家同意退款": _S.REFUND_CHANGED,
    "退款撤销": _S.REFUND_CHANGED,
    "退款关闭": _S.REFUND_CHANGED,
    "我将「退货退款」修改为「退款」": _S.REFUND_CHANGED,
}
"""Titles that are more precise than the marks around them."""

WORDS = {
    "我已拍下，待付款": _S.UNPAID,
    "买家已拍下，待付款": _S.UNPAID,
    "你当前宝贝拍下未付款": _S.UNPAID,
    "我已付款，等待你发货": _S.PAID,
    "已付款，待发货": _S.PAID,
    "买家已付款": _S.PAID,
    "付款完成": _S.PAID,
    "等待你发货": _S.PAID,
    "我已付款，请添加自提信息": _S.PAID,
    "记得及时发货": _S.PAID,
    "我已成功小刀，待发货": _S.PAID,
    "你已发货": _S.SHIPPED,
    "已发货": _S.SHIPPED,
    "你已发货，请等待买家确认收货": _S.SHIPPED,
    "卖家已发货": _S.SHIPPED,
    "买家确认收货，交易成功": _S.COMPLETED,
    "买家已确认收货，交易成功": _S.COMPLETED,
    "已确认收货，交易成功": _S.COMPLETED,
    "你已确认收货，交易成功": _S.COMPLETED,
    "快给ta一个评价吧～": _S.RATE_INVITED,
    "我完成了评价": _S.RATED,
    "买家申请退款": _S.REFUND_REQUESTED,
    "未付款，买家关闭了订单": _S.CLOSED,
    "未付款，你关闭了订单": _S.CLOSED,
    "超时未付款，系统关闭了订单": _S.CLOSED,
}
REFUNDED_WORDS = "钱款已原路退返"

BUTTONS = {
    "已付款": _S.PAID,
    "已同意": _S.REFUND_CHANGED,
    "已撤销": _S.REFUND_CHANGED,
    "已拒绝": _S.REFUND_CHANGED,
}
"""Texts that a button of an older card changes to."""

WORDS_OF_BUYERS = frozenset({"你已确认收货，交易成功"})
WORKBENCH_SESSION = "53"
_BUTTON_UPDATE = "_CONTENT_MAP_UPDATE_PRE_dxCard.item.main.exContent.button"

_ORDER = re.compile(r"\d{16,24}")
_ORDER_IN_URL = re.compile(
    r"(?:order_detail\?(?:[^#]*&)?id|[oO]rderId)(?:=|%3[dD]|\\u003d)(\d{16,24})"
)
_ROLE_IN_URL = re.compile(r"\brole(?:=|%3[dD])(\w+)")


@dataclass(frozen=True, slots=True)
class Finding:
    """What marks and words of one platform message say about an order."""

    status: OrderStatus
    order_id: str | None
    text: str
    as_buyer: bool


@dataclass(frozen=True, slots=True)
class Marks:
    """The platform's own marks on a message: who made it and what for."""

    task: str
    event: str
    order_id: str | None
    reminder: str
    by_user: bool
    """The server marks it as something a person sent."""
    by_platform: bool

    @classmethod
    def read(cls, meta: Map) -> Marks:
        tag = as_map(load_json(meta.get("bizTag") or ""))
        extra = as_map(load_json(meta.get("extJson") or ""))
        key = as_text(extra.get("updateKey")) or as_text(meta.get("updateKey"))
        task = as_text(tag.get("taskName"))
        source = as_text(tag.get("sourceId"))
        event, order_id = _split_key(key)
        return cls(
            task=task,
            event=event,
            order_id=order_id,
            reminder=as_text(meta.get("redReminder")),
            by_user=source.startswith("S:") or extra.get("tag") == "u",
            by_platform=bool(task or extra.get("msgArg1")),
        )


def find_in_card(content: Map, content_type: int, marks: Marks, shown: str) -> Finding | None:
    """The order status a platform card or tip stands for; `shown` is its one-line rendering."""
    main, changed = card_body(content)
    face = as_map(main.get("exContent"))
    button = as_map(face.get("button"))
    tip = as_map(content.get("tip"))
    title = as_text(face.get("title")) or as_text(as_map(face.get("head")).get("title"))
    words = _normal(plain(title or as_text(tip.get("tip"))) or shown)
    status = _weigh((words, _normal(shown)), marks)
    text = words
    if changed and status in (_S.REFUND_REQUESTED, _S.REFUND_CHANGED):
        status = _S.REFUND_CHANGED
        text = f"{words}：{as_text(button.get('text'))}"
    if status is None:
        return None
    urls = _urls(main, face, button)
    args = as_map(as_map(tip.get("argInfo")).get("args"))
    order_id = (
        marks.order_id or _order_in(urls) or _plain_order(face.get("orderId"), args.get("orderId"))
    )
    return Finding(status, order_id, text, _as_buyer(urls, marks.task, words))


def find_in_update(changes: Map, marks: Marks) -> Finding | None:
    """The order status that the change of an older card stands for.

    Words alone do not count here: extensions of a buyer's own message hold the buyer's words.
    """
    button = as_map(load_json(changes.get(_BUTTON_UPDATE) or ""))
    pressed = BUTTONS.get(as_text(button.get("text")))
    words = _normal(as_text(changes.get("reminderContent")))
    if marks.by_user or not (marks.event or marks.task or marks.reminder or pressed):
        return None
    status = pressed if pressed is _S.REFUND_CHANGED else _weigh((words,), marks) or pressed
    if status is None:
        return None
    urls = as_text(button.get("targetUrl"))
    order_id = marks.order_id or _order_in(urls)
    return Finding(status, order_id, words, _as_buyer(urls, marks.task, words))


def is_workbench(content_type: int, meta: Map) -> bool:
    """Notices of the seller's workbench arrive in a conversation of their own."""
    return content_type == WORKBENCH_CARD or meta.get("sessionType") == WORKBENCH_SESSION


def is_tip(content_type: int) -> bool:
    return content_type == TIP


def _weigh(words: tuple[str, ...], marks: Marks) -> OrderStatus | None:
    for word in words:
        if word in TITLES_FIRST:
            return TITLES_FIRST[word]
    if marks.event in EVENTS:
        return EVENTS[marks.event]
    for beginning, status in TASKS.items():
        if marks.task.startswith(beginning):
            return status
    if marks.reminder in REMINDERS:
        return REMINDERS[marks.reminder]
    for word in words:
        if word in WORDS:
            return WORDS[word]
        if REFUNDED_WORDS in word:
            return _S.REFUNDED
    return None


def _split_key(key: str) -> tuple[str, str | None]:
    """`<conversation>:<order>:<state>[:<EVENT>:<type>]` -> event and order id."""
    parts = key.split(":")
    order_id = parts[1] if len(parts) > 1 and _ORDER.fullmatch(parts[1]) else None
    if order_id is None and (found := _ORDER.search(key)):
        order_id = found[0]
    tail = parts[3] if len(parts) > 3 else parts[2] if len(parts) == 3 else ""
    return tail.upper(), order_id


def _urls(main: Map, face: Map, button: Map) -> str:
    """Every address of a card that may name its order, best first."""
    item = as_map(face.get("item1") or EMPTY)
    return " ".join(as_text(part.get("targetUrl")) for part in (main, button, item, face))


def _order_in(urls: str) -> str | None:
    found = _ORDER_IN_URL.search(urls)
    return found[1] if found else None


def _plain_order(*values: object) -> str | None:
    for value in values:
        text = str(value) if isinstance(value, (str, int)) else ""
        if _ORDER.fullmatch(text):
            return text
    return None


def _as_buyer(urls: str, task: str, words: str) -> bool:
    role = _ROLE_IN_URL.search(urls)
    if role:
        return role[1].lower() == "buyer"
    return "_买家" in task or words in WORDS_OF_BUYERS


def _normal(text: str) -> str:
    """Full-width punctuation, no brackets: both spellings occur for the same sentence."""
    text = text.strip()
    if text[:1] in ("[", "【"):
        text = text[1:].removesuffix("]").removesuffix("】")
    return text.replace(", ", "，").replace(",", "，").replace("~", "～").strip()
