"""The admin door to the wire: what was pushed, asked and sent, and ways to break it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, need, seconds_of
from hub.sandbox.faults import EVERYBODY
from hub.sandbox.im import Im
from hub.sandbox.lines import GARBAGE, Line, Push
from hub.sandbox.mtop import Gateway
from hub.sandbox.recorder import Recorder, Seen
from hub.sandbox.world import World

CUTS = ("abnormal", "normal", "kickout", "remove", "zombie", "half_open", "garbage")
RESTARTS = ("abnormal", "normal")


class WireDoor:
    def __init__(self, world: World, im: Im, mtop: Gateway, recorder: Recorder) -> None:
        self._world = world
        self._im = im
        self._lines = im.lines
        self._mtop = mtop
        self._recorder = recorder

    def attach(self, app: web.Application) -> None:
        router = app.router
        router.add_get("/pushes", self._pushes)
        router.add_get("/pushes/wait", self._wait_acks)
        router.add_get("/sends", self._sends)
        router.add_get("/calls", self._calls)
        router.add_get("/connections", self._connections)
        router.add_get("/connections/wait", self._wait_connection)
        router.add_get("/connections/dials", self._dials)
        router.add_post("/connections/cut", self._cut)
        router.add_post("/restart", self._restart)
        router.add_get("/requests", self._requests)
        router.add_delete("/requests", self._forget_requests)

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
        user, api = request.query.get("user", ""), request.query.get("api", "")
        return answer(
            [
                asdict(made)
                for made in self._mtop.calls
                if user in ("", made.user) and api in ("", made.api)
            ]
        )

    async def _connections(self, _request: web.Request) -> web.Response:
        return answer([_connection(line) for line in self._lines.open.values()])

    async def _dials(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "0"))
        return answer([at for at in self._lines.dials if at >= since])

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
        user = str(need(body, "user"))
        how = str(body.get("how", "abnormal"))
        if how not in CUTS:
            raise ValueError(f"how is one of {', '.join(CUTS)}")
        lines = list(self._lines.open.values()) if user == EVERYBODY else self._lines.of(user)
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
            case "half_open":
                line.half_open = True
            case _:
                await line.send(text)
        self._world.bell.ring()

    async def _restart(self, request: web.Request) -> web.Response:
        """The platform restarts: every connection ends, for a while none is taken."""
        body = await body_of(request)
        how, seconds = str(body.get("how", "abnormal")), float(body.get("seconds", 0))
        if how not in RESTARTS:
            raise ValueError(f"how is one of {', '.join(RESTARTS)}")
        if body.get("tokens", False):
            self._world.tokens.clear()
        return answer({"connections": await self._lines.restart(how, seconds)})

    async def _requests(self, request: web.Request) -> web.Response:
        kind, path = request.query.get("kind", ""), request.query.get("path", "")
        return answer(
            [
                _request(one)
                for one in self._recorder.seen
                if kind in ("", one.kind) and path in one.path
            ]
        )

    async def _forget_requests(self, _request: web.Request) -> web.Response:
        self._recorder.seen.clear()
        return answer({})


def _request(seen: Seen) -> dict[str, Any]:
    return {**asdict(seen), "headers": [list(pair) for pair in seen.headers]}


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
        "half_open": line.half_open,
        "heartbeats": line.heartbeats,
        "opened_at": line.opened_at,
        "registered_at": line.claimed_at,
    }
