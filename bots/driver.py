"""NoneBot's driver on the hub's own aiohttp application and event loop: no second server.

Facts behind it (nonebot2 2.5, aiohttp 3.11 to 3.14, measured): a lifespan that runs in the host's
task takes the host down with it; a half-open peer without heartbeat blocks its id for ever; the
bundled aiohttp client drops a quiet forward connection after 30 s; a socket that nobody closes
delays a stop by half a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import anyio
from aiohttp import web
from anyio.abc import TaskGroup
from loguru import logger as hub_logger
from nonebot.config import Config, Env
from nonebot.drivers import ASGIMixin, HTTPServerSetup, WebSocket, WebSocketServerSetup
from nonebot.drivers import Driver as BaseDriver
from nonebot.utils import is_coroutine_callable

from bots.client import Client
from bots.port import Dialling, dial_always
from bots.sockets import GOING_AWAY, ServerSocket, Timing

Hook = Callable[[], Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Driver(ASGIMixin, Client, BaseDriver):
    """`attach` puts the routes into the application, `serve` is NoneBot's life.

    It keeps NoneBot's start and stop hooks itself, by overriding the public methods that take
    them, so that a crashed background task surfaces from `serve` with its traceback.
    """

    def __init__(self, env: Env, config: Config) -> None:
        super().__init__(env, config)
        self.timing = Timing()
        self.dialling: Dialling = dial_always
        self._app: web.Application | None = None
        self._astray: Callable[[bool], None] = _ignore
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

    def when_astray(self, call: Callable[[bool], None]) -> None:
        """Call this when a bridge came to an address that is no door, or (True) with a POST."""
        self._astray = call

    def attach(self, app: web.Application) -> None:
        """Add a route for each registered door, and one refusal for HTTP POST beside it."""
        self._app = app
        app.middlewares.append(self._show_the_door)
        for path in self._doors:
            app.router.add_get(path, self._meet, allow_head=False)
            app.router.add_post(path, _refuse_post)
        app.on_shutdown.append(self.close_sockets)

    @web.middleware
    async def _show_the_door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Bridges name their bot in a header that nothing else sends. Whoever set one up with a
        wrong address sees no more than a number in its log; the status page says why."""
        if "X-Self-ID" not in request.headers:
            return await handler(request)
        if request.method == "POST":
            self._astray(True)
            return await _refuse_post(request)
        if request.path not in self._doors:
            self._astray(False)
            return web.Response(status=404, text="路径应当是 /onebot/v11/ws\n")
        return await handler(request)

    async def _meet(self, request: web.Request) -> web.StreamResponse:
        if not web.WebSocketResponse().can_prepare(request):
            text = "这里是机器人连接鱼桥的入口，只接受 WebSocket，请用 ws:// 地址连接。\n"
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


async def _call(hooks: list[Hook]) -> None:
    for hook in hooks:
        result = hook()
        if is_coroutine_callable(hook):
            await result


def _ignore(_: bool) -> None:
    return None


async def _refuse_post(_: web.Request) -> web.Response:
    text = "不支持 HTTP 上报，请改用反向 WebSocket（见 docs/qq.md）。\n"
    return web.Response(status=405, text=text, headers={"Allow": "GET"})
