"""Orders: what is asked about them and how their pages are read.

The order page is the only proof that something was paid, and goods go out because of it. Hence the
rule here: two sources that contradict each other make no status at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone

from hub.model import (
    Order,
    OrderPage,
    OrderStatus,
    PlatformConversation,
    PlatformUser,
    Spec,
)
from hub.xianyu.calls import Call
from hub.xianyu.endpoints import MOBILE, SELLER_CENTRE
from hub.xianyu.ids import bare
from hub.xianyu.money import read_amount
from hub.xianyu.shapes import EMPTY, Map, as_int, as_map, as_moment, as_text, load_json

CHINA = timezone(timedelta(hours=8))
ORDERS_A_PAGE = 20
_S = OrderStatus

WORDS = (
    (_S.REFUNDED, ("退款成功", "已退款", "钱款已原路退返")),
    (_S.REFUND_REQUESTED, ("退款", "退货", "售后")),
    (_S.CLOSED, ("交易关闭", "已关闭", "关闭了订单", "交易取消", "已取消")),
    (_S.COMPLETED, ("交易成功", "交易完成", "已完成", "待评价", "已评价")),
    (_S.SHIPPED, ("已发货", "待收货", "等待买家收货", "等待买家确认收货")),
    (_S.BARGAIN_PENDING, ("待刀成",)),
    (_S.PAID, ("待发货", "等待你发货", "等待卖家发货", "已付款", "已刀成")),
    (_S.UNPAID, ("待付款", "等待买家付款", "等待付款", "未付款")),
)
"""Status words, the most careful meaning first: of two, the one that keeps goods back counts."""
REFUND_OVER = ("退款关闭", "退款撤销", "退款取消", "撤销退款")
"""A refund that came to nothing says nothing about the order."""
TO_SHIP = 2
"""The only numeric status that is proven."""

_STEPS = {
    "已拍下": _S.UNPAID,
    "已付款": _S.PAID,
    "已刀成": _S.PAID,
    "已发货": _S.SHIPPED,
    "交易成功": _S.COMPLETED,
    "已评价": _S.COMPLETED,
}
"""Steps of an order's way; future ones are listed too, as not completed."""
_ORDER_ID = re.compile(r"\d{16,24}")
_BETWEEN_SPECS = re.compile(r"\s*[;；|\n]\s*|(?:\s*[,，]\s*|\s+)(?=[^,，;；:：\s]+[:：])")


def ask_order(order_id: str) -> Call:
    return Call(
        "mtop.idle.web.trade.order.detail",
        "1.0",
        {"tid": order_id},
        page=f"/order-detail?orderId={order_id}&role=seller",
    )


def ask_unshipped(page: int) -> Call:
    """The list of ordinary accounts."""
    return Call(
        "mtop.taobao.idle.trade.sold.get",
        "5.0",
        {"pageNumber": page, "orderStatus": "NOT_SHIP", "offsetRow": 0},
        site=MOBILE,
        query={"valueType": "original"},
    )


def ask_unshipped_pro(page: int) -> Call:
    """The list of pro shops; refused with `PERMISSION` for others."""
    return Call(
        "mtop.taobao.idle.trade.merchant.sold.get",
        "1.0",
        {
            "pageNumber": page,
            "rowsPerPage": ORDERS_A_PAGE,
            "orderIds": "",
            "queryCode": "NOT_SHIP",
            "orderSearchParam": "{}",
        },
        site=SELLER_CENTRE,
        query={"type": "json", "valueType": "string"},
    )


def ask_order_of(conversation: PlatformConversation, item_id: str) -> Call:
    return Call(
        "mtop.idle.trade.pc.message.headinfo",
        "1.0",
        {"itemId": item_id, "sessionId": conversation, "sessionType": 1},
        page="/im",
    )


def read_order_of(answer: Map) -> str | None:
    """The newest order of a conversation; None when there is none."""
    marks = as_map(as_map(answer.get("commonData")).get("utArgs"))
    name = bare(marks.get("orderId"))
    return name if name and _ORDER_ID.fullmatch(name) else None


def read_order(answer: Map, order_id: str) -> Order | None:
    """None when the answer does not show this very order."""
    marks = as_map(answer.get("utArgs"))
    parts = _parts(answer)
    if not parts or (bare(answer.get("orderId")) or bare(marks.get("orderId"))) != order_id:
        return None
    way = as_map(parts.get("orderStatusVO"))
    shown = as_map(way.get("orderStatusInfo"))
    body = as_map(parts.get("orderInfoVO"))
    item = as_map(body.get("itemInfo"))
    lines = _lines(body.get("orderInfoList"))
    words = tuple(
        text
        for text in (
            as_text(shown.get("title")),
            as_text(marks.get("orderMainTitle")),
            as_text(marks.get("orderStatusName")),
        )
        if text
    )
    steps = tuple(_step(as_map(one)) for one in _rows(way.get("orderStatusNodeList")))
    numbers = (answer.get("status"), marks.get("orderStatus"), shown.get("status"))
    buyer = _first_id(answer.get("peerUserId"), body.get("buyerUserId"), body.get("buyerId"))
    return Order(
        id=order_id,
        status=weigh(words, steps, numbers),
        raw_status=" / ".join(dict.fromkeys(words)),
        item_id=_first_id(answer.get("itemId"), item.get("itemId")),
        item_title=as_text(item.get("title")),
        buyer=PlatformUser(buyer) if buyer else None,
        buyer_name=lines.get("买家昵称", ""),
        spec=read_spec(item),
        quantity=_count(item.get("buyAmount")),
        paid_amount=read_amount(
            as_map(as_map(body.get("priceInfo")).get("amount")).get("value"),
        ),
        listed_price=read_amount(item.get("price")),
        created_at=read_time(lines.get("下单时间")),
        paid_at=read_time(lines.get("付款时间")),
        shipped_at=read_time(lines.get("发货时间")),
        completed_at=read_time(lines.get("成交时间")),
        bargain=any(name in ("待刀成", "已刀成") for name, _ in steps),
    )


def weigh(
    words: Iterable[str], steps: Iterable[tuple[str, bool]], numbers: Iterable[object]
) -> OrderStatus | None:
    """The status that words, steps and numbers of one page agree on; None when they do not."""
    spoken = [text for text in words if not any(over in text for over in REFUND_OVER)]
    found = {status for text in spoken if (status := read_words(text))}
    way = dict(steps)
    reached = [_STEPS[name] for name, done in way.items() if done and name in _STEPS]
    to_ship = any(as_int(number) == TO_SHIP for number in numbers)
    if not found:
        # Words nobody knows: only two other witnesses together count.
        found = {_S.PAID} if to_ship and reached[-1:] == [_S.PAID] else set()
    if found == {_S.PAID, _S.UNPAID}:
        return None
    status = next((status for status, _ in WORDS if status in found), None)
    if status is not _S.PAID:
        return status
    if way.get("已付款") is False:
        return None
    if way.get("已发货") is True:
        return _S.SHIPPED
    pending = "待刀成" in way and way["待刀成"] is False and not way.get("已刀成")
    return _S.BARGAIN_PENDING if pending or way.get("已刀成") is False else _S.PAID


def read_words(text: str) -> OrderStatus | None:
    for status, fragments in WORDS:
        if any(fragment in text for fragment in fragments):
            return status
    return None


def read_unshipped(answer: Map) -> OrderPage:
    rows = [as_map(row) for row in _rows(answer.get("items"))]
    return _page(rows, (_sold(row) for row in rows), answer)


def read_unshipped_pro(answer: Map) -> OrderPage:
    module = as_map(load_json(answer.get("module")))
    rows = [as_map(row) for row in _rows(module.get("items"))]
    return _page(rows, (_sold_pro(row) for row in rows), module)


def read_spec(item: Map) -> Spec:
    """`颜色:红;尺码:XL` as pairs. How several are joined is not proven, hence the many ways."""
    text = as_text(item.get("skuInfo")).strip()
    if text:
        pieces = [piece.strip() for piece in _BETWEEN_SPECS.split(text) if piece.strip()]
        return tuple(_name_and_value(piece) for piece in pieces)
    name, value = as_text(item.get("specName")), as_text(item.get("specValue"))
    return ((name, value),) if value else ()


def read_time(value: object) -> datetime | None:
    """`2026-09-01 10:00:00` is Chinese time; milliseconds occur too."""
    moment = as_moment(value)
    if moment is not None:
        return moment
    try:
        written = datetime.fromisoformat(as_text(value).strip())
    except ValueError:
        return None
    return (written if written.tzinfo else written.replace(tzinfo=CHINA)).astimezone(UTC)


def _page(rows: list[Map], orders: Iterable[Order | None], holder: Map) -> OrderPage:
    """Filtered again, because the platform may ignore the filter; what cannot be read stays."""
    wanted = (_S.PAID, _S.BARGAIN_PENDING, None)
    kept = tuple(order for order in orders if order and order.status in wanted)
    told = next((holder[key] for key in ("nextPage", "hasMore") if key in holder), None)
    more = bool(rows) if told is None else told in (True, "true", 1, "1")
    return OrderPage(kept, more)


def _sold(row: Map) -> Order | None:
    name = bare(row.get("bizOrderId"))
    if not name:
        return None
    words = [as_text(row.get(key)) for key in ("orderStatusMsg", "statusMsg", "orderStatus")]
    numbers = (row.get("orderStatus"), row.get("status"))
    spoken = [text for text in words if text and as_int(text) is None]
    status = weigh(spoken, (), ())
    if not spoken and any(as_int(number) == TO_SHIP for number in numbers):
        status = _S.PAID
    buyer = bare(row.get("buyerId"))
    return Order(
        id=name,
        status=status,
        raw_status=" / ".join(dict.fromkeys(spoken)),
        item_id=bare(row.get("auctionId")),
        item_title=as_text(row.get("auctionTitle")),
        buyer=PlatformUser(buyer) if buyer else None,
        buyer_name=as_text(row.get("buyerNick")),
        quantity=_count(row.get("buyAmount")),
        paid_amount=read_amount(row.get("totalFee")),
        created_at=read_time(row.get("createTime")),
    )


def _sold_pro(row: Map) -> Order | None:
    head, person = as_map(row.get("commonData")), as_map(row.get("buyerInfoVO"))
    price = as_map(row.get("priceVO"))
    name = bare(head.get("orderId"))
    if not name:
        return None
    words = as_text(head.get("orderStatus"))
    status = weigh([words], (), ())
    if head.get("inRefund") in (True, "true") and status not in (_S.REFUNDED, _S.CLOSED):
        status = _S.REFUND_REQUESTED
    buttons = _rows(as_map(row.get("rightVO")).get("btnList"))
    bargain = any(as_map(button).get("tradeAction") == "SKIP_PIN" for button in buttons)
    buyer = _first_id(person.get("buyerId"), person.get("userId"))
    return Order(
        id=name,
        status=_S.BARGAIN_PENDING if bargain and status is _S.PAID else status,
        raw_status=words,
        item_id=bare(head.get("itemId")),
        item_title=as_text(as_map(row.get("itemVO")).get("title")),
        buyer=PlatformUser(buyer) if buyer else None,
        buyer_name=as_text(person.get("userNick")),
        quantity=_count(price.get("buyNum")),
        paid_amount=read_amount(price.get("totalPrice")),
        listed_price=read_amount(price.get("auctionPrice")),
        created_at=read_time(head.get("createTime")),
        paid_at=read_time(head.get("paySuccessTime")),
        bargain=bargain,
    )


def _parts(answer: Map) -> Map:
    """The parts of an order page by the name of what draws them."""
    found = (as_map(one) for one in _rows(answer.get("components")))
    return {as_text(one.get("render")): as_map(one.get("data")) for one in found} or EMPTY


def _lines(rows: object) -> dict[str, str]:
    """The lines `title: value` under an order; both sides go by several names."""
    found = {}
    for row in map(as_map, _rows(rows)):
        name = next(
            (as_text(row[key]) for key in ("title", "label", "key", "name") if key in row), ""
        )
        found[name] = next((as_text(row[key]) for key in ("value", "text") if key in row), "")
    return found


def _step(node: Map) -> tuple[str, bool]:
    return as_text(node.get("title")), node.get("completed") in (True, "true")


def _name_and_value(piece: str) -> tuple[str, str]:
    found = re.split(r"[:：]", piece, maxsplit=1)
    return (found[0].strip(), found[1].strip()) if len(found) > 1 else ("", piece)


def _count(value: object) -> int | None:
    number = as_int(value)
    return number if number is not None and 0 < number < 10**6 else None


def _first_id(*values: object) -> str | None:
    return next((name for name in map(bare, values) if name), None)


def _rows(value: object) -> list[object]:
    return value if isinstance(value, list) else []
