"""Orders: a page is believed only as far as it agrees with itself."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fake_http import FakeHttp

from hub.errors import Malformed, Rejected
from hub.model import OrderStatus as S
from hub.model import PlatformConversation
from hub.xianyu import PERMISSION, Client
from hub.xianyu.orders import read_spec, read_time, weigh

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
ORDER = "5120000111122223333"
PAID_STEPS = (("已拍下", True), ("已付款", True), ("已发货", False), ("交易成功", False))


def page(name: str = "e01-order-detail") -> Any:
    return json.loads((FRAMES / f"{name}.json").read_text("utf-8"))["body"]["data"]


def part(data: Any, render: str) -> Any:
    return next(one["data"] for one in data["components"] if one["render"] == render)


async def test_an_order_is_read_as_its_page_shows_it(platform: FakeHttp, client: Client) -> None:
    platform.api(page())
    order = await client.order(ORDER)
    assert (order.id, order.status, order.bargain) == (ORDER, S.PAID, False)
    assert (order.item_id, order.item_title) == ("880011223344", "测试商品")
    assert (order.buyer, order.buyer_name) == ("3100444455556", "小林")
    assert (order.spec, order.quantity) == ((("套餐", "月卡"),), 1)
    assert (order.paid_amount, order.listed_price) == (Decimal("8.80"), Decimal("9.90"))
    assert order.paid_at == datetime(2026, 9, 1, 2, 1, tzinfo=UTC)
    assert order.shipped_at is None
    asked = platform.seen[0]
    assert asked.form["data"] == f'{{"tid":"{ORDER}"}}'
    referer = f"https://www.goofish.com/order-detail?orderId={ORDER}&role=seller"
    assert asked.headers["referer"] == referer


@pytest.mark.parametrize("other", ["5120000111122223334", "5120000111122223000", None])
async def test_another_order_than_asked_for_is_not_believed(
    platform: FakeHttp, client: Client, other: str | None
) -> None:
    """The ids differ where a float would be blind."""
    data = page()
    data["orderId"] = data["utArgs"]["orderId"] = other
    platform.api(data)
    with pytest.raises(Malformed):
        await client.order(ORDER)


async def test_an_answer_without_parts_is_no_order(platform: FakeHttp, client: Client) -> None:
    platform.api({"orderId": ORDER, "status": 2})
    with pytest.raises(Malformed):
        await client.order(ORDER)


async def test_what_the_page_does_not_say_is_not_guessed(
    platform: FakeHttp, client: Client
) -> None:
    """L9, L10"""
    data = page()
    info = part(data, "orderInfoVO")
    info["itemInfo"] = {"title": "测试商品"}
    del info["priceInfo"]
    platform.api(data)
    order = await client.order(ORDER)
    assert (order.quantity, order.spec, order.paid_amount) == (None, (), None)
    assert order.status is S.PAID


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("等待买家付款", S.UNPAID),
        ("等待你发货", S.PAID),
        ("待发货", S.PAID),
        ("买家已付款", S.PAID),
        ("待刀成", S.BARGAIN_PENDING),
        ("已发货，等待买家收货", S.SHIPPED),
        ("交易成功", S.COMPLETED),
        ("待评价", S.COMPLETED),
        ("交易关闭", S.CLOSED),
        ("未付款，买家关闭了订单", S.CLOSED),
        ("退款中", S.REFUND_REQUESTED),
        ("买家申请退货退款", S.REFUND_REQUESTED),
        ("退款待处理", S.REFUND_REQUESTED),
        ("退款成功", S.REFUNDED),
        ("退款成功，钱款已原路退返", S.REFUNDED),
        ("处理中", None),
        ("", None),
    ],
)
def test_the_words_of_a_page_have_one_meaning(title: str, status: S | None) -> None:
    assert weigh([title] if title else [], (), ()) is status


@pytest.mark.parametrize(
    ("words", "steps", "numbers", "status"),
    [
        (["等待你发货"], PAID_STEPS, [2], S.PAID),
        (["等待你发货"], [("已付款", False)], [2], None),
        (["等待你发货", "等待买家付款"], PAID_STEPS, [2], None),
        (["等待你发货", "退款中"], PAID_STEPS, [2], S.REFUND_REQUESTED),
        (["等待你发货"], [("已付款", True), ("已发货", True)], [2], S.SHIPPED),
        (["待发货"], [("已付款", True), ("待刀成", False)], [2], S.BARGAIN_PENDING),
        (["待发货"], [("已付款", True), ("待刀成", True), ("已刀成", True)], [2], S.PAID),
        (["待发货"], [("已付款", True), ("已刀成", False)], [], S.BARGAIN_PENDING),
        (["退款关闭"], PAID_STEPS, [2], S.PAID),
        (["退款关闭"], PAID_STEPS, [], None),
        (["没见过的话"], PAID_STEPS, [3], None),
        (["没见过的话"], (), [2], None),
        ([], PAID_STEPS, ["2"], S.PAID),
        ([], [*PAID_STEPS[:2], ("已发货", True)], [2], None),
    ],
)
def test_goods_are_only_due_when_everything_agrees(
    words: list[str], steps: Any, numbers: list[object], status: S | None
) -> None:
    """L1: paid is paid only when nothing on the page speaks against it."""
    assert weigh(words, steps, numbers) is status


def test_steps_that_lie_ahead_say_nothing() -> None:
    assert weigh(["等待买家付款"], [("已拍下", True), ("交易成功", False)], ()) is S.UNPAID


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("套餐:月卡", (("套餐", "月卡"),)),
        ("套餐：月卡", (("套餐", "月卡"),)),
        ("颜色:红;尺码:XL", (("颜色", "红"), ("尺码", "XL"))),
        ("颜色:红，尺码:XL", (("颜色", "红"), ("尺码", "XL"))),
        ("颜色:红 尺码:XL", (("颜色", "红"), ("尺码", "XL"))),
        ("套餐:A,B 两种", (("套餐", "A,B 两种"),)),
        ("时间:12:30", (("时间", "12:30"),)),
        ("月卡", (("", "月卡"),)),
        ("", ()),
    ],
)
def test_a_spec_is_split_at_its_first_colon(text: str, spec: object) -> None:
    assert read_spec({"skuInfo": text}) == spec


def test_a_spec_in_two_fields_is_read_too() -> None:
    assert read_spec({"specName": "套餐", "specValue": "年卡"}) == (("套餐", "年卡"),)


def test_times_are_chinese_times() -> None:
    assert read_time("2026-09-01 10:00:00") == datetime(2026, 9, 1, 2, tzinfo=UTC)
    assert read_time("1790000000000") == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert read_time("昨天") is None


# --- Lists --------------------------------------------------------------------------------------


async def test_the_list_of_ordinary_accounts_is_filtered_again(
    platform: FakeHttp, client: Client
) -> None:
    data = page("e02-orders-to-ship")
    platform.api(data)
    found = await client.unshipped_orders(2)
    assert [(one.id, one.status) for one in found.orders] == [
        (ORDER, S.PAID),
        ("5120000111122223336", S.PAID),
        ("5120000111122223337", None),
    ]
    assert found.orders[0].buyer_name == "小林"
    assert (found.orders[0].paid_amount, found.orders[0].quantity) == (Decimal("8.80"), 1)
    asked = platform.seen[0]
    assert asked.path == "/h5/mtop.taobao.idle.trade.sold.get/5.0/"
    assert (asked.query["type"], asked.query["valueType"]) == ("originaljson", "original")
    assert asked.data == {"pageNumber": 2, "orderStatus": "NOT_SHIP", "offsetRow": 0}
    assert asked.headers["origin"] == "https://h5.m.goofish.com"


async def test_the_list_of_pro_shops_knows_refunds_and_bargains(
    platform: FakeHttp, client: Client
) -> None:
    data = page("e03-pro-orders-to-ship")
    refunding = deepcopy(data["module"]["items"][0])
    refunding["commonData"] |= {"orderId": "5120000111122223334", "inRefund": "true"}
    plain = deepcopy(data["module"]["items"][0])
    plain["commonData"]["orderId"] = "5120000111122223335"
    plain["rightVO"] = {}
    data["module"]["items"] += [refunding, plain]
    platform.api(data)
    found = await client.unshipped_orders(pro=True)
    assert [(one.id, one.status) for one in found.orders] == [
        (ORDER, S.BARGAIN_PENDING),
        ("5120000111122223335", S.PAID),
    ]
    assert found.more
    assert found.orders[1].paid_at == datetime(2026, 9, 1, 2, 1, tzinfo=UTC)
    asked = platform.seen[0]
    assert (asked.query["type"], asked.query["valueType"]) == ("json", "string")
    assert asked.headers["origin"] == "https://seller.goofish.com"
    assert asked.headers["idle_site_biz_code"] == "COMMONPRO"


@pytest.mark.parametrize(
    "ret",
    [
        "PERMISSION_EXCEPTION::无权限访问",
        "permissionCode: item:info:update, 用户无权限访问当前站点[COMMONPRO]",
    ],
)
async def test_an_ordinary_account_is_told_that_the_pro_list_is_not_for_it(
    platform: FakeHttp, client: Client, ret: str
) -> None:
    platform.api({}, ret=ret)
    with pytest.raises(Rejected) as caught:
        await client.unshipped_orders(pro=True)
    assert caught.value.code == PERMISSION


async def test_an_empty_page_is_the_last(platform: FakeHttp, client: Client) -> None:
    platform.api({"items": []})
    page = await client.unshipped_orders(3)
    assert (page.orders, page.more) == ((), False)


async def test_a_conversation_leads_to_its_order(platform: FakeHttp, client: Client) -> None:
    conversation = PlatformConversation("60010020030")
    head = json.loads((FRAMES / "d08-conversation-head.json").read_text("utf-8"))["body"]
    platform.api(head["data"])
    assert await client.order_of_conversation(conversation, "880011223344") == ORDER
    asked = {"itemId": "880011223344", "sessionId": "60010020030", "sessionType": 1}
    assert platform.seen[0].data == asked


@pytest.mark.parametrize("name", [None, "", "0", 5.12e18, "null"])
async def test_a_conversation_without_an_order_has_none(
    platform: FakeHttp, client: Client, name: object
) -> None:
    platform.api({"commonData": {"utArgs": {"orderId": name}}})
    assert await client.order_of_conversation(PlatformConversation("1"), "2") is None
