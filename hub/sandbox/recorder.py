"""A record of every request that reached the platform, so that a test can prove what went where."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from hub.sandbox.doors import Route
from hub.sandbox.world import Bell, now_ms

KEPT_REQUESTS = 5_000
_OWN = ("/admin", "/playground", "/static/")
_KINDS = {
    "/h5/": "mtop",
    "/api/upload.api": "upload",
    "/imgextra/": "picture",
    "/elsewhere": "elsewhere",
    "/ai/": "ai",
    "/official/": "official",
    "/ws": "im",
}
_SOCKETS = ("/", "/ws")
_PASSPORT = ("/mini_login", "/newlogin/", "/login_token/", "/iv/", "/ac/", "/im", "/qrcodeCheck")


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it arrived."""

    at: int
    kind: str
    """`im`, `mtop`, `passport`, `upload`, `picture`, `elsewhere`, `ai`, `official` or `page`."""
    method: str
    origin: str
    """`host:port` as the client wrote it."""
    path: str
    """With the query."""
    headers: tuple[tuple[str, str], ...]
    size: int
    """Bytes of the body, as announced."""

    def header(self, name: str) -> str | None:
        for known, value in self.headers:
            if known.lower() == name.lower():
                return value
        return None


class Recorder:
    """Leaves out the admin door and the playground, which belong to the sandbox and its people."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self.seen: deque[Seen] = deque(maxlen=KEPT_REQUESTS)

    def middleware(self) -> Middleware:
        @web.middleware
        async def record(request: web.Request, handler: Route) -> web.StreamResponse:
            upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
            if upgrade or not (request.path == "/" or request.path.startswith(_OWN)):
                self.seen.append(_seen(request, upgrade))
                self._bell.ring()
            return await handler(request)

        return record

    async def elsewhere(self, _request: web.Request) -> web.Response:
        """A stranger's server: takes everything, knows nothing."""
        return web.json_response({"ok": True})


def _seen(request: web.Request, upgrade: bool) -> Seen:
    return Seen(
        at=now_ms(),
        kind="im" if upgrade and request.path in _SOCKETS else _kind(request.path),
        method=request.method,
        origin=request.host,
        path=request.path_qs,
        headers=tuple(request.headers.items()),
        size=request.content_length or 0,
    )


def _kind(path: str) -> str:
    for start, kind in _KINDS.items():
        if path.startswith(start):
            return kind
    return "passport" if path.startswith(_PASSPORT) else "page"
