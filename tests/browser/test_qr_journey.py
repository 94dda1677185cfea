"""A seller logs in with a phone in front of the QR code, and the account is online."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hub.app import Hub, open_hub
from hub.desk import Door, Operator
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import SECONDS, furnish, settings_for

PASSWORD = "a long password"
PHONE = {"width": 390, "height": 844}
OTHER = "2200999988887"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        sandbox.world.add_seller("隔壁小铺", OTHER)
        yield sandbox


@pytest.fixture
async def hub(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Hub]:
    async with open_hub(settings_for(sandbox, tmp_path)) as hub:
        yield hub


@pytest.fixture
async def owner(hub: Hub) -> Operator:
    founded = await hub.desk.members.found_shop(name="店主", password=PASSWORD)
    return Operator(founded.login.operator.member, Door.CLI)


async def _context(browser: Browser, hub: Hub, **options: object) -> BrowserContext:
    context = await browser.new_context(base_url=f"http://127.0.0.1:{hub.port}", **options)  # type: ignore[arg-type]
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    return context


async def _log_in(page: Page) -> None:
    await page.goto("/login")
    await page.get_by_label("名字").fill("店主")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("heading", name="概览")).to_be_visible()


async def test_scan_confirm_online_without_a_reload(
    browser: Browser, hub: Hub, sandbox: Sandbox, owner: Operator
) -> None:
    page = await (await _context(browser, hub)).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await _log_in(page)
    await page.get_by_role("link", name="账号", exact=True).click()
    await page.get_by_role("link", name="扫码添加账号").click()
    await page.get_by_label("账号名字").fill("数码小店")
    await page.get_by_role("button", name="获取二维码").click()

    code = page.get_by_role("img", name="登录二维码")
    await expect(code).to_be_visible()
    assert await code.evaluate("image => image.naturalWidth > 20")
    timer = page.get_by_role("timer")
    before = await timer.text_content()
    await expect(timer).not_to_have_text(before or "")

    loaded = await page.evaluate("performance.timeOrigin")
    sandbox.passport.act("latest", "scan", DEMO_SELLER)
    await expect(page.get_by_text("请在手机上点“确认登录”")).to_be_visible()
    sandbox.passport.act("latest", "confirm")
    await expect(page.get_by_text("账号「数码小店」已添加")).to_be_visible()
    assert await page.evaluate("performance.timeOrigin") == loaded

    await page.get_by_role("link", name="查看账号").click()
    await expect(page.get_by_role("heading", name="数码小店")).to_be_visible()
    await expect(page.locator(".chip", has_text="在线")).to_be_visible()
    assert not complaints


async def test_renewing_with_another_sellers_phone_is_refused(
    browser: Browser, hub: Hub, sandbox: Sandbox
) -> None:
    _, account = await furnish(hub, sandbox.cookies())
    page = await (await _context(browser, hub, viewport=PHONE)).new_page()
    await _log_in(page)
    await page.goto(f"/accounts/{account.id}")
    await page.get_by_role("button", name="扫码更新登录").click()
    await expect(page.get_by_text("闲鱼就装在这部手机上？")).to_be_visible()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="保存二维码图片").click()
    assert (await download.value).suggested_filename == "yuqiao-login.png"

    sandbox.passport.act("latest", "scan", OTHER)
    sandbox.passport.act("latest", "confirm")
    refusal = page.get_by_text("没有更新")
    await expect(refusal).to_contain_text(OTHER)
    await expect(refusal).to_contain_text(DEMO_SELLER)
    await expect(page.get_by_role("button", name="重新开始")).to_be_visible()


async def test_without_scripts_the_page_reloads_itself(
    browser: Browser, hub: Hub, sandbox: Sandbox, owner: Operator
) -> None:
    context = await _context(browser, hub, java_script_enabled=False)
    page = await context.new_page()
    await _log_in(page)
    await page.goto("/accounts/scan")
    await page.get_by_role("button", name="获取二维码").click()
    await expect(page.get_by_role("img", name="登录二维码")).to_be_visible()
    sandbox.passport.act("latest", "expire")
    await page.get_by_role("button", name="重新获取二维码").click()
    await expect(page.get_by_role("img", name="登录二维码")).to_be_visible()
    sandbox.passport.act("latest", "verify", DEMO_SELLER)
    await expect(page.get_by_role("link", name="打开验证页面")).to_be_visible()
    sandbox.passport.act("latest", "pass")
    await expect(page.get_by_text("已添加")).to_be_visible()
