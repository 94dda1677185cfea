"""`yuqiao bench`: the whole hub against a sandbox in a second process.

Measured where it counts, on the other side of the wire: from the sandbox's push to the arrival of
the hub's answer. Every message is stored, decided and settled as in production.
"""

from __future__ import annotations

import asyncio
import json
import sys
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
from hub.desk import Door, Operator
from hub.errors import HubError
from hub.model import Account, AccountState, BuyerMessage, RuleKind, Text
from hub.settings import (
    DatabaseSettings,
    QQSettings,
    Settings,
    WebSettings,
    XianyuSettings,
)
from hub.xianyu import (
    Client,
    CookieJar,
    Endpoints,
    Session,
    new_device_id,
    new_uuid,
    open_session,
)

KEYWORD = "在吗"
ANSWER = "在的，可以直接拍"
READY_SECONDS = 30.0
RUN_SECONDS = 600.0
WARM_UP = {"mode": "closed", "messages": 200, "outstanding": 8}


@dataclass(frozen=True, slots=True)
class BenchOptions:
    messages: int = 5000
    outstanding: int = 32
    rate: float = 20.0
    length: timedelta = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Figures:
    """One loop. Times are milliseconds from push to answer, CPU is the hub's, per message."""

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
    loops: tuple[Figures, ...]
    memory_mb: float
    """Largest resident size of the hub's process."""

    @property
    def complete(self) -> bool:
        """Each message was answered, and only once."""
        return not any(loop.missing or loop.duplicates for loop in self.loops)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_bench(options: BenchOptions) -> Result:
    """Raises HubError when the sandbox does not start or the hub does not connect."""
    closed_plan = {
        "mode": "closed",
        "messages": options.messages,
        "outstanding": options.outstanding,
    }
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as folder:
        async with _sandbox() as addresses:
            async with _wire_only(addresses):
                await _load(addresses, WARM_UP)
                wire = await _measured("wire only", addresses, closed_plan)
            async with open_hub(_settings(addresses, folder)) as hub:
                account = await _furnish(hub, addresses)
                await _wait_online(hub, account)
                await _load(addresses, WARM_UP)
                closed = await _measured("hub, closed loop", addresses, closed_plan)
                paced = await _measured(
                    f"hub, {options.rate:g} messages/s",
                    addresses,
                    {
                        "mode": "open",
                        "rate": options.rate,
                        "seconds": options.length.total_seconds(),
                    },
                )
            return Result((wire, closed, paced), _largest_memory_mb())


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
    wire, closed, *_ = result.loops
    lines.append(
        f"the hub reaches {closed.per_second / max(1.0, wire.per_second):.0%} of the wire alone; "
        f"memory at most {result.memory_mb:.0f} MB"
    )
    return "\n".join(lines)


@asynccontextmanager
async def _wire_only(addresses: Mapping[str, Any]) -> AsyncIterator[None]:
    """The yardstick of the same run: decode, answer at once, acknowledge; nothing is stored."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        endpoints = _endpoints(addresses)
        jar = CookieJar.parse(addresses["accounts"][0]["cookies"])
        client = Client(http, endpoints, jar, on_cookies=_keep_nothing)
        token = await client.im_token(new_device_id(jar.user))
        async with (
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
    """The yardstick's login is thrown away afterwards."""


def _endpoints(addresses: Mapping[str, Any]) -> Endpoints:
    return Endpoints(
        addresses["ws_url"],
        addresses["mtop_url"],
        addresses["passport_url"],
        addresses["upload_url"],
    )


@asynccontextmanager
async def _sandbox() -> AsyncIterator[Mapping[str, Any]]:
    """A sandbox in a process of its own, so that it takes no time from the hub's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "sandbox", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise HubError("the sandbox did not start")
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def _settings(addresses: Mapping[str, Any], folder: str) -> Settings:
    return Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=Path(folder) / "bench.db"),
        xianyu=XianyuSettings(
            ws_url=addresses["ws_url"],
            mtop_url=addresses["mtop_url"],
            passport_url=addresses["passport_url"],
            upload_url=addresses["upload_url"],
            send_spacing_seconds=0,
            token_spacing_seconds=0,
        ),
        qq=QQSettings(access_token="bench"),  # noqa: S106 - a port on loopback, for a minute
    )


async def _furnish(hub: Hub, addresses: Mapping[str, Any]) -> Account:
    founded = await hub.desk.members.found_shop(name="bench", password="bench-bench")  # noqa: S106
    operator = Operator(founded.login.operator.member, Door.CLI)
    await hub.desk.rules.add(operator, kind=RuleKind.KEYWORD, keywords=[KEYWORD], reply=ANSWER)
    cookies = addresses["accounts"][0]["cookies"]
    return await hub.desk.accounts.add(operator, "bench", cookies)


async def _wait_online(hub: Hub, account: Account) -> None:
    async with asyncio.timeout(READY_SECONDS), hub.store.changes() as changes:
        while True:
            found = await hub.store.read(lambda tx: tx.accounts.get(account.shop, account.id))
            if found is not None and found.state is AccountState.ONLINE:
                return
            await anext(changes)


async def _load(addresses: Mapping[str, Any], plan: Mapping[str, Any]) -> Mapping[str, Any]:
    timeout = aiohttp.ClientTimeout(total=RUN_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.post(f"{addresses['admin_url']}/load", json=dict(plan)) as response,
    ):
        body = await response.json()
        if response.status != 200:
            raise HubError(f"the sandbox refused the load: {body}")
        return dict(body)


async def _measured(name: str, addresses: Mapping[str, Any], plan: Mapping[str, Any]) -> Figures:
    before = time.process_time()
    found = await _load(addresses, plan)
    cpu = time.process_time() - before
    return Figures(
        name=name,
        messages=found["messages"],
        per_second=found["messages_per_second"],
        p50=found["p50_ms"] or 0.0,
        p95=found["p95_ms"] or 0.0,
        p99=found["p99_ms"] or 0.0,
        cpu_per_message=1000 * cpu / max(1, found["messages"]),
        missing=found["missing"],
        duplicates=found["duplicates"] + found["wrong_conversation"],
    )


def _largest_memory_mb() -> float:
    """From the kernel's own account; 0 where there is none."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0
