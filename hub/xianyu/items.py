"""Listings: what is asked about them and how their pages are read."""

from __future__ import annotations

import re
from decimal import Decimal

from hub.model import Item, ItemPage, ListedItem, Picture, PlatformUser, Spec, Variant
from hub.xianyu.calls import Call
from hub.xianyu.ids import bare
from hub.xianyu.money import read_cents, read_prices
from hub.xianyu.shapes import Map, as_int, as_map, as_text, load_json

ITEMS_A_PAGE = 20
"""Asked for more, the platform answers with none."""
_ON_SALE_GROUP = "58877261"
"""The platform's own group of items on sale; without it the list stays empty."""
_ITEM_CARD = 1003
_ITEM_IN_URL = re.compile(r"[?&](?:itemId|id)=(\d+)")


def ask_item(item_id: str) -> Call:
    return Call(
        "mtop.taobao.idle.pc.detail", "1.0", {"itemId": item_id}, page=f"/item?id={item_id}"
    )


def ask_items(user: PlatformUser, page: int) -> Call:
    return Call(
        "mtop.idle.web.xyh.item.list",
        "1.0",
        {
            "needGroupInfo": False,
            "pageNumber": page,
            "pageSize": ITEMS_A_PAGE,
            "groupName": "在售",
            "groupId": _ON_SALE_GROUP,
            "defaultGroup": True,
            "userId": user,
        },
    )


def read_item(answer: Map, item_id: str) -> Item | None:
    """None when the answer holds no such item."""
    page = as_map(load_json(answer.get("itemDO")))
    title = as_text(page.get("title"))
    shown = bare(page.get("itemId")) or item_id
    if not title or shown != item_id:
        return None
    variants = tuple(_variant(as_map(one)) for one in _rows(page.get("skuList")))
    low, high = _price(page, variants)
    status = as_int(page.get("itemStatus"))
    seller = bare(as_map(answer.get("sellerDO")).get("sellerId"))
    return Item(
        id=shown,
        title=title,
        description=as_text(page.get("desc")),
        price=low,
        highest_price=high,
        quantity=as_int(page.get("quantity")),
        on_sale=None if status is None else status == 0,
        seller=PlatformUser(seller) if seller else None,
        pictures=_pictures(page.get("imageInfos")),
        variants=variants,
    )


def read_items(answer: Map) -> ItemPage:
    """A page without a list is an empty page."""
    rows = _rows(answer.get("cardList"))
    found = (_listed(as_map(row)) for row in rows)
    return ItemPage(tuple(item for item in found if item), more=len(rows) >= ITEMS_A_PAGE)


def _listed(row: Map) -> ListedItem | None:
    if as_int(row.get("cardType")) not in (None, _ITEM_CARD):
        return None
    card = as_map(load_json(row.get("cardData")))
    link = _ITEM_IN_URL.search(as_text(card.get("detailUrl")))
    name = bare(card.get("id")) or bare(as_map(card.get("detailParams")).get("itemId"))
    name = name or (link[1] if link else None)
    if not name:
        return None
    prices = read_prices(as_map(card.get("priceInfo")).get("price"))
    status = as_int(card.get("itemStatus"))
    shown = as_map(card.get("picInfo"))
    url = as_text(shown.get("picUrl"))
    return ListedItem(
        id=name,
        title=as_text(card.get("title")),
        price=prices[0] if prices else None,
        highest_price=prices[1] if prices else None,
        on_sale=None if status is None else status == 0,
        picture=_picture(url, shown.get("width"), shown.get("height")) if url else None,
    )


def _variant(sku: Map) -> Variant:
    names = tuple(as_map(one) for one in _rows(sku.get("propertyList")))
    spec: Spec = tuple(
        (as_text(one.get("propertyText")), as_text(one.get("valueText"))) for one in names
    )
    price = read_cents(sku.get("priceInCent"))
    return Variant(
        id=bare(sku.get("skuId")) or bare(sku.get("inventoryId")) or "",
        spec=spec,
        price=read_cents(sku.get("price")) if price is None else price,
        quantity=as_int(sku.get("quantity")),
    )


def _price(page: Map, variants: tuple[Variant, ...]) -> tuple[Decimal | None, Decimal | None]:
    """Variants say cents, the page says words: cents are the better source."""
    cents = [one.price for one in variants if one.price is not None]
    if cents and len(cents) == len(variants):
        return min(cents), max(cents)
    return (
        read_prices(page.get("soldPrice")) or read_prices(page.get("defaultPrice")) or (None,) * 2
    )


def _pictures(infos: object) -> tuple[Picture, ...]:
    shown = [as_map(one) for one in _rows(infos) if as_text(as_map(one).get("url"))]
    shown.sort(key=lambda one: one.get("major") not in (True, "true"))
    return tuple(
        _picture(as_text(one.get("url")), one.get("widthSize"), one.get("heightSize"))
        for one in shown
    )


def _picture(url: str, width: object, height: object) -> Picture:
    return Picture(url, as_int(width) or 0, as_int(height) or 0)


def _rows(value: object) -> list[object]:
    return value if isinstance(value, list) else []
