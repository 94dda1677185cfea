"""Orders as a seller's program meets them: what it reads, what it may change, what it is told."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from .client import BUYER, CONVERSATION, SELLER, Rig, Wire

DETAIL = "mtop.idle.web.trade.order.detail"
ORDINARY = "mtop.taobao.idle.trade.sold.get"
MERCHANT = "mtop.taobao.idle.trade.merchant.sold.get"
HEAD = "mtop.idle.trade.pc.message.headinfo"
CONSIGN = "mtop.taobao.idle.logistic.consign.dummy"
FREE = "mtop.idle.groupon.activity.seller.freeshipping"
ADJUST = "mtop.taobao.idle.trade.user.adjust.price"
CLOSE = "mtop.taobao.idle.trade.close.by.seller"
RATE = "mtop.taobao.idle.rate.create"
ITEM = "880011223344"


def component(detail: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one["data"] for one in detail["components"] if one["render"] == name]
    return dict(found)


def steps_of(detail: dict[str, Any]) -> dict[str, Any]:
    nodes = component(detail, "orderStatusVO")["orderStatusNodeList"]
    return {one["title"]: one["completed"] for one in nodes}


def statuses(wire: Wire) -> list[str]:
    """What the conversation list showed in red, in order."""
    notes = [p for p in wire.payloads() if isinstance(p[1], str) and p[1].endswith("@goofish")]
    return [p[3]["redReminder"] for p in notes if "redReminder" in p[3]]


# --- the story ---


async def test_one_virtual_order_is_told_from_placing_to_rating(rig: Rig) -> None:
    async with rig.online() as wire:
        order = await rig.step(await rig.order(), "pay")
        assert await rig.browser.ret(CONSIGN, orderId=order["id"], tradeText="") == "SUCCESS"
        await rig.step(order, "receive", "rate")
        await wire.until(lambda: "[我完成了评价]" in wire.texts())
        assert wire.texts() == [
            "[我已拍下，待付款]",
            "[我已付款，等待你发货]",
            "[你已发货]",
            "[买家确认收货，交易成功]",
            "快给ta一个评价吧～",
            "[我完成了评价]",
        ]
        await wire.until(lambda: len(statuses(wire)) == 5)
        assert statuses(wire) == [
            "等待买家付款",
            "等待卖家发货",
            "等待买家收货",
            "交易成功",
            "有新交易评价",
        ]
    state = await rig.admin("GET", f"/orders/{order['id']}")
    assert state["story"] == ["unpaid", "paid", "shipped", "completed", "rated"]


@pytest.mark.parametrize(
    ("told", "cards", "red"),
    [
        ("story", 2, ["等待买家付款", "等待卖家发货"]),
        ("update", 1, ["等待买家付款", "等待卖家发货"]),
        ("summary", 1, ["等待买家付款", "等待卖家发货"]),
        ("nothing", 1, ["等待买家付款"]),
    ],
)
async def test_a_payment_can_be_told_in_every_known_way(
    rig: Rig, told: str, cards: int, red: list[str]
) -> None:
    async with rig.online() as wire:
        order = await rig.step(await rig.order(), "pay", told=told)
        await rig.say("付了")
        await wire.until(lambda: "付了" in wire.texts())
        assert len([text for text in wire.texts() if text.startswith("[")]) == cards
        assert statuses(wire) == red
        updates = [p for p in wire.payloads() if isinstance(p[1], str) and p[1].endswith(".PNM")]
        assert len(updates) == (1 if told == "update" else 0)
    assert (await rig.browser.data(DETAIL, tid=order["id"]))["status"] == 2


async def test_a_refund_is_asked_for_withdrawn_asked_again_and_paid_back(rig: Rig) -> None:
    async with rig.online() as wire:
        order = await rig.step(await rig.order(), "pay", "refund")
        assert order["status"] == "退款中"
        assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "ORDER_STATUS_ERROR"
        order = await rig.step(order, "withdraw")
        assert order["status"] == "待发货"
        order = await rig.step(order, "refund", "agree", "repay")
        assert (order["state"], order["status"]) == ("closed", "退款成功")
        await wire.until(lambda: "[退款成功，钱款已原路退返]" in wire.texts())
        await wire.until(lambda: statuses(wire)[-1] == "交易关闭")
        assert "等待卖家发货" in statuses(wire)[2:]


async def test_a_bargain_waits_for_free_shipping_before_it_can_be_shipped(rig: Rig) -> None:
    order = await rig.step(await rig.order(bargain=True), "pay")
    assert order["state"] == "bargain"
    detail = await rig.browser.data(DETAIL, tid=order["id"])
    assert steps_of(detail)["待刀成"] is False
    assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "ORDER_STATUS_ERROR"
    wish: dict[str, Any] = {"bizOrderId": order["id"], "itemId": int(ITEM), "buyerId": int(BUYER)}
    assert await rig.browser.ret(FREE, **{**wish, "bizOrderId": "1"}) == "ORDER_NOT_EXIST"
    assert await rig.browser.ret(FREE, **{**wish, "buyerId": 1}) == "BUYER_NOT_EXIST"
    refused = await rig.browser.ret(FREE, **{**wish, "itemId": 1})
    assert refused == "GROUPON_ACTIVITY_ITEM_CHECK_ERROR"
    async with rig.online() as wire:
        assert await rig.browser.ret(FREE, **wish) == "SUCCESS"
        await wire.until(lambda: statuses(wire) == ["等待卖家发货"])
        assert wire.texts() == ["[卡片消息]"]
    assert await rig.browser.ret(FREE, **wish) == "ORDER_STATUS_ERROR"
    assert steps_of(await rig.browser.data(DETAIL, tid=order["id"]))["已刀成"] is True
    assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "SUCCESS"


@pytest.mark.parametrize(
    ("steps", "step"),
    [((), "receive"), (("pay",), "pay"), (("pay", "refund"), "refund"), (("close",), "pay")],
)
async def test_a_step_that_the_order_does_not_allow_changes_nothing(
    rig: Rig, steps: tuple[str, ...], step: str
) -> None:
    order = await rig.step(await rig.order(), *steps)
    async with rig.online() as wire:
        await rig.admin("POST", f"/orders/{order['id']}/{step}", {}, status=400)
        await wire.ask("/!")
        assert wire.texts() == []
    assert (await rig.admin("GET", f"/orders/{order['id']}"))["story"] == order["story"]


async def test_an_event_by_force_makes_the_order_fit(rig: Rig) -> None:
    body = {"conversation": CONVERSATION, "event": "shipped"}
    id = (await rig.admin("POST", "/order", body))["order"]
    detail = await rig.browser.data(DETAIL, tid=id)
    assert component(detail, "orderStatusVO")["orderStatusInfo"]["title"] == "等待买家收货"
    assert detail["status"] == 3


# --- reading ---


async def test_the_detail_names_item_choice_people_amounts_and_times(rig: Rig) -> None:
    order = await rig.order(sku="季卡", quantity=2, postage="3.50", parcel=True)
    await rig.step(order, "pay")
    detail = await rig.browser.data(DETAIL, tid=order["id"])
    assert (detail["orderId"], detail["itemId"]) == (order["id"], ITEM)
    assert detail["peerUserId"] == BUYER
    info = component(detail, "orderInfoVO")
    assert info["itemInfo"]["skuInfo"] == "套餐:季卡"
    assert (info["itemInfo"]["price"], info["itemInfo"]["buyAmount"]) == ("34.80", "2")
    assert info["priceInfo"]["amount"] == {"value": "73.10"}
    assert [one["value"] for one in info["priceInfo"]["billList"]] == ["69.60", "3.50"]
    lines = {one["title"]: one["value"] for one in info["orderInfoList"]}
    assert set(lines) == {"订单编号", "买家昵称", "下单时间", "付款时间"}
    assert component(detail, "addressInfoVO")["phoneNumber"]
    assert steps_of(detail) == {
        "已拍下": True,
        "已付款": True,
        "待发货": False,
        "已发货": False,
        "交易成功": False,
        "待评价": False,
    }


async def test_an_order_of_somebody_else_cannot_be_read_or_shipped(rig: Rig) -> None:
    other = await rig.admin("POST", "/sellers", {"name": "别家"})
    await rig.admin("POST", "/items", {"seller": other["user"], "title": "别家的"})
    place = {"seller": other["user"], "buyer": BUYER}
    order = await rig.admin("POST", "/orders", place)
    await rig.step(order, "pay")
    assert await rig.browser.ret(DETAIL, tid=order["id"]) == "ORDER_NOT_EXIST"
    assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "ORDER_NOT_EXIST"


async def test_the_ordinary_list_shows_what_is_to_be_shipped_newest_first(rig: Rig) -> None:
    unpaid = await rig.order()
    first = await rig.step(await rig.order(), "pay")
    second = await rig.step(await rig.order(), "pay")
    wish = {"pageNumber": 1, "orderStatus": "NOT_SHIP", "offsetRow": 0}
    items = (await rig.browser.data(ORDINARY, **wish))["items"]
    assert [one["bizOrderId"] for one in items] == [second["id"], first["id"]]
    assert {one["orderStatus"] for one in items} == {"2"}
    assert (items[0]["auctionId"], items[0]["totalFee"]) == (ITEM, "12.80")
    await rig.manners(unfiltered_orders=True)
    items = (await rig.browser.data(ORDINARY, **wish))["items"]
    assert unpaid["id"] in [one["bizOrderId"] for one in items]


async def test_the_seller_centre_is_for_pro_shops_and_speaks_text(rig: Rig) -> None:
    order = await rig.step(await rig.order(bargain=True), "pay")
    wish = {"pageNumber": 1, "rowsPerPage": 30, "queryCode": "NOT_SHIP"}
    assert await rig.browser.ret(MERCHANT, **wish) == "PERMISSION_EXCEPTION"
    await rig.admin("PATCH", f"/sellers/{SELLER}", {"pro": True})
    rig.browser.query = {"type": "json", "valueType": "string"}
    module = (await rig.browser.data(MERCHANT, **wish))["module"]
    assert (module["nextPage"], module["totalCount"]) == ("false", "1")
    (line,) = module["items"]
    assert line["commonData"]["orderId"] == order["id"]
    assert line["commonData"]["inRefund"] == "false"
    assert line["priceVO"]["buyNum"] == "1"
    assert line["rightVO"]["btnList"] == [{"tradeAction": "SKIP_PIN"}]


async def test_a_conversation_leads_to_its_newest_order(rig: Rig) -> None:
    wish = {"itemId": ITEM, "sessionId": CONVERSATION, "sessionType": 1}
    assert "orderId" not in (await rig.browser.data(HEAD, **wish))["commonData"]["utArgs"]
    await rig.order()
    newest = await rig.order()
    head = await rig.browser.data(HEAD, **wish)
    assert head == {"commonData": {"utArgs": {"orderId": newest["id"]}}}


# --- writing ---


async def test_shipping_twice_is_told_apart_and_done_once(rig: Rig) -> None:
    order = await rig.step(await rig.order(), "pay")
    assert await rig.browser.ret(CONSIGN, orderId=order["id"], tradeText="卡密") == "SUCCESS"
    assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "ORDER_ALREADY_DELIVERY"
    state = await rig.admin("GET", f"/orders/{order['id']}")
    assert (state["story"].count("shipped"), state["ship_text"]) == (1, "卡密")


async def test_an_unpaid_order_cannot_be_shipped(rig: Rig) -> None:
    order = await rig.order()
    assert await rig.browser.ret(CONSIGN, orderId=order["id"]) == "ORDER_STATUS_ERROR"


async def test_a_price_changes_before_payment_only_and_is_what_the_buyer_pays(rig: Rig) -> None:
    order = await rig.order(quantity=2)
    wish = {"modifyFee": 880, "newTransportFee": "0", "orderId": order["id"]}
    await rig.manners(settle_seconds=60)
    assert await rig.browser.ret(ADJUST, **wish) == "FAIL_BIZ_CANNOT_MODIFY_FEE"
    await rig.manners(settle_seconds=0)
    async with rig.online() as wire:
        assert await rig.browser.data(ADJUST, **wish) == {"success": True}
        await wire.until(lambda: "[我已修改价格，等待你付款]" in wire.texts())
    paid = await rig.step(order, "pay")
    assert paid["paid_amount"] == "8.80"
    info = component(await rig.browser.data(DETAIL, tid=order["id"]), "orderInfoVO")
    assert (info["itemInfo"]["price"], info["priceInfo"]["amount"]["value"]) == ("12.80", "8.80")
    assert await rig.browser.ret(ADJUST, **wish) == "FAIL_BIZ_ORDER_PAID"
    closed = await rig.step(await rig.order(), "expire")
    wish["orderId"] = closed["id"]
    assert await rig.browser.ret(ADJUST, **wish) == "FAIL_BIZ_ORDER_CLOSED"


@pytest.mark.parametrize(
    ("steps", "words"),
    [((), "[未付款，你关闭了订单]"), (("pay",), "[你关闭了订单，钱款已原路退返]")],
)
async def test_the_seller_may_close_what_is_not_shipped(
    rig: Rig, steps: tuple[str, ...], words: str
) -> None:
    order = await rig.step(await rig.order(), *steps)
    wish = {"tid": order["id"], "bizOrderId": order["id"], "closeReason": "其他原因"}
    async with rig.online() as wire:
        assert await rig.browser.ret(CLOSE, **wish) == "SUCCESS"
        await wire.until(lambda: words in wire.texts())
    assert await rig.browser.ret(CLOSE, **wish) == "ORDER_STATUS_ERROR"
    merchant = "mtop.taobao.idle.trade.merchant.close.by.seller"
    assert await rig.browser.ret(merchant, **wish) == "PERMISSION_EXCEPTION"


async def test_a_completed_order_is_rated_once(rig: Rig) -> None:
    order = await rig.step(await rig.order(), "pay", "ship")
    wish = {"tradeId": order["id"], "rate": 1, "feedback": "好买家", "createOrAppend": 0}
    assert await rig.browser.ret(RATE, **wish) == "ORDER_STATUS_ERROR"
    await rig.step(order, "receive")
    assert await rig.browser.ret(RATE, **{**wish, "feedback": "好" * 501}) == "FAIL_BIZ_PARAM_ERROR"
    assert await rig.browser.ret(RATE, **wish) == "SUCCESS"
    again = await rig.browser.call(RATE, json.dumps(wish))
    assert "不能重复评价" in again["ret"][0]
    ratings = await rig.browser.data("mtop.idle.web.trade.rate.list", ratedUid=BUYER)
    assert ratings == {"totalCount": 1}


@pytest.mark.parametrize(("kind", "shipped"), [("mtop_stored", 1), ("mtop_lost", 0)])
async def test_a_write_can_go_through_or_not_without_any_answer(
    rig: Rig, kind: str, shipped: int
) -> None:
    """Only reading the order tells which it was."""
    order = await rig.step(await rig.order(), "pay")
    await rig.browser.ret(DETAIL, tid=order["id"])
    await rig.fault(kind, subject=CONSIGN)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await rig.browser.once(CONSIGN, json.dumps({"orderId": order["id"]}))
    detail = await rig.browser.data(DETAIL, tid=order["id"])
    assert detail["status"] == 2 + shipped


async def test_success_may_be_denied_by_the_data(rig: Rig) -> None:
    order = await rig.order()
    await rig.fault("mtop_unsure", subject=ADJUST)
    wish = {"modifyFee": 880, "newTransportFee": "0", "orderId": order["id"]}
    assert await rig.browser.data(ADJUST, **wish) == {"success": False}
    assert (await rig.admin("GET", f"/orders/{order['id']}"))["paid_amount"] == "12.80"
