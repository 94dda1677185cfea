"""What NoneBot asks of the network: requests and sockets that the hub dials."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any

import aiohttp
from nonebot.drivers import Request, Response, WebSocket
from nonebot.drivers.aiohttp import Mixin

from bots.sockets import LARGEST_FRAME, ClientSocket, Timing

LARGEST_ANSWER = 32 * 1024 * 1024


class Client(Mixin):
    """NoneBot's bundled client takes the proxy of the environment for hosts of the own network too,
    and ends a socket that was quiet for 30 s. Both break connections to bridges."""

    timing: Timing

    async def request(self, setup: Request) -> Response:
        """One request, with no redirect and no cookie kept.

        Raises aiohttp.ClientError, OSError or TimeoutError.
        """
        seconds = setup.timeout if isinstance(setup.timeout, int | float) else self.timing.request
        async with (
            asyncio.timeout(seconds),
            aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=not is_near(setup.url.host or "")
            ) as http,
            http.request(
                setup.method,
                setup.url,
                headers=setup.headers,
                allow_redirects=False,
                proxy=setup.proxy,
                **_body(setup),
            ) as response,
        ):
            body = bytearray()
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > LARGEST_ANSWER:
                    raise aiohttp.ClientPayloadError("the answer is too large")
            headers = response.headers.copy()
            return Response(response.status, headers=headers, content=bytes(body), request=setup)

    @asynccontextmanager
    async def websocket(  # type: ignore[override] # NoneBot asks for no more than its interface
        self, setup: Request
    ) -> AsyncGenerator[WebSocket, None]:
        """Dial. Silence is no failure here, pings tell: bridges may be quiet for 30 s and more.

        Raises aiohttp.ClientError, OSError or TimeoutError.
        """
        patience = aiohttp.ClientWSTimeout(ws_receive=None, ws_close=self.timing.close)
        far = not is_near(setup.url.host or "")
        async with aiohttp.ClientSession(trust_env=far) as http:
            async with asyncio.timeout(self.timing.dial):
                ws = await http.ws_connect(
                    setup.url,
                    headers=setup.headers,
                    timeout=patience,
                    heartbeat=self.timing.heartbeat,
                    max_msg_size=LARGEST_FRAME,
                )
            async with ws:
                yield ClientSocket(setup, ws)


def _body(setup: Request) -> dict[str, Any]:
    if setup.json is not None:
        return {"json": setup.json}
    if not setup.files:
        return {"data": setup.content or setup.data}
    form = aiohttp.FormData(quote_fields=False)
    fields = setup.data if isinstance(setup.data, Mapping) else {}
    for name, value in fields.items():
        form.add_field(name, value)
    for name, (filename, content, kind) in setup.files:
        form.add_field(name, content, filename=filename, content_type=kind)
    return {"data": form}


def is_near(host: str) -> bool:
    """Whether a host is on this machine or in its network, where no HTTP proxy belongs between."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
    return address.is_loopback or address.is_private or address.is_link_local
