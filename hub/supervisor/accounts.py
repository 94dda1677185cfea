"""Keeps one runner for each enabled account, and tells operators when one is in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from loguru import logger

from hub.errors import StoreError
from hub.model import RESTING, Account, AccountId, ShopId
from hub.settings import XianyuSettings
from hub.store import Change, Store, Tx
from hub.supervisor.gate import Gate
from hub.supervisor.line import AccountLine, Live, TakeIn
from hub.supervisor.news import News
from hub.xianyu import Client, Session

LOOK_SECONDS = 5.0
"""Accounts are looked at this often even if nothing is heard of them."""
NEWS_SECONDS = 15.0
ALIVE = "supervisor.alive_at"
"""Name of the value that holds the last sign of life."""


@dataclass(slots=True)
class _Runner:
    starts: int
    line: AccountLine
    task: asyncio.Task[None]

    def serves(self, account: Account | None, *, over: bool) -> bool:
        """False: the account is off, or a person started it afresh; or this runner broke.

        `over`: it had ended before the account was read.
        """
        if account is None or account.starts != self.starts:
            return False
        return not over or account.state in RESTING


class Supervisor:
    """Knows which accounts should have a line, and where each one's session is."""

    def __init__(
        self,
        store: Store,
        settings: XianyuSettings,
        take_in: TakeIn,
        now: Callable[[], datetime],
        *,
        zone: ZoneInfo,
        count_renewal: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`zone`: in which people are told times. `count_renewal` hears what became of each."""
        self._store = store
        self._settings = settings
        self._take_in = take_in
        self._now = now
        self._count_renewal = count_renewal
        self._news = News(now, zone)
        self._gate = Gate(settings.connects_per_second)
        self._runners: dict[AccountId, _Runner] = {}
        self._leaving: dict[AccountId, set[asyncio.Task[None]]] = {}
        """Lines that were told to end and may not have hung up yet."""
        self._live: dict[AccountId, Live] = {}
        self._looked = asyncio.Event()

    def session_of(self, account: AccountId) -> Session | None:
        """The account's live session; None while it is not connected."""
        live = self._live.get(account)
        return live.session if live is not None else None

    def latencies(self) -> dict[AccountId, float]:
        """Seconds that the last heartbeat of each connected account took."""
        return {
            account: latency
            for account, live in self._live.items()
            if (latency := live.session.latency) is not None
        }

    def client_of(self, account: AccountId) -> Client | None:
        """The account's HTTP side; None while nothing may be asked in its name: when it is not
        connected, and above all when the platform has demanded a check."""
        live = self._live.get(account)
        return live.client if live is not None and live.client.trouble.check is None else None

    async def run(self) -> None:
        """Keep one runner for each enabled account, until cancelled."""
        self._news.awake = self._now()
        async with self._store.changes() as changes, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_news(), name="account news")
            while True:
                try:
                    await self._match_accounts(tasks)
                except StoreError as error:
                    logger.error("accounts cannot be looked at: {}", error)
                    await asyncio.sleep(LOOK_SECONDS)
                await _account_changed(changes)

    async def _tell_news(self) -> None:
        """Now and then: a sign of life, and what operators should know about their accounts."""
        while True:
            try:
                await self._store.write(self._news_unit)
            except StoreError as error:
                logger.error("account news not told: {}", error)
            with suppress(TimeoutError):
                async with asyncio.timeout(NEWS_SECONDS):
                    await self._looked.wait()
            self._looked.clear()

    def _news_unit(self, tx: Tx) -> None:
        tx.values.set(tx.shops.default(), ALIVE, self._now().isoformat())
        self._news(tx)

    async def _match_accounts(self, tasks: asyncio.TaskGroup) -> None:
        # Looked at before reading: whoever ends meanwhile may have stored that the account rests.
        over = {id_ for id_, runner in self._runners.items() if runner.task.done()}
        enabled = {a.id: a for a in await self._store.read(lambda tx: tx.accounts.enabled())}
        self._looked.set()
        for id_, runner in list(self._runners.items()):
            if not runner.serves(enabled.get(id_), over=id_ in over):
                runner.task.cancel()
                self._leaving.setdefault(id_, set()).add(self._runners.pop(id_).task)
        for id_, leaving in list(self._leaving.items()):
            self._leaving[id_] = {task for task in leaving if not task.done()}
            if not self._leaving[id_]:
                del self._leaving[id_]
        for account in enabled.values():
            if account.id in self._runners:
                self._runners[account.id].line.learn(account)
            elif account.state not in RESTING:
                self._start(account, tasks)

    def _start(self, account: Account, tasks: asyncio.TaskGroup) -> None:
        line = AccountLine(
            account,
            self._store,
            self._settings,
            self._take_in,
            self._live,
            self._now,
            gate=self._gate,
            count_renewal=self._count_renewal,
        )
        work = _run_alone(account, line, set(self._leaving.get(account.id, ())))
        task = tasks.create_task(work, name=f"account {account.id}")
        self._runners[account.id] = _Runner(account.starts, line, task)


async def _run_alone(account: Account, line: AccountLine, before: set[asyncio.Task[None]]) -> None:
    """One line, after all earlier ones of the account have hung up; its bugs end nobody else's."""
    if before:
        await asyncio.wait(before)
    try:
        with logger.contextualize(account=account.id):
            await line.run()
    except Exception:
        # Ended like this it is started again when accounts are looked at next.
        logger.exception("a line ended by a bug")


async def _account_changed(changes: AsyncIterator[Change]) -> None:
    """Wait until an account changes, but not for ever: a flood of changes drops the oldest, and
    the command line changes accounts without telling us."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LOOK_SECONDS):
            async for change in changes:
                if change.noun == "account":
                    return


def last_sign_of_life(tx: Tx, shop: ShopId) -> datetime | None:
    """When a hub last worked on this database, give or take a few seconds."""
    said = tx.values.get(shop, ALIVE)
    return datetime.fromisoformat(said) if said is not None else None
