"""The page on which one person plays the buyer on the left and the operator on the right."""

from __future__ import annotations

import asyncio
import mimetypes
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import web

from hub.sandbox.lines import Lines
from hub.sandbox.onebot import ChatLine, OneBotSim
from hub.sandbox.orders import Order, OrderBook, State, yuan
from hub.sandbox.passport import Passport
from hub.sandbox.views import seen_by_buyer
from hub.sandbox.world import Conversation, World

STATIC = Path(__file__).parent / "static"
SHOWN_MESSAGES = 200
SHOWN_CONVERSATIONS = 30
SHOWN_SELLERS = 30
QUIET_SECONDS = 0.05
"""Several changes within this time reach the page as one."""
LOOK_SECONDS = 1.0
"""How often to look whether QQ came or went, which rings no bell."""
_BUYER_STEPS: dict[State, tuple[str, ...]] = {
    State.UNPAID: ("pay", "close"),
    State.BARGAIN: ("refund",),
    State.PAID: ("refund",),
    State.SHIPPED: ("receive", "refund"),
    State.COMPLETED: ("rate", "place"),
    State.CLOSED: ("place",),
}
_BUYER_WORDS: dict[State, str] = {
    State.UNPAID: "等你付款",
    State.BARGAIN: "已付款，待刀成",
    State.PAID: "已付款，等卖家发货",
    State.SHIPPED: "卖家已发货",
    State.COMPLETED: "交易成功",
    State.CLOSED: "交易关闭",
}
_NO_STORE = {"Cache-Control": "no-store"}
_PAGE_HEADERS = {
    **_NO_STORE,
    "Content-Security-Policy": "default-src 'self'; img-src * data:; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


class Playground:
    """Serves the page, its whole state as JSON, and a stream that says when to look again."""

    def __init__(
        self,
        world: World,
        lines: Lines,
        qq: OneBotSim,
        orders: OrderBook,
        passport: Passport,
        *,
        operator_id: str,
        bot_id: str,
        hub_url: Callable[[], str],
    ) -> None:
        self._world = world
        self._lines = lines
        self._qq = qq
        self._orders = orders
        self._passport = passport
        self._operator_id = operator_id
        self._bot_id = bot_id
        self._hub_url = hub_url

    def attach(self, app: web.Application) -> None:
        app.router.add_get("/playground/state", self._state)
        app.router.add_get("/playground/events", self._events)
        app.router.add_get("/static/{name}", self._static)

    async def page(self, _request: web.Request) -> web.StreamResponse:
        return web.FileResponse(STATIC / "index.html", headers=_PAGE_HEADERS)

    async def _static(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        known = {one.name: one for one in STATIC.iterdir()}
        if name not in known:
            raise web.HTTPNotFound
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        return web.FileResponse(known[name], headers={**_NO_STORE, "Content-Type": kind})

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events; each carries nothing but the number of changes so far."""
        stream = web.StreamResponse(
            headers={**_NO_STORE, "Content-Type": "text/event-stream; charset=utf-8"}
        )
        await stream.prepare(request)
        with suppress(ConnectionError):
            await self._tell_changes(stream)
        return stream

    async def _tell_changes(self, stream: web.StreamResponse) -> None:
        seen, online = -1, self._qq.online
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    seen = await self._world.bell.rung_since(seen)
            except TimeoutError:
                if self._qq.online == online:
                    await stream.write(b": still here\n\n")
                    continue
            online = self._qq.online
            await stream.write(f"data: {seen}\n\n".encode())
            await asyncio.sleep(QUIET_SECONDS)

    async def _state(self, request: web.Request) -> web.Response:
        wanted = self._wanted(request.query.get("conversation", ""))
        connected = any(line.registered and not line.zombie for line in self._lines.open.values())
        state = {
            "hub_connected": connected,
            "qq_connected": self._qq.online,
            "hub_url": self._hub_url(),
            "bot_id": self._bot_id,
            "operator_id": self._operator_id,
            "conversations": [_summary(one) for one in self._shown()],
            "conversation": None if wanted is None else self._detail(wanted),
            "qr": self._qr(),
            "qq": [
                _line(one) for one in self._qq.chat("private", self._operator_id)[-SHOWN_MESSAGES:]
            ],
        }
        return web.json_response(state, headers=_NO_STORE)

    def _detail(self, conversation: Conversation) -> dict[str, Any]:
        order = self._orders.newest_in(conversation.id)
        return {
            **_summary(conversation),
            "typing": conversation.typing_until > time.monotonic(),
            "red_reminder": conversation.red_reminder,
            "messages": seen_by_buyer(conversation)[-SHOWN_MESSAGES:],
            "order": None if order is None else _deal(order),
        }

    def _qr(self) -> dict[str, Any] | None:
        """The QR login that waits for somebody's phone, and whose phone that could be."""
        code = self._passport.pending()
        if code is None:
            return None
        sellers = list(self._world.sellers.values())[:SHOWN_SELLERS]
        return {
            "ck": code.ck,
            "state": code.state,
            "seller": code.seller,
            "sellers": [{"user": one.user, "name": one.name} for one in sellers],
        }

    def _shown(self) -> list[Conversation]:
        newest = sorted(
            self._world.conversations.values(), key=lambda one: one.modified_at, reverse=True
        )[:SHOWN_CONVERSATIONS]
        return sorted(newest, key=lambda one: one.id)

    def _wanted(self, id: str) -> Conversation | None:
        if id in self._world.conversations:
            return self._world.conversations[id]
        return next(iter(self._world.conversations.values()), None)


def _summary(conversation: Conversation) -> dict[str, Any]:
    thread = conversation.thread
    return {
        "id": thread.conversation,
        "buyer": thread.buyer,
        "buyer_name": thread.buyer_name,
        "seller_name": thread.seller_name,
        "item": thread.item,
        "item_title": thread.item_title,
        "unread": sum(one.own and not one.read for one in conversation.messages),
    }


def _deal(order: Order) -> dict[str, Any]:
    """The order as the buyer's panel shows it, with the steps that the buyer can take."""
    if order.refunding:
        can: tuple[str, ...] = ("withdraw",)
    else:
        can = _BUYER_STEPS[order.state]
        if order.buyer_rating is not None:
            can = tuple(step for step in can if step != "rate")
    return {
        "id": order.id,
        "status": _BUYER_WORDS[order.state] if not order.refunding else "退款处理中",
        "amount": yuan(order.paid_cents),
        "quantity": order.quantity,
        "specs": " ".join(value for _, value in order.specs),
        "can": can,
    }


def _line(line: ChatLine) -> dict[str, Any]:
    return {
        "id": line.id,
        "sender": line.sender,
        "text": line.text,
        "parts": [part for segment in line.segments if (part := _part(segment))],
        "quoted": line.quoted,
        "at": int(line.at.timestamp() * 1000),
    }


def _part(segment: dict[str, Any]) -> dict[str, str] | None:
    """One piece of a QQ message as the page shows it; None for what it does not show."""
    values = segment["data"]
    if segment["type"] == "text":
        words = str(values.get("text", "")).strip()
        return {"text": words} if words else None
    if segment["type"] == "image":
        url = str(values.get("url") or values.get("file") or "")
        if url.startswith("base64://"):
            # Browsers look at the bytes and not at the name.
            url = "data:image/png;base64," + url.removeprefix("base64://")
        return {"picture": url} if url.startswith(("http:", "https:", "data:")) else None
    return None
