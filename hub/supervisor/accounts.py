"""Keeps one runner for each enabled account, and tells operators when one is in trouble."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from loguru import logger

from hub import text
from hub.errors import StoreError
from hub.model import Account, AccountId, AccountState, ShopId
from hub.notices import tell_owners_of_shop
from hub.policy import account_news
from hub.settings import XianyuSettings
from hub.store import Change, Store, Tx
from hub.supervisor.line import AccountLine, TakeIn
from hub.xianyu import Session

LOOK_SECONDS = 5.0
"""Accounts are looked at this often even if nothing is heard of them."""
NEWS_SECONDS = 15.0
ALIVE = "supervisor.alive_at"
"""Name of the value that holds the last sign of life."""


@dataclass(slots=True)
class _Runner:
    logins: int
    since: datetime
    """`state_since` of the account it was started for."""
    line: AccountLine
    task: asyncio.Task[None]

    def serves(self, account: Account | None) -> bool:
        """False: the account is off, has new credentials, or was switched off and on again."""
        if account is None or account.logins != self.logins:
            return False
        return account.state is not AccountState.NEW or account.state_since == self.since


class Supervisor:
    """Knows which accounts should have a line, and where each one's session is."""

    def __init__(
        self,
        store: Store,
        settings: XianyuSettings,
        take_in: TakeIn,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._settings = settings
        self._take_in = take_in
        self._now = now
        self._runners: dict[AccountId, _Runner] = {}
        self._sessions: dict[AccountId, Session] = {}
        self._looked = asyncio.Event()

    def session_of(self, account: AccountId) -> Session | None:
        """The account's live session; None while it is not connected."""
        return self._sessions.get(account)

    async def run(self) -> None:
        """Keep one runner for each enabled account, until cancelled."""
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
        now = self._now()
        tx.values.set(tx.shops.default(), ALIVE, now.isoformat())
        for account in tx.accounts.enabled():
            news = account_news(account, now)
            if news is None:
                continue
            kind = account.state.value if news.needs_person else "offline"
            said = text.account_trouble(account, now - news.since, again=news.step > 0)
            key = f"account:{account.id}:{kind}:{news.since.isoformat()}:{news.step}"
            tell_owners_of_shop(tx, account.shop, said, key=key, now=now)

    async def _match_accounts(self, tasks: asyncio.TaskGroup) -> None:
        enabled = {a.id: a for a in await self._store.read(lambda tx: tx.accounts.enabled())}
        self._looked.set()
        over = {i: r for i, r in self._runners.items() if not r.serves(enabled.get(i))}
        for runner in over.values():
            runner.task.cancel()
        if over:
            await asyncio.wait([runner.task for runner in over.values()])
        for account_id in over:
            del self._runners[account_id]
        for account in enabled.values():
            if account.id in self._runners:
                self._runners[account.id].line.learn(account)
                continue
            line = AccountLine(
                account, self._store, self._settings, self._take_in, self._sessions, self._now
            )
            task = tasks.create_task(line.run(), name=f"account {account.id}")
            self._runners[account.id] = _Runner(account.logins, account.state_since, line, task)


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
