"""A bare aiohttp application with `QQ` attached, and a desk that only writes down what it hears."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from bots import QQ, Timing
from hub.model import ChatPeer, OperatorMessage
from hub.sandbox.onebot import Dialect, OneBotSim
from hub.settings import QQSettings

TOKEN = "a-token-of-this-test"
LINK_TOKEN = "a-token-of-plugins"
OPERATOR = "10002"
SECOND_OPERATOR = "10003"
STRANGER = "55555"
GROUP = "777001"
PRIVATE = ChatPeer("", "private", OPERATOR)
IN_GROUP = ChatPeer("", "group", GROUP)
FAST = Timing(
    heartbeat=0.3,
    close=0.3,
    dial=2.0,
    redial_first=0.02,
    redial_most=0.1,
    lookup=0.3,
    restart=0.02,
)


@dataclass
class Recorder:
    """Stands where the desk stands."""

    answer: Callable[[OperatorMessage], str | Awaitable[str | None] | None] = lambda _: None
    heard: list[OperatorMessage] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    operators: set[str] = field(default_factory=lambda: {OPERATOR, SECOND_OPERATOR})

    async def receive(self, message: OperatorMessage) -> str | None:
        self.heard.append(message)
        self.news.set()
        answer = self.answer(message)
        return answer if answer is None or isinstance(answer, str) else await answer

    async def wait_for(self, count: int, seconds: float = 30.0) -> list[OperatorMessage]:
        async with asyncio.timeout(seconds):
            while len(self.heard) < count:
                self.news.clear()
                await self.news.wait()
        return self.heard


@dataclass
class Door:
    """A running hub's QQ side; `stop` is what SIGTERM leads to."""

    qq: QQ
    desk: Recorder
    base: str
    arrivals: list[str]
    departures: list[str]
    running: asyncio.Task[None]
    stop: Callable[[], Awaitable[None]]
    close_server: Callable[[], Awaitable[None]]
    """Only the HTTP side goes down."""

    @property
    def url(self) -> str:
        return f"ws://{self.base}/onebot/v11/ws"

    @asynccontextmanager
    async def bridge(
        self, dialect: Dialect | None = None, *, self_id: str = "10001"
    ) -> AsyncIterator[OneBotSim]:
        """A connected simulator."""
        sim = OneBotSim(self_id=self_id, dialect=dialect, reconnect_seconds=0.05)
        async with sim.connected(self.url, TOKEN):
            await sim.wait_online()
            async with asyncio.timeout(30):
                await self.qq.wait_connected()
            yield sim


OpenDoor = Callable[..., AbstractAsyncContextManager[Door]]


@asynccontextmanager
async def open_door_to_qq(
    *,
    timing: Timing = FAST,
    api_seconds: float = 2.0,
    urls: tuple[str, ...] = (),
    milky: tuple[str, ...] = (),
) -> AsyncIterator[Door]:
    desk, arrivals, departures = Recorder(), list[str](), list[str]()
    qq = QQ(
        QQSettings(api_seconds=api_seconds, onebot_ws_urls=urls, milky_urls=milky),
        access_token=TOKEN,
        receive=desk.receive,
        is_operator=lambda qq: qq in desk.operators,
        operators=lambda: frozenset(desk.operators),
        link_token=LINK_TOKEN,
        on_connect=arrivals.append,
        on_leave=departures.append,
        timing=timing,
    )
    app = web.Application()
    qq.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=60)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running = asyncio.create_task(qq.run())

    async def stop() -> None:
        running.cancel()
        await asyncio.wait({running})
        await runner.cleanup()

    await eventually(lambda: qq.healthy)
    base = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Door(qq, desk, base, arrivals, departures, running, stop, runner.cleanup)
    finally:
        await stop()


async def eventually(met: Callable[[], bool], seconds: float = 30.0) -> None:
    """Give the loop its turns until something holds."""
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110 - the condition belongs to production code
            await asyncio.sleep(0.005)
