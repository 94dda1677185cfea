"""Is the hub fit for work? Asked by people and by Docker; nothing here blocks."""

from __future__ import annotations

import asyncio
import hmac
import shutil
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from aiohttp import web
from loguru import logger

from hub.cluster import MOST_APART, Cluster
from hub.errors import StoreError
from hub.model import Account, AccountState
from hub.ops.metrics import Metrics
from hub.store import Store
from hub.text import ACCOUNT_STATES
from hub.text import nodes as words

ANSWER_SECONDS = 5.0
"""A store that takes longer does not answer, as far as those who wait for it can tell."""
OVERDUE = timedelta(minutes=1)
"""A wait that is over for longer than this was forgotten by whoever waited."""

LEAST_FREE = 50_000_000
"""Bytes. With less than that the store will soon refuse, or does already."""


def full_disk(folder: Path) -> list[str]:
    """Why the disk of this folder is no place for a shop; empty if it is."""
    free = shutil.disk_usage(folder).free
    if free >= LEAST_FREE:
        return []
    return [f"磁盘满了，只剩 {free // 1_000_000} MB：{folder.absolute()}"]


def reasons(accounts: Sequence[Account], now: datetime) -> list[str]:
    """Why the hub is not ready, one line for each enabled account that is not fit.

    Fit is what is connected, or waits for a moment that is still to come. Everything else either
    needs a person or is on its way and not known to arrive.
    """
    lines = []
    for account in accounts:
        if account.enabled and not _fit(account, now):
            why = f"：{account.state_reason}" if account.state_reason else ""
            lines.append(f"账号 {account.name} {ACCOUNT_STATES[account.state]}{why}")
    return lines


def _fit(account: Account, now: datetime) -> bool:
    if account.state is AccountState.WAITING:
        return account.state_until is not None and now <= account.state_until + OVERDUE
    return account.state is AccountState.ONLINE


def _verdict(problems: Sequence[str]) -> str:
    return "unready" if problems else "ready"


def warnings(log_trouble: str, here: Cluster) -> list[str]:
    """What a shop goes on with."""
    found = [f"日志文件写不进 {log_trouble}"] if log_trouble else []
    if abs(here.ahead) > MOST_APART:
        found.append(words.told_clocks_apart(here.name, here.ahead))
    return found


def attach_ops(
    app: web.Application,
    store: Store,
    metrics: Metrics,
    version: str,
    now: Callable[[], datetime],
    folder: Path,
    log_trouble: Callable[[], str] = str,
    cluster: Cluster | None = None,
    *,
    token: str,
    is_signed_in: Callable[[web.Request], Awaitable[bool]],
) -> None:
    """`/health` (200 ready, 503 not), `/health/live`, `/metrics`. Everybody is told the verdict,
    and that on the `hub` apart from its accounts. Only who shows the `token` or `is_signed_in` is
    told the reasons: they name accounts. Where a request comes from says nothing: whatever is
    tunnelled to this machine comes from this machine.

    `folder` is where the database lies. `log_trouble`: why no log files are written, if they are
    not; a shop goes on without, so that is a warning and no reason. Among several nodes each
    answers for the accounts that it holds, and says which.
    """
    here = cluster or Cluster(store)

    async def ready(request: web.Request) -> web.Response:
        node: dict[str, object] = {"node": here.name} if here.shared else {}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await store.ping()
                accounts = await store.read(lambda tx: tx.accounts.enabled())
        except (StoreError, TimeoutError) as error:
            logger.error("health: the store does not answer: {!r}", error)
            own = ["数据库没有应答"]
            problems = own
        else:
            held = [one for one in accounts if here.holds_account(one.id)]
            own = full_disk(folder)
            problems = own + reasons(held, now())
            if here.shared:
                node["accounts"] = [one.name for one in held]
        said: dict[str, object] = {"status": _verdict(problems), "hub": _verdict(own)}
        if await may_know(request):
            said |= {"reasons": problems, "version": version, **node}
            if some := warnings(log_trouble(), here):
                said["warnings"] = some
        return web.json_response(said, status=503 if problems else 200)

    async def may_know(request: web.Request) -> bool:
        shown = request.headers.get("Authorization", "").encode(errors="replace")
        if hmac.compare_digest(shown, f"Bearer {token}".encode()):
            return True
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await is_signed_in(request)
        except (StoreError, TimeoutError):
            return False

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live", "version": version})

    async def scrape(_: web.Request) -> web.Response:
        await metrics.refresh(store, now())
        return web.Response(body=metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})

    app.router.add_get("/health", ready)
    app.router.add_get("/health/live", live)
    app.router.add_get("/metrics", scrape)
