"""From where a request really comes, where proxies of ours stand in front."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from aiohttp import web


def client_address(request: web.Request, trusted: Sequence[IPv4Network | IPv6Network]) -> str:
    """The address that no trusted proxy has; empty if none is known.

    Each proxy appends whom it saw to `X-Forwarded-For`. What stands left of the first stranger is
    what that stranger claims, so it is not looked at.
    """
    seen = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    address = request.remote or ""
    while seen and _is_one_of(address, trusted) and _is_address(seen[-1]):
        address = seen.pop()
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_one_of(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    return _is_address(address) and any(ip_address(address) in network for network in networks)
