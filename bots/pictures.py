"""Pictures and files that operators send in QQ, fetched from where their bridge says they lie."""

from __future__ import annotations

import asyncio
import base64
import binascii
import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bots.port import PEER
from hub.errors import Rejected, Unreachable

OP = "picture"
MOST_BYTES = 10 * 1024 * 1024
BYTES_A_SECOND = 256 * 1024
"""How fast bridges take pictures; NapCat allows itself that long too."""
SECONDS = 20.0
BASE64 = "base64://"
_REDIRECTS = 3
_NAT64 = IPv6Network("64:ff9b::/96")
_CHUNK = 64 * 1024


def from_base64(file: str, *, what: str = "图片", most: int = MOST_BYTES) -> bytes | None:
    """The picture that a name holds itself; None when it is only a name.

    `what`: how refusals call it. Raises Rejected when it is too large or broken.
    """
    if not file.startswith(BASE64):
        return None
    packed = file.removeprefix(BASE64)
    if len(packed) > most * 4 // 3 + 4:
        raise Rejected(PEER, OP, f"{what}太大")
    try:
        return base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected(PEER, OP, f"QQ 端给的{what}是坏的") from None


def seconds_to_take(pictures: Sequence[bytes]) -> float:
    """How much longer than a text a bridge may need for them."""
    return sum(map(len, pictures)) / BYTES_A_SECOND


async def download(url: str, *, bridge: str, what: str = "图片", most: int = MOST_BYTES) -> bytes:
    """What lies at an address that the bridge named. Nothing of ours is sent along.

    `bridge`: the host that the bridge itself speaks from; no other private address is asked, not
    even by a redirect. `what`: how refusals call it; `most`: bytes. Raises Rejected, Unreachable.
    """
    resolver = _Outside(bridge)
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False)
    try:
        async with (
            asyncio.timeout(SECONDS),
            aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            ) as http,
        ):
            for _ in range(_REDIRECTS):
                _check(url, bridge, what)
                async with http.get(url, allow_redirects=False) as response:
                    if location := response.headers.get("Location"):
                        url = urljoin(url, location)
                        continue
                    return await _body(response, what, most)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        if resolver.refused:
            raise Rejected(PEER, OP, f"{what}的地址不是公开的") from error
        raise Unreachable(
            PEER, OP, f"QQ 的{what}服务器没有回应", raw=type(error).__name__
        ) from error
    except ValueError as error:
        raise Rejected(PEER, OP, f"{what}的地址看不懂") from error
    raise Rejected(PEER, OP, f"{what}的地址转了太多次")


class _Outside(AbstractResolver):
    """Finds public addresses only, and whatever the bridge's own host is."""

    def __init__(self, bridge: str) -> None:
        self._bridge = bridge
        self._resolver = aiohttp.ThreadedResolver()
        self.refused = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        fine = [one for one in found if may_ask(one["host"], self._bridge)]
        if found and not fine:
            self.refused = True
            raise OSError("no public address")
        return fine

    async def close(self) -> None:
        await self._resolver.close()


def may_ask(host: str, bridge: str) -> bool:
    """Whether an address is public, or the one that the bridge has."""
    address, own = _address(host), _address(bridge)
    if address is None:
        return False
    if own is not None and (address == own or (address.is_loopback and own.is_loopback)):
        return True
    return address.is_global and not address.is_multicast


def _check(url: str, bridge: str, what: str) -> None:
    """Hosts that are addresses already are never resolved, so they are checked here."""
    seen = URL(url)
    if seen.scheme not in ("http", "https") or not seen.host:
        raise Rejected(PEER, OP, f"{what}的地址看不懂")
    if _address(seen.host) is not None and not may_ask(seen.host, bridge):
        raise Rejected(PEER, OP, f"{what}的地址不是公开的")


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return _inner(address) or address if isinstance(address, IPv6Address) else address


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that some IPv6 addresses are only another spelling of, or lead to."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]


async def _body(response: aiohttp.ClientResponse, what: str, most: int) -> bytes:
    if response.status != 200:
        raise Rejected(
            PEER, OP, f"QQ 的{what}服务器说 {response.status}", code=str(response.status)
        )
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk
        if len(body) > most:
            raise Rejected(PEER, OP, f"{what}太大")
    return bytes(body)
