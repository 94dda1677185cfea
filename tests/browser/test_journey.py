"""The first minutes of a seller: set a password, add the account, see a message, answer it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from hub.app import Hub, open_hub
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER, Conversation
from tests.e2e.stage import SECONDS, settings_for

NAME = "老板"
PASSWORD = "correct horse"
BUYER = "3100444455556"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        yield sandbox


@pytest.fixture
async def hub(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Hub]:
    async with open_hub(settings_for(sandbox, tmp_path)) as hub:
        yield hub


@pytest.fixture
async def page(browser: Browser, hub: Hub) -> Page:
    context = await browser.new_context(base_url=f"http://127.0.0.1:{hub.port}")
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    return await context.new_page()


@pytest.fixture
def talk(sandbox: Sandbox) -> Conversation:
    return sandbox.world.conversation_of(DEMO_SELLER, BUYER)


async def test_from_first_run_to_an_answered_buyer(
    page: Page, sandbox: Sandbox, talk: Conversation
) -> None:
    await _first_run(page)
    await _add_account(page, sandbox)

    await page.get_by_role("link", name="会话", exact=True).click()
    await sandbox.stage.say(talk, [{"text": "还在吗？"}])
    await page.locator(".talk", has_text="还在吗？").click()

    await sandbox.stage.say(talk, [{"text": "能便宜点吗"}])
    await expect(page.locator(".bubble", has_text="能便宜点吗")).to_be_visible()

    box = page.get_by_label("回复")
    await box.fill("在的\n可以小刀")
    await box.press("Control+Enter")
    mine = page.locator(".bubble-line.ours", has_text="可以小刀")
    await expect(mine.locator(".state")).to_have_text("已送达")
    await expect(page.get_by_text("人工接待中")).to_be_visible()
    (answer,) = [one for one in talk.messages if one.own]
    assert answer.summary == "在的\n可以小刀"

    await sandbox.stage.read(talk, [answer.stamp.id])
    await expect(mine.locator(".state")).to_have_text("已读")


async def test_who_logs_out_comes_back_with_name_and_password(page: Page) -> None:
    await _first_run(page)
    await page.get_by_role("button", name="退出").click()
    await expect(page).to_have_url("/login")
    await page.goto("/rules")
    await page.get_by_label("名字").fill(NAME)
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()
    await expect(page).to_have_url("/rules")


async def _first_run(page: Page) -> None:
    await page.goto("/")
    await expect(page).to_have_url("/first-run")
    await page.get_by_label("名字").fill(NAME)
    await page.get_by_label("密码", exact=True).fill(PASSWORD)
    await page.get_by_label("再输一次密码").fill(PASSWORD)
    await page.get_by_label("你的 QQ 号").fill("10002")
    await page.get_by_role("button", name="开始使用").click()
    await expect(page.get_by_role("heading", name="接下来")).to_be_visible()


async def _add_account(page: Page, sandbox: Sandbox) -> None:
    await page.get_by_role("link", name="粘贴 Cookie").click()
    await page.get_by_label("账号名字").fill("演示店")
    await page.get_by_label("闲鱼 Cookie").fill(sandbox.cookies(DEMO_SELLER))
    await page.get_by_role("button", name="添加并连接").click()
    await expect(page.get_by_role("heading", name="演示店")).to_be_visible()
    await expect(page.locator(".chip", has_text="在线")).to_be_visible()
