"""The states of an account: what brings it there, what it asks for meanwhile, the way out."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.app import open_hub
from hub.desk import Door, Operator
from hub.errors import Forbidden, Invalid
from hub.model import Account, AccountState, Role
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from hub.supervisor import AccountLine, accounts, standing
from tests.e2e.stage import (
    GREETING,
    TOKEN,
    Stage,
    furnish,
    open_stage,
    settings_for,
    wait_account,
)
from tests.waiting import wait_until

TOKEN_API = "mtop.taobao.idlemessage.pc.login.token"
PROOF_API = "mtop.taobao.idlemessage.pc.loginuser.get"
ORDERS_API = "mtop.taobao.idle.trade.sold.get"
BUSY = "FAIL_BIZ_SYSTEM_BUSY::系统繁忙"
OFTEN = 0.005
"""Minutes."""


class Clock:
    """The real time, and as much later as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def calls(stage: Stage, api: str) -> int:
    return sum(made.api == api for made in stage.sandbox.mtop.calls)


def asked(stage: Stage, part: str) -> int:
    return sum(part in seen.path for seen in stage.sandbox.recorder.seen)


async def asked_times(stage: Stage, part: str, least: int) -> None:
    await stage.until(lambda: asked(stage, part) >= least, f"{part}, {least} times")


async def called_times(stage: Stage, api: str, least: int) -> None:
    await stage.until(lambda: calls(stage, api) >= least, f"{api}, {least} times")


def lose_token(stage: Stage) -> None:
    """The line is cut, and the platform knows its token no more."""
    stage.sandbox.faults.add(DEMO_SELLER, "reg_refused")
    stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()


async def account_of(stage: Stage) -> Account:
    account = stage.account
    found: Account = await stage.read(lambda tx: tx.accounts.get(account.shop, account.id))
    return found


async def rested(stage: Stage, state: AccountState) -> Account:
    await stage.wait_state(state)
    return await account_of(stage)


# --- The login --------------------------------------------------------------------------------


async def test_a_lost_login_is_renewed_without_a_person_and_without_a_word(stage: Stage) -> None:
    stage.sandbox.logins.end(DEMO_SELLER, renewable=True)
    tokens = calls(stage, TOKEN_API)
    lose_token(stage)

    await stage.until(lambda: asked(stage, "silentHasLogin") == 1, "the renewal")
    await stage.until(lambda: calls(stage, TOKEN_API) == tokens + 1, "a new token")
    await stage.wait_state(AccountState.ONLINE)

    order = ["hasLogin", "silentHasLogin", "setLoginSettings"]
    paths = [seen.path for seen in stage.sandbox.recorder.seen if seen.kind == "passport"]
    assert [part for path in paths for part in order if f"/{part}.do" in path] == order
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    assert not [line for line in stage.notices() if "🔴" in line.text or "🟡" in line.text]


async def test_a_login_that_is_lost_while_the_line_lives_is_renewed_beside_it(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, keep_alive_minutes=OFTEN) as stage:
        line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
        stage.sandbox.logins.end(DEMO_SELLER, renewable=True)

        await stage.until(lambda: asked(stage, "setLoginSettings") == 1, "the renewal")
        before = calls(stage, PROOF_API)
        await stage.until(lambda: calls(stage, PROOF_API) > before + 2, "proofs")

        assert stage.sandbox.lines.of(DEMO_SELLER)[-1] is line
        assert (await account_of(stage)).state is AccountState.ONLINE


async def test_a_login_that_nothing_brings_back_rests_and_is_told_once(tmp_path: Path) -> None:
    async with open_stage(tmp_path, login_codes=False, keep_alive_minutes=OFTEN) as stage:
        stage.sandbox.logins.end(DEMO_SELLER)

        notice = await stage.wait_for_notice("🔴【小店】")
        account = await rested(stage, AccountState.LOGGED_OUT)
        seen = len(stage.sandbox.recorder.seen)

        assert "扫码" in notice.text
        assert account.state_reason == "登录失效，自动续期也没有成功"
        assert stage.sandbox.lines.of(DEMO_SELLER) == []
        await stage.settled()
        assert len(stage.sandbox.recorder.seen) == seen
        assert len([one for one in stage.notices() if "🔴" in one.text]) == 1

        stage.sandbox.logins.restore(DEMO_SELLER)
        await stage.operator_writes("/重连")
        await stage.wait_for_notice("已恢复连接")
        await stage.wait_state(AccountState.ONLINE)


async def test_one_wrong_answer_does_not_end_a_login(tmp_path: Path) -> None:
    async with open_stage(tmp_path, keep_alive_minutes=OFTEN) as stage:
        stage.sandbox.faults.add(DEMO_SELLER, "mtop_session_expired", subject=PROOF_API)
        await stage.until(lambda: asked(stage, "/hasLogin") == 1, "the ladder")
        await stage.until(lambda: asked(stage, "setLoginSettings") == 1, "its end")
        assert (await account_of(stage)).state is AccountState.ONLINE


async def test_a_passport_that_does_not_answer_clearly_makes_nobody_log_in_again(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, renewal_spacing_minutes=5) as stage:
        stage.sandbox.logins.end(DEMO_SELLER, renewable=True)
        stage.sandbox.faults.add(DEMO_SELLER, "passport_html", times=None)
        lose_token(stage)

        account = await wait_until_renewal_waits(stage)

        assert account.state_until is not None
        assert account.state_until - datetime.now(UTC) > timedelta(minutes=4)
        ladders = asked(stage, "silentHasLogin")
        await stage.operator_writes("/重连 小店")
        await stage.wait_for_notice("正在重新连接")
        await wait_account(
            stage.hub, stage.account, lambda a: "离上次自动续期太近" in a.state_reason
        )
        assert asked(stage, "silentHasLogin") == ladders, "the ladder was climbed too often"


async def wait_until_renewal_waits(stage: Stage) -> Account:
    await wait_account(stage.hub, stage.account, lambda a: "没有给出明确回答" in a.state_reason)
    return await account_of(stage)


async def test_a_good_login_is_renewed_every_few_hours_also_when_the_hub_was_off(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path, keep_alive_minutes=OFTEN)
        for ahead, renewals in ((0, 0), (3, 0), (5, 1), (7, 1), (9, 2)):
            clock.ahead = timedelta(hours=ahead)
            async with open_hub(settings, now=clock) as hub:
                if not ahead:
                    operator, account = await furnish(hub, sandbox.cookies())
                stage = Stage(hub, sandbox, operator, account)
                await stage.wait_state(AccountState.ONLINE)
                await asked_times(stage, "setLoginSettings", renewals)
                await called_times(stage, PROOF_API, calls(stage, PROOF_API) + 3)
                assert asked(stage, "setLoginSettings") == renewals


async def test_an_account_switched_off_in_the_middle_of_a_renewal_stays_off(stage: Stage) -> None:
    stage.sandbox.logins.end(DEMO_SELLER, renewable=True)
    stage.sandbox.faults.add(DEMO_SELLER, "passport_delay", seconds=0.5, subject="hasLogin.do")
    lose_token(stage)
    await stage.wait_state(AccountState.RENEWING)
    await stage.until(lambda: asked(stage, "/hasLogin") == 1, "the ladder")

    off = await stage.hub.desk.accounts.switch(stage.operator, stage.account.id, on=False)
    assert off.state is AccountState.DISABLED
    on = await stage.hub.desk.accounts.switch(stage.operator, stage.account.id, on=True)

    assert on.starts == off.starts + 1
    await stage.wait_state(AccountState.ONLINE)


# --- A check ------------------------------------------------------------------------------------


async def test_after_a_check_was_demanded_nothing_is_asked_until_a_person_says_so(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_risk", times=None)
    lose_token(stage)

    notice = await stage.wait_for_notice("🔴【小店】闲鱼要求验证身份")
    account = await rested(stage, AccountState.VERIFICATION_NEEDED)
    seen = len(stage.sandbox.recorder.seen)
    assert "punish?x5secdata" in account.check_url
    assert account.check_url in notice.text
    assert "/重连 小店" in notice.text

    await stage.operator_writes("/账号")
    line = await stage.wait_for_notice("需要验证（闲鱼要求验证身份）")
    assert account.check_url in line.text
    await stage.settled()
    assert len(stage.sandbox.recorder.seen) == seen

    await stage.operator_writes("/重连")
    await stage.until(lambda: len(stage.sandbox.recorder.seen) > seen, "the one attempt")
    await wait_account(
        stage.hub,
        stage.account,
        lambda a: a.state is AccountState.VERIFICATION_NEEDED and a.starts > account.starts,
    )
    once_more = len(stage.sandbox.recorder.seen)
    await stage.until(lambda: told_of_checks(stage) == 2, "the second telling")
    await stage.settled()
    assert len(stage.sandbox.recorder.seen) == once_more

    stage.sandbox.faults.clear()
    await stage.operator_writes("/重连")
    await stage.wait_state(AccountState.ONLINE)
    await stage.wait_for_notice("🟢【小店】已恢复连接")
    assert (await account_of(stage)).check_url == ""


def told_of_checks(stage: Stage) -> int:
    return sum("🔴【小店】闲鱼要求验证身份" in line.text for line in stage.notices())


async def test_a_check_demanded_by_any_call_ends_them_all(tmp_path: Path) -> None:
    """Orders are read beside the line, by code that takes refusals in its stride."""
    async with open_stage(tmp_path, compare_minutes=0.02) as stage:
        stage.sandbox.faults.add(DEMO_SELLER, "mtop_risk", times=None, subject=ORDERS_API)

        await stage.wait_state(AccountState.VERIFICATION_NEEDED)

        seen = len(stage.sandbox.recorder.seen)
        assert stage.sandbox.lines.of(DEMO_SELLER) == []
        assert calls(stage, TOKEN_API) == 1
        await stage.wait_for_notice("闲鱼要求验证身份")
        await stage.settled()
        assert len(stage.sandbox.recorder.seen) == seen


async def test_a_check_on_the_ladder_ends_the_ladder(stage: Stage) -> None:
    stage.sandbox.logins.end(DEMO_SELLER, renewable=True)
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_risk", times=None, subject=PROOF_API)
    lose_token(stage)

    await stage.wait_state(AccountState.VERIFICATION_NEEDED)

    assert asked(stage, "setLoginSettings") == 0


async def test_new_cookies_end_a_check(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_risk")
    lose_token(stage)
    await stage.wait_state(AccountState.VERIFICATION_NEEDED)

    await stage.hub.desk.accounts.log_in(stage.operator, stage.account.id, stage.sandbox.cookies())

    await stage.wait_state(AccountState.ONLINE)


async def test_a_restart_is_no_person(tmp_path: Path) -> None:
    """What rests, rests on, and is not told again."""
    async with start_sandbox(
        SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    ) as sandbox:
        settings = settings_for(sandbox, tmp_path)
        sandbox.faults.add(DEMO_SELLER, "mtop_risk", times=None)
        async with open_hub(settings) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.VERIFICATION_NEEDED)
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await stage.wait_for_notice("闲鱼要求验证身份")
            await stage.settled()
        seen = len(sandbox.recorder.seen)
        async with open_hub(settings) as hub:
            stage = replace(stage, hub=hub)
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await stage.until(lambda: bool(hub.qq.bots()), "the bot")
            await stage.operator_writes("/账号")
            await stage.wait_for_notice("需要验证")
            await stage.settled()
            found = await account_of(stage)
        assert found.state is AccountState.VERIFICATION_NEEDED
        assert "punish" in found.check_url
        assert len(sandbox.recorder.seen) == seen
        assert told_of_checks(stage) == 1


# --- Tokens -------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["refused", "taken and then useless"])
async def test_attempts_keep_their_distance_across_restarts(tmp_path: Path, how: str) -> None:
    clock = Clock()
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path, token_spacing_seconds=180)
        if how == "refused":
            sandbox.faults.add(DEMO_SELLER, "mtop_ret", times=None, subject=TOKEN_API, reason=BUSY)
        else:
            sandbox.faults.add(DEMO_SELLER, "reg_refused", times=None)
        asked_at: list[float] = []
        for ahead in (0, 100, 179, 269, 271, 300, 500, 677):
            clock.ahead = timedelta(seconds=ahead)
            async with open_hub(settings, now=clock) as hub:
                if not ahead:
                    operator, account = await furnish(hub, sandbox.cookies())
                stage = Stage(hub, sandbox, operator, account)
                begun = len(asked_at)
                due = {0: 1, 271: 2, 677: 3}.get(ahead, begun)
                await called_times(stage, TOKEN_API, due)
                await stage.wait_state(AccountState.WAITING)
                asked_at += [ahead] * (due - begun)
                assert calls(stage, TOKEN_API) == due
        assert asked_at == [0, 271, 677]


async def test_five_failed_attempts_in_a_row_stop_the_account_and_a_person_starts_it_again(
    stage: Stage,
) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_ret", times=None, subject=TOKEN_API, reason=BUSY)
    before = calls(stage, TOKEN_API)
    lose_token(stage)

    account = await rested(stage, AccountState.HELD)

    assert calls(stage, TOKEN_API) == before + 5
    assert "连续 5 次" in account.state_reason
    notice = await stage.wait_for_notice("🔴【小店】连续 5 次")
    assert "/重连 小店" in notice.text
    await stage.settled()
    assert len([line for line in stage.notices() if "🔴" in line.text]) == 1
    stage.sandbox.faults.clear()

    await stage.operator_writes("/重连小店")

    await stage.wait_for_notice("正在重新连接「小店」")
    await stage.wait_state(AccountState.ONLINE)
    await stage.wait_for_notice("🟢【小店】已恢复连接")
    audit = await stage.hub.desk.system.audit(stage.operator)
    assert [entry.action for entry in audit].count("account.reconnect") == 1


async def test_a_token_is_renewed_before_its_end_without_making_a_zombie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "SLICE_SECONDS", 0.05)
    clock = Clock()
    async with (
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox,
        open_hub(settings_for(sandbox, tmp_path), now=clock) as hub,
    ):
        operator, account = await furnish(hub, sandbox.cookies())
        stage = Stage(hub, sandbox, operator, account)
        await stage.wait_state(AccountState.ONLINE)
        for renewals, hours in ((1, 22), (2, 44)):
            (line,) = sandbox.lines.of(DEMO_SELLER)
            clock.ahead = timedelta(hours=hours)
            await called_times(stage, TOKEN_API, renewals + 1)
            assert line.closed
            assert not line.zombie, "a new token was asked for while the line lived"
            await stage.until(lambda: bool(registered(stage)), "a line")
            await stage.wait_state(AccountState.ONLINE)
        await stage.buyer_says("听得见吗")
        await wait_until(lambda: heard(stage, "听得见吗"))


async def heard(stage: Stage, words: str) -> bool:
    return any(words in str(one.last) for one in await stage.recent())


def registered(stage: Stage) -> list[int]:
    return [one.id for one in stage.sandbox.lines.of(DEMO_SELLER) if one.registered]


async def test_a_planned_renewal_that_fails_goes_on_with_the_old_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "SLICE_SECONDS", 0.05)
    clock = Clock()
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path, token_spacing_seconds=180)
        async with open_hub(settings, now=clock) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            first = sandbox.lines.of(DEMO_SELLER)[-1]
            sandbox.faults.add(DEMO_SELLER, "mtop_ret", subject=TOKEN_API, reason=BUSY)
            clock.ahead = timedelta(hours=22)

            await stage.until(lambda: first.closed and bool(registered(stage)), "another line")

            assert sandbox.lines.of(DEMO_SELLER)[-1].token_number == first.token_number
            await stage.wait_state(AccountState.ONLINE)


# --- Lines that do not stay up ------------------------------------------------------------------


@pytest.mark.parametrize("how", ["refused", "removed"])
async def test_too_many_connections_bring_one_long_pause_and_then_a_stop(
    tmp_path: Path, how: str
) -> None:
    async with open_stage(tmp_path, breaker_minutes=10) as stage:

        async def crowd() -> None:
            line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
            if how == "refused":
                stage.sandbox.faults.add(DEMO_SELLER, "reg_limit")
                line.abort()
            else:
                await stage.sandbox.lines.kick(line, "/s/session/remove")

        await crowd()
        await wait_account(stage.hub, stage.account, lambda a: "连接太多" in a.state_reason)
        account = await rested(stage, AccountState.WAITING)
        assert account.state_until is not None
        assert account.state_until - datetime.now(UTC) > timedelta(minutes=9)
        await stage.wait_for_notice("将在 ")

        await stage.operator_writes("/重连")
        await stage.wait_state(AccountState.ONLINE)


async def test_another_program_that_takes_the_place_again_is_left_alone(tmp_path: Path) -> None:
    async with open_stage(tmp_path, breaker_minutes=0.005) as stage:
        stage.sandbox.faults.add(DEMO_SELLER, "reg_limit", times=None)
        stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()

        account = await rested(stage, AccountState.HELD)

        assert "别的程序" in account.state_reason
        assert asked(stage, "/ws") + asked(stage, "/") > 0
        await stage.wait_for_notice("🔴【小店】闲鱼又说这个账号的连接太多")


async def test_lines_that_die_at_once_bring_a_pause_that_is_told(tmp_path: Path) -> None:
    async with open_stage(tmp_path, breaker_minutes=10) as stage:
        died: set[int] = set()
        while (await account_of(stage)).state_until is None or len(died) < 5:
            fresh = [
                line
                for line in stage.sandbox.lines.of(DEMO_SELLER)
                if line.registered and line.id not in died
            ]
            if fresh:
                died.add(fresh[0].id)
                fresh[0].abort()
                continue
            if "刚建立就断开" in (await account_of(stage)).state_reason:
                break
            await stage.sandbox.world.bell.until(lambda: False, 0.02)

        account = await rested(stage, AccountState.WAITING)
        assert len(died) == 5
        assert account.state_until is not None
        assert account.state_until - datetime.now(UTC) > timedelta(minutes=9)
        notice = await stage.wait_for_notice("🟡【小店】已断线")
        assert "先停一停" in notice.text
        assert "再试" in notice.text


# --- One of many --------------------------------------------------------------------------------


async def test_the_trouble_of_one_account_does_not_touch_another(stage: Stage) -> None:
    other = stage.sandbox.world.add_seller("二店")
    stage.sandbox.world.add_item(other.user, "键帽")
    second = await stage.hub.desk.accounts.add(
        stage.operator, "二店", stage.sandbox.cookies(other.user)
    )
    await wait_account(stage.hub, second, lambda a: a.state is AccountState.ONLINE)
    for kind in ("mtop_risk", "reg_refused"):
        stage.sandbox.faults.add(other.user, kind, times=None)
    stage.sandbox.lines.of(other.user)[-1].abort()
    await wait_account(stage.hub, second, lambda a: a.state is AccountState.VERIFICATION_NEEDED)

    await stage.buyer_says("在吗")

    await stage.wait_for_answer(GREETING)
    assert (await account_of(stage)).state is AccountState.ONLINE


async def test_a_line_that_breaks_by_a_bug_breaks_alone_and_is_started_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "LOOK_SECONDS", 0.1)
    whole, broken = AccountLine.run, asyncio.Event()

    async def run(line: AccountLine) -> None:
        if not broken.is_set():
            broken.set()
            raise RuntimeError("a bug")
        await whole(line)

    monkeypatch.setattr(AccountLine, "run", run)
    other = stage.sandbox.world.add_seller("二店")
    second = await stage.hub.desk.accounts.add(
        stage.operator, "二店", stage.sandbox.cookies(other.user)
    )

    await wait_account(stage.hub, second, lambda a: a.state is AccountState.ONLINE)

    assert broken.is_set()
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)


# --- Who may ------------------------------------------------------------------------------------


async def test_only_an_owner_reconnects_and_only_what_is_not_connected(stage: Stage) -> None:
    accounts = stage.hub.desk.accounts
    agent = await stage.hub.desk.members.add(
        stage.operator, name="客服", role=Role.AGENT, password="a long password"
    )
    with pytest.raises(Forbidden):
        await accounts.reconnect(Operator(agent, Door.WEB), stage.account.id)
    assert not await accounts.reconnect(stage.operator, stage.account.id)
    await accounts.switch(stage.operator, stage.account.id, on=False)
    with pytest.raises(Invalid, match="停用"):
        await accounts.reconnect(stage.operator, stage.account.id)
