"""How an order looks to the seller: its detail page and one line of each list."""

from __future__ import annotations

from typing import Any

from hub.sandbox.manners import Manners
from hub.sandbox.orders import Order, State, china_time, yuan

_STATUS_NUMBERS = {
    State.UNPAID: 1,
    State.BARGAIN: 2,
    State.PAID: 2,
    State.SHIPPED: 3,
    State.COMPLETED: 4,
    State.CLOSED: 6,
}
_STATUS_WORDS = {
    State.UNPAID: ("待付款", "等待买家付款"),
    State.BARGAIN: ("待刀成", "买家已付款，待刀成"),
    State.PAID: ("待发货", "等待你发货"),
    State.SHIPPED: ("已发货", "等待买家收货"),
    State.COMPLETED: ("交易成功", "交易成功"),
    State.CLOSED: ("交易关闭", "交易关闭"),
}
_TIMES = {"paid": "付款时间", "shipped": "发货时间", "completed": "成交时间"}


def words_of(order: Order) -> tuple[str, str]:
    """The state in short, as lists show it, and as the title of its page."""
    if order.refunding:
        return "退款中", "买家申请退款"
    if order.refunded:
        return "退款成功", "退款成功"
    return _STATUS_WORDS[order.state]


def number_of(order: Order, manners: Manners) -> int:
    """2 is certain, the others are what most clients believe; 0: none given."""
    number = _STATUS_NUMBERS[order.state]
    return number if manners.order_numbers == "all" or number == 2 else 0


def detail_model(order: Order, manners: Manners) -> dict[str, Any]:
    """`data` of `order.detail`."""
    number, (short, title) = number_of(order, manners), words_of(order)
    arguments = {"orderId": order.id, "orderStatusName": short, "orderMainTitle": title}
    shown: dict[str, Any] = {
        "orderId": order.id,
        "itemId": order.item,
        "peerUserId": order.buyer,
        "utArgs": arguments,
        "components": [
            {"render": "orderStatusVO", "data": _status_model(order, title, manners)},
            *_address(order),
            {"render": "orderInfoVO", "data": _info_model(order, manners)},
        ],
    }
    if number:
        shown["status"] = number
        arguments["orderStatus"] = str(number)
    return shown


def _status_model(order: Order, title: str, manners: Manners) -> dict[str, Any]:
    number = number_of(order, manners)
    info = {"title": title, **({"status": str(number)} if number else {})}
    return {
        "orderStatusInfo": info,
        "orderStatusNodeList": [
            _node(name, at, manners) for name, at in _nodes(order) if at is not None
        ],
    }


def _nodes(order: Order) -> list[tuple[str, int | None]]:
    """Title and time of each step of the page; 0: still to come, None: not shown."""
    at = order.steps
    paid = at.get("paid", at.get("bargain_waiting", 0))
    if order.state is State.CLOSED:
        end = at.get("closed", at.get("refunded", 0))
        return [("已拍下", order.created_at), ("已付款", paid or None), ("交易关闭", end)]
    waiting = order.state is State.BARGAIN or "bargain_done" in at
    return [
        ("已拍下", order.created_at),
        ("已付款", paid),
        ("待刀成" if order.state is State.BARGAIN else "已刀成", _done(order, waiting)),
        ("待发货", 0 if order.state is State.PAID else None),
        ("已发货", at.get("shipped", 0)),
        ("交易成功", at.get("completed", 0)),
        ("待评价", at.get("seller_rated", 0)),
    ]


def _done(order: Order, bargain: bool) -> int | None:
    return order.steps.get("bargain_done", 0) if bargain else None


def _node(name: str, at: int, manners: Manners) -> dict[str, Any]:
    done: bool | str = at > 0
    if manners.completed_words:
        done = "true" if done else "false"
    return {"title": name, "completed": done, **({"time": china_time(at)} if at else {})}


def _address(order: Order) -> list[dict[str, Any]]:
    if not order.parcel:
        return []
    place = {"name": "张三", "phoneNumber": "13800000000", "address": "浙江省杭州市某某路 1 号"}
    return [{"render": "addressInfoVO", "data": place}]


def _info_model(order: Order, manners: Manners) -> dict[str, Any]:
    lines = [
        ("订单编号", order.id),
        ("买家昵称", order.buyer_name),
        ("下单时间", china_time(order.created_at)),
        *(
            (title, china_time(order.steps[step]))
            for step, title in _TIMES.items()
            if step in order.steps
        ),
    ]
    return {
        "itemInfo": {
            "itemId": order.item,
            "title": order.item_title,
            "price": yuan(order.listed_cents),
            "buyAmount": str(order.quantity),
            "picUrl": order.item_picture,
            **_specs_model(order, manners),
        },
        "priceInfo": {
            "amount": {"value": yuan(order.paid_cents)},
            "billList": [
                {"code": "ITEM_TOTAL_FEE", "value": yuan(order.goods_cents)},
                {"code": "POST_FEE", "value": yuan(order.postage_cents)},
            ],
        },
        "orderInfoList": [{"title": title, "value": value} for title, value in lines],
    }


def _specs_model(order: Order, manners: Manners) -> dict[str, str]:
    if not order.specs:
        return {}
    if manners.spec_form == "names":
        return {
            "specName": manners.spec_joint.join(name for name, _ in order.specs),
            "specValue": manners.spec_joint.join(value for _, value in order.specs),
        }
    return {"skuInfo": manners.spec_joint.join(f"{name}:{value}" for name, value in order.specs)}


def merchant_model(order: Order) -> dict[str, Any]:
    """One line of the seller centre's list; `valueType=string` turns its scalars to text."""
    short, _ = words_of(order)
    paid_at = order.steps.get("paid", order.steps.get("bargain_waiting", 0))
    skip = [{"tradeAction": "SKIP_PIN"}] if order.state is State.BARGAIN else []
    return {
        "commonData": {
            "orderId": order.id,
            "itemId": order.item,
            "orderStatus": "待发货" if order.state is State.BARGAIN else short,
            "inRefund": order.refunding,
            "createTime": china_time(order.created_at),
            "paySuccessTime": china_time(paid_at) if paid_at else "",
            "sellerRateStatus": 5 if order.seller_rating is None else 4,
        },
        "buyerInfoVO": {
            "buyerId": order.buyer,
            "userNick": order.buyer_name,
            "name": "张三",
            "phone": "138****0000",
            "address": "浙江省杭州市某某路 1 号",
        },
        "itemVO": {"title": order.item_title},
        "priceVO": {
            "totalPrice": yuan(order.paid_cents),
            "buyNum": order.quantity,
            "confirmFee": yuan(order.paid_cents),
            "auctionPrice": yuan(order.listed_cents),
        },
        "rightVO": {"btnList": skip},
    }


def ordinary_model(order: Order, manners: Manners) -> dict[str, Any]:
    """One line of the list that every seller may read."""
    short, title = words_of(order)
    return {
        "bizOrderId": order.id,
        "auctionId": order.item,
        "auctionTitle": order.item_title,
        "orderStatus": str(number_of(order, manners) or ""),
        "orderStatusMsg": "等待卖家发货" if short == "待发货" else title,
        "buyerId": order.buyer,
        "buyerNick": order.buyer_name,
        "totalFee": yuan(order.paid_cents),
        "buyAmount": str(order.quantity),
        "createTime": china_time(order.created_at),
    }
