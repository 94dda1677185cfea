"""Listings and their prices."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fake_http import FakeHttp

from hub.errors import Malformed, Rejected
from hub.model import Picture, Variant
from hub.xianyu import Client
from hub.xianyu.money import read_amount, read_cents, read_prices

ITEM = "880011223344"


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("9.90", "9.90", "9.90"),
        ("¥9.9", "9.9", "9.9"),
        (" ￥ 12 元", "12", "12"),
        (12, "12", "12"),
        (9.5, "9.5", "9.5"),
        ("1.2万", "12000", "12000"),
        ("¥1.2万起", "12000", "12000"),
        ("1,299.00", "1299.00", "1299.00"),
        ("10-20", "10", "20"),
        ("¥10.50~¥20.5", "10.50", "20.5"),
        ("1万-1.5万", "10000", "15000"),
        ("9000-1.2万", "9000", "12000"),
    ],
)
def test_a_price_is_read_as_people_read_it(written: object, low: str, high: str) -> None:
    """L40"""
    assert read_prices(written) == (Decimal(low), Decimal(high))


@pytest.mark.parametrize(
    "written",
    [
        "",
        None,
        "面议",
        "-3",
        "NaN",
        "Infinity",
        "1.2.3",
        "20-10",
        "1-2万",
        "1,2",
        "9" * 30,
        True,
        [],
    ],
)
def test_what_is_no_price_for_certain_is_none(written: object) -> None:
    """L40"""
    assert read_prices(written) is None


@pytest.mark.parametrize("written", ["880", 880, 8.8, "8.801", "", None, "-1.00", "1e2.0"])
def test_a_sum_that_may_be_cents_is_not_believed(written: object) -> None:
    assert read_amount(written) is None


def test_sums_and_cents_become_yuan() -> None:
    assert read_amount("8.80") == Decimal("8.80")
    assert read_amount("¥8.8") == Decimal("8.80")
    assert read_cents("880") == Decimal("8.80")
    assert read_cents(-1) is None


async def test_an_item_is_read_as_its_page_shows_it(platform: FakeHttp, client: Client) -> None:
    page = {
        "itemId": ITEM,
        "title": "测试商品",
        "desc": "自动发货",
        "soldPrice": "9.90",
        "quantity": "3",
        "itemStatus": 0,
        "imageInfos": [
            {"url": "https://img.alicdn.com/b.jpg"},
            {
                "url": "https://img.alicdn.com/a.jpg",
                "major": "true",
                "widthSize": "1080",
                "heightSize": 1440,
            },
        ],
    }
    platform.api({"itemDO": page, "sellerDO": {"sellerId": 2200111122223}})
    item = await client.item(ITEM)
    assert (item.title, item.description, item.quantity) == ("测试商品", "自动发货", 3)
    assert (item.price, item.highest_price) == (Decimal("9.90"), Decimal("9.90"))
    assert (item.seller, item.on_sale) == ("2200111122223", True)
    assert item.pictures[0] == Picture("https://img.alicdn.com/a.jpg", 1080, 1440)
    assert platform.seen[0].data == {"itemId": ITEM}
    assert platform.seen[0].headers["referer"] == f"https://www.goofish.com/item?id={ITEM}"


async def test_variants_say_the_price_in_cents(platform: FakeHttp, client: Client) -> None:
    def sku(name: str, value: str, cents: object) -> dict[str, object]:
        chosen = [{"propertyText": "套餐", "valueText": value}]
        return {"skuId": name, "price": cents, "quantity": 5, "propertyList": chosen}

    skus = [sku("71", "月卡", 1990), sku("72", "年卡", "12800")]
    platform.api({"itemDO": {"title": "会员", "soldPrice": "19.9", "skuList": skus}})
    item = await client.item(ITEM)
    assert (item.price, item.highest_price) == (Decimal("19.90"), Decimal("128.00"))
    assert item.variants[1] == Variant("72", (("套餐", "年卡"),), Decimal("128.00"), 5)


async def test_another_item_than_asked_for_is_not_believed(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({"itemDO": {"itemId": "990011223344", "title": "别的"}})
    with pytest.raises(Malformed):
        await client.item(ITEM)


async def test_a_missing_item_is_refused_with_its_code(platform: FakeHttp, client: Client) -> None:
    platform.api({}, ret="FAIL_BIZ_ITEM_NOT_FOUND::商品不存在")
    with pytest.raises(Rejected) as caught:
        await client.item(ITEM)
    assert (caught.value.code, caught.value.reason) == ("FAIL_BIZ_ITEM_NOT_FOUND", "商品不存在")


def card(number: int, **more: object) -> dict[str, object]:
    return {"cardType": 1003, "cardData": {"id": str(number), "title": f"商品{number}", **more}}


async def test_the_own_list_is_read_line_by_line(platform: FakeHttp, client: Client) -> None:
    picture = {"picUrl": "https://img.alicdn.com/x.jpg", "width": 800, "height": "600"}
    rows = [
        card(1, priceInfo={"price": "1.2万"}, itemStatus=0, picInfo=picture),
        {"cardType": 1, "cardData": {"id": "2"}},
        {"cardData": {"detailUrl": "fleamarket://awesome_detail?itemId=3", "itemStatus": "1"}},
        "nothing",
    ]
    platform.api({"cardList": rows})
    page = await client.items()
    assert [(one.id, one.on_sale) for one in page.items] == [("1", True), ("3", False)]
    assert page.items[0].price == Decimal("12000")
    assert page.items[0].picture == Picture("https://img.alicdn.com/x.jpg", 800, 600)
    assert not page.more
    asked = platform.seen[0].data
    assert (asked["userId"], asked["pageNumber"], asked["pageSize"]) == ("2200111122223", 1, 20)


async def test_a_full_page_may_have_another_and_none_is_an_empty_one(
    platform: FakeHttp, client: Client
) -> None:
    platform.api({"cardList": [card(n) for n in range(20)]})
    assert (await client.items()).more
    platform.api({})
    page = await client.items(2)
    assert (page.items, page.more) == ((), False)
