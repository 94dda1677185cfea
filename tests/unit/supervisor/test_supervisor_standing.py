"""What a line writes about its account: a rest is stored in the end, whatever the store does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.errors import StoreError
from hub.model import Account, AccountState, PlatformUser
from hub.store import Store, Tx, open_store
from hub.supervisor import standing
from hub.supervisor.standing import Rest, Standing, sleep_until

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECONDS = 30.0


def now() -> datetime:
    return NOW


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=now) as store:
        yield store


async def add(store: Store) -> Account:
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


async def test_a_rest_is_tried_until_it_is_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the account would look as if somebody still worked on it, for ever."""
    account, whole, failures = await add(store), Store.write, 3
    monkeypatch.setattr(standing, "AGAIN_SECONDS", 0.0)

    async def write(self: Store, unit: Callable[[Tx], object]) -> object:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise StoreError("the disk is full")
        return await whole(self, unit)

    monkeypatch.setattr(Store, "write", write)
    line = Standing(account, store, now)

    async with asyncio.timeout(SECONDS):
        await line.set(AccountState.CONNECTING)
        await line.rest(Rest(AccountState.VERIFICATION_NEEDED, "要验证", "https://h/punish"))

    found = await line.found()
    assert found is not None
    assert (found.state, found.check_url) == (AccountState.VERIFICATION_NEEDED, "https://h/punish")


async def test_a_line_whose_success_cannot_be_stored_is_told_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a connected account would count as down until its line ends."""
    line = Standing(await add(store), store, now)

    async def write(self: Store, unit: Callable[[Tx], object]) -> object:
        raise StoreError("the disk is full")

    monkeypatch.setattr(Store, "write", write)
    with pytest.raises(StoreError):
        await line.online()


async def test_a_line_of_the_past_writes_nothing(store: Store) -> None:
    account = await add(store)
    line = Standing(account, store, now)
    await store.write(
        lambda tx: tx.accounts.new_login(account.shop, account.id, cookies="unb=1; a=b", now=NOW)
    )
    before = await line.found()

    await line.online()
    await line.keep_cookies("unb=1; a=old")

    assert await line.found() == before
    cookies = await store.read(lambda tx: tx.accounts.cookies(account.shop, account.id))
    assert cookies == "unb=1; a=b"


async def test_a_clock_that_is_set_back_makes_nobody_sleep_for_longer() -> None:
    clock = NOW

    def jumping() -> datetime:
        nonlocal clock
        seen, clock = clock, NOW - timedelta(days=1)
        return seen

    async with asyncio.timeout(SECONDS):
        await sleep_until(NOW + timedelta(seconds=0.05), jumping)


async def test_a_clock_that_leapt_ahead_ends_the_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "SLICE_SECONDS", 0.01)
    ahead = timedelta(0)

    def leaping() -> datetime:
        nonlocal ahead
        seen, ahead = NOW + ahead, timedelta(hours=2)
        return seen

    async with asyncio.timeout(SECONDS):
        await sleep_until(NOW + timedelta(hours=1), leaping)
