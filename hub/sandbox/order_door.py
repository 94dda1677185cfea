"""The admin door to the order book: what buyers do with orders, and what became of each."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, need, seconds_of
from hub.sandbox.order_views import words_of
from hub.sandbox.orders import Order, Refused, cents_of, yuan
from hub.sandbox.places import conversation_in
from hub.sandbox.trade import Trade
from hub.sandbox.world import Item, Sku, World


class OrderDoor:
    def __init__(self, world: World, trade: Trade) -> None:
        self._world = world
        self._trade = trade

    def attach(self, app: web.Application) -> None:
        app.router.add_post("/order", self._play)
        app.router.add_post("/orders", self._place)
        app.router.add_get("/orders", self._list)
        app.router.add_get("/orders/{id}", self._one)
        app.router.add_get("/orders/{id}/wait", self._wait)
        app.router.add_post("/orders/{id}/{step}", self._step)
        app.router.add_patch("/items/{id}", self._change_item)

    async def _play(self, request: web.Request) -> web.Response:
        """Force one event of a story, whether or not the order is there yet."""
        body = await body_of(request)
        order = await self._trade.play(
            conversation_in(self._world, body),
            str(need(body, "event")),
            str(body.get("order", "")),
        )
        return answer({"order": order})

    async def _place(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        order = await self._trade.place(
            conversation_in(self._world, body),
            id=str(body.get("id", "")),
            quantity=int(body.get("quantity", 1)),
            sku=str(body.get("sku", "")),
            bargain=bool(body.get("bargain", False)),
            parcel=bool(body.get("parcel", False)),
            postage_cents=cents_of(str(body["postage"])) if "postage" in body else 0,
        )
        return answer(order_view(order), 201)

    async def _step(self, request: web.Request) -> web.Response:
        order = self._trade.book.get(request.match_info["id"])
        body = await body_of(request)
        told = str(body.pop("told", "story"))
        try:
            await self._trade.step(order, request.match_info["step"], told=told, **body)
        except Refused as refused:
            return answer({"error": str(refused)}, 400)
        return answer(order_view(order))

    async def _list(self, request: web.Request) -> web.Response:
        query = request.query
        return answer(
            [
                order_view(one)
                for one in self._trade.book.orders.values()
                if query.get("seller", "") in ("", one.seller)
                and query.get("conversation", "") in ("", one.conversation)
                and query.get("state", "") in ("", one.state)
            ]
        )

    async def _one(self, request: web.Request) -> web.Response:
        return answer(order_view(self._trade.book.get(request.match_info["id"])))

    async def _wait(self, request: web.Request) -> web.Response:
        """Long poll until the order has taken a step; 408 if it does not."""
        order = self._trade.book.get(request.match_info["id"])
        step = request.query.get("step", "")
        met = await self._world.bell.until(lambda: step in order.story, seconds_of(request))
        return answer({"met": met, **order_view(order)}, 200 if met else 408)

    async def _change_item(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        item = self._item(request.match_info["id"])
        if "skus" in body:
            item.skus = tuple(_sku(item, number, one) for number, one in enumerate(body["skus"]))
        if "price" in body:
            cents_of(str(body["price"]))  # so that nobody sells for a word
            item.price = str(body["price"])
        item.on_sale = bool(body.get("on_sale", item.on_sale))
        item.title = str(body.get("title", item.title))
        if body.get("polished") is False:
            item.polished_on = ""
        return answer(asdict(item))

    def _item(self, id: str) -> Item:
        if id not in self._world.items:
            raise KeyError(f"no item {id!r}")
        return self._world.items[id]


def _sku(item: Item, number: int, wish: dict[str, Any]) -> Sku:
    specs = tuple((str(name), str(value)) for name, value in wish["specs"].items())
    id = str(wish.get("id", f"{item.id}{number:02d}"))
    return Sku(id, specs, cents_of(str(wish["price"])), int(wish.get("quantity", 99)))


def order_view(order: Order) -> dict[str, Any]:
    short, title = words_of(order)
    return {
        **asdict(order),
        "specs": dict(order.specs),
        "paid_amount": yuan(order.paid_cents),
        "status": short,
        "title": title,
    }
