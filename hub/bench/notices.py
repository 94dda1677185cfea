"""`yuqiao bench notices`: from a buyer's words to the bridge being asked to say them in QQ.

Fifty buyers talk at once and nothing answers them, so that everything is told. Measured in the
sandbox, which is the platform and the bridge at the same time, from handing the push to the socket
until the bridge has read what it is asked to say.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.app import Hub, open_hub
from hub.bench.answers import wait_online
from hub.bench.machine import load_average
from hub.bench.programs import Platform, open_platform
from hub.desk import Door, Operator
from hub.settings import (
    BackupSettings,
    DatabaseSettings,
    QQSettings,
    ReplySettings,
    Settings,
    WebSettings,
    XianyuSettings,
)

OWNER = "10002"
TOKEN = "bench"  # noqa: S105 - a port on loopback, for a minute
READY_SECONDS = 30.0
PATIENCE = 20.0
"""Seconds without any news in QQ after which the rest counts as missing."""
CALM_RATE = 2.0
"""Messages a second that the usual spacing carries one by one."""


@dataclass(frozen=True, slots=True)
class NoticesOptions:
    rate: float = 20.0
    seconds: float = 20.0
    conversations: int = 50


@dataclass(frozen=True, slots=True)
class NoticesRun:
    """One run; times are milliseconds."""

    name: str
    spacing: float
    """Least seconds between two texts that the hub was set to keep."""
    messages: int
    lines: int
    """Texts that the bot said; fewer than messages where several were told in one."""
    p50: float
    p95: float
    p99: float
    mean_gap: float
    """Between two texts, while there were any to be said."""
    gathered: int
    """Messages that no text of their own told of: only where buyers talk faster than the bot may
    are many told in one."""
    duplicates: int
    mixed_up: int
    """Told after a later message of the same conversation."""
    too_fast: bool
    """Buyers talk faster than the bot may."""

    @property
    def right(self) -> bool:
        paced = (
            self.lines < 2 or self.mean_gap >= 0.95 * 1000 * self.spacing
        )  # the last one may have come late
        told = self.too_fast or not self.gathered
        return paced and told and not self.duplicates + self.mixed_up


@dataclass(frozen=True, slots=True)
class NoticesResult:
    runs: tuple[NoticesRun, ...]
    load_average: float
    """Of the machine, before it began."""

    @property
    def complete(self) -> bool:
        """Each message was told once, in order, and not too fast."""
        return all(run.right for run in self.runs)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_notices(options: NoticesOptions) -> NoticesResult:
    """Raises HubError when the sandbox does not start or the hub does not connect."""
    noise = load_average()
    usual = QQSettings().send_spacing_seconds
    plans = (
        (f"{options.rate:g}/s, no spacing", 0.0, options.rate),
        (f"{CALM_RATE:g}/s, usual spacing", usual, CALM_RATE),
        (f"{options.rate:g}/s, usual spacing", usual, options.rate),
    )
    runs = []
    for name, spacing, rate in plans:
        plan = {
            "mode": "open",
            "until": "told",
            "rate": rate,
            "seconds": options.seconds,
            "conversations": options.conversations,
            "keyword": "多久发货",
            "patience": PATIENCE,
        }
        too_fast = rate * spacing > 1
        runs.append(_figures(name, spacing, too_fast, await _run(spacing, plan)))
    return NoticesResult(tuple(runs), noise)


async def _run(spacing: float, plan: Mapping[str, Any]) -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as folder:
        async with (
            open_platform() as platform,
            open_hub(_settings(platform, Path(folder), spacing)) as hub,
        ):
            await _furnish(hub, platform)
            await platform.ask("POST", "/load", {**plan, "rate": 5.0, "seconds": 2.0})
            found: Mapping[str, Any] = await platform.ask("POST", "/load", plan)
            return found


def _settings(platform: Platform, folder: Path, spacing: float) -> Settings:
    return Settings(
        web=WebSettings(host="127.0.0.1", port=0),
        database=DatabaseSettings(path=folder / "bench.db"),
        xianyu=XianyuSettings(**platform.urls, token_spacing_seconds=0),
        replies=ReplySettings(debounce_seconds=0),
        qq=QQSettings(access_token=TOKEN, send_spacing_seconds=spacing),
        backup=BackupSettings(enabled=False),
    )


async def _furnish(hub: Hub, platform: Platform) -> None:
    password = "bench-bench"  # noqa: S105 - as TOKEN
    founded = await hub.desk.members.found_shop(name="bench", password=password, qq=(OWNER,))
    operator = Operator(founded.login.operator.member, Door.CLI)
    account = await hub.desk.accounts.add(operator, "bench", platform.accounts[0]["cookies"])
    url = f"ws://127.0.0.1:{hub.port}/onebot/v11/ws"
    await platform.ask("POST", "/qq/connect", {"url": url, "token": TOKEN})
    await platform.ask("GET", "/qq/wait_online", timeout=int(READY_SECONDS))
    await wait_online(hub, account)


def _figures(name: str, spacing: float, too_fast: bool, found: Mapping[str, Any]) -> NoticesRun:
    return NoticesRun(
        name=name,
        spacing=spacing,
        messages=found["messages"],
        lines=found["lines"],
        p50=found["p50_ms"] or 0.0,
        p95=found["p95_ms"] or 0.0,
        p99=found["p99_ms"] or 0.0,
        mean_gap=found["mean_gap_ms"] or 0.0,
        gathered=found["missing"],
        duplicates=found["duplicates"],
        mixed_up=found["out_of_order"],
        too_fast=too_fast,
    )


def report_notices(result: NoticesResult) -> str:
    """A table for people."""
    lines = [
        f"{'':<24}{'messages':>9}{'texts':>7}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}"
        f"{'mean gap':>11}{'gathered':>10}{'twice':>7}{'mixed up':>10}"
    ]
    lines += [
        f"{run.name:<24}{run.messages:>9}{run.lines:>7}{run.p50:>9.1f}{run.p95:>9.1f}"
        f"{run.p99:>9.1f}{run.mean_gap:>11.1f}{run.gathered:>10}{run.duplicates:>7}"
        f"{run.mixed_up:>10}"
        for run in result.runs
    ]
    lines.append(f"load average {result.load_average:.1f}")
    return "\n".join(lines)
