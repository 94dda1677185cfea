"""Calls with an effect on orders and items, and which refusals of them mean: done before."""

from __future__ import annotations

from hub.errors import Rejected
from hub.model import PlatformUser
from hub.xianyu.calls import Call
from hub.xianyu.endpoints import SELLER_CENTRE, WEB
from hub.xianyu.verdicts import PEER

LONGEST_SHIP_TEXT = 200
LONGEST_RATING = 500


def ship(order_id: str, text: str = "") -> Call:
    """Mark an order as shipped without a parcel."""
    api = "mtop.taobao.idle.logistic.consign.dummy"
    _fits(api, text, LONGEST_SHIP_TEXT)
    return Call(
        api,
        "1.0",
        {"orderId": order_id, "tradeText": text, "picList": [], "newUnconsign": True},
        write=True,
        done_before=("ORDER_ALREADY_DELIVERY", "已发货成功"),
    )


def free_shipping(order_id: str, item_id: str, buyer: PlatformUser) -> Call:
    """Complete a bargain order. Item and buyer are numbers here; an order id is too long for it."""
    api = "mtop.idle.groupon.activity.seller.freeshipping"
    if not (item_id.isdecimal() and buyer.isdecimal()):
        raise Rejected(PEER, api, "item and buyer have to be numbers")
    return Call(
        api,
        "1.0",
        {"bizOrderId": order_id, "itemId": int(item_id), "buyerId": int(buyer)},
        write=True,
    )


def change_price(order_id: str, cents: int, postage_cents: int = 0) -> Call:
    """The new price of an unpaid order and its postage."""
    api = "mtop.taobao.idle.trade.user.adjust.price"
    if cents <= 0 or postage_cents < 0:
        raise Rejected(PEER, api, "not a price")
    return Call(
        api,
        "1.0",
        {"modifyFee": cents, "newTransportFee": str(postage_cents), "orderId": order_id},
        page="/im",
        write=True,
        tells_success=True,
    )


def close_order(order_id: str, reason: str, *, pro: bool) -> Call:
    """Close an order that was not shipped; pro shops have a call of their own."""
    api = "mtop.taobao.idle.trade.merchant.close.by.seller"
    return Call(
        api if pro else "mtop.taobao.idle.trade.close.by.seller",
        "2.0",
        {"tid": order_id, "bizOrderId": order_id, "closeReason": reason},
        site=SELLER_CENTRE if pro else WEB,
        page="" if pro else "/im",
        write=True,
    )


def rate(order_id: str, text: str) -> Call:
    """Rate the buyer as good."""
    api = "mtop.taobao.idle.rate.create"
    _fits(api, text, LONGEST_RATING)
    return Call(
        api,
        "4.0",
        {"tradeId": order_id, "rate": 1, "feedback": text, "createOrAppend": 0},
        write=True,
        done_before=("已评价", "不能重复评价"),
    )


def polish(item_id: str, *, older: bool = False) -> Call:
    """Show an item as fresh again; once per item and day."""
    return Call(
        "mtop.idle.item.polish" if older else "mtop.taobao.idle.item.polish",
        "1.0" if older else "2.0",
        {"itemId": item_id},
        write=True,
        done_before=("IDLEITEM_POLISH_AGAIN", "POLISH_DUPLICATE", "已经擦亮过", "只能擦亮一次"),
    )


def _fits(api: str, text: str, most: int) -> None:
    if len(text) > most:
        raise Rejected(PEER, api, f"文字最多 {most} 个字，这段有 {len(text)} 个")
