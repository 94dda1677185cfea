"""The admin door of the official platform: people who write to the bot, and its bad days."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, need, seconds_of
from hub.sandbox.official import OfficialLine, OfficialSim

OPENID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
"""Of whoever speaks when nobody is named."""


class OfficialDoor:
    """Paths and bodies are described in `docs/sandbox.md`."""

    def __init__(self, sim: OfficialSim) -> None:
        self._sim = sim

    def attach(self, app: web.Application) -> None:
        router = app.router
        router.add_get("/official/status", self._status)
        router.add_post("/official/say", self._say)
        router.add_post("/official/press", self._press)
        router.add_get("/official/chat", self._chat)
        router.add_get("/official/wait", self._wait)
        router.add_get("/official/wait_online", self._wait_online)
        router.add_post("/official/cut", self._cut)
        router.add_post("/official/upset", self._upset)
        router.add_post("/official/ahead", self._ahead)
        router.add_patch("/official/rules", self._rules)

    async def _status(self, _request: web.Request) -> web.Response:
        gateway = self._sim.gateway
        return answer(
            {
                "online": gateway.online,
                "identified": gateway.identified,
                "resumed": gateway.resumed,
                "tokens": self._sim.tokens_given,
                "acknowledged": self._sim.acknowledged,
            }
        )

    async def _say(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        openid, text = str(body.get("openid", OPENID)), str(body.get("text", ""))
        index = str(body.get("quote", ""))
        quote = self._sim.chats.find(index) if index else None
        if "group" in body:
            at_bot = bool(body.get("at", True))
            group = str(body["group"])
            line = await self._sim.say_group(group, openid, text, quote=quote, at_bot=at_bot)
        else:
            line = await self._sim.say(openid, text, quote=quote)
        return answer(_shown(line))

    async def _press(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        openid = str(body.get("openid", OPENID))
        return answer({"id": await self._sim.press(openid, str(need(body, "data")))})

    def _place(self, request: web.Request) -> tuple[str, str]:
        return request.query.get("scene", "private"), request.query.get("openid", OPENID)

    async def _chat(self, request: web.Request) -> web.Response:
        return answer([_shown(one) for one in self._sim.chats.lines(*self._place(request))])

    async def _wait(self, request: web.Request) -> web.Response:
        scene, openid = self._place(request)
        contains, count = request.query.get("contains", ""), int(request.query.get("count", "1"))
        try:
            line = await self._sim.wait_for_line(
                openid, contains, seconds_of(request), scene=scene, count=count
            )
        except TimeoutError:
            return answer({"met": False}, 408)
        return answer({"met": True, "line": _shown(line)})

    async def _wait_online(self, request: web.Request) -> web.Response:
        try:
            await self._sim.wait_online(seconds_of(request))
        except TimeoutError:
            return answer({"online": False}, 408)
        return answer({"online": True})

    async def _cut(self, request: web.Request) -> web.Response:
        """`forget`: the session is over as well."""
        if (await body_of(request)).get("forget"):
            self._sim.gateway.forget()
        await self._sim.gateway.cut()
        return answer({})

    async def _upset(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        self._sim.upset(
            str(need(body, "kind")),
            times=int(body.get("times", 1)),
            code=int(body.get("code", 0)),
            words=str(body.get("words", "")),
        )
        return answer({}, 201)

    async def _ahead(self, request: web.Request) -> web.Response:
        minutes = float(need(await body_of(request), "minutes"))
        self._sim.chats.ahead += timedelta(minutes=minutes)
        return answer({})

    async def _rules(self, request: web.Request) -> web.Response:
        return answer(asdict(self._sim.chats.change_rules(**await body_of(request))))


def _shown(line: OfficialLine) -> dict[str, Any]:
    shown = asdict(line)
    return {**shown, "at": line.at.isoformat(), "picture": len(line.picture)}
