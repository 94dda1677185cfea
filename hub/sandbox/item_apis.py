"""Gateway APIs about items: the own ones in pages, one in detail, and polishing."""

from __future__ import annotations

from typing import Any

from hub.sandbox.manners import Manners
from hub.sandbox.mtop import Api, Call, Failed
from hub.sandbox.orders import china_day, yuan
from hub.sandbox.world import Item, Sku, World

MOST_PER_PAGE = 20
NO_PERMISSION = "PERMISSION_EXCEPTION::无权限访问"


class ItemApis:
    def __init__(self, world: World, manners: Manners) -> None:
        self._world = world
        self._manners = manners

    def table(self) -> dict[str, Api]:
        return {
            "mtop.taobao.idle.pc.detail": self._detail,
            "mtop.idle.web.xyh.item.list": self._list,
            "mtop.alibaba.idle.seller.pc.common.item.search": self._search,
            "mtop.taobao.idle.item.polish": self._polish,
            "mtop.idle.item.polish": self._polish,
        }

    async def _detail(self, call: Call) -> dict[str, Any]:
        item = self._find(call)
        seller = self._world.sellers[item.seller]
        return {
            "itemDO": _item_model(item),
            "sellerDO": {
                "sellerId": seller.user,
                "nick": seller.name,
                "uniqueName": seller.name,
                "city": "杭州",
                "publishCity": "杭州",
                "portraitUrl": "",
                "itemCount": len(self._world.items_of(seller.user)),
            },
            "trackParams": {},
        }

    async def _list(self, call: Call) -> dict[str, Any]:
        """Pages that are too large, and no group at all, quietly bring nothing."""
        page, size = int(call.data["pageNumber"]), int(call.data.get("pageSize", MOST_PER_PAGE))
        grouped = bool(call.data.get("groupId")) or bool(call.data.get("needGroupInfo"))
        if size > MOST_PER_PAGE or (self._manners.item_group and not grouped):
            return {}
        mine = self._world.items_of(str(call.data.get("userId", call.user)))
        if call.data.get("groupName") == "在售":
            mine = [one for one in mine if one.on_sale]
        shown = mine[(page - 1) * size : page * size]
        if not shown:
            return {}
        cards = [{"cardType": 1003, "cardData": _card_model(one)} for one in shown]
        return {"cardList": cards, "totalCount": len(mine)}

    async def _search(self, call: Call) -> dict[str, Any]:
        """The seller centre's list; success is told a second time inside."""
        if not self._world.sellers[call.user].pro:
            raise Failed(NO_PERMISSION)
        page, size = int(call.data["pageNo"]), int(call.data["pageSize"])
        mine = self._world.items_of(call.user)
        shown = mine[(page - 1) * size : page * size]
        inner = {"items": [_search_model(one) for one in shown], "totalCount": len(mine)}
        return {"code": "success", "data": inner}

    async def _polish(self, call: Call) -> dict[str, Any]:
        item = self._find(call)
        if item.seller != call.user:
            raise Failed("FAIL_BIZ_PERMISSION_DENIED::无权操作该宝贝")
        if not item.on_sale:
            raise Failed("UNSUPPORTED_ITEM_STATUS::已下架商品不支持该操作")
        if item.polished_on == china_day():
            raise Failed("FAIL_BIZ_IDLEITEM_POLISH_AGAIN::宝贝已经擦亮过了")
        item.polished_on = china_day()
        return {"success": True}

    def _find(self, call: Call) -> Item:
        item = self._world.items.get(str(call.data.get("itemId", "")))
        if item is None:
            raise Failed("FAIL_BIZ_ITEM_NOT_FOUND::商品不存在")
        return item


def _price_of(item: Item) -> str:
    """Several choices show as a range, from the lowest to the highest."""
    prices = sorted({sku.cents for sku in item.skus})
    if len(prices) > 1:
        return f"{yuan(prices[0])}-{yuan(prices[-1])}"
    return yuan(prices[0]) if prices else item.price


def _item_model(item: Item) -> dict[str, Any]:
    return {
        "itemId": item.id,
        "title": item.title,
        "desc": f"{item.title}，拍下即发，有问题请留言。",
        "soldPrice": _price_of(item),
        "defaultPrice": _price_of(item),
        "originalPrice": item.price,
        "quantity": sum(sku.quantity for sku in item.skus) or item.quantity,
        "wantCnt": 3,
        "collectCnt": 1,
        "browseCnt": 42,
        "soldCnt": 0,
        "itemStatus": 0 if item.on_sale else 1,
        "itemStatusStr": "在线" if item.on_sale else "已下架",
        "imageInfos": [
            {"url": item.picture, "widthSize": "1080", "heightSize": "1440", "major": True}
        ],
        "itemLabelExtList": [],
        "cpvLabels": [],
        "skuList": [_sku_model(sku) for sku in item.skus],
        "gmtCreate": 1_790_000_000_000,
    }


def _sku_model(sku: Sku) -> dict[str, Any]:
    return {
        "skuId": sku.id,
        "inventoryId": sku.id,
        "price": sku.cents,
        "priceInCent": sku.cents,
        "quantity": sku.quantity,
        "propertyList": [{"propertyText": name, "valueText": value} for name, value in sku.specs],
    }


def _card_model(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "title": item.title,
        "priceInfo": {"price": _price_of(item), "preText": "¥"},
        "categoryId": "126860375",
        "auctionType": "b",
        "itemStatus": 0 if item.on_sale else 1,
        "detailUrl": f"fleamarket://awesome_detail?itemId={item.id}",
        "picInfo": {"picUrl": item.picture, "width": "1080", "height": "1440"},
        "detailParams": {"itemId": item.id},
        "trackParams": {},
        "itemLabelDataVO": {},
    }


def _search_model(item: Item) -> dict[str, Any]:
    return {
        "itemId": item.id,
        "title": item.title,
        "price": _price_of(item),
        "quantity": item.quantity,
        "itemStatus": 0 if item.on_sale else 1,
        "picUrl": item.picture,
    }
