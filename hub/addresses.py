"""Which addresses people may configure: looked up once, checked, and those and no others used.

Checking a name and then letting somebody else look it up again would leave a gap in which it can
point somewhere else. Here the lookup is the one that the connection uses.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult

Lookup = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host, for a port. Raises OSError."""

_NAT64 = IPv6Network("64:ff9b::/96")
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
    if isinstance(found, IPv6Address) and found.teredo is not None:
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


def is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


async def system_lookup(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
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
