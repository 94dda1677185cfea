"""The admin door to the phone that scans QR codes: who holds it and what it taps."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.sandbox.doors import answer, body_of, seconds_of
from hub.sandbox.passport import Passport, QrCode
from hub.sandbox.world import World


class QrDoor:
    def __init__(self, world: World, passport: Passport) -> None:
        self._world = world
        self._passport = passport

    def attach(self, app: web.Application) -> None:
        app.router.add_get("/qr", self._list)
        app.router.add_get("/qr/wait", self._wait)
        app.router.add_post("/qr/{ck}/{what}", self._act)

    async def _list(self, _request: web.Request) -> web.Response:
        self._passport.pending()  # codes grow old as somebody looks
        return answer([qr_view(code) for code in self._passport.codes.values()])

    async def _wait(self, request: web.Request) -> web.Response:
        """Long poll until a code waits for its phone; 408 if none comes."""
        met = await self._world.bell.until(
            lambda: self._passport.pending() is not None, seconds_of(request)
        )
        code = self._passport.pending()
        return answer({"met": met, "code": code and qr_view(code)}, 200 if met else 408)

    async def _act(self, request: web.Request) -> web.Response:
        body = await body_of(request)
        ck, what = request.match_info["ck"], request.match_info["what"]
        return answer(qr_view(self._passport.act(ck, what, str(body.get("seller", "")))))


def qr_view(code: QrCode) -> dict[str, Any]:
    return {
        "ck": code.ck,
        "state": code.state,
        "seller": code.seller,
        "made_at": code.made_at,
        "verified": code.verified,
        "polls": code.polls,
    }
