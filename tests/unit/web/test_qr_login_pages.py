"""The pages of a QR login, with the sandbox's passport and phone behind them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from web_stage import Stage, Visitor, open_stage, visiting

from hub.desk import Operator
from hub.model import Role
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from hub.settings import Settings, XianyuSettings
from tests.fake_proxy import fake_proxy
from tests.waiting import wait_until

SECONDS = 30.0
OTHER = "2200999988887"


@dataclass
class Phone:
    sandbox: Sandbox

    def does(self, *acts: str, seller: str = DEMO_SELLER) -> None:
        for act in acts:
            self.sandbox.passport.act("latest", act, seller)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions()) as sandbox:
        sandbox.world.add_seller("隔壁小铺", OTHER)
        yield sandbox


@pytest.fixture
def phone(sandbox: Sandbox) -> Phone:
    return Phone(sandbox)


@pytest.fixture
async def stage(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    urls = ("ws_url", "mtop_url", "passport_url", "upload_url")
    settings = Settings(
        xianyu=XianyuSettings(**{key: sandbox.urls[key] for key in urls}, answer_seconds=2)
    )
    async with open_stage(tmp_path, settings=settings) as stage, asyncio.TaskGroup() as tasks:
        monkeypatch.setattr(stage.desk.logins, "_poll_seconds", 0.01)
        running = tasks.create_task(stage.desk.logins.run())
        yield stage
        running.cancel()


async def _begin(boss: Visitor, **fields: str) -> str:
    """Path of the page of a fresh attempt."""
    page = await boss.submit("/accounts/scan", **fields)
    assert re.fullmatch(r"/accounts/scan/[\w-]{16}", page.leads_to), page.text
    return page.leads_to


async def _until(boss: Visitor, path: str, words: str) -> str:
    async def shown() -> bool:
        return words in (await boss.get(f"{path}?part=1")).text

    await wait_until(shown, SECONDS)
    return (await boss.get(f"{path}?part=1")).text


async def test_from_the_picture_to_the_account(
    stage: Stage, owner: Operator, boss: Visitor, phone: Phone
) -> None:
    assert 'href="/accounts/scan"' in (await boss.get("/accounts")).text
    path = await _begin(boss, name="数码小店")
    page = await boss.get(path)
    assert "请用闲鱼 App 扫码" in page.text
    assert "4 分" in page.text or "5 分 0 秒" in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text

    phone.does("scan")
    scanned = await _until(boss, path, "已扫码")
    assert "code.svg" not in scanned
    assert "<html" not in scanned
    phone.does("confirm")
    done = await _until(boss, path, "已添加")

    (account,) = await stage.desk.accounts.all(owner)
    assert f'href="/accounts/{account.id}"' in done
    assert "取消" not in done
    assert "refresh" not in (await boss.get(path)).text
    assert "发起扫码登录" in (await boss.get("/audit")).text


async def test_the_picture_is_drawn_here_and_ends_with_its_code(
    boss: Visitor, phone: Phone
) -> None:
    path = await _begin(boss)
    svg = await boss.get(f"{path}/code.svg")
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert svg.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in svg.headers["Content-Security-Policy"]
    assert svg.text.startswith("<?xml")
    async with boss.http.get(f"{boss.url}{path}/code.png") as response:
        assert (await response.read()).startswith(b"\x89PNG")

    phone.does("expire")
    await _until(boss, path, "已过期")
    assert (await boss.get(f"{path}/code.svg")).status == 404


async def test_an_expired_code_is_replaced_once_then_started_anew(
    boss: Visitor, phone: Phone
) -> None:
    path = await _begin(boss, name="数码小店")
    phone.does("expire")
    assert "重新获取二维码" in await _until(boss, path, "已过期")
    page = await boss.submit(f"{path}/retry", on=path)
    assert page.leads_to == path
    assert "code.svg?n=2" in await _until(boss, path, "请用闲鱼 App 扫码")
    phone.does("expire")
    over = await _until(boss, path, "又过期了")
    assert "重新获取二维码" not in over
    assert "重新开始" in over
    page = await boss.submit("/accounts/scan", on=path, name="数码小店")
    assert page.leads_to not in ("", path)


async def test_an_account_is_renewed_from_its_own_page(
    stage: Stage, owner: Operator, boss: Visitor, phone: Phone
) -> None:
    account = await stage.account(owner)
    where = f"/accounts/{account.id}"
    page = await boss.submit(f"{where}/scan", on=where)
    again = await boss.submit(f"{where}/scan", on=where)
    assert again.leads_to == page.leads_to
    phone.does("scan", "confirm")
    await _until(boss, page.leads_to, "登录已更新")

    (renewed,) = await stage.desk.accounts.all(owner)
    assert (renewed.name, renewed.logins) == (account.name, account.logins + 1)


async def test_another_seller_is_refused_with_both_ids(
    stage: Stage, owner: Operator, boss: Visitor, phone: Phone
) -> None:
    account = await stage.account(owner)
    where = f"/accounts/{account.id}"
    page = await boss.submit(f"{where}/scan", on=where)
    phone.does("scan", "confirm", seller=OTHER)
    refused = await _until(boss, page.leads_to, "没有更新")
    assert OTHER in refused
    assert DEMO_SELLER in refused
    assert f'action="{where}/scan"' in refused


async def test_a_check_is_a_link_and_goes_on_by_itself_when_passed(
    boss: Visitor, phone: Phone
) -> None:
    path = await _begin(boss)
    phone.does("scan", "verify")
    asked = await _until(boss, path, "打开验证页面")
    link = re.search(r'<a [^>]*href="([^"]*identity_verify[^"]*)"[^>]*>', asked)
    assert link is not None
    assert 'target="_blank" rel="noopener noreferrer"' in link[0]
    phone.does("pass")
    await _until(boss, path, "已添加")


async def test_a_cancelled_attempt_says_that_nothing_changed(boss: Visitor) -> None:
    path = await _begin(boss)
    page = await boss.submit(f"{path}/cancel", on=path)
    assert page.leads_to == path
    assert "没有任何改动" in (await boss.get(path)).text


async def test_too_many_codes_are_refused_beside_the_ones_that_wait(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    account = await stage.account(owner)
    paths = [await _begin(boss) for _ in range(3)]
    page = await boss.submit("/accounts/scan", name="第四个")
    assert page.status == 400
    assert page.value("name") == "第四个"
    where = f"/accounts/{account.id}"
    for refused in (page, await boss.submit(f"{where}/scan", on=where)):
        assert "请先完成或取消" in refused.text
        for path in paths:
            assert f'href="{path}"' in refused.text


async def test_a_name_that_is_taken_is_told_at_once(
    stage: Stage, owner: Operator, boss: Visitor, sandbox: Sandbox
) -> None:
    await stage.account(owner, "数码小店")
    page = await boss.submit("/accounts/scan", name="数码小店")
    assert page.status == 400
    assert 'id="name-error"' in page.text
    assert sandbox.passport.codes == {}


async def test_a_page_that_outlived_its_attempt_shows_no_dead_picture(boss: Visitor) -> None:
    gone = "/accounts/scan/" + "x" * 16
    assert (await boss.get(gone)).status == 404
    part = await boss.get(f"{gone}?part=1")
    assert part.status == 200
    assert "重新开始" in part.text
    assert (await boss.get(f"{gone}/code.svg")).status == 404


@pytest.mark.parametrize("role", [Role.AGENT, Role.VIEWER])
async def test_only_owners_see_and_touch_it(
    stage: Stage, owner: Operator, boss: Visitor, role: Role
) -> None:
    account = await stage.account(owner)
    path = await _begin(boss)
    await stage.member(owner, "小吴", role)
    async with visiting(stage) as other:
        await other.log_in("小吴")
        assert "/scan" not in (await other.get("/accounts")).text
        assert "/scan" not in (await other.get(f"/accounts/{account.id}")).text
        for address in (
            "/accounts/scan",
            path,
            f"{path}?part=1",
            f"{path}/code.svg",
            f"{path}/code.png",
        ):
            assert (await other.get(address)).status == 403, address
        csrf = (await other.get("/")).csrf
        for address in (
            "/accounts/scan",
            f"/accounts/{account.id}/scan",
            f"{path}/cancel",
            f"{path}/retry",
        ):
            assert (await other.post(address, csrf=csrf)).status == 403, address
    assert "请用闲鱼 App 扫码" in (await boss.get(path)).text


async def test_a_proxy_that_is_none_is_refused_before_a_code_is_asked_for(
    stage: Stage, boss: Visitor, sandbox: Sandbox
) -> None:
    page = await boss.submit("/accounts/scan", name="二店", proxy="nonsense SECRET")
    assert page.status == 400
    assert 'id="proxy-error"' in page.text
    assert "SECRET" not in page.text
    assert page.value("name") == "二店"
    assert not sandbox.recorder.seen


async def test_a_new_account_is_scanned_through_the_proxy_of_the_form(
    stage: Stage, boss: Visitor
) -> None:
    async with fake_proxy("socks5") as proxy:
        page = await boss.submit("/accounts/scan", name="二店", proxy=proxy.url)
        assert page.leads_to.startswith("/accounts/scan/")
        assert proxy.passed


async def test_a_dead_proxy_is_named_on_the_page(stage: Stage, boss: Visitor) -> None:
    page = await boss.submit("/accounts/scan", proxy="http://me:SECRET@127.0.0.1:1")
    shown = await boss.get(page.leads_to)
    assert "代理没有接通" in shown.text
    assert "SECRET" not in shown.text
