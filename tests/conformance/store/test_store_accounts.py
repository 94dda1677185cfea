"""Accounts: each column changes alone, credentials lie sealed, removal leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_stage import Stage, add_account, at

from hub.errors import Conflict
from hub.model import RESTING, Account, AccountState, PlatformUser
from hub.store import StoredToken, TokenTries, Tx
from hub.store.accounts import _PROXY


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


async def test_a_state_comes_with_its_moment_and_its_link_and_takes_both_along(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        tx.accounts.set_state(shop, id_, AccountState.WAITING, "断线", at(1), until=at(60))
        waiting = get(stage, tx)
        assert (waiting.state_since, waiting.state_until) == (at(1), at(60))
        assert tx.accounts.set_state(shop, id_, AccountState.WAITING, "断线", at(2), until=at(99))
        assert (get(stage, tx).state_since, get(stage, tx).state_until) == (at(1), at(99))
        needed = AccountState.VERIFICATION_NEEDED
        tx.accounts.set_state(shop, id_, needed, "要验证", at(3), url="https://h/punish")
        assert (get(stage, tx).state_until, get(stage, tx).check_url) == (None, "https://h/punish")
        tx.accounts.set_state(shop, id_, AccountState.CONNECTING, "", at(4))
        assert get(stage, tx).check_url == ""

    await stage.do(unit)


@pytest.mark.parametrize("state", AccountState)
async def test_reconnecting_ends_waits_and_rests_and_nothing_else(
    stage: Stage, state: AccountState
) -> None:
    ends = state in (*RESTING, AccountState.WAITING)

    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        tx.accounts.set_token_failures(shop, id_, 4)
        tx.accounts.token_asked(shop, id_, at(3))
        tx.accounts.set_state(shop, id_, state, "因为", at(4), until=at(99), url="https://h")
        before = get(stage, tx)
        assert tx.accounts.reconnect(shop, id_, at(5)) is ends
        after = get(stage, tx)
        if ends:
            expected = (AccountState.CONNECTING, "", None, "", before.starts + 1, at(5))
            assert expected == (
                after.state,
                after.state_reason,
                after.state_until,
                after.check_url,
                after.starts,
                after.started_at,
            )
            assert tx.accounts.token_tries(shop, id_) == TokenTries(at(3), 0)
        else:
            assert after == before

    await stage.do(unit)


async def test_a_switched_off_account_is_not_reconnected(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.accounts.set_enabled(stage.shop, stage.account.id, False, at(1))
        assert not tx.accounts.reconnect(stage.shop, stage.account.id, at(2))

    await stage.do(unit)


async def test_attempts_are_remembered_until_a_person_gives_a_new_login(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        assert tx.accounts.token_tries(shop, id_) == TokenTries()
        assert tx.accounts.renewed_at(shop, id_) is None
        tx.accounts.token_asked(shop, id_, at(1))
        tx.accounts.set_token_failures(shop, id_, 2)
        tx.accounts.set_renewed(shop, id_, at(2))
        tx.accounts.set_token(shop, id_, None)
        assert tx.accounts.token_tries(shop, id_) == TokenTries(at(1), 2)
        assert tx.accounts.renewed_at(shop, id_) == at(2)
        tx.accounts.new_login(shop, id_, cookies="unb=1", now=at(3))
        assert tx.accounts.token_tries(shop, id_) == TokenTries()
        assert tx.accounts.renewed_at(shop, id_) is None

    await stage.do(unit)


async def test_what_owners_were_told_of_ends_when_the_account_is_back(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        tx.accounts.set_told(shop, id_, at(1))
        tx.accounts.set_told(shop, id_, at(2))
        assert get(stage, tx).told_since == at(1)
        tx.accounts.set_state(shop, id_, AccountState.CONNECTING, "", at(3))
        assert get(stage, tx).told_since == at(1)
        tx.accounts.set_state(shop, id_, AccountState.ONLINE, "", at(4))
        assert get(stage, tx).told_since is None

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


async def test_a_proxy_lies_sealed_starts_the_line_afresh_and_touches_nothing_else(
    stage: Stage,
) -> None:
    proxy = "socks5://me:SECRET@10.0.0.1:1080"

    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        tx.accounts.set_token(shop, id_, TOKEN)
        before = get(stage, tx)
        assert tx.accounts.proxy(shop, id_) is None
        assert tx.accounts.set_proxy(shop, id_, proxy, at(1))
        assert not tx.accounts.set_proxy(shop, id_, proxy, at(2)), "it has that one already"
        assert tx.accounts.proxy(shop, id_) == proxy
        assert get(stage, tx) == replace(before, starts=before.starts + 1, started_at=at(1))
        assert tx.accounts.token(shop, id_) == TOKEN
        assert tx.accounts.set_proxy(shop, id_, None, at(3))
        assert not tx.accounts.set_proxy(shop, id_, None, at(4))
        assert (tx.accounts.proxy(shop, id_), get(stage, tx).started_at) == (None, at(3))
        assert tx.accounts.set_proxy(shop, id_, proxy, at(5))

    await stage.do(unit)
    sealed = await stage.store.read(
        lambda tx: tx.accounts._sql.value(_PROXY, shop=stage.shop, id=stage.account.id)
    )
    assert sealed
    assert "SECRET" not in sealed


@pytest.mark.parametrize("state", AccountState)
async def test_another_proxy_ends_a_wait_and_no_rest(stage: Stage, state: AccountState) -> None:
    def unit(tx: Tx) -> None:
        shop, id_ = stage.shop, stage.account.id
        if state is AccountState.DISABLED:
            tx.accounts.set_enabled(shop, id_, False, at(1))
        else:
            until = at(3600) if state is AccountState.WAITING else None
            tx.accounts.set_state(shop, id_, state, "", at(1), until=until)
        before = get(stage, tx)
        assert tx.accounts.set_proxy(shop, id_, "http://10.0.0.1:80", at(2))
        after = get(stage, tx)
        rests = state in RESTING or state is AccountState.DISABLED
        assert after.starts == before.starts + (0 if rests else 1)
        if state is AccountState.WAITING:
            assert (after.state, after.state_until) == (AccountState.CONNECTING, None)
        else:
            assert (after.state, after.state_since) == (before.state, before.state_since)

    await stage.do(unit)
