"""The signed HTTP gateway: one call, its repetitions, its refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from loguru import logger

from hub.errors import PeerError, Rejected
from hub.model import Done
from hub.xianyu.browser import Browser
from hub.xianyu.calls import Call
from hub.xianyu.endpoints import SIGN_APP_KEY, Endpoints
from hub.xianyu.ids import milliseconds
from hub.xianyu.shapes import Map, as_map, dump, load_json
from hub.xianyu.sign import sign
from hub.xianyu.verdicts import StaleSign, holds, judge_effect, judge_gateway, judge_page

ATTEMPTS = 4
"""One call and its repetitions with a fresh signing token."""


class Mtop:
    """The gateway as one account sees it."""

    def __init__(
        self, browser: Browser, endpoints: Endpoints, *, now: Callable[[], datetime]
    ) -> None:
        self._browser = browser
        self._origin = endpoints.mtop_url.rstrip("/")
        self._now = now

    async def call(self, call: Call) -> Map:
        """The `data` of a successful answer.

        Raises AuthExpired, VerificationNeeded, Throttled, Rejected, Malformed; Unreachable when
        nothing happened or the call only reads; Uncertain when a write may have happened.
        """
        body = dump(call.fields)
        jar = self._browser.jar
        for attempt in range(1, ATTEMPTS + 1):
            token = jar.sign_token
            refusal, answer = await self._once(call, body)
            if refusal is None:
                inner = answer.get("data")
                return as_map(load_json(inner) if isinstance(inner, str) else inner)
            if not isinstance(refusal, StaleSign) or attempt == ATTEMPTS:
                raise self._browser.noted(refusal)
            if jar.sign_token == token:
                # No new token came along: asking without one is what makes the gateway issue it.
                jar.drop_sign_token()
            logger.debug("xianyu {}: signing again ({})", call.api, refusal.reason)
        raise AssertionError("unreachable")

    async def do(self, call: Call) -> Done:
        """A call with an effect. Refused because it was done before counts as done.

        Raises like `call`. After Uncertain the order has to be read before anybody asks again.
        """
        try:
            answer = await self.call(call)
        except Rejected as refusal:
            if holds(refusal.raw, call.done_before):
                return Done(already=True)
            raise
        refused = judge_effect(call.api, answer, must_tell=call.tells_success)
        if refused is not None:
            if holds(refused.raw, call.done_before):
                return Done(already=True)
            raise refused
        return Done()

    async def _once(self, call: Call, body: str) -> tuple[PeerError | None, Map]:
        sent = str(milliseconds(self._now()))
        page = await self._browser.ask(
            call.api,
            "POST",
            f"{self._origin}/h5/{call.api}/{call.version}/",
            query={
                "jsv": "2.7.2",
                "appKey": SIGN_APP_KEY,
                "t": sent,
                "sign": sign(self._browser.jar.sign_token, sent, body),
                "v": call.version,
                "type": "originaljson",
                "accountSite": "xianyu",
                "dataType": "json",
                "timeout": "20000",
                "api": call.api,
                "sessionOption": "AutoLoginOnly",
                **call.query,
            },
            form={"data": body},
            headers={
                "origin": call.site.origin,
                "referer": call.site.origin + (call.page or call.site.page),
                **call.site.extra,
            },
            write=call.write,
        )
        try:
            answer = json.loads(page.text)
        except (ValueError, RecursionError):
            return judge_page(call.api, page.status, page.text, page.location, write=call.write), {}
        return judge_gateway(call.api, answer, write=call.write), as_map(answer)
