"""The seller's items: pages, details, prices of every form, polishing."""

from __future__ import annotations

from typing import Any

import pytest

from .client import SELLER, Rig

LIST = "mtop.idle.web.xyh.item.list"
DETAIL = "mtop.taobao.idle.pc.detail"
POLISH = "mtop.taobao.idle.item.polish"
SEARCH = "mtop.alibaba.idle.seller.pc.common.item.search"
ITEM = "880011223344"
PAGE: dict[str, Any] = {"needGroupInfo": True, "pageNumber": 1, "pageSize": 20, "userId": SELLER}


async def test_own_items_come_in_pages_and_then_no_list_at_all(rig: Rig) -> None:
    for number in range(20):
        await rig.admin("POST", "/items", {"seller": SELLER, "title": f"新{number}"})
    first = await rig.browser.data(LIST, **PAGE)
    second = await rig.browser.data(LIST, **{**PAGE, "pageNumber": 2})
    ids = [one["cardData"]["id"] for page in (first, second) for one in page["cardList"]]
    assert len(ids) == len(set(ids)) == 23
    assert await rig.browser.data(LIST, **{**PAGE, "pageNumber": 3}) == {}


async def test_a_page_too_large_or_without_group_is_silently_empty(rig: Rig) -> None:
    assert await rig.browser.data(LIST, **{**PAGE, "pageSize": 21}) == {}
    assert await rig.browser.data(LIST, **{**PAGE, "needGroupInfo": False}) == {}
    grouped = {**PAGE, "needGroupInfo": False, "groupId": "58877261", "groupName": "在售"}
    assert len((await rig.browser.data(LIST, **grouped))["cardList"]) == 3
    await rig.admin("PATCH", f"/items/{ITEM}", {"on_sale": False})
    assert len((await rig.browser.data(LIST, **grouped))["cardList"]) == 2


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"price": "1.2万", "skus": []}, "1.2万"),
        ({"price": "30.00", "skus": [{"specs": {"色": "红"}, "price": "30"}]}, "30.00"),
        (
            {
                "skus": [
                    {"specs": {"色": "红"}, "price": "9.90"},
                    {"specs": {"色": "蓝"}, "price": "29.90"},
                ]
            },
            "9.90-29.90",
        ),
    ],
)
async def test_prices_are_shown_in_every_form(rig: Rig, change: dict[str, Any], shown: str) -> None:
    await rig.admin("PATCH", f"/items/{ITEM}", change)
    detail = await rig.browser.data(DETAIL, itemId=ITEM)
    assert detail["itemDO"]["soldPrice"] == shown
    cents = [round(float(one["price"]) * 100) for one in change["skus"]]
    assert [one["price"] for one in detail["itemDO"]["skuList"]] == cents
    cards = (await rig.browser.data(LIST, **PAGE))["cardList"]
    (card,) = [one["cardData"] for one in cards if one["cardData"]["id"] == ITEM]
    assert card["priceInfo"] == {"price": shown, "preText": "¥"}


async def test_an_item_is_polished_once_a_day(rig: Rig) -> None:
    assert await rig.browser.ret(POLISH, itemId=ITEM) == "SUCCESS"
    again = await rig.browser.ret("mtop.idle.item.polish", itemId=ITEM)
    assert again == "FAIL_BIZ_IDLEITEM_POLISH_AGAIN"
    await rig.admin("PATCH", f"/items/{ITEM}", {"polished": False})
    assert await rig.browser.ret(POLISH, itemId=ITEM) == "SUCCESS"
    await rig.admin("PATCH", f"/items/{ITEM}", {"polished": False, "on_sale": False})
    assert await rig.browser.ret(POLISH, itemId=ITEM) == "UNSUPPORTED_ITEM_STATUS"
    assert await rig.browser.ret(POLISH, itemId="1") == "FAIL_BIZ_ITEM_NOT_FOUND"


async def test_the_search_of_the_seller_centre_is_for_pro_shops(rig: Rig) -> None:
    wish = {"pageNo": 1, "pageSize": 20, "bizType": "commonPro", "searchRequest": "{}"}
    assert await rig.browser.ret(SEARCH, **wish) == "PERMISSION_EXCEPTION"
    await rig.admin("PATCH", f"/sellers/{SELLER}", {"pro": True})
    found = await rig.browser.data(SEARCH, **wish)
    assert (found["code"], found["data"]["totalCount"]) == ("success", 3)
