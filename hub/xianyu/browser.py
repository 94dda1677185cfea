"""HTTP as one account's browser does it: where its cookies may go, and what left this machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
import aiohttp_socks
from yarl import URL

from hub.errors import PeerError, ProxyUnreachable, Rejected, Uncertain, Unreachable
from hub.xianyu.cookies import CookieJar
from hub.xianyu.endpoints import BROWSER_HEADERS, Endpoints
from hub.xianyu.trouble import Trouble
from hub.xianyu.verdicts import PEER

Refused = TypeVar("Refused", bound=PeerError)

PROXY_FAILED = (
    aiohttp.ClientProxyConnectionError,
    aiohttp.ClientHttpProxyError,
    aiohttp_socks.ProxyConnectionError,
    aiohttp_socks.ProxyError,
    aiohttp_socks.ProxyTimeoutError,
)
NOTHING_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, *PROXY_FAILED)
"""The platform was never spoken to."""
CUT = (aiohttp.ClientError, OSError, TimeoutError)
"""The request may have left; no whole answer came."""


PROXY_REFUSES = 407
"""HTTP status that only a proxy gives: it wants another name and password."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer as it came."""

    status: int
    text: str
    location: str = ""
    """Where a redirect points; redirects are not followed."""


class Browser:
    """Carries the jar to the gateways in `endpoints` and to nowhere else (L14).

    `on_cookies` receives the whole cookie line whenever an answer changed it, before that answer is
    looked at: refusals bring the cookies that cure them. `proxied`: `http` leaves through a proxy.
    `may_ask`: whether anything may leave in the account's name now.
    """

    def __init__(
        self,
        http: aiohttp.ClientSession,
        endpoints: Endpoints,
        jar: CookieJar,
        *,
        on_cookies: Callable[[str], Awaitable[None]],
        answer_seconds: float,
        trouble: Trouble | None = None,
        proxied: bool = False,
        may_ask: Callable[[], bool] = lambda: True,
    ) -> None:
        if not isinstance(http.cookie_jar, aiohttp.DummyCookieJar):
            # A jar inside the session would mix the cookies of accounts that share the session.
            raise ValueError("the HTTP session must be made with aiohttp.DummyCookieJar()")
        self.jar = jar
        self.trouble = trouble
        self._http = http
        self._on_cookies = on_cookies
        self._answer_seconds = answer_seconds
        self._proxied = proxied
        self._may_ask = may_ask
        homes = (
            endpoints.mtop_url,
            endpoints.passport_url,
            endpoints.upload_url,
            endpoints.site_url,
        )
        self._homes = frozenset(origin for home in homes if (origin := origin_of(home)))

    def noted(self, error: Refused) -> Refused:
        """The error, after everybody who has to know of it was told."""
        return error if self.trouble is None else self.trouble.note(error)

    def may_visit(self, url: str) -> bool:
        return origin_of(url) in self._homes

    async def ask(
        self,
        op: str,
        method: str,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | aiohttp.FormData | None = None,
        headers: Mapping[str, str] | None = None,
        write: bool = False,
        seconds: float | None = None,
    ) -> Page:
        """One request, no redirects.

        Raises Unreachable when nothing happened or the request only reads; Uncertain when a write
        may have happened; Rejected for an address that is none of the platform's; once a check was
        demanded, VerificationNeeded without asking.
        """
        if self.trouble is not None:
            self.trouble.stop_calls(op)
        refuse_closed(self._http, op)
        if not self.may_visit(url):
            raise Rejected(PEER, op, f"not one of the platform's addresses: {origin_of(url)}")
        if not self._may_ask():
            raise Unreachable(PEER, op, "another node has the account")
        sent = {**BROWSER_HEADERS, **(headers or {})}
        if cookies := self.jar.header():
            sent["cookie"] = cookies
        try:
            async with (
                asyncio.timeout(seconds or self._answer_seconds),
                self._http.request(
                    method, url, params=query, data=form, headers=sent, allow_redirects=False
                ) as response,
            ):
                if response.status == PROXY_REFUSES:
                    raise ProxyUnreachable(PEER, op, f"the proxy answers HTTP {PROXY_REFUSES}")
                if self.jar.merge(response.headers.getall("Set-Cookie", ())):
                    await self._on_cookies(self.jar.header())
                text = await response.text(errors="replace")
                return Page(response.status, text, response.headers.get("Location", ""))
        except NOTHING_LEFT as error:
            raise nothing_left(op, error, proxied=self._proxied) from None
        except CUT as error:
            kind = Uncertain if write else Unreachable
            raise kind(PEER, op, str(error) or "no answer in time") from error


def refuse_closed(http: aiohttp.ClientSession, op: str) -> None:
    """Raises Unreachable after the account's line has ended: whoever waited for a turn meanwhile
    comes too late."""
    if http.closed:
        raise Unreachable(PEER, op, "the line has ended")


def nothing_left(op: str, error: Exception, *, proxied: bool) -> Unreachable:
    """Why the platform was never spoken to. Names no proxy: its address holds a password."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return ProxyUnreachable(PEER, op, f"the proxy answers HTTP {error.status}")
    blamed = proxied or isinstance(error, PROXY_FAILED)
    return (ProxyUnreachable if blamed else Unreachable)(PEER, op, str(error))


def origin_of(url: str) -> str:
    """`https://host:443/path` -> `https://host`; empty for what is no address."""
    try:
        return str(URL(url).origin())
    except ValueError:
        return ""
