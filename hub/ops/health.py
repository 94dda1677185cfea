"""Is the hub fit for work? Asked by people and by Docker; nothing here blocks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web
from loguru import logger

from hub.errors import StoreError
from hub.model import Account, AccountState
from hub.ops.metrics import Metrics
from hub.store import Store
from hub.text import ACCOUNT_STATES

ANSWER_SECONDS = 5.0
"""A store that takes longer does not answer, as far as those who wait for it can tell."""
FIT = frozenset({AccountState.ONLINE, AccountState.WAITING})
"""An enabled account is connected, or knows when it will try again."""


def reasons(accounts: Sequence[Account]) -> list[str]:
    """Why the hub is not ready, one line for each enabled account that is not fit."""
    lines = []
    for account in accounts:
        if account.enabled and account.state not in FIT:
            why = f"：{account.state_reason}" if account.state_reason else ""
            lines.append(f"账号 {account.name} {ACCOUNT_STATES[account.state]}{why}")
    return lines


def attach_ops(app: web.Application, store: Store, metrics: Metrics, version: str) -> None:
    """`/health` (200 ready, 503 with reasons), `/health/live`, `/metrics`."""

    async def ready(_: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await store.ping()
                accounts = await store.read(lambda tx: tx.accounts.enabled())
        except (StoreError, TimeoutError) as error:
            logger.error("health: the store does not answer: {!r}", error)
            problems = ["数据库没有应答"]
        else:
            problems = reasons(accounts)
        status = "unready" if problems else "ready"
        return web.json_response(
            {"status": status, "reasons": problems, "version": version},
            status=503 if problems else 200,
        )

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "live", "version": version})

    async def scrape(_: web.Request) -> web.Response:
        await metrics.refresh(store)
        return web.Response(body=metrics.page(), headers={"Content-Type": metrics.CONTENT_TYPE})

    app.router.add_get("/health", ready)
    app.router.add_get("/health/live", live)
    app.router.add_get("/metrics", scrape)
