"""One sandbox: the platform on one loopback port, a OneBot implementation beside it, the doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from hub.sandbox import world as worlds
from hub.sandbox.admin import Admin
from hub.sandbox.doors import sentences
from hub.sandbox.faults import Faults, Manners
from hub.sandbox.im import Im
from hub.sandbox.lines import Lines
from hub.sandbox.load import Load
from hub.sandbox.mtop import Gateway, Passport
from hub.sandbox.onebot import OneBotSim
from hub.sandbox.playground import Playground
from hub.sandbox.qq_door import QQDoor
from hub.sandbox.stage import Stage
from hub.sandbox.tasks import Tasks
from hub.sandbox.world import World

LARGEST_BODY = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Where the sandbox listens, whom it dials, and how quiet its lists are at first."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port. Everything is served on this one port."""
    onebot_url: str | None = None
    """Reverse WebSocket of the hub, dialled again and again; None: QQ stays offline."""
    onebot_token: str = ""
    onebot_reconnect_seconds: float = 1.0
    bot_id: str = "10001"
    operator_id: str = "10002"
    group_id: str = "20001"
    hub_url: str = ""
    """Admin of the hub, linked from the playground; empty: no link."""
    furnished: bool = True
    """With the demo shop; False: an empty world."""
    list_quiet_seconds: float = 3.0


class Sandbox:
    """The running sandbox. Its parts are open to tests in the same process."""

    def __init__(self, options: SandboxOptions, tasks: Tasks) -> None:
        self.options = options
        self.world = World()
        if options.furnished:
            worlds.furnish(self.world)
        self.faults = Faults()
        self.manners = Manners(list_quiet_seconds=options.list_quiet_seconds)
        self.lines = Lines(self.faults, self.manners, tasks, self.world.bell)
        self.im = Im(self.world, self.lines, self.faults, self.manners, tasks)
        self.mtop = Gateway(self.world, self.lines, self.faults, self.manners)
        self.stage = Stage(self.world, self.im)
        self.qq = OneBotSim(
            self_id=options.bot_id, reconnect_seconds=options.onebot_reconnect_seconds
        )
        self.qq.on_line.append(lambda _scene, _peer, _line: self.world.bell.ring())
        self.load = Load(self.world, self.im)
        self.origin = ""
        """`host:port` once it listens."""
        self.hub_url = options.hub_url
        self._tasks = tasks

    @property
    def urls(self) -> dict[str, str]:
        """The platform's four origins, the admin door and the playground."""
        http = f"http://{self.origin}"
        return {
            "ws_url": f"ws://{self.origin}",
            "mtop_url": http,
            "passport_url": http,
            "upload_url": http,
            "admin_url": f"{http}/admin",
            "playground_url": f"{http}/",
        }

    def cookies(self, user: str = worlds.DEMO_SELLER) -> str:
        """A login of the seller as a browser would hold it. Raises KeyError if unknown."""
        return worlds.cookies_of(self.world.seller(user))

    def dial_qq(self, url: str, token: str) -> None:
        """Let the OneBot implementation connect to a hub, and stay at it."""
        self._tasks.start(self.qq.dial(url, token))

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        playground = Playground(
            self.world,
            self.lines,
            self.qq,
            operator_id=self.options.operator_id,
            bot_id=self.options.bot_id,
            hub_url=lambda: self.hub_url,
        )
        passport = Passport(self.world)

        async def front(request: web.Request) -> web.StreamResponse:
            """The platform's socket has no path of its own, the page lives there as well."""
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self.im.meet(request)
            return await playground.page(request)

        app.router.add_get("/", front)
        app.router.add_get("/ws", self.im.meet)
        app.router.add_route("*", "/h5/{api}/{version}/", self.mtop.meet)
        app.router.add_post("/newlogin/hasLogin.do", passport.has_login)
        playground.attach(app)
        app.add_subapp("/admin/", self._admin())
        return app

    def _admin(self) -> web.Application:
        door = web.Application(client_max_size=LARGEST_BODY, middlewares=[sentences])
        Admin(
            self.world, self.stage, self.im, self.mtop, self.faults, self.manners, self.load
        ).attach(door)
        QQDoor(
            self.qq,
            operator_id=self.options.operator_id,
            group_id=self.options.group_id,
            dial=self.dial_qq,
        ).attach(door)
        return door


@asynccontextmanager
async def start_sandbox(options: SandboxOptions | None = None) -> AsyncIterator[Sandbox]:
    """Run a sandbox while the block runs. Raises OSError if the port is taken."""
    options = options or SandboxOptions()
    async with Tasks() as tasks:
        sandbox = Sandbox(options, tasks)
        runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, options.host, options.port).start()
            sandbox.origin = f"{options.host}:{runner.addresses[0][1]}"
            if options.onebot_url:
                sandbox.dial_qq(options.onebot_url, options.onebot_token)
            yield sandbox
        finally:
            for line in list(sandbox.lines.open.values()):
                line.abort()
            await runner.cleanup()
