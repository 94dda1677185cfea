"""Accounts: each column changes alone, credentials lie sealed, removal leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_stage import Stage, add_account, at

from hub.errors import Conflict
from hub.model import Account, AccountState, PlatformUser
from hub.store import StoredToken, Tx


def get(stage: Stage, tx: Tx) -> Account:
    account = tx.accounts.get(stage.shop, stage.account.id)
    assert account is not None
    return account


TOKEN = StoredToken("oauth-token", "device-1", at(3600), at())


async def test_new_cookies_touch_nothing_else(stage: Stage) -> None:

    def unit(tx: Tx) -> None:
        tx.accounts.rename(stage.shop, stage.account.id, "改过的名字")
        tx.accounts.set_takeover_minutes(stage.shop, stage.account.id, 0)
        tx.accounts.set_token(stage.shop, stage.account.id, TOKEN)
        before = get(stage, tx)
        assert (before.name, before.takeover_minutes) == ("改过的名字", 0)
        tx.accounts.set_cookies(stage.shop, stage.account.id, "unb=1; new=1")
        assert get(stage, tx) == before
        assert tx.accounts.cookies(stage.shop, stage.account.id) == "unb=1; new=1"
        assert tx.accounts.token(stage.shop, stage.account.id) == TOKEN

    await stage.do(unit)


async def test_a_new_login_replaces_cookies_and_token_and_is_counted(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.accounts.set_token(stage.shop, stage.account.id, TOKEN)
        tx.accounts.set_state(
            stage.shop, stage.account.id, AccountState.LOGGED_OUT, "请重新登录", at(5)
        )
        tx.accounts.new_login(stage.shop, stage.account.id, cookies="unb=1; fresh=1", now=at(9))
        account = get(stage, tx)
        assert (account.logins, account.state, account.state_since) == (
            2,
            AccountState.NEW,
            at(9),
        )
        assert tx.accounts.token(stage.shop, stage.account.id) is None
        assert tx.accounts.cookies(stage.shop, stage.account.id) == "unb=1; fresh=1"

    await stage.do(unit)


async def test_a_state_changes_once_and_remembers_since_when(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        def set_state(state: AccountState, reason: str, seconds: float) -> bool:
            return tx.accounts.set_state(stage.shop, stage.account.id, state, reason, at(seconds))

        assert set_state(AccountState.ONLINE, "", 1)
        assert not set_state(AccountState.ONLINE, "", 2)
        assert get(stage, tx).state_since == at(1)
        assert set_state(AccountState.ONLINE, "重连 1 次", 3)
        assert (get(stage, tx).state_since, get(stage, tx).state_reason) == (at(1), "重连 1 次")
        assert set_state(AccountState.WAITING, "", 4)
        assert get(stage, tx).state_since == at(4)

    await stage.do(unit)


async def test_switching_off_and_on(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        id_ = stage.account.id
        assert tx.accounts.set_enabled(stage.shop, id_, False, at(1))
        assert not tx.accounts.set_enabled(stage.shop, id_, False, at(2))
        off = get(stage, tx)
        assert (off.enabled, off.state, off.state_since) == (False, AccountState.DISABLED, at(1))
        assert tx.accounts.enabled() == []
        assert tx.accounts.set_enabled(stage.shop, id_, True, at(3))
        assert get(stage, tx).state is AccountState.NEW
        assert tx.accounts.enabled() == [get(stage, tx)]

    await stage.do(unit)


async def test_one_login_is_one_account_and_names_are_unique(stage: Stage) -> None:
    await stage.do(lambda tx: add_account(tx, stage.shop, "2"))

    def add(tx: Tx, name: str, user: str) -> None:
        tx.accounts.add(
            stage.shop,
            name=name,
            user=PlatformUser(user),
            device_id="d",
            cookies="stolen",
            takeover_minutes=1,
            now=at(),
        )

    with pytest.raises(Conflict, match="2200111122221"):
        await stage.do(lambda tx: add(tx, "新", "2200111122221"))
    with pytest.raises(Conflict, match="店1"):
        await stage.do(lambda tx: add(tx, "店1", "2200111122229"))
    with pytest.raises(Conflict, match="店2"):
        await stage.do(lambda tx: tx.accounts.rename(stage.shop, stage.account.id, "店2"))
    cookies = await stage.store.read(lambda tx: tx.accounts.cookies(stage.shop, stage.account.id))
    assert cookies == "unb=1; cookie2=secret-1"


async def test_accounts_are_found_by_user(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        assert tx.accounts.by_user(stage.shop, stage.account.user) == stage.account
        assert tx.accounts.by_user(stage.shop, PlatformUser("1")) is None
        assert tx.accounts.all(stage.shop) == [stage.account]

    await stage.do(unit)


async def test_a_removed_account_leaves_nothing_that_a_later_one_inherits(stage: Stage) -> None:

    def unit(tx: Tx) -> None:
        stage.hear(tx, 1)
        tx.accounts.remove(stage.shop, stage.account.id)
        assert tx.conversations.recent(stage.shop, limit=9, now=at()) == []
        again = add_account(tx, stage.shop, "1")
        assert again.id != stage.account.id
        assert replace(again, id=stage.account.id) == stage.account
        conversation = tx.conversations.upsert(stage.shop, again.id, stage.conversation.platform_id)
        assert conversation.buyer is None
        assert tx.messages.of_conversation(stage.shop, conversation.id, limit=9) == []

    await stage.do(unit)
