"""One sandbox: the platform on one loopback port, a OneBot implementation beside it, the doors."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from hub.sandbox import world as worlds
from hub.sandbox.account_apis import AccountApis
from hub.sandbox.admin import Admin
from hub.sandbox.ai import Ai
from hub.sandbox.doors import sentences
from hub.sandbox.faults import Faults
from hub.sandbox.im import Im
from hub.sandbox.item_apis import ItemApis
from hub.sandbox.lines import Lines
from hub.sandbox.load import Load
from hub.sandbox.logins import Logins
from hub.sandbox.manners import Manners
from hub.sandbox.mtop import Gateway
from hub.sandbox.official import OfficialSim
from hub.sandbox.official_door import OfficialDoor
from hub.sandbox.onebot import OneBotSim
from hub.sandbox.order_door import OrderDoor
from hub.sandbox.orders import OrderBook
from hub.sandbox.passport import Passport
from hub.sandbox.pictures import Pictures
from hub.sandbox.playground import Playground
from hub.sandbox.qq_door import QQDoor
from hub.sandbox.qr_door import QrDoor
from hub.sandbox.recorder import Recorder
from hub.sandbox.stage import Stage
from hub.sandbox.story import Story
from hub.sandbox.tasks import Tasks
from hub.sandbox.trade import Trade
from hub.sandbox.trade_apis import TradeApis
from hub.sandbox.wire_door import WireDoor
from hub.sandbox.world import World

LARGEST_BODY = 16 * 1024 * 1024
ORIGINS = ("page", "ws", "mtop", "passport", "upload", "elsewhere")
"""Parts that the real platform serves from hosts of their own, and a stranger's server."""


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Where the sandbox listens, whom it dials, and how quiet its lists are at first."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free port. Everything is served on this one port unless the origins are apart."""
    onebot_url: str | None = None
    """Reverse WebSocket of the hub, dialled again and again; None: QQ stays offline."""
    onebot_token: str = ""
    onebot_reconnect_seconds: float = 1.0
    bot_id: str = "10001"
    operator_id: str = "10002"
    group_id: str = "20001"
    hub_url: str = ""
    """Admin of the hub, linked from the playground; empty: no link."""
    realm: str = ""
    """Logins hold in every sandbox of the same realm. Empty: of those at this port, so that a
    restart ends none; if the port is any free one, nowhere else."""
    furnished: bool = True
    """With the demo shop; False: an empty world."""
    list_quiet_seconds: float = 3.0
    origins_apart: bool = False
    """A port for each origin, so that a record of requests tells what went where."""
    certificate: Path | None = None
    """PEM file with a certificate and its key: everything is then served over TLS, as the real
    platform does."""


class Sandbox:
    """The running sandbox. Its parts are open to tests in the same process."""

    def __init__(self, options: SandboxOptions, tasks: Tasks) -> None:
        self.options = options
        self.world = World()
        if options.furnished:
            worlds.furnish(self.world)
        world = self.world
        self.logins = Logins(world, _realm(options))
        self.faults = Faults()
        self.manners = Manners(list_quiet_seconds=options.list_quiet_seconds)
        self.lines = Lines(self.faults, self.manners, tasks, world.bell)
        self.im = Im(world, self.logins, self.lines, self.faults, self.manners, tasks)
        self.orders = OrderBook(world)
        self.trade = Trade(world, self.orders, Story(world, self.im), self.manners)
        self.stage = Stage(world, self.im, self.trade)
        self.mtop = Gateway(self.logins, self.lines, self.faults, self.manners)
        self.passport = Passport(
            world,
            self.logins,
            self.lines,
            self.faults,
            self.manners,
            lambda: self.urls["passport_url"],
        )
        self.pictures = Pictures(self.logins, self.faults, lambda: self.urls["upload_url"])
        self.im.is_picture = self.pictures.is_address
        self.recorder = Recorder(world.bell)
        self._add_apis()
        self.qq = OneBotSim(
            self_id=options.bot_id, reconnect_seconds=options.onebot_reconnect_seconds
        )
        self.qq.on_line.append(lambda _scene, _peer, _line: self.world.bell.ring())
        self.official = OfficialSim(world.bell, lambda: self.urls["official_url"])
        self.load = Load(self.world, self.im, self.qq)
        self.ai = Ai(self.faults, world.bell)
        self.origins = dict.fromkeys(ORIGINS, "")
        """`host:port` of each part once it listens; the same for all unless they are apart."""
        self.hub_url = options.hub_url
        self._tasks = tasks

    def _add_apis(self) -> None:
        account = AccountApis(self.world, self.lines, self.manners)
        self.mtop.add(account.table())
        self.mtop.add(account.anonymous(), anonymous=True)
        self.mtop.add(ItemApis(self.world, self.manners).table())
        self.mtop.add(TradeApis(self.world, self.trade, self.manners).table())

    @property
    def origin(self) -> str:
        """`host:port` of the page, and of everything unless the origins are apart."""
        return self.origins["page"]

    @property
    def urls(self) -> dict[str, str]:
        """The platform's four origins, a stranger's, those of a model and of official bots, admin
        door and playground."""
        s = "" if self.options.certificate is None else "s"
        return {
            "ws_url": f"ws{s}://{self.origins['ws']}",
            "mtop_url": f"http{s}://{self.origins['mtop']}",
            "passport_url": f"http{s}://{self.origins['passport']}",
            "upload_url": f"http{s}://{self.origins['upload']}",
            "elsewhere_url": f"http{s}://{self.origins['elsewhere']}/elsewhere",
            "ai_url": f"http{s}://{self.origin}/ai/v1",
            "official_url": f"http{s}://{self.origin}",
            "admin_url": f"http{s}://{self.origin}/admin",
            "playground_url": f"http{s}://{self.origin}/",
        }

    def cookies(self, user: str = worlds.DEMO_SELLER) -> str:
        """A login of the seller as a browser would hold it. Raises KeyError if unknown."""
        return self.logins.cookies(user)

    def dial_qq(self, url: str, token: str) -> None:
        """Let the OneBot implementation connect to a hub, and stay at it."""
        self._tasks.start(self.qq.dial(url, token))

    def application(self) -> web.Application:
        app = web.Application(
            client_max_size=LARGEST_BODY, middlewares=[self.recorder.middleware()]
        )
        playground = Playground(
            self.world,
            self.lines,
            self.qq,
            self.orders,
            self.passport,
            operator_id=self.options.operator_id,
            bot_id=self.options.bot_id,
            hub_url=lambda: self.hub_url,
        )

        async def front(request: web.Request) -> web.StreamResponse:
            """The platform's socket has no path of its own, the page lives there as well."""
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self.im.meet(request)
            return await playground.page(request)

        app.router.add_get("/", front)
        app.router.add_get("/ws", self.im.meet)
        app.router.add_route("*", "/h5/{api}/{version}/", self.mtop.meet)
        app.router.add_route("*", "/elsewhere{tail:.*}", self.recorder.elsewhere)
        self.passport.attach(app)
        self.pictures.attach(app)
        self.ai.attach(app)
        self.official.attach(app)
        playground.attach(app)
        app.add_subapp("/admin/", self._admin())
        return app

    def _admin(self) -> web.Application:
        door = web.Application(client_max_size=LARGEST_BODY, middlewares=[sentences])
        Admin(
            self.world,
            self.logins,
            self.stage,
            self.mtop,
            self.pictures,
            self.faults,
            self.manners,
            self.load,
        ).attach(door)
        WireDoor(self.world, self.im, self.mtop, self.recorder).attach(door)
        OrderDoor(self.world, self.trade).attach(door)
        QrDoor(self.world, self.passport).attach(door)
        self.ai.attach_door(door)
        OfficialDoor(self.official).attach(door)
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
            await _listen(runner, sandbox)
            if options.onebot_url:
                sandbox.dial_qq(options.onebot_url, options.onebot_token)
            yield sandbox
        finally:
            for line in list(sandbox.lines.open.values()):
                line.abort()
            await runner.cleanup()


def _realm(options: SandboxOptions) -> str:
    """A free port may be one where a hub still looks for the sandbox that is gone."""
    return options.realm or (f"port {options.port}" if options.port else secrets.token_hex(8))


async def _listen(runner: web.AppRunner, sandbox: Sandbox) -> None:
    """One port for everything, or one for each origin; the given port is the page's."""
    options = sandbox.options
    tls: ssl.SSLContext | None = None
    if options.certificate is not None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate)
    for number, name in enumerate(ORIGINS):
        if number == 0 or options.origins_apart:
            port = options.port if number == 0 else 0
            await web.TCPSite(runner, options.host, port, ssl_context=tls).start()
        sandbox.origins[name] = f"{options.host}:{runner.addresses[-1][1]}"
