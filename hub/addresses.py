"""Which addresses people may configure: looked up once, checked, and those and no others used.

Checking a name and then letting somebody else look it up again would leave a gap in which it can
point somewhere else. Here the lookup is the one that the connection uses, and each address is
checked once more when its socket is made: nothing comes behind that.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Self

from aiohttp import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host, for a port. Raises OSError."""

LOOKUPS = 8
"""Names of suppliers that are looked up at the same time."""
_NAT64 = IPv6Network("64:ff9b::/96")
_IN_USE = IPv6Network("2000::/3")
"""All that was ever given out; much else leads inside, by translation or by being old."""
_SPECIAL = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("3fff::/20"),
)
"""Set aside, and not known to every Python."""
_METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"))
)
"""Where clouds answer their machines, with credentials among other things."""


class PrivateAddress(OSError):
    """The name leads into the own network."""


def is_public(address: str) -> bool:
    """Whether an address lies outside: not loopback, private, link-local, reserved or multicast,
    also when it hides an IPv4 one that is."""
    found = _meant(address)
    if isinstance(found, IPv6Address) and (found not in _IN_USE or found.teredo is not None):
        return False
    if any(found in network for network in _SPECIAL):
        return False
    return found.is_global and not found.is_multicast


def is_forbidden(address: str) -> bool:
    """Whether nobody may send us there, whatever is allowed: link-local addresses, multicast, and
    those where clouds answer their machines."""
    found = _meant(address)
    return found.is_link_local or found.is_multicast or found.is_unspecified or found in _METADATA


def _meant(address: str) -> IPv4Address | IPv6Address:
    """The address itself, or the IPv4 one that it hides."""
    found: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address):
        hidden = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            hidden = IPv4Address(int(found) & 0xFFFFFFFF)
        found = hidden or found
    return found


def host_of(url: str) -> str:
    """The host that a connection to a web address would ask for, or the address it would take.

    Read as the connection reads it: `127。0。0。1` is 127.0.0.1. Raises ValueError for what is no
    web address, or names a user.
    """
    parts = URL(url)
    if parts.scheme not in ("http", "https") or not parts.host or "@" in parts.raw_authority:
        raise ValueError("no web address")
    return parts.host


def is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def system_lookup(host: str, port: int) -> list[str]:
    """As the system finds it, in a thread of the loop's."""
    return await asyncio.to_thread(_look_up, host, port)


class OwnLookup:
    """The same in threads of its own: whoever serves a supplier's name may never answer, and that
    must hold up neither the platform's names nor pictures, which share the loop's threads."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="supplier names")

    async def __call__(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, _look_up, host, port)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)  # what hangs is not waited for


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class CheckedResolver(AbstractResolver):
    """One private address among several is reason enough to refuse them all."""

    def __init__(self, lookup: Lookup, *, allow_private: bool) -> None:
        self._lookup = lookup
        self._allow_private = allow_private

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = await self._lookup(host, port)
        if not self._allow_private and not all(is_public(one) for one in addresses):
            raise PrivateAddress(f"{host} leads into the own network")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""


def public_socket(address: AddrInfoType) -> socket.socket:
    """The socket for a connection. Raises PrivateAddress before there is one."""
    family, kind, protocol, _, where = address
    if not is_public(str(where[0])):
        raise PrivateAddress("an address of the own network")
    return socket.socket(family, kind, protocol)
