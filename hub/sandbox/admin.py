"""The admin door: everything a person or a test can do to the platform, as JSON over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from hub.sandbox.doors import Body, answer, body_of, seconds_of
from hub.sandbox.encode import NEW_MESSAGE
from hub.sandbox.faults import EVERYBODY, KINDS, Faults, Manners
from hub.sandbox.im import Im
from hub.sandbox.lines import GARBAGE, Line, Push
from hub.sandbox.load import Load, LoadPlan
from hub.sandbox.mtop import Gateway
from hub.sandbox.stage import Stage
from hub.sandbox.views import seen_by_buyer
from hub.sandbox.world import Conversation, World, cookies_of

CUTS = ("abnormal", "normal", "kickout", "remove", "zombie", "garbage")


class Admin:
    """Paths and bodies are described in `docs/sandbox.md`."""

    def __init__(
        self,
        world: World,
        stage: Stage,
        im: Im,
        mtop: Gateway,
        faults: Faults,
        manners: Manners,
        load: Load,
    ) -> None:
        self._world = world
        self._stage = stage
        self._im = im
        self._lines = im.lines
        self._mtop = mtop
        self._faults = faults
        self._manners = manners
        self._load = load

    def attach(self, app: web.Application) -> None:
        """Adds its routes to an application that is mounted at `/admin`."""
        router = app.router
        router.add_get("/state", self._state)
        router.add_post("/sellers", self._add_seller)
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
        router.add_post("/push", self._push)
        router.add_post("/order", self._order)
        router.add_get("/pushes", self._pushes)
        router.add_get("/pushes/wait", self._wait_acks)
        router.add_get("/sends", self._sends)
        router.add_get("/calls", self._calls)
        router.add_get("/connections", self._connections)
        router.add_get("/connections/wait", self._wait_connection)
        router.add_post("/connections/cut", self._cut)
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
                    {"user": one.user, "name": one.name, "logged_in": one.logged_in}
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
        cookies = cookies_of(seller)
        return answer({"user": seller.user, "name": seller.name, "cookies": cookies}, 201)

    async def _cookies(self, request: web.Request) -> web.Response:
        seller = self._world.seller(request.match_info["user"])
        return answer({"user": seller.user, "cookies": cookies_of(seller)})

    async def _login(self, request: web.Request) -> web.Response:
        """End a login (every API then says SESSION_EXPIRED) or let it hold again."""
        body = await body_of(request)
        seller = self._world.seller(request.match_info["user"])
        seller.logged_in = bool(body.get("logged_in", True))
        return answer({"user": seller.user, "logged_in": seller.logged_in})

    async def _add_buyer(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        buyer = self._world.add_buyer(str(body.get("name", "")), str(body.get("user", "")))
        return answer(asdict(buyer), 201)

    async def _add_item(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        item = self._world.add_item(
            str(_need(body, "seller")),
            str(_need(body, "title")),
            str(body.get("price", "9.90")),
            str(body.get("id", "")),
        )
        return answer(asdict(item), 201)

    async def _add_conversation(self, request: web.Request) -> web.Response:
        return answer(_thread(self._find(await body_of(request))), 201)

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
        conversation = self._find(body)
        lines = body.get("messages") or [
            {key: value for key, value in body.items() if key not in _PLACE_KEYS}
        ]
        ids = await self._stage.say(conversation, lines)
        return answer({"conversation": conversation.id, "ids": ids})

    async def _read(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        ids = await self._stage.read(
            self._find(body), body.get("messages", ()), batch=bool(body.get("batch", False))
        )
        return answer({"read": ids})

    async def _type(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._stage.type(self._find(body), active=bool(body.get("active", True)))
        return answer({})

    async def _phone(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        platform = str(body.get("platform", "ios"))
        words = str(_need(body, "text"))
        return answer({"id": await self._stage.phone(self._find(body), words, platform=platform)})

    async def _push(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        await self._stage.push_raw(
            self._world.seller(str(_need(body, "user"))).user,
            _need(body, "payloads"),
            object_type=int(body.get("object_type", NEW_MESSAGE)),
            lwp=str(body.get("lwp", "/s/sync")),
        )
        return answer({})

    async def _order(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        order = await self._stage.order(
            self._find(body), str(_need(body, "event")), str(body.get("order", ""))
        )
        return answer({"order": order})

    # --- what the hub did ---

    async def _pushes(self, request: web.Request) -> web.Response:
        return answer([_push_line(one) for one in self._matching_pushes(request)])

    async def _wait_acks(self, request: web.Request) -> web.Response:
        """Long poll until every push that matches, and at least `count`, is acknowledged."""
        count = int(request.query.get("count", "1"))

        def met() -> bool:
            found = self._matching_pushes(request)
            return len(found) >= count and all(one.acked_at for one in found)

        done = await self._world.bell.until(met, seconds_of(request))
        pushes = [_push_line(one) for one in self._matching_pushes(request)]
        return answer({"met": done, "pushes": pushes}, 200 if done else 408)

    def _matching_pushes(self, request: web.Request) -> list[Push]:
        user, message = request.query.get("user", ""), request.query.get("message", "")
        acked = request.query.get("acked", "")
        return [
            push
            for push in self._lines.log
            if user in ("", push.user)
            and (not message or message in push.about)
            and (not acked or (acked in ("1", "true")) == (push.acked_at is not None))
        ]

    async def _sends(self, request: web.Request) -> web.Response:
        user = request.query.get("user", "")
        conversation = request.query.get("conversation", "")
        return answer(
            [
                asdict(send)
                for send in self._im.sends
                if user in ("", send.user) and conversation in ("", send.conversation)
            ]
        )

    async def _calls(self, request: web.Request) -> web.Response:
        user = request.query.get("user", "")
        return answer(
            [
                {"user": who, "api": api, "ret": ret}
                for who, api, ret in self._mtop.calls
                if user in ("", who)
            ]
        )

    async def _connections(self, _request: web.Request) -> web.Response:
        return answer([_connection(line) for line in self._lines.open.values()])

    async def _wait_connection(self, request: web.Request) -> web.Response:
        """Long poll until the account has `count` registered connections (0: none)."""
        user = self._world.seller(request.query["user"]).user
        count = int(request.query.get("count", "1"))

        def met() -> bool:
            found = len([line for line in self._lines.of(user) if not line.zombie])
            return found == 0 if count == 0 else found >= count

        done = await self._world.bell.until(met, seconds_of(request))
        found = [_connection(line) for line in self._lines.of(user)]
        return answer({"met": done, "connections": found}, 200 if done else 408)

    async def _cut(self, request: web.Request) -> web.Response:
        """Do something to every registered connection of an account, at once."""
        body = await body_of(request)
        user = self._world.seller(str(_need(body, "user"))).user
        how = str(body.get("how", "abnormal"))
        if how not in CUTS:
            raise ValueError(f"how is one of {', '.join(CUTS)}")
        lines = self._lines.of(user)
        for line in lines:
            await self._cut_line(line, how, str(body.get("text", GARBAGE)))
        return answer({"connections": len(lines)})

    async def _cut_line(self, line: Line, how: str, text: str) -> None:
        match how:
            case "abnormal":
                line.abort()
            case "normal":
                await line.close()
            case "kickout":
                await self._lines.kick(line)
            case "remove":
                await self._lines.kick(line, "/s/session/remove")
            case "zombie":
                line.zombie = True
            case _:
                await line.send(text)
        self._world.bell.ring()

    # --- faults and manners ---

    async def _list_faults(self, _request: web.Request) -> web.Response:
        return answer({"waiting": self._faults.listed(), "kinds": KINDS})

    async def _add_fault(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        user = str(body.pop("user", EVERYBODY))
        kind = str(_need(body, "kind"))
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
            user = self._world.seller(str(_need(body, "user"))).user
            stale = [value for value, token in self._world.tokens.items() if token.user == user]
            for value in stale:
                del self._world.tokens[value]
        else:
            self._mtop.expire_tokens()
        return answer({})

    async def _run_load(self, request: web.Request) -> web.Response:
        return answer(await self._load.run(LoadPlan.parse(await body_of(request))))

    def _find(self, body: Body) -> Conversation:
        """The conversation that a body names, by id or by seller, buyer and perhaps item."""
        if "conversation" in body:
            return self._world.conversation(str(body["conversation"]))
        return self._world.conversation_of(
            str(_need(body, "seller")), str(_need(body, "buyer")), str(body.get("item", ""))
        )


_PLACE_KEYS = ("conversation", "seller", "buyer", "item")


def _need(body: Body, key: str) -> Any:
    if key not in body:
        raise ValueError(f"{key} is missing")
    return body[key]


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


def _push_line(push: Push) -> dict[str, Any]:
    return {
        "mid": push.mid,
        "lwp": push.lwp,
        "user": push.user,
        "connection": push.line,
        "entries": len(push.entries),
        "messages": [id for id in push.about if id],
        "attempt": push.attempt,
        "sent_at": push.sent_at,
        "acked_at": push.acked_at,
    }


def _connection(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "user": line.user,
        "device": line.did,
        "registered": line.registered,
        "zombie": line.zombie,
        "heartbeats": line.heartbeats,
        "opened_at": line.opened_at,
    }
