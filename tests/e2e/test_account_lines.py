"""The line of an account: what ends it, what brings it back, what it must not lose or undo."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web

from hub.app import open_hub
from hub.model import AccountState, PlatformUser
from hub.sandbox import SandboxOptions, start_sandbox
from hub.settings import XianyuSettings
from hub.store import Tx, open_store
from hub.supervisor import AccountLine, Gate
from tests.e2e.stage import (
    GREETING,
    OTHER_BUYER,
    SECONDS,
    Stage,
    furnish,
    settings_for,
    wait_account,
)


async def cut(stage: Stage) -> None:
    line = stage.sandbox.lines.of(stage.account.user)[-1]
    line.abort()
    await stage.until(lambda: line not in stage.sandbox.lines.of(stage.account.user), "the cut")


async def test_a_stored_token_that_counts_no_more_is_replaced_without_a_person(
    stage: Stage,
) -> None:
    before = stage.sandbox.lines.of(stage.account.user)[-1].id
    stage.sandbox.faults.add(stage.account.user, "reg_refused")
    await cut(stage)

    await stage.until(
        lambda: any(
            line.id != before and line.registered
            for line in stage.sandbox.lines.of(stage.account.user)
        ),
        "a new line",
    )
    await stage.wait_state(AccountState.ONLINE)


async def test_an_account_is_the_same_device_after_every_restart(tmp_path: Path) -> None:
    """The platform binds tokens to it; a new one each time looks like a thief."""
    devices = []
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path)
        async with open_hub(settings) as hub:
            _, account = await furnish(hub, sandbox.cookies())
            await wait_account(hub, account, lambda a: a.state is AccountState.ONLINE)
            devices.append(sandbox.lines.of(account.user)[-1].did)
        async with open_hub(settings) as hub:
            await wait_account(hub, account, lambda a: a.state is AccountState.ONLINE)
            devices.append(sandbox.lines.of(account.user)[-1].did)
    assert devices[0] == devices[1]
    assert account.user in devices[0]


async def test_a_new_token_that_does_not_count_either_needs_a_person(stage: Stage) -> None:
    stage.sandbox.faults.add(stage.account.user, "reg_refused", times=None)
    await cut(stage)
    await stage.wait_state(AccountState.HELD)
    stage.sandbox.faults.clear()

    await stage.hub.desk.accounts.log_in(stage.operator, stage.account.id, stage.sandbox.cookies())

    await stage.wait_state(AccountState.ONLINE)


async def test_a_line_that_nobody_is_logged_in_on_is_replaced_and_the_answer_sent_once(
    stage: Stage,
) -> None:
    """The platform refuses the send with 401 and leaves the line open."""
    before = stage.sandbox.lines.of(stage.account.user)[-1]
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    before.registered_at = None  # for the platform; nobody tells the hub

    await stage.operator_writes("稍等", quote=notice)

    await stage.wait_for_answer("稍等")
    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["稍等"]


async def test_an_account_switched_off_and_on_at_once_starts_afresh(stage: Stage) -> None:
    """However quickly: a line that gave up waits for a person's word."""
    stage.sandbox.faults.add(stage.account.user, "mtop_session_expired", times=None)
    stage.sandbox.faults.add(stage.account.user, "reg_refused")
    await cut(stage)
    await stage.wait_state(AccountState.LOGGED_OUT)
    stage.sandbox.faults.clear()
    shop, account, now = stage.operator.shop, stage.account.id, datetime.now(UTC)

    def unit(tx: Tx) -> None:
        for on in (False, True):
            tx.accounts.set_enabled(shop, account, on, now)

    await stage.hub.store.write(unit)

    await stage.wait_state(AccountState.ONLINE)


async def test_a_new_name_and_new_minutes_count_from_now_on(stage: Stage) -> None:
    accounts = stage.hub.desk.accounts
    await accounts.configure(stage.operator, stage.account.id, name="新店", takeover_minutes=0)
    for number in itertools.count():
        await stage.buyer_says(f"改名了吗 {number}")
        notice = await stage.wait_for_notice(f"改名了吗 {number}")
        if notice.text.startswith("【新店】"):
            break
    await stage.sandbox.stage.phone(stage.conversation(), "我自己来说")

    await stage.buyer_says("在吗")

    await stage.wait_for_answer(GREETING)


async def test_a_line_that_is_closed_as_soon_as_it_stands_is_not_dialled_without_pause(
    stage: Stage,
) -> None:
    async with stage.hub.store.changes():
        await stage.sandbox.lines.of(stage.account.user)[-1].close(1000)
        await stage.wait_state(AccountState.WAITING)
    await stage.wait_state(AccountState.ONLINE)


async def test_what_buyers_said_while_the_line_was_cut_is_fetched_whatever_we_queued_meanwhile(
    tmp_path: Path,
) -> None:
    class Clock:
        ahead = timedelta(0)

        def __call__(self) -> datetime:
            return datetime.now(UTC) + self.ahead

    clock, options = Clock(), SandboxOptions(list_quiet_seconds=0)
    async with start_sandbox(options) as sandbox:
        sandbox.manners.redeliver = False
        settings = settings_for(sandbox, tmp_path)
        async with open_hub(settings, now=clock) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            await stage.buyer_says("我是阿七", buyer=OTHER_BUYER)
            await wait_inbox(stage, "我是阿七")
            sandbox.faults.add(account.user, "reg_silent", times=None)
            await cut(stage)
            await stage.buyer_says("断线时说的")
            clock.ahead = timedelta(minutes=5)
            (line,) = await stage.recent()
            await hub.desk.inbox.answer(operator, line.conversation.id, "稍等", key="1")
            sandbox.faults.clear()

            await wait_inbox(stage, "断线时说的")


async def wait_inbox(stage: Stage, words: str) -> None:
    async with asyncio.timeout(SECONDS), stage.hub.store.changes() as changes:
        while not any(words in str(line.last) for line in await stage.recent()):
            await anext(changes)


@pytest.mark.parametrize("overtaken", ["a new login", "switched off"])
async def test_a_line_that_was_overtaken_by_a_person_undoes_nothing(
    tmp_path: Path, overtaken: str
) -> None:
    """It may be in the middle of something when the new cookies are stored."""
    called, now = asyncio.Event(), datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

    async def gateway(request: web.Request) -> web.Response:
        called.set()
        response = web.json_response({"ret": ["FAIL_SYS_SESSION_EXPIRED::Session过期"]})
        response.set_cookie("cookie2", "old")
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", gateway)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://127.0.0.1:{runner.addresses[0][1]}"
    urls = XianyuSettings(mtop_url=origin, passport_url=origin)

    async with open_store(tmp_path / "hub.db", now=lambda: now) as store:

        async def take_in(*_: object) -> None: ...

        def add(tx: Tx) -> AccountLine:
            account = tx.accounts.add(
                tx.shops.default(),
                name="小店",
                user=PlatformUser("2200111122223"),
                device_id="device",
                cookies="unb=2200111122223; cookie2=older",
                takeover_minutes=10,
                now=now,
            )
            return AccountLine(account, store, urls, take_in, {}, lambda: now, gate=Gate(1000))

        line = await store.write(add)
        (account,) = await store.read(lambda tx: tx.accounts.enabled())
        if overtaken == "switched off":
            await store.write(
                lambda tx: tx.accounts.set_enabled(account.shop, account.id, False, now)
            )
        else:
            await store.write(
                lambda tx: tx.accounts.new_login(
                    account.shop, account.id, cookies="unb=2200111122223; cookie2=new", now=now
                )
            )
        before = await store.read(
            lambda tx: (
                tx.accounts.get(account.shop, account.id),
                tx.accounts.cookies(account.shop, account.id),
            )
        )

        async with asyncio.timeout(SECONDS):
            await line.run()  # ends when the platform refuses the login

        assert called.is_set()
        after = await store.read(
            lambda tx: (
                tx.accounts.get(account.shop, account.id),
                tx.accounts.cookies(account.shop, account.id),
            )
        )
        assert after[0] == before[0]
        if overtaken == "a new login":
            assert after[1] == before[1]
        else:  # it is still the same login, and what renewed it must not be lost
            assert "cookie2=old" in after[1].split("; ")
    await runner.cleanup()


async def test_cookies_that_cannot_be_read_are_asked_for_again_in_words(stage: Stage) -> None:
    shop, account = stage.operator.shop, stage.account.id
    await stage.hub.store.write(
        lambda tx: tx.accounts.new_login(shop, account, cookies="no cookies", now=datetime.now(UTC))
    )

    await wait_account(stage.hub, stage.account, lambda a: a.state is AccountState.LOGGED_OUT)
    found = await stage.read(lambda tx: tx.accounts.get(shop, account))
    assert "Cookie" in found.state_reason
