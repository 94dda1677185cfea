"""A login is looked after in peace: no doubt makes the hub ask like a machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.errors import AuthExpired, PeerError, Unreachable
from hub.model import PlatformUser
from hub.settings import XianyuSettings
from hub.store import Store, Tx, open_store
from hub.supervisor.renewal import Renewal
from hub.supervisor.standing import Standing
from hub.xianyu.trouble import Trouble

SECONDS = 30.0
DOWN = Unreachable("xianyu", "login_user", "no network")


@dataclass
class Clock:
    at: datetime = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Gateway:
    """A client that answers as it is told; the last answer stays."""

    answers: list[PeerError | None]
    trouble: Trouble = field(default_factory=Trouble)
    asked: int = 0
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def login_user(self) -> PlatformUser:
        self.asked += 1
        self.reached.set()
        await asyncio.sleep(0)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise self.trouble.note(answer)
        return PlatformUser("2200111122223")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(tmp_path / "hub.db", now=Clock()) as store:
        yield store


async def renewal(store: Store, clock: Clock) -> Renewal:
    account = await store.write(
        lambda tx: tx.accounts.add(
            tx.shops.default(),
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=2200111122223; cookie2=1",
            takeover_minutes=10,
            now=clock(),
        )
    )
    standing = Standing(account, store, clock)
    return Renewal(standing, XianyuSettings(), lambda _: None)


async def turns(count: int) -> None:
    """Let whoever can go on do so, so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_doubt_that_cannot_be_settled_now_is_looked_into_later(store: Store) -> None:
    """One call said that nobody is logged in, and then the gateway is gone: the proof is not tried
    again and again."""
    clock = Clock()
    keeper, gateway = await renewal(store, clock), Gateway([DOWN])
    client: Any = gateway
    keeping = asyncio.create_task(keeper.keep(client))
    try:
        gateway.trouble.note(AuthExpired("xianyu", "item", "SESSION_EXPIRED"))
        async with asyncio.timeout(SECONDS):
            await gateway.reached.wait()
        await turns(200)
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
    assert gateway.asked == 1


async def test_a_renewal_that_a_wrong_clock_noted_holds_up_no_other(store: Store) -> None:
    clock = Clock()
    ahead = clock() + timedelta(days=400)
    keeper = await renewal(store, clock)

    def note(tx: Tx) -> None:
        [account] = tx.accounts.enabled()
        tx.accounts.set_renewed(account.shop, account.id, ahead)

    await store.write(note)
    assert await keeper.free_at() is None
