"""What a login is worth: cookies change all the time, settings do not; and neither goes astray."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from hub.app import open_hub
from hub.desk import LoginStep
from hub.errors import PeerError, Rejected
from hub.model import AccountState
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.faults import EVERYBODY
from hub.sandbox.recorder import Seen
from hub.sandbox.world import DEMO_SELLER
from hub.xianyu import Client, CookieJar, Endpoints, open_http
from tests.e2e.stage import GREETING, TOKEN, Stage, furnish, open_stage, settings_for
from tests.waiting import wait_until

PATIENCE = 60.0
ORDERS = "mtop.taobao.idle.trade.sold.get"
PAGES = ("/im",)
"""Pages of the platform that a QR login opens at the site which the passport belongs to."""


# --- L46 ----------------------------------------------------------------------------------------


def account_row(folder: Path) -> Mapping[str, Any]:
    """Every column of the only account, as it lies in the file."""
    with closing(sqlite3.connect(f"file:{folder / 'hub.db'}?mode=ro", uri=True)) as opened:
        opened.row_factory = sqlite3.Row
        (row,) = opened.execute("SELECT * FROM accounts").fetchall()
        return dict(row)


@pytest.mark.timeout(240)
async def test_settings_survive_a_hundred_changes_of_cookies(tmp_path: Path) -> None:
    """L46: each of the platform's answers brings a new pair, and only the cookies change."""
    async with open_stage(tmp_path, compare_minutes=0.001) as stage:
        shop, account = stage.operator.shop, stage.account.id
        await stage.hub.desk.accounts.configure(
            stage.operator, account, name="改过名的店", takeover_minutes=37
        )
        await stage.until(lambda: _asked(stage.sandbox) > 1, "the lists of orders to be read")
        before = account_row(tmp_path)
        pasted = await stage.read(lambda tx: tx.accounts.cookies(shop, account))

        for _ in range(34):
            # Three answers in a row that bring new pairs; a fourth would be believed.
            stage.sandbox.faults.add(DEMO_SELLER, "mtop_token_expired", times=3, subject=ORDERS)
            await stage.until(lambda: stage.sandbox.faults.listed() == {}, "three new pairs")
            asked = _asked(stage.sandbox)
            await stage.until(lambda asked=asked: _asked(stage.sandbox) > asked, "an answer")

        after = account_row(tmp_path)
        merged = await stage.read(lambda tx: tx.accounts.cookies(shop, account))
        assert sum("EXOIRED" in made.ret for made in stage.sandbox.mtop.calls) > 100
        assert merged != pasted
        assert {name for name in before if before[name] != after[name]} == {"cookies"}
        assert (after["name"], after["takeover_minutes"]) == ("改过名的店", 37)
        assert (after["enabled"], after["state"]) == (1, AccountState.ONLINE)


def _asked(sandbox: Sandbox) -> int:
    return sum(made.api == ORDERS for made in sandbox.mtop.calls)


# --- L14 ----------------------------------------------------------------------------------------


def png() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (12, 12), "red").save(out, "PNG")
    return out.getvalue()


def endpoints_of(sandbox: Sandbox) -> Endpoints:
    urls = sandbox.urls
    return Endpoints(urls["ws_url"], urls["mtop_url"], urls["passport_url"], urls["upload_url"])


async def people_talk(stage: Stage, elsewhere: str) -> None:
    """A question and its answer, pictures of the platform and of strangers, an operator's word."""
    sandbox = stage.sandbox
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    picture = sandbox.pictures.url(sandbox.pictures.add(png()))
    for url in (picture, elsewhere):
        await sandbox.stage.say(stage.conversation(), [{"image": url}])
    await stage.buyer_says(f"看看 {elsewhere}")
    notice = await stage.wait_for_notice("看看")
    await stage.operator_writes("稍等", quote=notice)
    await stage.wait_for_answer("稍等")


async def an_order_is_paid(stage: Stage) -> None:
    order = await stage.sandbox.trade.place(stage.conversation())
    await stage.sandbox.trade.step(order, "pay", told="nothing")
    await stage.wait_for_notice("买家已付款，等待发货")


async def the_line_is_cut(stage: Stage) -> None:
    line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
    line.abort()
    await stage.until(
        lambda: any(one.id != line.id for one in stage.sandbox.lines.of(DEMO_SELLER)), "another"
    )
    await stage.wait_state(AccountState.ONLINE)


async def the_login_is_renewed_by_a_code(stage: Stage) -> None:
    """Confirmed at once, and then after the platform has checked the person."""
    logins, operator = stage.hub.desk.logins, stage.operator
    for acts in (("scan", "confirm"), ("scan", "verify", "pass")):
        view = await logins.start(operator, account=stage.account.id)

        async def there(step: LoginStep, id_: str = view.id) -> bool:
            return logins.state(operator, id_).step is step

        for act in acts:
            stage.sandbox.passport.act("latest", act, DEMO_SELLER)
            if act == "verify":
                await wait_until(partial(there, LoginStep.VERIFICATION), PATIENCE)
        await wait_until(partial(there, LoginStep.DONE), PATIENCE)
        await stage.wait_state(AccountState.ONLINE)


async def the_rest_of_the_wire(stage: Stage, elsewhere: str) -> None:
    """What a client can ask of the platform, with the account's own cookies."""
    sandbox, account = stage.sandbox, stage.account
    cookies = await stage.read(lambda tx: tx.accounts.cookies(account.shop, account.id))

    async def keep(_: str) -> None: ...

    async with open_http() as http:
        client = Client(http, endpoints_of(sandbox), CookieJar.parse(cookies), on_cookies=keep)
        uploaded = await client.upload(png())
        await client.download(uploaded.url)
        with pytest.raises(Rejected):
            await client.download(elsewhere)
        sandbox.faults.add(EVERYBODY, "picture_moved", reason=elsewhere)
        with pytest.raises(Rejected):
            await client.download(uploaded.url)
        await client.login_user()
        await client.has_login()
        await client.silent_has_login()
        await client.keep_logged_in()
        order = sandbox.orders.of_seller(DEMO_SELLER)[0]
        await client.items()
        await client.item(order.item)
        await client.order(order.id)
        await client.ship(order.id)
        for refused in (client.rate(order.id, "好"), client.unshipped_orders(pro=True)):
            with pytest.raises(PeerError):
                await refused


def carries(seen: Seen, secrets: set[str]) -> bool:
    """Whether a request shows a cookie's value anywhere but in its body."""
    shown = seen.path + "".join(value for _, value in seen.headers)
    return any(secret in shown for secret in secrets)


async def test_no_cookie_of_xianyu_leaves_for_another_host(tmp_path: Path) -> None:
    """L14: a whole life of an account against origins that lie apart, every request on record."""
    options = SandboxOptions(
        list_quiet_seconds=0, onebot_reconnect_seconds=0.05, origins_apart=True
    )
    async with (
        start_sandbox(options) as sandbox,
        open_hub(settings_for(sandbox, tmp_path, compare_minutes=0.02)) as hub,
    ):
        elsewhere = f"{sandbox.urls['elsewhere_url']}/picture.jpg"
        operator, account = await furnish(hub, sandbox.cookies())
        stage = Stage(hub, sandbox, operator, account)
        await stage.wait_state(AccountState.ONLINE)
        sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
        await sandbox.qq.wait_online(PATIENCE)
        await people_talk(stage, elsewhere)
        await an_order_is_paid(stage)
        await the_line_is_cut(stage)
        await the_login_is_renewed_by_a_code(stage)
        await the_rest_of_the_wire(stage, elsewhere)
        secrets = await secrets_of(stage)

    origins, seen = sandbox.origins, list(sandbox.recorder.seen)
    allowed = {
        ("mtop", origins["mtop"]),
        ("passport", origins["passport"]),
        ("upload", origins["upload"]),
    }
    assert {(one.kind, one.origin) for one in seen if one.header("Cookie")} == allowed
    assert {one.kind for one in seen} == {"im", "mtop", "passport", "upload", "picture"}
    assert not [one for one in seen if one.origin == origins["elsewhere"]]
    astray = [one for one in seen if one.kind in ("im", "picture") and carries(one, secrets)]
    assert astray == []
    pages = [one for one in seen if one.path.partition("?")[0] in PAGES]
    assert {one.origin for one in pages} == {origins["passport"]}


async def secrets_of(stage: Stage) -> set[str]:
    """The values by which the account is logged in, of the pasted cookies and the newest ones."""
    account = stage.account
    text = await stage.read(lambda tx: tx.accounts.cookies(account.shop, account.id))
    jars = (CookieJar.parse(text), CookieJar.parse(stage.sandbox.cookies()))
    names = ("cookie2", "sgcookie", "_m_h5_tk", "_tb_token_", "havana_lgc2_77", "csg", "t")
    return {value for jar in jars for name in names if (value := jar.get(name))}
