"""One line for each account: never two, never one for an account that a person has to look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.errors import StoreError
from hub.model import Account, AccountState, PlatformUser
from hub.settings import XianyuSettings
from hub.store import Store, open_store
from hub.supervisor import AccountLine, Supervisor, accounts
from hub.supervisor.gate import Gate
from tests.waiting import wait_until

SECONDS = 60.0
NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def now() -> datetime:
    return NOW


@dataclass
class Lines:
    """Stands in for the lines of one account: they hang up only when they are let."""

    store: Store
    open: int = 0
    most: int = 0
    started: int = 0
    hang_up: asyncio.Event = field(default_factory=asyncio.Event)
    rest: asyncio.Event = field(default_factory=asyncio.Event)

    def make(self, account: Account, *_: object, **__: object) -> _Line:
        return _Line(self, account)


@dataclass
class _Line:
    lines: Lines
    account: Account

    def learn(self, account: Account) -> None:
        self.account = account

    async def run(self) -> None:
        self.lines.started += 1
        self.lines.open += 1
        self.lines.most = max(self.lines.most, self.lines.open)
        account = self.account
        try:
            await self.lines.rest.wait()
            await self.lines.store.write(
                lambda tx: tx.accounts.set_state(
                    account.shop, account.id, AccountState.VERIFICATION_NEEDED, "验证", NOW
                )
            )
        finally:
            if not self.lines.rest.is_set():
                await self.lines.hang_up.wait()
            self.lines.open -= 1


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=now) as store:
        yield store


@pytest.fixture
async def lines(store: Store, monkeypatch: pytest.MonkeyPatch) -> Lines:
    lines = Lines(store)
    monkeypatch.setattr(accounts, "AccountLine", lines.make)
    return lines


@pytest.fixture
async def account(store: Store) -> Account:
    return await store.write(
        lambda tx: tx.accounts.add(
            tx.shops.default(),
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=2200111122223; cookie2=1",
            takeover_minutes=10,
            now=NOW,
        )
    )


@asynccontextmanager
async def supervised(store: Store) -> AsyncIterator[Supervisor]:
    async def take_in(*_: object) -> Any:
        raise AssertionError("nothing is pushed here")

    supervisor = Supervisor(store, XianyuSettings(), take_in, now, zone=ZoneInfo("Asia/Shanghai"))
    running = asyncio.create_task(supervisor.run())
    try:
        yield supervisor
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_however_often_an_account_is_started_afresh_it_has_one_line(
    store: Store, lines: Lines, account: Account
) -> None:
    """The second fresh start comes while the first still waits for the old line to hang up."""

    async def afresh(supervisor: Supervisor) -> None:
        before = supervisor._runners[account.id].starts
        await store.write(
            lambda tx: tx.accounts.new_login(
                account.shop, account.id, cookies="unb=2200111122223; cookie2=2", now=NOW
            )
        )

        async def seen() -> bool:
            return supervisor._runners[account.id].starts > before

        await wait_until(seen)

    async def first_line() -> bool:
        return lines.started == 1

    async def next_line() -> bool:
        return lines.started == 2

    async with supervised(store) as supervisor:
        await wait_until(first_line)
        for _ in range(3):
            await afresh(supervisor)
        assert lines.started == 1, "the old line has not hung up"
        lines.hang_up.set()
        await wait_until(next_line)
    assert lines.most == 1


async def test_a_line_that_came_to_rest_while_accounts_were_read_is_not_started_again(
    store: Store, lines: Lines, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is older than the rest: after a check was demanded not one call may leave."""
    whole = Store.read
    async with supervised(store) as supervisor:

        async def first_line() -> bool:
            return lines.started == 1

        await wait_until(first_line)
        read_late = asyncio.Event()

        async def read(self: Store, unit: Any) -> Any:
            found = await whole(self, unit)
            if isinstance(found, list) and not lines.rest.is_set():
                lines.rest.set()
                await asyncio.wait([supervisor._runners[account.id].task])
                read_late.set()
            return found

        monkeypatch.setattr(Store, "read", read)
        await wait_until(lambda: asyncio.sleep(0, read_late.is_set()))
        monkeypatch.setattr(Store, "read", whole)
        looked = supervisor._looked
        looked.clear()
        await store.write(lambda tx: tx.accounts.set_takeover_minutes(account.shop, account.id, 11))
        async with asyncio.timeout(30):
            await looked.wait()
        assert lines.started == 1


async def test_a_line_that_is_told_to_end_while_its_session_breaks_ends(
    store: Store, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group of a session that breaks does not pass on that it was told to."""
    breaking = asyncio.Event()

    async def last_words() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            breaking.set()
            await asyncio.sleep(0)

    async def breaks(*_: object) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(last_words())
            await asyncio.sleep(0)
            raise StoreError("the disk is full")

    monkeypatch.setattr(AccountLine, "_one_life", breaks)
    settings, gate = XianyuSettings(), Gate(1)
    line = AccountLine(account, store, settings, ignore, {}, now, gate=gate)
    running = asyncio.create_task(line.run())
    await breaking.wait()
    running.cancel()
    await asyncio.wait([running], timeout=SECONDS)
    assert running.cancelled()


async def ignore(*_: object) -> Any:
    raise AssertionError("nothing is pushed here")
