"""From push to answer: how fast one account answers, measured on the platform's side.

Every message is stored, decided and settled as in production. Two yardsticks run before it in the
same place: the bare loop, and the wire alone (our own connection, decoder and sender, no store).
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from hub.app import Hub, open_hub, utc_now
from hub.bench.bare import bare_loop
from hub.bench.machine import load_average, memory_mb
from hub.bench.programs import Platform, open_platform
from hub.desk import Door, Operator
from hub.model import Account, AccountState, BuyerMessage, RuleKind, Text
from hub.settings import (
    BackupSettings,
    DatabaseSettings,
    QQSettings,
    ReplySettings,
    Settings,
    WebSettings,
    XianyuSettings,
)
from hub.xianyu import (
    Client,
    CookieJar,
    Endpoints,
    ImToken,
    Session,
    new_device_id,
    new_uuid,
    open_session,
)

KEYWORD = "在吗"
ANSWER = "在的，可以直接拍"
READY_SECONDS = 30.0
WARM_UP = {"mode": "closed", "messages": 200, "outstanding": 8}


@dataclass(frozen=True, slots=True)
class BenchOptions:
    messages: int = 5000
    outstanding: int = 32
    rate: float = 20.0
    length: timedelta = timedelta(seconds=20)
    database: str = ""
    """Address of an empty PostgreSQL database; empty: SQLite."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One loop. Times are milliseconds from push to answer, CPU is this process's, per message."""

    name: str
    messages: int
    per_second: float
    p50: float
    p95: float
    p99: float
    cpu_per_message: float
    missing: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class Result:
    bare: Figures
    wire: Figures
    closed: Figures
    paced: Figures
    memory_mb: float
    """Resident size of this process, which is the hub's, after the work."""
    load_average: float
    """Of the machine, before it began."""

    @property
    def loops(self) -> tuple[Figures, ...]:
        return self.bare, self.wire, self.closed, self.paced

    @property
    def complete(self) -> bool:
        """Each message was answered, and only once."""
        return not any(loop.missing or loop.duplicates for loop in self.loops)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_bench(options: BenchOptions) -> Result:
    """Raises HubError when the sandbox does not start or the hub does not connect."""
    noise = load_average()
    closed_plan = {
        "mode": "closed",
        "messages": options.messages,
        "outstanding": options.outstanding,
    }
    paced_plan = {
        "mode": "open",
        "rate": options.rate,
        "seconds": options.length.total_seconds(),
    }
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as folder:
        async with open_platform() as platform:
            async with _bare(platform):
                bare = await _warm("bare loop", platform, closed_plan)
            async with _wire_only(platform):
                wire = await _warm("wire only", platform, closed_plan)
            async with open_hub(_settings(platform, folder, options.database)) as hub:
                account = await _furnish(hub, platform)
                await wait_online(hub, account)
                closed = await _warm("hub, closed loop", platform, closed_plan)
                name = f"hub, {options.rate:g} messages/s"
                paced = await _measured(name, platform, paced_plan)
                memory = memory_mb(os.getpid())
    return Result(bare, wire, closed, paced, memory, noise)


def report(result: Result) -> str:
    """A table for people."""
    lines = [
        f"{'':<20}{'msg/s':>9}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'CPU ms':>9}"
        f"{'missing':>9}{'twice':>7}"
    ]
    lines += [
        f"{f.name:<20}{f.per_second:>9.0f}{f.p50:>9.2f}{f.p95:>9.2f}{f.p99:>9.2f}"
        f"{f.cpu_per_message:>9.3f}{f.missing:>9}{f.duplicates:>7}"
        for f in result.loops
    ]
    closed = result.closed.per_second
    lines.append(
        f"the hub reaches {closed / max(1.0, result.wire.per_second):.0%} of the wire alone, "
        f"{closed / max(1.0, result.bare.per_second):.0%} of the bare loop; "
        f"memory {result.memory_mb:.0f} MB; load average {result.load_average:.1f}"
    )
    return "\n".join(lines)


@asynccontextmanager
async def _login(platform: Platform) -> AsyncIterator[tuple[Endpoints, CookieJar, ImToken]]:
    """What a yardstick needs in order to connect; thrown away afterwards."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        endpoints, jar = Endpoints(**platform.urls), CookieJar.parse(_cookies(platform))
        client = Client(http, endpoints, jar, on_cookies=_keep_nothing)
        yield endpoints, jar, await client.im_token(new_device_id(jar.user))


@asynccontextmanager
async def _bare(platform: Platform) -> AsyncIterator[None]:
    async with (
        _login(platform) as (endpoints, jar, token),
        bare_loop(endpoints.ws_url, token, jar.user, ANSWER),
    ):
        yield


@asynccontextmanager
async def _wire_only(platform: Platform) -> AsyncIterator[None]:
    """Decode, answer at once, acknowledge; nothing is stored."""
    async with (
        _login(platform) as (endpoints, jar, token),
        open_session(endpoints, token, jar.user) as session,
        asyncio.TaskGroup() as tasks,
    ):
        answering = tasks.create_task(_answer_everything(session, tasks))
        yield
        answering.cancel()


async def _answer_everything(session: Session, tasks: asyncio.TaskGroup) -> None:
    async for push in session.pushes():
        for event in push.events:
            if isinstance(event, BuyerMessage):
                tasks.create_task(
                    session.send(
                        event.conversation, event.buyer, Text(ANSWER), uuid=new_uuid(utc_now())
                    )
                )
        await session.ack(push)


async def _keep_nothing(_: str) -> None:
    """The login of a yardstick is not kept."""


def _settings(platform: Platform, folder: str, database: str) -> Settings:
    return Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=Path(folder) / "bench.db", url=database),
        xianyu=XianyuSettings(**platform.urls, send_spacing_seconds=0, token_spacing_seconds=0),
        replies=ReplySettings(debounce_seconds=0),
        qq=QQSettings(access_token="bench"),  # noqa: S106 - a port on loopback, for a minute
        backup=BackupSettings(enabled=False),
    )


async def _furnish(hub: Hub, platform: Platform) -> Account:
    founded = await hub.desk.members.found_shop(name="bench", password="bench-bench")  # noqa: S106
    operator = Operator(founded.login.operator.member, Door.CLI)
    await hub.desk.rules.add(operator, kind=RuleKind.KEYWORD, keywords=[KEYWORD], reply=ANSWER)
    return await hub.desk.accounts.add(operator, "bench", _cookies(platform))


def _cookies(platform: Platform) -> str:
    return platform.accounts[0]["cookies"]


async def wait_online(hub: Hub, account: Account) -> None:
    async with asyncio.timeout(READY_SECONDS), hub.store.changes() as changes:
        while True:
            found = await hub.store.read(lambda tx: tx.accounts.get(account.shop, account.id))
            if found is not None and found.state is AccountState.ONLINE:
                return
            await anext(changes)


async def _warm(name: str, platform: Platform, plan: Mapping[str, Any]) -> Figures:
    await platform.ask("POST", "/load", WARM_UP)
    return await _measured(name, platform, plan)


async def _measured(name: str, platform: Platform, plan: Mapping[str, Any]) -> Figures:
    before = time.process_time()
    found = await platform.ask("POST", "/load", plan)
    return figures(name, found, time.process_time() - before)


def figures(name: str, found: Mapping[str, Any], cpu_seconds: float) -> Figures:
    """What the sandbox's load generator found, in our words."""
    return Figures(
        name=name,
        messages=found["messages"],
        per_second=found["messages_per_second"],
        p50=found["p50_ms"] or 0.0,
        p95=found["p95_ms"] or 0.0,
        p99=found["p99_ms"] or 0.0,
        cpu_per_message=1000 * cpu_seconds / max(1, found["messages"]),
        missing=found["missing"],
        duplicates=found["duplicates"] + found["wrong_conversation"],
    )
