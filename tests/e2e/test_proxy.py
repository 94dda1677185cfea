"""An account with a proxy leaves through it with everything, or not at all.

The platform stands at a name that only the proxy can resolve: whatever tried to go directly would
reach nothing.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from loguru import logger

from hub.app import Hub, open_hub
from hub.desk import LoginStep, Operator
from hub.model import Account, AccountState
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import GREETING, SECONDS, Stage, furnish, settings_for, wait_account
from tests.fake_proxy import FakeProxy, fake_proxy
from tests.waiting import wait_until

FAR = "xianyu.invalid"
DEAD = "socks5://me:SECRET@127.0.0.1:1"
TOKEN_API = "mtop.taobao.idlemessage.pc.login.token"


@asynccontextmanager
async def far_away(folder: Path, **xianyu: float) -> AsyncIterator[tuple[Hub, Sandbox]]:
    """A hub whose platform can be reached through a proxy only."""
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        port = sandbox.origin.rpartition(":")[2]
        urls = dict.fromkeys(("mtop_url", "passport_url", "upload_url"), f"http://{FAR}:{port}")
        settings = settings_for(sandbox, folder, ws_url=f"ws://{FAR}:{port}", **urls, **xianyu)
        async with open_hub(settings) as hub:
            yield hub, sandbox


async def with_proxy(hub: Hub, sandbox: Sandbox, proxy: str) -> tuple[Operator, Account]:
    operator, account = await furnish(hub, sandbox.cookies(), proxy=proxy)
    return operator, account


async def wait_state(hub: Hub, account: Account, state: AccountState) -> Account:
    await wait_account(hub, account, lambda a: a.state is state)
    found = await hub.store.read(lambda tx: tx.accounts.get(account.shop, account.id))
    assert found is not None
    return found


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks4"])
async def test_messages_calls_and_logins_of_an_account_all_leave_through_its_proxy(
    tmp_path: Path, scheme: str
) -> None:
    async with fake_proxy(scheme) as proxy, far_away(tmp_path) as (hub, sandbox):
        operator, account = await with_proxy(hub, sandbox, proxy.url)
        await wait_state(hub, account, AccountState.ONLINE)
        stage = Stage(hub, sandbox, operator, account)
        await stage.buyer_says("在吗")
        await stage.wait_for_answer(GREETING)
        await scan(hub, sandbox, operator, account)

        kinds = {one.kind for one in sandbox.recorder.seen}
        assert {"im", "mtop", "passport"} <= kinds
        assert {host for host, _ in proxy.passed} == {FAR}


async def scan(hub: Hub, sandbox: Sandbox, operator: Operator, account: Account | None) -> str:
    """A QR login from its code to its end; returns its last words."""
    logins = hub.desk.logins
    view = await logins.start(operator, account.id if account is not None else None)
    assert view.step is LoginStep.WAITING, view.words
    for act in ("scan", "confirm"):
        sandbox.passport.act("latest", act, DEMO_SELLER)

    async def over() -> bool:
        return not logins.state(operator, view.id).pending

    await wait_until(over, SECONDS)
    return logins.state(operator, view.id).words


async def test_a_new_account_is_scanned_through_its_proxy_and_keeps_it(tmp_path: Path) -> None:
    async with fake_proxy("socks5", ("me", "p:w")) as proxy, far_away(tmp_path) as (hub, sandbox):
        founded = await hub.desk.members.found_shop(name="店主", password="a long password")
        operator = founded.login.operator
        url = proxy.url.replace("://", "://me:p%3Aw@")
        view = await hub.desk.logins.start(operator, name="二店", proxy=url)
        assert view.step is LoginStep.WAITING, view.words
        for act in ("scan", "confirm"):
            sandbox.passport.act("latest", act, DEMO_SELLER)

        async def added() -> bool:
            return bool(await hub.desk.accounts.all(operator))

        await wait_until(added, SECONDS)
        (account,) = await hub.desk.accounts.all(operator)
        await wait_state(hub, account, AccountState.ONLINE)
        shown = await hub.desk.accounts.proxy(operator, account.id)
        assert shown == url.replace("me:p%3Aw@", "***@")


async def test_another_proxy_counts_at_once_and_costs_no_token(tmp_path: Path) -> None:
    """A line that waits for an hour is woken by it; a line that stands is dialled anew."""
    async with (
        fake_proxy("http") as first,
        fake_proxy("socks5") as second,
        far_away(tmp_path, reconnect_first_seconds=3600, reconnect_most_seconds=3600) as (
            hub,
            sandbox,
        ),
    ):
        operator, account = await with_proxy(hub, sandbox, "")
        lost = await wait_state(hub, account, AccountState.WAITING)
        assert "代理" not in lost.state_reason

        for number, proxy in enumerate((first, second), 2):
            await hub.desk.accounts.set_proxy(operator, account.id, proxy.url)
            await until_line_leaves_through(proxy)
            online = await wait_state(hub, account, AccountState.ONLINE)
            assert (online.starts, online.logins) == (number, 1)
        tokens = [c for c in sandbox.mtop.calls if c.api == TOKEN_API and "SUCC" in c.ret]
        assert len(tokens) == 1


async def until_line_leaves_through(proxy: FakeProxy) -> None:
    async def passed() -> bool:
        return bool(proxy.passed)

    await wait_until(passed, SECONDS)


async def test_a_dead_proxy_is_named_as_the_reason_and_its_password_nowhere(
    tmp_path: Path,
) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(str(line)), level="DEBUG")
    try:
        async with (
            fake_proxy("http", ("me", "right")) as proxy,
            far_away(tmp_path) as (hub, sandbox),
        ):
            operator, account = await with_proxy(hub, sandbox, DEAD)
            wrong = proxy.url.replace("://", "://me:SECRET@")
            for number, url in enumerate((DEAD, wrong)):
                await hub.desk.accounts.set_proxy(operator, account.id, url)
                await wait_account(
                    hub,
                    account,
                    lambda a: (
                        a.starts == 1 + number  # noqa: B023 - awaited before the next one
                        and a.state is AccountState.WAITING
                        and a.state_reason.startswith("代理没有接通")
                    ),
                )
            view = await hub.desk.logins.start(operator, account.id)
            assert (view.step, view.words[:6]) == (LoginStep.FAILED, "代理没有接通")
            audited = await hub.desk.system.audit(operator, 50)
            seen = [json.dumps([one.action, one.target, one.detail]) for one in audited]
        assert "account.proxy" in "".join(seen)
        assert not sandbox.recorder.seen
    finally:
        logger.remove(sink)
    assert "SECRET" not in "".join(lines + seen)
