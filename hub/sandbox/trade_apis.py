"""Gateway APIs about orders: reading them, shipping, prices, closing, rating."""

from __future__ import annotations

from typing import Any

from hub.sandbox.item_apis import NO_PERMISSION
from hub.sandbox.manners import Manners
from hub.sandbox.mtop import Api, Call, Failed
from hub.sandbox.order_views import detail_model, merchant_model, ordinary_model
from hub.sandbox.orders import Order, Refused, State
from hub.sandbox.trade import Trade
from hub.sandbox.world import World, now_ms

NO_ORDER = "ORDER_NOT_EXIST::订单不存在"
WRONG_STATE = "ORDER_STATUS_ERROR::订单状态不允许该操作"
LONGEST_SHIP_TEXT = 200
LONGEST_RATING = 500
PER_PAGE = 20


class TradeApis:
    def __init__(self, world: World, trade: Trade, manners: Manners) -> None:
        self._world = world
        self._trade = trade
        self._manners = manners

    def table(self) -> dict[str, Api]:
        return {
            "mtop.idle.web.trade.order.detail": self._detail,
            "mtop.taobao.idle.trade.merchant.sold.get": self._merchant_list,
            "mtop.taobao.idle.trade.sold.get": self._ordinary_list,
            "mtop.idle.trade.pc.message.headinfo": self._head,
            "mtop.taobao.idle.logistic.consign.dummy": self._consign,
            "mtop.idle.groupon.activity.seller.freeshipping": self._free_shipping,
            "mtop.taobao.idle.trade.user.adjust.price": self._adjust_price,
            "mtop.taobao.idle.trade.close.by.seller": self._close,
            "mtop.taobao.idle.trade.merchant.close.by.seller": self._merchant_close,
            "mtop.taobao.idle.rate.create": self._rate,
            "mtop.taobao.idle.merchant.rate.list": self._to_rate,
            "mtop.idle.web.trade.rate.list": self._ratings,
        }

    # --- reading ---

    async def _detail(self, call: Call) -> dict[str, Any]:
        return detail_model(self._own(call, "tid"), self._manners)

    async def _merchant_list(self, call: Call) -> dict[str, Any]:
        self._only_pro(call)
        orders = self._trade.book.of_seller(call.user)
        if call.data.get("queryCode") == "NOT_SHIP":
            orders = [one for one in orders if one.state in (State.PAID, State.BARGAIN)]
        page, rows = int(call.data["pageNumber"]), int(call.data["rowsPerPage"])
        shown = orders[(page - 1) * rows : page * rows]
        module = {
            "nextPage": page * rows < len(orders),
            "totalCount": len(orders),
            "items": [merchant_model(one) for one in shown],
        }
        return {"module": module}

    async def _ordinary_list(self, call: Call) -> dict[str, Any]:
        orders = self._trade.book.of_seller(call.user)
        if call.data.get("orderStatus") == "NOT_SHIP" and not self._manners.unfiltered_orders:
            orders = [one for one in orders if one.state in (State.PAID, State.BARGAIN)]
        page = int(call.data["pageNumber"])
        shown = orders[(page - 1) * PER_PAGE : page * PER_PAGE]
        return {
            "items": [ordinary_model(one, self._manners) for one in shown],
            "nextPage": page * PER_PAGE < len(orders),
        }

    async def _head(self, call: Call) -> dict[str, Any]:
        """The order of a conversation; without one, the item that it is about."""
        conversation = self._world.conversations.get(str(call.data["sessionId"]))
        if conversation is None or conversation.thread.seller != call.user:
            raise Failed("FAIL_BIZ_PARAM_ERROR::会话不存在")
        order = self._trade.book.newest_in(conversation.id)
        arguments = {"orderId": order.id} if order else {"itemId": conversation.thread.item}
        return {"commonData": {"utArgs": arguments}}

    async def _to_rate(self, call: Call) -> dict[str, Any]:
        self._only_pro(call)
        open_ones = [
            one
            for one in self._trade.book.of_seller(call.user)
            if one.state is State.COMPLETED and one.seller_rating is None
        ]
        page, rows = int(call.data["pageNumber"]), int(call.data["rowsPerPage"])
        shown = open_ones[(page - 1) * rows : page * rows]
        items = [merchant_model(one) for one in shown]
        return {"module": {"items": items, "totalCount": len(open_ones)}}

    async def _ratings(self, call: Call) -> dict[str, Any]:
        about = str(call.data["ratedUid"])
        orders = self._trade.book.orders.values()
        return {
            "totalCount": sum(
                (one.buyer == about and one.seller_rating is not None)
                or (one.seller == about and one.buyer_rating is not None)
                for one in orders
            )
        }

    # --- writing ---

    async def _consign(self, call: Call) -> dict[str, Any]:
        order = self._own(call, "orderId")
        text = str(call.data.get("tradeText", ""))
        if len(text) > LONGEST_SHIP_TEXT:
            raise Failed("FAIL_BIZ_PARAM_ERROR::说明过长")
        if order.state in (State.SHIPPED, State.COMPLETED):
            raise Failed("ORDER_ALREADY_DELIVERY::订单已发货")
        try:
            await self._trade.ship(order, text)
        except Refused:
            raise Failed(WRONG_STATE) from None
        return {"success": "true"}

    async def _free_shipping(self, call: Call) -> dict[str, Any]:
        order = self._own(call, "bizOrderId")
        if str(call.data["buyerId"]) != order.buyer:
            raise Failed("BUYER_NOT_EXIST::买家不存在")
        if str(call.data["itemId"]) != order.item:
            raise Failed("GROUPON_ACTIVITY_ITEM_CHECK_ERROR::活动商品校验失败")
        try:
            await self._trade.free_shipping(order)
        except Refused:
            raise Failed(WRONG_STATE) from None
        return {"success": True}

    async def _adjust_price(self, call: Call) -> dict[str, Any]:
        order = self._own(call, "orderId")
        fee, postage = call.data["modifyFee"], int(call.data["newTransportFee"])
        if isinstance(fee, bool) or not isinstance(fee, int) or fee < 1 or postage < 0:
            raise Failed("FAIL_BIZ_PARAM_ERROR::价格不正确")
        if order.state is State.CLOSED:
            raise Failed("FAIL_BIZ_ORDER_CLOSED::订单已关闭")
        if order.state is not State.UNPAID:
            raise Failed("FAIL_BIZ_ORDER_PAID::订单已付款")
        if self._settling(order):
            raise Failed("FAIL_BIZ_CANNOT_MODIFY_FEE::暂无法修改价格，请稍后重试")
        await self._trade.change_price(order, fee, postage)
        return {"success": True}

    async def _merchant_close(self, call: Call) -> dict[str, Any]:
        self._only_pro(call)
        return await self._close(call)

    async def _close(self, call: Call) -> dict[str, Any]:
        order = self._own(call, "tid")
        if self._settling(order):
            raise Failed("FAIL_BIZ_ORDER_STATUS_ERROR::订单状态同步中")
        try:
            await self._trade.close_by_seller(order, str(call.data.get("closeReason", "")))
        except Refused:
            raise Failed(WRONG_STATE) from None
        return {"success": True}

    async def _rate(self, call: Call) -> dict[str, Any]:
        order = self._own(call, "tradeId")
        text = str(call.data["feedback"])
        if len(text) > LONGEST_RATING or call.data.get("rate") not in (1, 0, -1):
            raise Failed("FAIL_BIZ_PARAM_ERROR::评价内容不正确")
        if order.seller_rating is not None:
            raise Failed("FAIL_BIZ_RATE_REPEAT::订单已评价，不能重复评价")
        try:
            await self._trade.rate_buyer(order, text)
        except Refused:
            raise Failed(WRONG_STATE) from None
        return {"success": True}

    def _own(self, call: Call, key: str) -> Order:
        order = self._trade.book.orders.get(str(call.data[key]))
        if order is None or order.seller != call.user:
            raise Failed(NO_ORDER)
        return order

    def _only_pro(self, call: Call) -> None:
        if not self._world.sellers[call.user].pro:
            raise Failed(NO_PERMISSION)

    def _settling(self, order: Order) -> bool:
        return now_ms() - order.created_at < self._manners.settle_seconds * 1000
