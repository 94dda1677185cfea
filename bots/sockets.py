"""Sockets of either side with NoneBot's interface, and how long things may take."""

from __future__ import annotations

from dataclasses import dataclass

import aiohttp
from aiohttp import web
from nonebot.drivers import Request, WebSocket
from nonebot.exception import WebSocketClosed

LARGEST_FRAME = 32 * 1024 * 1024
"""Images come inside frames as base64; aiohttp's own limit of 4 MB is too small for them."""
GOING_AWAY = 1001
POLICY = 1008


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds; the defaults are for production, tests scale them down."""

    heartbeat: float = 20.0
    """Ping interval; a dead peer is noticed after about one and a half of it."""
    close: float = 2.0
    """How long a peer may take to answer a close frame."""
    dial: float = 10.0
    redial_first: float = 1.0
    redial_most: float = 60.0
    lookup: float = 1.0
    """How long a quote may wait for `get_msg`; a restarted bridge never answers some of them."""
    answer_waits: float = 30.0
    """How long the answer to an operator waits for a bot that just vanished."""
    restart: float = 3.0
    """Pause before NoneBot is started again after a crash."""
    request: float = 15.0
    """How long an HTTP request may take that does not say so itself."""


class Socket(WebSocket):
    """One websocket of either side, with NoneBot's interface."""

    _ws: web.WebSocketResponse | aiohttp.ClientWebSocketResponse | None = None

    host = ""
    """Of the peer, as we see it."""

    @property
    def closed(self) -> bool:
        return self._ws is None or self._ws.closed

    async def accept(self) -> None:
        raise NotImplementedError("a socket that we dialled is open already")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._ws is not None:
            await self._ws.close(code=code, message=reason.encode()[:120])

    async def receive(self) -> str | bytes:
        """Raises WebSocketClosed, with 1006 when the peer vanished."""
        frame = await self._opened().receive()
        if frame.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            data: str | bytes = frame.data
            return data
        raise WebSocketClosed(self._opened().close_code or 1006, str(frame.extra or ""))

    async def receive_text(self) -> str:
        data = await self.receive()
        return data if isinstance(data, str) else data.decode()

    async def receive_bytes(self) -> bytes:
        data = await self.receive()
        return data if isinstance(data, bytes) else data.encode()

    async def send_text(self, data: str) -> None:
        await self._opened().send_str(data)

    async def send_bytes(self, data: bytes) -> None:
        await self._opened().send_bytes(data)

    def _opened(self) -> web.WebSocketResponse | aiohttp.ClientWebSocketResponse:
        if self._ws is None:
            raise WebSocketClosed(1006, "not accepted")
        return self._ws


class ServerSocket(Socket):
    """A peer that dialled us. Closing it before `accept` answers the handshake with HTTP 403."""

    def __init__(self, request: web.Request, timing: Timing) -> None:
        super().__init__(request=Request("GET", str(request.url), headers=request.headers.copy()))
        self._http = request
        self._timing = timing
        self.host = request.remote or ""
        self.response: web.StreamResponse = web.Response(status=403)

    async def accept(self) -> None:
        ws = web.WebSocketResponse(
            heartbeat=self._timing.heartbeat,
            timeout=self._timing.close,
            max_msg_size=LARGEST_FRAME,
        )
        await ws.prepare(self._http)
        self._ws = self.response = ws

    async def close(self, code: int = 1000, reason: str = "") -> None:
        if self._ws is None:
            self.response = web.Response(status=403, text=reason)
        else:
            await super().close(code, reason)


class ClientSocket(Socket):
    """A peer that we dialled."""

    def __init__(self, request: Request, ws: aiohttp.ClientWebSocketResponse) -> None:
        super().__init__(request=request)
        self._ws = ws
        peer = ws.get_extra_info("peername")
        self.host = str(peer[0]) if peer else ""
