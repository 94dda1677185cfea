"""The way out of an account: directly, or through the proxy its owner gave it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp_socks import ProxyConnector
from yarl import URL

from hub.errors import Invalid, ProxyUnreachable, Unreachable
from hub.text import login
from hub.xianyu.browser import CUT, NOTHING_LEFT, PROXY_REFUSES, nothing_left
from hub.xianyu.verdicts import PEER

HTTP_PROXIES = ("http", "https")
SOCKS_PROXIES = {"socks5": "socks5", "socks5h": "socks5", "socks4": "socks4", "socks4a": "socks4"}
CONNECT_SECONDS = 10.0


def check_proxy(text: str) -> str:
    """An address such as `socks5://name:password@host:1080`, as it is to be kept: all that dial it
    read it in the same way.

    Raises Invalid with one Chinese sentence, which does not repeat the address.
    """
    try:
        url = URL(text.strip())
        known = url.scheme in HTTP_PROXIES or url.scheme in SOCKS_PROXIES
        bare = url.path in ("", "/") and not url.query_string and not url.fragment
        if not (known and bare and url.host_subcomponent and url.explicit_port):
            raise ValueError(text)
    except ValueError:
        raise Invalid(login.PROXY_UNREADABLE, {"proxy": login.PROXY_UNREADABLE}) from None
    return f"{url.scheme}://{_user_of(url)}{url.host_subcomponent}:{url.explicit_port}"


def masked_proxy(proxy: str) -> str:
    """The address as it may be shown: name and password are stars."""
    url = URL(proxy)
    stars = "***@" if _user_of(url) else ""
    return f"{url.scheme}://{stars}{url.host_subcomponent}:{url.explicit_port}"


def _user_of(url: URL) -> str:
    if url.raw_user is None and url.raw_password is None:
        return ""
    return f"{url.raw_user or ''}:{url.raw_password or ''}@"


@asynccontextmanager
async def open_http(proxy: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """A session without cookies of its own, for one account (or for several with one way out).

    Proxies of the environment are not used. `proxy` as `check_proxy` gave it.
    """
    connector: aiohttp.BaseConnector | None = None
    scheme = URL(proxy).scheme if proxy else ""
    if proxy and scheme in SOCKS_PROXIES:
        # Names are resolved at the far end, so that both kinds of connection reach one address.
        connector = ProxyConnector.from_url(SOCKS_PROXIES[scheme] + proxy[len(scheme) :], rdns=True)
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
        connector=connector,
        proxy=proxy if scheme in HTTP_PROXIES else None,
    ) as http:
        yield http


async def reach(url: str, proxy: str, seconds: float) -> None:
    """Ask for nothing, through a proxy, to see whether it leads there: any answer will do.

    Raises ProxyUnreachable or Unreachable.
    """
    op = "reach"
    try:
        async with (
            asyncio.timeout(seconds),
            open_http(proxy) as http,
            http.head(url, allow_redirects=False) as response,
        ):
            status = response.status
    except NOTHING_LEFT as error:
        raise nothing_left(op, error, proxied=True) from None
    except CUT as error:
        raise Unreachable(PEER, op, str(error) or "no answer in time") from None
    if status == PROXY_REFUSES:
        raise ProxyUnreachable(PEER, op, f"HTTP {status}")


def for_websocket(proxy: str | None) -> str | None:
    """The same way out as the message connection wants it written."""
    if not proxy:
        return None
    scheme = URL(proxy).scheme
    far = {"socks5": "socks5h", "socks4": "socks4a"}.get(scheme, scheme)
    return far + proxy[len(scheme) :]
