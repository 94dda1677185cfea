"""Owners of many accounts read a few messages when the network dies, not one for each account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hub.model import (
    Account,
    AccountState,
    ChatPeer,
    PlatformUser,
    Role,
    SendNotice,
    chat_lane,
)
from hub.store import Store, Tx, open_store
from hub.supervisor.news import News

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
LOOK = 5 * SECOND
OWNER_LANE = chat_lane(ChatPeer("", "private", "10002"))


@dataclass
class Office:
    """Accounts, a clock, and what the owner has been told."""

    store: Store
    news: News
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    async def add(self, count: int) -> list[Account]:
        def unit(tx: Tx) -> list[Account]:
            return [
                tx.accounts.add(
                    tx.shops.default(),
                    name=f"小店{number}",
                    user=PlatformUser(f"22001111{number:05}"),
                    device_id="device",
                    cookies="unb=1",
                    takeover_minutes=10,
                    now=START - timedelta(days=1),
                )
                for number in range(1, count + 1)
            ]

        accounts = await self.store.write(unit)
        for account in accounts:
            await self.set(account, AccountState.ONLINE)
        return accounts

    async def set(self, account: Account, state: AccountState, reason: str = "") -> None:
        now = self.at
        await self.store.write(
            lambda tx: tx.accounts.set_state(account.shop, account.id, state, reason, now)
        )

    async def look_until(self, moment: datetime) -> None:
        while self.at < moment:
            self.at += LOOK
            await self.store.write(self.news)

    async def back(self, account: Account, gone: datetime, *, told: bool = True) -> None:
        now = self.at

        def unit(tx: Tx) -> None:
            tx.comparisons.begin(account.shop, account.id, START, START)
            tx.comparisons.open_outage(account.shop, account.id, gone, now, told=told)
            tx.comparisons.count_late(account.shop, account.id, None, messages=1)

        await self.store.write(unit)
        await self.set(account, AccountState.ONLINE)

    async def caught_up(self, account: Account) -> None:
        now = self.at
        await self.store.write(lambda tx: tx.comparisons.caught_up(account.shop, account.id, now))

    async def told(self) -> list[str]:
        shop = await self.store.read(lambda tx: tx.shops.default())
        tasks = await self.store.read(lambda tx: tx.outbox.waiting(shop, OWNER_LANE))
        return [task.work.text for task in tasks if isinstance(task.work, SendNotice)]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    made: Office | None = None

    def now() -> datetime:
        return START if made is None else made.at

    async with open_store(tmp_path / "hub.db", now=now) as store:
        await store.write(
            lambda tx: tx.members.add(
                tx.shops.default(), "店主", Role.OWNER, qq=["10002"], now=START
            )
        )
        made = Office(store, News(now, ZoneInfo("Asia/Shanghai")))
        made.news.awake = START - timedelta(days=1)
        yield made


async def test_many_accounts_that_die_with_the_network_are_told_together(office: Office) -> None:
    accounts = await office.add(50)
    for account in accounts:
        office.at += SECOND / 2  # each notices by its own heartbeat
        await office.set(account, AccountState.WAITING, "连不上闲鱼")

    await office.look_until(START + 10 * MINUTE)
    [told] = await office.told()
    assert told.startswith("🟡 50 个账号断线，最久的已经 5 分钟：\n· 连不上闲鱼：小店1、小店2、")
    assert " 等 50 个\n" in told

    await office.look_until(START + 65 * MINUTE)
    assert len(await office.told()) == 2, "one reminder after an hour"


async def test_many_that_come_back_one_after_the_other_are_told_together(office: Office) -> None:
    accounts = await office.add(5)
    for account in accounts:
        await office.set(account, AccountState.WAITING, "连不上闲鱼")
    await office.look_until(START + 7 * MINUTE)
    for account in accounts:
        await office.back(account, START)
        await office.look_until(office.at + 2 * SECOND)
        await office.caught_up(account)
        await office.look_until(office.at + 2 * SECOND)

    await office.look_until(office.at + 5 * MINUTE)
    _, back = await office.told()
    assert back.startswith("🟢 5 个账号已恢复连接，最长离线 7 分钟：5 条消息已补处理\n小店1、")


async def test_who_does_not_come_back_holds_up_the_news_of_the_others_for_a_minute(
    office: Office,
) -> None:
    accounts = await office.add(4)
    for account in accounts:
        await office.set(account, AccountState.WAITING, "连不上闲鱼")
    await office.look_until(START + 7 * MINUTE)
    for account in accounts[:3]:
        await office.back(account, START)
        await office.caught_up(account)

    await office.look_until(office.at + 50 * SECOND)
    assert len(await office.told()) == 1
    await office.look_until(office.at + 15 * SECOND)
    assert (await office.told())[1].startswith("🟢 3 个账号已恢复连接")


async def test_what_a_person_has_to_do_for_many_accounts_is_told_at_once_and_together(
    office: Office,
) -> None:
    accounts = await office.add(4)
    for account in accounts[:3]:
        await office.set(account, AccountState.VERIFICATION_NEEDED, "闲鱼要求验证身份")
    await office.set(accounts[3], AccountState.LOGGED_OUT, "登录失效")

    await office.look_until(START + MINUTE)
    [told] = await office.told()
    assert told.startswith("🔴 4 个账号要你处理")
    assert "· 闲鱼要求验证身份：小店1、小店2、小店3\n· 登录失效：小店4\n" in told
    assert "/账号" in told


async def test_one_account_is_told_by_itself_and_once(office: Office) -> None:
    [account, *_] = await office.add(3)
    await office.set(account, AccountState.WAITING, "连不上闲鱼")

    await office.look_until(START + 5 * MINUTE - LOOK)
    assert await office.told() == []
    await office.look_until(START + 30 * MINUTE)
    [told] = await office.told()
    assert told.startswith("🟡【小店1】已断线 5 分钟：连不上闲鱼\n")

    await office.back(account, START)
    await office.caught_up(account)
    await office.look_until(office.at + 5 * MINUTE)
    assert (await office.told())[1:] == ["🟢【小店1】已恢复连接，离线 30 分钟：1 条消息已补处理"]


async def test_an_outage_that_nobody_noticed_is_forgotten_without_a_word(office: Office) -> None:
    [account] = await office.add(1)
    await office.store.write(
        lambda tx: tx.comparisons.begin(account.shop, account.id, START, START)
    )
    await office.store.write(
        lambda tx: tx.comparisons.open_outage(
            account.shop, account.id, START, START + MINUTE, told=False
        )
    )
    await office.caught_up(account)
    await office.look_until(START + 5 * MINUTE)
    assert await office.told() == []
    assert await office.store.read(lambda tx: tx.comparisons.outages(account.shop)) == []
