"""Proxies at the desk: owners give them, the audit knows of it, nobody reads a password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.desk import Desk, Door, Operator
from hub.errors import Forbidden, Invalid
from hub.model import Account, AccountId, Role
from hub.settings import Settings
from hub.store import Store, open_store

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
COOKIES = "unb=2200111122223; cookie2=0123456789abcdef"
PROXY = "socks5://me:SECRET@10.0.0.1:1080"
SHOWN = "socks5://***@10.0.0.1:1080"


@dataclass
class Stage:
    store: Store
    desk: Desk
    owner: Operator
    account: Account

    async def kept(self, account: AccountId | None = None) -> str | None:
        id_ = account or self.account.id
        return await self.store.read(lambda tx: tx.accounts.proxy(self.owner.shop, id_))

    async def audited(self) -> list[tuple[str, str, str]]:
        entries = await self.store.read(lambda tx: tx.audit.recent(self.owner.shop, 50))
        return [(e.action, e.target, e.detail) for e in reversed(entries)]


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_store(tmp_path / "hub.db", now=lambda: NOW) as store:
        desk = Desk(store, Settings(), lambda: NOW)
        founded = await desk.members.found_shop(name="店主", password="a long password")
        owner = Operator(founded.login.operator.member, Door.WEB)
        account = await desk.accounts.add(owner, "小店", COOKIES)
        yield Stage(store, desk, owner, account)


async def test_a_proxy_is_kept_shown_without_its_password_and_audited_without_it(
    stage: Stage,
) -> None:
    accounts = stage.desk.accounts
    assert await accounts.proxy(stage.owner, stage.account.id) == ""

    await accounts.set_proxy(stage.owner, stage.account.id, f"  {PROXY}\n")

    assert await stage.kept() == PROXY
    assert await accounts.proxy(stage.owner, stage.account.id) == SHOWN
    await accounts.set_proxy(stage.owner, stage.account.id, " ")
    assert await stage.kept() is None
    audited = await stage.audited()
    assert audited[-2:] == [("account.proxy", "小店", ""), ("account.proxy_off", "小店", "")]
    assert "SECRET" not in repr(audited)


async def test_the_same_proxy_again_neither_restarts_nor_audits_anything(stage: Stage) -> None:
    first = await stage.desk.accounts.set_proxy(stage.owner, stage.account.id, PROXY)
    audited = await stage.audited()
    again = await stage.desk.accounts.set_proxy(stage.owner, stage.account.id, PROXY)
    assert (first.starts, again.starts) == (2, 2)
    assert await stage.audited() == audited


async def test_a_new_account_starts_with_its_proxy(stage: Stage) -> None:
    cookies = COOKIES.replace("2200111122223", "2200111122224")
    added = await stage.desk.accounts.add(stage.owner, "二店", cookies, proxy=PROXY)
    assert await stage.kept(added.id) == PROXY


async def test_an_address_that_is_none_changes_and_adds_nothing(stage: Stage) -> None:
    cookies = COOKIES.replace("2200111122223", "2200111122224")
    await stage.desk.accounts.set_proxy(stage.owner, stage.account.id, PROXY)
    for refused in (
        stage.desk.accounts.set_proxy(stage.owner, stage.account.id, "10.0.0.1:SECRET"),
        stage.desk.accounts.add(stage.owner, "二店", cookies, proxy="10.0.0.1:SECRET"),
        stage.desk.logins.start(stage.owner, name="二店", proxy="10.0.0.1:SECRET"),
    ):
        with pytest.raises(Invalid, match="代理地址看不懂") as caught:
            await refused
        assert list(caught.value.fields) == ["proxy"]
        assert "SECRET" not in caught.value.text
    assert await stage.kept() == PROXY
    assert len(await stage.desk.accounts.all(stage.owner)) == 1


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_only_owners_see_and_change_proxies(stage: Stage, role: Role) -> None:
    member = await stage.desk.members.add(stage.owner, name="小王", role=role)
    other = Operator(member, Door.WEB)
    with pytest.raises(Forbidden):
        await stage.desk.accounts.set_proxy(other, stage.account.id, PROXY)
    with pytest.raises(Forbidden):
        await stage.desk.accounts.proxy(other, stage.account.id)
    assert await stage.kept() is None
