"""Calls with an effect: what they say, how they end, and that nothing happens twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from fake_http import FakeHttp, cut

from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain
from hub.model import Done, PlatformUser
from hub.xianyu import Client

ORDER = "5120000111122223333"
ITEM = "880011223344"
BUYER = PlatformUser("3100444455556")

Write = Callable[[Client], Awaitable[Done]]
WRITES: dict[str, Write] = {
    "ship": lambda client: client.ship(ORDER),
    "free_shipping": lambda client: client.free_shipping(ORDER, ITEM, BUYER),
    "change_price": lambda client: client.change_price(ORDER, 880),
    "close_order": lambda client: client.close_order(ORDER),
    "rate": lambda client: client.rate(ORDER, "好买家"),
    "polish": lambda client: client.polish(ITEM),
}
EACH = pytest.mark.parametrize("write", [pytest.param(w, id=name) for name, w in WRITES.items()])


async def test_shipping_says_order_and_text(platform: FakeHttp, client: Client) -> None:
    platform.api({"success": "true"})
    assert await client.ship(ORDER, "卡号 1") == Done()
    (asked,) = platform.seen
    assert asked.path == "/h5/mtop.taobao.idle.logistic.consign.dummy/1.0/"
    assert asked.data == {
        "orderId": ORDER,
        "tradeText": "卡号 1",
        "picList": [],
        "newUnconsign": True,
    }


async def test_completing_a_bargain_says_item_and_buyer_as_numbers(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({})
    await client.free_shipping(ORDER, ITEM, BUYER)
    expected = f'{{"bizOrderId":"{ORDER}","itemId":{ITEM},"buyerId":{BUYER}}}'
    assert platform.seen[0].form["data"] == expected


async def test_a_new_price_is_said_in_cents(platform: FakeHttp, client: Client) -> None:
    platform.api({"success": True})
    assert await client.change_price(ORDER, 880, 100) == Done()
    expected = f'{{"modifyFee":880,"newTransportFee":"100","orderId":"{ORDER}"}}'
    assert platform.seen[0].form["data"] == expected


@pytest.mark.parametrize(
    ("pro", "api", "origin"),
    [
        (False, "mtop.taobao.idle.trade.close.by.seller", "https://www.goofish.com"),
        (True, "mtop.taobao.idle.trade.merchant.close.by.seller", "https://seller.goofish.com"),
    ],
)
async def test_closing_gives_the_reason(
    platform: FakeHttp, client: Client, pro: bool, api: str, origin: str
) -> None:
    platform.api({})
    await client.close_order(ORDER, "缺货", pro=pro)
    (asked,) = platform.seen
    assert (asked.path, asked.headers["origin"]) == (f"/h5/{api}/2.0/", origin)
    assert asked.data == {"tid": ORDER, "bizOrderId": ORDER, "closeReason": "缺货"}


async def test_a_rating_is_a_good_one(platform: FakeHttp, client: Client) -> None:
    platform.api({})
    await client.rate(ORDER, "好买家")
    expected = {"tradeId": ORDER, "rate": 1, "feedback": "好买家", "createOrAppend": 0}
    assert platform.seen[0].data == expected


@pytest.mark.parametrize(
    ("write", "ret"),
    [
        ("ship", "ORDER_ALREADY_DELIVERY::订单已发货"),
        ("ship", "FAIL_BIZ_X::订单已发货成功"),
        ("rate", "FAIL_BIZ_X::该订单已评价"),
        ("rate", "FAIL_BIZ_X::不能重复评价"),
        ("polish", "FAIL_BIZ_IDLEITEM_POLISH_AGAIN::宝贝已经擦亮过了"),
        ("polish", "POLISH_DUPLICATE ::x"),
        ("polish", "FAIL_BIZ_X::一天只能擦亮一次"),
    ],
)
async def test_what_was_done_before_counts_as_done(
    platform: FakeHttp, client: Client, write: str, ret: str
) -> None:
    platform.api({}, ret=ret)
    assert await WRITES[write](client) == Done(already=True)


async def test_words_of_one_call_mean_nothing_to_another(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({}, ret="FAIL_BIZ_X::该订单已评价")
    with pytest.raises(Rejected):
        await client.ship(ORDER)


@EACH
@pytest.mark.parametrize(
    "answer",
    [
        cut,
        lambda _: web.Response(status=502, text="bad gateway"),
        {"ret": ["FAIL_SYS_TIMEOUT::超时"]},
        {"ret": []},
        "<html>oops</html>",
    ],
    ids=["cut", "502", "timeout", "empty", "page"],
)
async def test_a_write_without_a_readable_answer_is_uncertain_and_never_repeated(
    platform: FakeHttp, client: Client, write: Write, answer: object
) -> None:
    platform.on("*", answer)
    with pytest.raises(Uncertain):
        await write(client)
    assert len(platform.seen) == 1


@EACH
async def test_a_refusal_of_the_signature_may_be_repeated_since_nothing_happened(
    platform: FakeHttp, client: Client, write: Write
) -> None:
    stale = {"ret": ["FAIL_SYS_TOKEN_EXOIRED::令牌过期"], "data": {}}
    platform.on("*", stale, {"ret": ["SUCCESS::调用成功"], "data": {"success": True}})
    assert await write(client) == Done()
    assert len(platform.seen) == 2


@pytest.mark.parametrize(
    ("write", "ret", "error"),
    [
        ("ship", "ORDER_NOT_EXIST::订单不存在", Rejected),
        ("free_shipping", "ORDER_STATUS_ERROR::订单状态错误", Rejected),
        ("change_price", "FAIL_BIZ_ORDER_PAID::订单已付款", Rejected),
        ("change_price", "FAIL_BIZ_CANNOT_MODIFY_FEE::暂无法修改价格", Throttled),
        ("polish", "UNSUPPORTED_ITEM_STATUS::已下架商品不支持该操作", Rejected),
        ("ship", "FAIL_SYS_SESSION_EXPIRED::Session过期", AuthExpired),
    ],
)
async def test_a_refused_write_says_why(
    platform: FakeHttp, client: Client, write: str, ret: str, error: type[PeerError]
) -> None:
    platform.api({}, ret=ret)
    with pytest.raises(error) as caught:
        await WRITES[write](client)
    assert caught.value.reason == ret.partition("::")[2]
    assert len(platform.seen) == 1


async def test_too_early_for_a_new_price_says_when_to_ask_again(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({}, ret="FAIL_BIZ_CANNOT_MODIFY_FEE::订单状态同步中")
    with pytest.raises(Throttled) as caught:
        await client.change_price(ORDER, 880)
    assert caught.value.after == 3


@EACH
async def test_a_failure_inside_a_success_is_a_refusal(
    platform: FakeHttp, client: Client, write: Write
) -> None:
    platform.api({"success": "false", "msg": "没有成功"})
    with pytest.raises(Rejected) as caught:
        await write(client)
    assert caught.value.reason == "没有成功"


async def test_a_new_price_that_is_not_confirmed_is_uncertain(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({})
    with pytest.raises(Uncertain):
        await client.change_price(ORDER, 880)


@pytest.mark.parametrize(
    "write",
    [
        lambda client: client.ship(ORDER, "字" * 201),
        lambda client: client.rate(ORDER, "字" * 501),
        lambda client: client.change_price(ORDER, 0),
        lambda client: client.change_price(ORDER, 1, -1),
        lambda client: client.free_shipping(ORDER, "x", BUYER),
    ],
)
async def test_what_cannot_be_right_is_not_sent(
    platform: FakeHttp, client: Client, write: Write
) -> None:
    with pytest.raises(Rejected):
        await write(client)
    assert not platform.seen


async def test_polishing_takes_the_older_way_when_the_newer_is_gone(
    platform: FakeHttp, client: Client
) -> None:
    newer = "/h5/mtop.taobao.idle.item.polish/2.0/"
    older = "/h5/mtop.idle.item.polish/1.0/"
    platform.api({}, ret="FAIL_SYS_API_NOT_FOUNDED::请求API不存在", path=newer)
    platform.api({}, path=older)
    assert await client.polish(ITEM) == Done()
    assert [one.path for one in platform.seen] == [newer, older]
