"""NoneBot's driver on the hub's own aiohttp application and event loop: no second server.

Facts behind it (nonebot2 2.5, aiohttp 3.11 to 3.14, measured): a lifespan that runs in the host's
task takes the host down with it; a half-open peer without heartbeat blocks its id for ever; the
bundled aiohttp client drops a quiet forward connection after 30 s; a socket that nobody closes
delays a stop by half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, NoReturn

import aiohttp
import anyio
from aiohttp import web
from anyio.abc import TaskGroup
from loguru import logger as hub_logger
from nonebot.config import Config, Env
from nonebot.drivers import (
    ASGIMixin,
    HTTPServerSetup,
    Request,
    WebSocket,
    WebSocketClientMixin,
    WebSocketServerSetup,
)
from nonebot.drivers import Driver as BaseDriver
from nonebot.exception import WebSocketClosed
from nonebot.utils import is_coroutine_callable

LARGEST_FRAME = 32 * 1024 * 1024
"""Images come inside frames as base64; aiohttp's own limit of 4 MB is too small for them."""
GOING_AWAY = 1001
POLICY = 1008

Hook = Callable[[], Any]


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


class Driver(ASGIMixin, WebSocketClientMixin, BaseDriver):
    """`attach` puts the routes into the application, `serve` is NoneBot's life.

    It keeps NoneBot's start and stop hooks itself, by overriding the public methods that take
    them, so that a crashed background task surfaces from `serve` with its traceback.
    """

    def __init__(self, env: Env, config: Config) -> None:
        super().__init__(env, config)
        self.timing = Timing()
        self._app: web.Application | None = None
        self._doors: dict[str, Callable[[WebSocket], Awaitable[Any]]] = {}
        self._open: set[ServerSocket] = set()
        self._group: TaskGroup | None = None
        self._on_start: list[Hook] = []
        self._on_stop: list[Hook] = []

    @property
    def type(self) -> str:
        return "hub"

    @property
    def logger(self) -> Any:
        return hub_logger

    @property
    def server_app(self) -> web.Application:
        if self._app is None:
            raise RuntimeError("the driver is not attached to an application")
        return self._app

    @property
    def asgi(self) -> NoReturn:
        raise NotImplementedError("the hub speaks aiohttp, not ASGI")

    def run(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NotImplementedError("the hub owns the event loop; await serve() there")

    # --- Life -----------------------------------------------------------------------------------

    @property
    def serving(self) -> bool:
        return self._group is not None

    @property
    def task_group(self) -> TaskGroup:
        if self._group is None:
            raise RuntimeError("NoneBot is not running")
        return self._group

    def on_startup(self, func: Hook) -> Hook:
        self._on_start.append(func)
        return func

    def on_shutdown(self, func: Hook) -> Hook:
        self._on_stop.append(func)
        return func

    async def serve(self) -> None:
        """Live until cancelled. A background task that crashes ends it with an ExceptionGroup.

        Must run in a task of its own: the crash cancels the task that runs this.
        """
        async with anyio.create_task_group() as group:
            self._group = group
            try:
                await _call(self._on_start)
                await anyio.sleep_forever()
            finally:
                self._group = None
                group.cancel_scope.cancel()
                with anyio.move_on_after(2 * self.timing.close, shield=True):
                    await self.close_sockets()
                    await _call(self._on_stop[::-1])

    async def close_sockets(self, _: web.Application | None = None) -> None:
        """Say goodbye to every peer, at once; without it a stop waits for them."""
        closing = (socket.close(GOING_AWAY, "the hub stops") for socket in tuple(self._open))
        await asyncio.gather(*closing, return_exceptions=True)

    # --- Server side ----------------------------------------------------------------------------

    def setup_http_server(self, setup: HTTPServerSetup) -> None:
        raise NotImplementedError("OneBot over HTTP is not offered: a poster never disconnects")

    def setup_websocket_server(self, setup: WebSocketServerSetup) -> None:
        self._doors[setup.path.path] = setup.handle_func

    def attach(self, app: web.Application) -> None:
        """Add a route for each registered door, and one refusal for HTTP POST beside it."""
        self._app = app
        for path in self._doors:
            app.router.add_get(path, self._meet, allow_head=False)
            app.router.add_post(path, _refuse_post)
        app.on_shutdown.append(self.close_sockets)

    async def _meet(self, request: web.Request) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request):
            text = "这里是 OneBot v11 反向 WebSocket 的入口，请在 NapCat 里用 ws:// 地址连接。\n"
            return web.Response(status=426, text=text, headers={"Upgrade": "websocket"})
        if not self.serving:
            return web.Response(status=503, text="QQ is not ready\n")
        socket = ServerSocket(request, self.timing)
        self._open.add(socket)
        try:
            await self._doors[request.path](socket)
        finally:
            self._open.discard(socket)
        return socket.response

    # --- Client side ----------------------------------------------------------------------------

    @asynccontextmanager
    async def websocket(self, setup: Request) -> AsyncGenerator[WebSocket, None]:
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


def is_near(host: str) -> bool:
    """Whether a host is on this machine or in its network, where no HTTP proxy belongs between."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan"))
    return address.is_loopback or address.is_private or address.is_link_local


async def _call(hooks: list[Hook]) -> None:
    for hook in hooks:
        result = hook()
        if is_coroutine_callable(hook):
            await result


async def _refuse_post(_: web.Request) -> web.Response:
    text = "不支持 HTTP 上报，请改用反向 WebSocket（见 docs/qq.md）。\n"
    return web.Response(status=405, text=text, headers={"Allow": "GET"})
