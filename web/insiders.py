"""Who is told more than a stranger about how the hub is."""

from __future__ import annotations

from ipaddress import ip_address

from aiohttp import web

from web.auth import SESSION_COOKIE, cookie
from web.site import SITE

_OF_PROXIES = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via")


async def is_insider(request: web.Request) -> bool:
    """Whoever asks from this machine, through no proxy, or is signed in. Raises StoreError."""
    if _is_from_here(request):
        return True
    token = cookie(request, SESSION_COOKIE)
    return bool(token) and await request.app[SITE].desk.members.session(token) is not None


def _is_from_here(request: web.Request) -> bool:
    """A proxy on this machine asks from here too, for anybody, but says so."""
    if any(name in request.headers for name in _OF_PROXIES):
        return False
    try:
        return ip_address(request.remote or "").is_loopback
    except ValueError:
        return False
