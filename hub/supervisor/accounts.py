"""Keeps one runner for each enabled account, and tells operators when one is in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from loguru import logger

from hub.cluster import Cluster
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
    fence: int
    line: AccountLine
    task: asyncio.Task[None]

    def serves(self, account: Account | None, fence: int, *, over: bool) -> bool:
        """False: the account is off or elsewhere, or was meanwhile; a person started it afresh; or
        this runner broke.

        `over`: it had ended before the account was read.
        """
        if account is None or (account.starts, fence) != (self.starts, self.fence):
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
        cluster: Cluster | None = None,
        count_renewal: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`zone`: in which people are told times. `cluster`: which accounts are this node's;
        without it all are. `count_renewal` hears what became of each."""
        self._cluster = cluster or Cluster(store)
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
        self._news_came = asyncio.Event()
        """An account changed, or which of them are this node's."""

    def session_of(self, account: AccountId) -> Session | None:
        """The account's live session; None while it is not connected, or another node's."""
        live = self._live_of(account)
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
        live = self._live_of(account)
        return live.client if live is not None and live.client.trouble.check is None else None

    def _live_of(self, account: AccountId) -> Live | None:
        return self._live.get(account) if self._cluster.holds_account(account) else None

    def is_quiet(self, account: AccountId) -> bool:
        """Whether nothing is connected in its name and nothing will be by itself."""
        return account not in self._runners and account not in self._leaving

    async def run(self) -> None:
        """Keep one runner for each enabled account, until cancelled."""
        self._news.awake = self._now()
        async with self._store.changes() as changes, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_news(), name="account news")
            tasks.create_task(self._let_go(), name="accounts of others")
            tasks.create_task(self._hear(changes), name="changes of accounts")
            while True:
                self._news_came.clear()
                try:
                    await self._match_accounts(tasks)
                except StoreError as error:
                    logger.error("accounts cannot be looked at: {}", error)
                    await asyncio.sleep(LOOK_SECONDS)
                # Not for ever: a flood of changes drops the oldest, and the command line changes
                # accounts without telling us.
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS):
                        await self._news_came.wait()

    async def _hear(self, changes: AsyncIterator[Change]) -> None:
        async for change in changes:
            if change.noun == "account":
                self._news_came.set()

    async def _tell_news(self) -> None:
        """Now and then: a sign of life, and what operators should know about their accounts."""
        while True:
            try:
                if self._cluster.keeps:
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
        enabled = {
            account.id: account
            for account in await self._store.read(lambda tx: tx.accounts.enabled())
            if self._cluster.holds_account(account.id)
        }
        self._looked.set()
        for id_, runner in list(self._runners.items()):
            fence = self._cluster.fence_of(id_)
            if not runner.serves(enabled.get(id_), fence, over=id_ in over):
                self._end(id_)
        for account in enabled.values():
            if account.id in self._runners:
                self._runners[account.id].line.learn(account)
            elif account.state not in RESTING:
                self._start(account, tasks)

    async def _let_go(self) -> None:
        """What another node has, or may have by now, is hung up at once; no database is asked."""
        seen = self._cluster.revision
        while True:
            await self._cluster.wait_turn()
            if seen != self._cluster.revision:
                seen = self._cluster.revision
                self._news_came.set()
            for id_ in [id_ for id_ in self._runners if not self._cluster.holds_account(id_)]:
                logger.warning("account {} is another node's", id_)
                self._end(id_)

    def _end(self, id_: AccountId) -> None:
        """Have a line hang up; it is remembered until it has."""
        task = self._runners.pop(id_).task
        task.cancel()
        self._leaving.setdefault(id_, set()).add(task)
        task.add_done_callback(partial(self._has_left, id_))

    def _has_left(self, id_: AccountId, task: asyncio.Task[None]) -> None:
        self._leaving[id_].discard(task)
        if not self._leaving[id_]:
            del self._leaving[id_]
            self._cluster.look()

    def _start(self, account: Account, tasks: asyncio.TaskGroup) -> None:
        line = AccountLine(
            account,
            self._store,
            self._settings,
            self._take_in,
            self._live,
            self._now,
            gate=self._gate,
            cluster=self._cluster,
            count_renewal=self._count_renewal,
        )
        work = _run_alone(account, line, set(self._leaving.get(account.id, ())))
        task = tasks.create_task(work, name=f"account {account.id}")
        fence = self._cluster.fence_of(account.id)
        self._runners[account.id] = _Runner(account.starts, fence, line, task)


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


def last_sign_of_life(tx: Tx, shop: ShopId) -> datetime | None:
    """When a hub last worked on this database, give or take a few seconds."""
    said = tx.values.get(shop, ALIVE)
    return datetime.fromisoformat(said) if said is not None else None
