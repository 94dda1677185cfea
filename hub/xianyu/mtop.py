"""The signed HTTP gateway: one call, its cookies, its retries, its refusals."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

import aiohttp
from loguru import logger

from hub.errors import PeerError, Uncertain, Unreachable
from hub.xianyu.cookies import CookieJar
from hub.xianyu.endpoints import BROWSER, SIGN_APP_KEY, SITE, Endpoints
from hub.xianyu.ids import milliseconds
from hub.xianyu.shapes import Map, as_map, dump, load_json
from hub.xianyu.sign import sign
from hub.xianyu.verdicts import PEER, StaleSign, judge_gateway, judge_page

ATTEMPTS = 4
"""One call and its repetitions with a fresh signing token."""

_HEADERS = {
    "accept": "application/json",
    "accept-language": "zh-CN,zh;q=0.9",
    "origin": SITE,
    "user-agent": BROWSER,
    "sec-ch-ua": '"Not(A:Brand";v="99", "Google Chrome";v="133", "Chromium";v="133"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Windows"',
    "sec-fetch-dest": "empty",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-site",
}


class Mtop:
    """The gateway as one account sees it. The jar goes to the gateway's origin and nowhere else."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoints: Endpoints,
        jar: CookieJar,
        *,
        on_cookies: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
        answer_seconds: float,
    ) -> None:
        if not isinstance(http.cookie_jar, aiohttp.DummyCookieJar):
            # A jar inside the session would mix the cookies of accounts that share the session.
            raise ValueError("the HTTP session must be made with aiohttp.DummyCookieJar()")
        self._http = http
        self._origin = endpoints.mtop_url.rstrip("/")
        self._jar = jar
        self._on_cookies = on_cookies
        self._now = now
        self._answer_seconds = answer_seconds

    async def call(
        self,
        api: str,
        version: str,
        data: Mapping[str, object],
        *,
        referer: str = f"{SITE}/",
        write: bool = False,
    ) -> Map:
        """The `data` of a successful answer.

        Raises AuthExpired, VerificationNeeded, Throttled, Rejected, Malformed; Unreachable when
        nothing happened or the call only reads; Uncertain when a write may have happened.
        """
        body = dump(data)
        for attempt in range(1, ATTEMPTS + 1):
            token = self._jar.sign_token
            refusal, answer = await self._once(api, version, body, referer, write)
            if refusal is None:
                inner = answer.get("data")
                return as_map(load_json(inner) if isinstance(inner, str) else inner)
            if not isinstance(refusal, StaleSign) or attempt == ATTEMPTS:
                raise refusal
            if self._jar.sign_token == token:
                # No new token came along: asking without one is what makes the gateway issue it.
                self._jar.drop_sign_token()
            logger.debug("xianyu {}: signing again ({})", api, refusal.reason)
        raise AssertionError("unreachable")

    async def _once(
        self, api: str, version: str, body: str, referer: str, write: bool
    ) -> tuple[PeerError | None, Map]:
        sent = str(milliseconds(self._now()))
        query = {
            "jsv": "2.7.2",
            "appKey": SIGN_APP_KEY,
            "t": sent,
            "sign": sign(self._jar.sign_token, sent, body),
            "v": version,
            "type": "originaljson",
            "accountSite": "xianyu",
            "dataType": "json",
            "timeout": "20000",
            "api": api,
            "sessionOption": "AutoLoginOnly",
        }
        try:
            async with (
                asyncio.timeout(self._answer_seconds),
                self._http.post(
                    f"{self._origin}/h5/{api}/{version}/",
                    params=query,
                    data={"data": body},
                    headers={**_HEADERS, "referer": referer, "cookie": self._jar.header()},
                    allow_redirects=False,
                ) as response,
            ):
                await self._absorb(response)
                status, text = response.status, await response.text(errors="replace")
                location = response.headers.get("Location", "")
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(PEER, api, str(error)) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            kind = Uncertain if write else Unreachable
            raise kind(PEER, api, str(error) or "no answer in time") from error
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError):
            return judge_page(api, status, text, location, write=write), {}
        return judge_gateway(api, answer, write=write), as_map(answer)

    async def _absorb(self, response: aiohttp.ClientResponse) -> None:
        """Before the body is looked at: refusals carry the cookies that cure them."""
        if self._jar.merge(response.headers.getall("Set-Cookie", ())):
            await self._on_cookies(self._jar.header())
