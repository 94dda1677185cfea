"""The admin door: everything a person or a test can do to the platform, as JSON over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, need, seconds_of
from hub.sandbox.encode import NEW_MESSAGE
from hub.sandbox.faults import EVERYBODY, KINDS, Faults
from hub.sandbox.load import Load, LoadPlan
from hub.sandbox.logins import Logins
from hub.sandbox.manners import Manners
from hub.sandbox.mtop import Gateway
from hub.sandbox.pictures import Pictures, blank
from hub.sandbox.places import KEYS, conversation_in
from hub.sandbox.stage import Stage
from hub.sandbox.views import seen_by_buyer
from hub.sandbox.world import Conversation, Seller, World, add_sellers

MOST_SELLERS = 1_000


class Admin:
    """Paths and bodies are described in `docs/sandbox.md`."""

    def __init__(
        self,
        world: World,
        logins: Logins,
        stage: Stage,
        mtop: Gateway,
        pictures: Pictures,
        faults: Faults,
        manners: Manners,
        load: Load,
    ) -> None:
        self._world = world
        self._logins = logins
        self._stage = stage
        self._mtop = mtop
        self._pictures = pictures
        self._faults = faults
        self._manners = manners
        self._load = load

    def attach(self, app: web.Application) -> None:
        """Adds its routes to an application that is mounted at `/admin`."""
        router = app.router
        router.add_get("/state", self._state)
        router.add_post("/sellers", self._add_seller)
        router.add_post("/sellers/many", self._add_sellers)
        router.add_patch("/sellers/{user}", self._change_seller)
        router.add_get("/sellers/{user}/cookies", self._cookies)
        router.add_post("/sellers/{user}/login", self._login)
        router.add_post("/buyers", self._add_buyer)
        router.add_post("/items", self._add_item)
        router.add_post("/conversations", self._add_conversation)
        router.add_get("/conversations/{id}", self._conversation)
        router.add_get("/conversations/{id}/wait", self._wait_message)
        router.add_post("/say", self._say)
        router.add_post("/read", self._read)
        router.add_post("/typing", self._type)
        router.add_post("/phone", self._phone)
        router.add_post("/recall", self._recall)
        router.add_post("/pictures", self._add_picture)
        router.add_post("/push", self._push)
        router.add_get("/faults", self._list_faults)
        router.add_post("/faults", self._add_fault)
        router.add_delete("/faults", self._clear_faults)
        router.add_get("/manners", self._show_manners)
        router.add_patch("/manners", self._change_manners)
        router.add_post("/tokens/expire", self._expire_tokens)
        router.add_post("/load", self._run_load)

    # --- people and things ---

    async def _state(self, _request: web.Request) -> web.Response:
        return answer(
            {
                "sellers": [
                    {
                        "user": one.user,
                        "name": one.name,
                        "logged_in": one.logged_in,
                        "pro": one.pro,
                    }
                    for one in self._world.sellers.values()
                ],
                "buyers": [asdict(one) for one in self._world.buyers.values()],
                "items": [asdict(one) for one in self._world.items.values()],
                "conversations": [_thread(one) for one in self._world.conversations.values()],
            }
        )

    async def _add_seller(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        seller = self._world.add_seller(str(body.get("name", "")), str(body.get("user", "")))
        seller.pro = bool(body.get("pro", False))
        return answer(self._seller(seller), 201)

    async def _add_sellers(self, request: web.Request) -> web.Response:
        """Many at once, each with a buyer and items to talk about."""
        body = await body_of(request)
        count = int(need(body, "count"))
        if not 1 <= count <= MOST_SELLERS:
            raise ValueError(f"count is 1 to {MOST_SELLERS}")
        name, items = str(body.get("name", "店铺{n}")), int(body.get("items", 1))
        made = add_sellers(self._world, count, name=name, items=items)
        return answer([self._seller(one) for one in made], 201)

    async def _change_seller(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        seller = self._world.seller(request.match_info["user"])
        seller.pro = bool(body.get("pro", seller.pro))
        seller.name = str(body.get("name", seller.name))
        return answer({"user": seller.user, "name": seller.name, "pro": seller.pro})

    async def _cookies(self, request: web.Request) -> web.Response:
        seller = self._world.seller(request.match_info["user"])
        return answer({"user": seller.user, "cookies": self._logins.cookies(seller.user)})

    async def _login(self, request: web.Request) -> web.Response:
        """End all logins (every API then says SESSION_EXPIRED) or let them hold again."""
        body = await body_of(request)
        user = self._world.seller(request.match_info["user"]).user
        if holds := bool(body.get("logged_in", True)):
            self._logins.restore(user)
        else:
            self._logins.end(user, renewable=bool(body.get("renewable", False)))
        return answer({"user": user, "logged_in": holds})

    def _seller(self, seller: Seller) -> dict[str, Any]:
        cookies = self._logins.cookies(seller.user)
        return {"user": seller.user, "name": seller.name, "cookies": cookies}

    async def _add_buyer(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        buyer = self._world.add_buyer(str(body.get("name", "")), str(body.get("user", "")))
        return answer(asdict(buyer), 201)

    async def _add_item(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        item = self._world.add_item(
            str(need(body, "seller")),
            str(need(body, "title")),
            str(body.get("price", "9.90")),
            str(body.get("id", "")),
        )
        return answer(asdict(item), 201)

    async def _add_conversation(self, request: web.Request) -> web.Response:
        return answer(_thread(conversation_in(self._world, await body_of(request))), 201)

    async def _conversation(self, request: web.Request) -> web.Response:
        return answer(_view(self._world.conversation(request.match_info["id"])))

    async def _wait_message(self, request: web.Request) -> web.Response:
        """Long poll until there are `count` messages, of `from` if given; else 408."""
        conversation = self._world.conversation(request.match_info["id"])
        count = int(request.query.get("count", "1"))
        sender = request.query.get("from", "")
        contains = request.query.get("contains", "")

        def met() -> bool:
            found = [
                one
                for one in seen_by_buyer(conversation)
                if sender in ("", one["from"]) and contains in one["text"]
            ]
            return len(found) >= count

        done = await self._world.bell.until(met, seconds_of(request))
        return answer({"met": done, **_view(conversation)}, 200 if done else 408)

    # --- what they do ---

    async def _say(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        conversation = conversation_in(self._world, body)
        lines = body.get("messages") or [
            {key: value for key, value in body.items() if key not in KEYS}
        ]
        ids = await self._stage.say(conversation, lines)
        return answer({"conversation": conversation.id, "ids": ids})

    async def _read(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        ids = await self._stage.read(
            conversation_in(self._world, body),
            body.get("messages", ()),
            batch=bool(body.get("batch", False)),
        )
        return answer({"read": ids})

    async def _type(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._stage.type(
            conversation_in(self._world, body), active=bool(body.get("active", True))
        )
        return answer({})

    async def _phone(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        platform = str(body.get("platform", "ios"))
        words = str(need(body, "text"))
        return answer(
            {
                "id": await self._stage.phone(
                    conversation_in(self._world, body), words, platform=platform
                )
            }
        )

    async def _recall(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._stage.recall(str(need(body, "message")))
        return answer({})

    async def _add_picture(self, request: web.Request) -> web.Response:
        """A picture to show or to download: the one in the body, or a blank one as JSON says."""
        if request.content_type.startswith("image/"):
            made = self._pictures.add(await request.read())
            return answer({"url": self._pictures.url(made), "bytes": len(made.bytes)}, 201)
        body = await body_of(request)
        width, height = int(body.get("width", 600)), int(body.get("height", 800))
        made = self._pictures.add(blank(width, height, int(body.get("bytes", 0))))
        return answer({"url": self._pictures.url(made), "bytes": len(made.bytes)}, 201)

    async def _push(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._stage.push_raw(
            self._world.seller(str(need(body, "user"))).user,
            need(body, "payloads"),
            object_type=int(body.get("object_type", NEW_MESSAGE)),
            lwp=str(body.get("lwp", "/s/sync")),
        )
        return answer({})

    # --- faults and manners ---

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return answer({"waiting": self._faults.listed(), "kinds": KINDS})

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        user = str(body.pop("user", EVERYBODY))
        kind = str(need(body, "kind"))
        del body["kind"]
        self._faults.add(user, kind, **body)
        return answer({"waiting": self._faults.listed()}, 201)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._faults.clear(request.query.get("user"), request.query.get("kind"))
        return answer({"waiting": self._faults.listed()})

    async def _show_manners(self, _request: web.Request) -> web.Response:
        return answer(asdict(self._manners))

    async def _change_manners(self, request: web.Request) -> web.Response:
        self._manners.change(await body_of(request))
        return answer(asdict(self._manners))

    async def _expire_tokens(self, request: web.Request) -> web.Response:
        """Make every `_m_h5_tk`, or the account's IM tokens, stale."""
        body = await body_of(request)
        if body.get("kind", "mtop") == "im":
            user = self._world.seller(str(need(body, "user"))).user
            stale = [value for value, token in self._world.tokens.items() if token.user == user]
            for value in stale:
                del self._world.tokens[value]
        else:
            self._mtop.expire_tokens()
        return answer({})

    async def _run_load(self, request: web.Request) -> web.Response:
        return answer(await self._load.run(LoadPlan.parse(await body_of(request))))


def _thread(conversation: Conversation) -> dict[str, Any]:
    thread = conversation.thread
    return {
        "conversation": thread.conversation,
        "seller": thread.seller,
        "buyer": thread.buyer,
        "buyer_name": thread.buyer_name,
        "item": thread.item,
        "item_title": thread.item_title,
    }


def _view(conversation: Conversation) -> dict[str, Any]:
    return {
        **_thread(conversation),
        "red_reminder": conversation.red_reminder,
        "order": conversation.order,
        "messages": seen_by_buyer(conversation),
    }
