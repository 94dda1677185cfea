"""Many accounts in one hub: what they cost when nothing happens, and how they come back.

The hub is the real program in a process of its own with the settings of production, so that memory
and processor time are its own. The platform is a sandbox in another one, over TLS as the real one.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from hub.app import utc_now
from hub.bench.answers import ANSWER, KEYWORD, Figures, figures
from hub.bench.certificate import write_authorities, write_certificate
from hub.bench.crowd import Arrival, arrival, closest
from hub.bench.machine import cpu_seconds, load_average, memory_mb
from hub.bench.programs import Platform, Program, free_port, open_platform, start_hub
from hub.desk import Desk, Door, Operator
from hub.errors import HubError
from hub.model import RuleKind
from hub.settings import Settings, load_settings
from hub.store import Database, open_store

TOKEN_API = "mtop.taobao.idlemessage.pc.login.token"  # noqa: S105 - the name of a call
UNSIGNED = "FAIL_SYS_TOKEN"
"""Begins the answer to a call whose signature was stale: the same request comes again at once."""
TOLERANCE_SECONDS = 1.0
"""By how much two requests may arrive closer together than they left."""
CONFIG = "hub.yml"
LOOK_SECONDS = 0.5
TELL_SECONDS = 5.0
SETTLE_SECONDS = 3.0
"""A hub that has just come up is looked at after so long."""
PATIENCE_SECONDS = 120.0
AFTER_SECONDS = 60.0
"""How long buyers write after a storm, unless the whole run is shorter."""
ANSWER_SECONDS = 30.0
"""Within this what was written during an outage is answered, once all accounts are back."""
SURPRISED_BUYERS = 20
"""At most so many write while the platform is down."""


@dataclass(frozen=True, slots=True)
class AccountsOptions:
    accounts: int = 200
    minutes: float = 10.0
    """Half of them nothing happens, half of them buyers write."""
    rate: float = 2.0
    """Messages per second over all accounts."""
    outage_seconds: float = 10.0
    """How long the platform is away when it restarts."""
    tls: bool = True
    xianyu: Mapping[str, Any] = field(default_factory=dict)
    """Settings of that section other than the defaults."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """A stretch of time in which every account was online."""

    minutes: float
    cpu_seconds: float
    memory_mb: float
    """At its end."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident sizes of the hub's process in MB."""

    empty: float
    """A hub without accounts."""
    online: float
    """All accounts online and nothing else has happened yet."""
    largest: float
    """The largest that was seen while accounts were online or came online."""


@dataclass(frozen=True, slots=True)
class AccountsResult:
    accounts: int
    tls: bool
    connects_per_second: float
    token_spacing_seconds: float
    arrivals: tuple[Arrival, ...]
    memory: Memory
    idle: Quiet
    busy: Quiet
    loads: tuple[Figures, ...]
    """Messages at the low rate: before the storms, and after each."""
    surprised: int
    """Messages written while the platform was down."""
    surprised_answered: int
    surprised_twice: int
    closest_tokens: float | None
    """Least seconds between two token requests of one account; None: none asked twice."""
    load_average: float

    @property
    def complete(self) -> bool:
        """Everybody came back, every message was answered once, no token was asked for too soon."""
        well = all(one.accounts == self.accounts for one in self.arrivals)
        once = not any(load.missing or load.duplicates for load in self.loads)
        caught_up = self.surprised_answered == self.surprised and not self.surprised_twice
        spacing = self.token_spacing_seconds - TOLERANCE_SECONDS
        slow = self.closest_tokens is None or self.closest_tokens >= spacing
        return well and once and caught_up and slow

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_accounts(options: AccountsOptions, tell: Callable[[str], None]) -> AccountsResult:
    """`tell` hears what is going on, a line at a time.

    Raises HubError when a program does not start or accounts do not come online.
    """
    noise = load_average()
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as name:
        folder = Path(name)
        certificate = authorities = None
        if options.tls:
            certificate, authorities = folder / "sandbox.pem", folder / "authorities.pem"
            write_certificate(certificate)
            write_authorities(authorities, certificate)
        async with open_platform(furnished=False, certificate=certificate) as platform:
            settings = _settings(options, platform, folder)
            run = _Run(options, platform, settings, authorities, tell)
            empty = await run.empty_hub()
            await run.furnish()
            return await run.measure(empty, noise)


def _settings(options: AccountsOptions, platform: Platform, folder: Path) -> Settings:
    """Those of production but for the addresses, and answers wait for nobody.

    Raises SettingsError for a wrong one.
    """
    values = {
        "web": {"host": "127.0.0.1", "port": free_port()},
        "database": {"path": str(folder / "bench.db")},
        "xianyu": {**platform.urls, **options.xianyu},
        "replies": {"debounce_seconds": 0},
        "qq": {"access_token": "bench"},
        "log": {"level": "WARNING"},
    }
    file = folder / CONFIG
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    return load_settings(file, {})


class _Run:
    """One run: the platform stands, hubs come and go."""

    def __init__(
        self,
        options: AccountsOptions,
        platform: Platform,
        settings: Settings,
        authorities: Path | None,
        tell: Callable[[str], None],
    ) -> None:
        self._options = options
        self._platform = platform
        self._settings = settings
        self._authorities = authorities
        self._say = tell
        self._began = time.monotonic()
        self._conversations: list[str] = []
        self._users: list[str] = []
        self._arrivals: list[Arrival] = []
        self._tokens: list[tuple[str, int]] = []
        self._loads: list[Figures] = []
        self._restarts = 0
        self._largest = 0.0

    # --- The way of a run -----------------------------------------------------------------------

    async def empty_hub(self) -> float:
        """Memory of a hub without accounts. It also makes the database."""
        async with self._hub() as hub:
            await asyncio.sleep(SETTLE_SECONDS)
            empty = memory_mb(hub.pid)
        self._tell(f"an empty hub takes {empty:.0f} MB")
        return empty

    async def furnish(self) -> None:
        """Sellers on the platform, the same as accounts in the database."""
        body = {"count": self._options.accounts}
        sellers = await self._platform.ask("POST", "/sellers/many", body)
        self._users = [seller["user"] for seller in sellers]
        world = await self._platform.ask("GET", "/state")
        self._conversations = [one["conversation"] for one in world["conversations"]]
        async with open_store(Database.chosen(self._settings.database), now=utc_now) as store:
            desk = Desk(store, self._settings, utc_now)
            founded = await desk.members.found_shop(name="bench", password="bench-bench")  # noqa: S106
            operator = Operator(founded.login.operator.member, Door.CLI)
            await desk.rules.add(operator, kind=RuleKind.KEYWORD, keywords=[KEYWORD], reply=ANSWER)
            for number, seller in enumerate(sellers, 1):
                await desk.accounts.add(operator, f"店{number}", seller["cookies"])
        self._tell(f"{len(sellers)} accounts added")

    async def measure(self, empty: float, noise: float) -> AccountsResult:
        options, half = self._options, self._options.minutes * 30
        began = _now()
        async with self._hub() as hub:
            await self._come_online(hub, "start", began, 0.0)
            online = memory_mb(hub.pid)
            idle = await self._quiet(hub, "nothing happens", asyncio.sleep(half))
            busy = await self._quiet(hub, "buyers write", self._load(hub, "before", half))
            await self._storm(hub, "platform restarts", tokens=False)
            await self._storm(hub, "restart, tokens lost", tokens=True)
        began = _now()
        async with self._hub() as hub:
            await self._come_online(hub, "hub restarts", began, 0.0)
        answered, twice = await self._surprised()
        return AccountsResult(
            accounts=options.accounts,
            tls=options.tls,
            connects_per_second=self._settings.xianyu.connects_per_second,
            token_spacing_seconds=self._settings.xianyu.token_spacing_seconds,
            arrivals=tuple(self._arrivals),
            memory=Memory(empty, online, self._largest),
            idle=idle,
            busy=busy,
            loads=tuple(self._loads),
            surprised=self._restarts * len(self._surprised_conversations),
            surprised_answered=answered,
            surprised_twice=twice,
            closest_tokens=closest(self._tokens),
            load_average=noise,
        )

    # --- Its parts ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _hub(self) -> AsyncIterator[Program]:
        folder, port = self._settings.database.path.parent, self._settings.web.port
        async with start_hub(folder / CONFIG, port, authorities=self._authorities) as hub:
            yield hub

    async def _come_online(self, hub: Program, name: str, began: int, spent: float) -> None:
        """Wait until every account has a connection that is younger than `began`.

        `spent`: processor seconds of the hub until `began`.
        """
        xianyu, wanted = self._settings.xianyu, self._options.accounts
        patience = PATIENCE_SECONDS + xianyu.token_spacing_seconds
        patience += 4 * wanted / xianyu.connects_per_second
        deadline, told = time.monotonic() + patience, 0.0
        while True:
            self._look_at(hub)
            online = await self._online_since(began)
            if len(online) == wanted:
                break
            if time.monotonic() > deadline:
                raise HubError(f"{name}: only {len(online)} of {wanted} accounts came online")
            if time.monotonic() - told >= TELL_SECONDS:
                told = time.monotonic()
                self._tell(f"{name}: {len(online)} of {wanted} accounts are online")
            await asyncio.sleep(LOOK_SECONDS)
        cpu = cpu_seconds(hub.pid) - spent
        tokens = await self._tokens_since(began)
        self._tokens += tokens
        self._arrivals.append(
            arrival(
                name,
                began,
                dials=await self._platform.ask("GET", "/connections/dials", since=began),
                online=list(online.values()),
                askers=[user for user, _ in tokens],
                cpu_seconds=cpu,
            )
        )
        self._tell(f"{name}: all are online after {self._arrivals[-1].all:.1f} s")

    async def _storm(self, hub: Program, name: str, *, tokens: bool) -> None:
        """The platform goes away and comes back; meanwhile buyers write, and afterwards too."""
        spent, began = cpu_seconds(hub.pid), _now()
        seconds = self._options.outage_seconds
        await self._platform.ask("POST", "/restart", {"seconds": seconds, "tokens": tokens})
        self._restarts += 1
        for conversation in self._surprised_conversations:
            line = {"conversation": conversation, "text": f"{KEYWORD} {self._restarts}"}
            await self._platform.ask("POST", "/say", line)
        await self._come_online(hub, name, began, spent)
        deadline = time.monotonic() + ANSWER_SECONDS
        for conversation in self._surprised_conversations:
            left = max(0.0, deadline - time.monotonic())
            query = f"from=seller&count={self._restarts}&timeout={left:.0f}"
            await self._platform.ask("GET", f"/conversations/{conversation}/wait?{query}")
        after = min(self._options.minutes * 30, AFTER_SECONDS)
        await self._quiet(hub, "buyers write again", self._load(hub, f"after {name}", after))

    async def _quiet(self, hub: Program, name: str, work: Coroutine[Any, Any, None]) -> Quiet:
        """Measure the hub while something goes on, and tell about it."""
        spent, began = cpu_seconds(hub.pid), time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(hub, name))
            await work
            watching.cancel()
        minutes = (time.monotonic() - began) / 60
        return Quiet(minutes, cpu_seconds(hub.pid) - spent, memory_mb(hub.pid))

    async def _watch(self, hub: Program, name: str) -> None:
        before, at = cpu_seconds(hub.pid), time.monotonic()
        while True:
            await asyncio.sleep(TELL_SECONDS)
            self._look_at(hub)
            cpu, now = cpu_seconds(hub.pid), time.monotonic()
            part = (cpu - before) / (now - at)
            before, at = cpu, now
            self._tell(f"{name}: {memory_mb(hub.pid):.0f} MB, {part:.1%} of a processor")

    def _look_at(self, hub: Program) -> None:
        hub.check()
        self._largest = max(self._largest, memory_mb(hub.pid))

    async def _load(self, hub: Program, name: str, seconds: float) -> None:
        rate, spread = self._options.rate, self._options.accounts
        spent = cpu_seconds(hub.pid)
        plan = {"mode": "open", "user": "*", "rate": rate, "conversations": spread}
        found = await self._platform.ask("POST", "/load", {**plan, "seconds": seconds})
        self._loads.append(figures(name, found, cpu_seconds(hub.pid) - spent))

    # --- What the platform has seen -------------------------------------------------------------

    @property
    def _surprised_conversations(self) -> list[str]:
        """Some accounts, evenly taken from all."""
        step = max(1, len(self._conversations) // SURPRISED_BUYERS)
        return self._conversations[::step][:SURPRISED_BUYERS]

    async def _online_since(self, began: int) -> dict[str, int]:
        """When each account registered whose connection still stands."""
        found = await self._platform.ask("GET", "/connections")
        return {
            one["user"]: one["registered_at"]
            for one in found
            if one["registered"] and not one["zombie"] and one["registered_at"] >= began
        }

    async def _tokens_since(self, began: int) -> list[tuple[str, int]]:
        calls = await self._platform.ask("GET", "/calls", api=TOKEN_API)
        return [
            (call["user"], call["at"])
            for call in calls
            if call["at"] >= began and not call["ret"].startswith(UNSIGNED)
        ]

    async def _surprised(self) -> tuple[int, int]:
        """How many messages of the outages were answered, and how many answers were too many."""
        answered = twice = 0
        for conversation in self._surprised_conversations:
            found = await self._platform.ask("GET", f"/conversations/{conversation}")
            answers = sum(one["from"] == "seller" for one in found["messages"])
            answered += min(answers, self._restarts)
            twice += max(0, answers - self._restarts)
        return answered, twice

    def _tell(self, line: str) -> None:
        self._say(f"{time.monotonic() - self._began:6.0f} s  {line}")


def _now() -> int:
    return time.time_ns() // 1_000_000
