"""What `make demo` promises: a buyer's phone, the operator's QQ, and the admin beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from hub.demo import GREETING, OWNER, Demo, open_demo
from tests.e2e.stage import SECONDS

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with open_demo(port=0) as demo:
        yield demo


async def open_page(browser: Browser, demo: Demo, size: dict[str, int]) -> Page:
    context = await browser.new_context(viewport=size)  # type: ignore[arg-type]
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    page = await context.new_page()
    await page.goto(demo.playground_url)
    await expect(page.get_by_text("鱼桥已连上闲鱼")).to_be_visible()
    await expect(page.get_by_text("QQ 已连接")).to_be_visible()
    return page


@pytest.fixture
async def page(browser: Browser, demo: Demo) -> Page:
    return await open_page(browser, demo, DESKTOP)


def buyer_sees(page: Page) -> Locator:
    return page.locator("#buyer-chat .line:not(.own) .bubble")


def qq_shows(page: Page, part: str) -> Locator:
    return page.locator("#qq-chat .line:not(.own) .bubble", has_text=part)


async def buyer_says(page: Page, text: str) -> None:
    await page.get_by_label("以买家身份说").fill(text)
    await page.get_by_label("以买家身份说").press("Enter")


async def operator_writes(page: Page, text: str, quoting: Locator | None = None) -> None:
    if quoting is not None:
        await quoting.click()
        await expect(page.locator("#quote-bar")).to_be_visible()
    await page.get_by_label("以客服身份写给机器人").fill(text)
    await page.get_by_label("以客服身份写给机器人").press("Enter")
    await expect(page.locator("#qq-text")).to_have_value("")


async def test_from_a_buyers_word_to_the_quoted_answer_on_his_phone(page: Page) -> None:
    await buyer_says(page, "键帽还有备用的吗？")
    notice = qq_shows(page, "键帽还有备用的吗？").first
    await expect(notice).to_contain_text("买家小林")
    await expect(notice).to_contain_text("#a1")

    await operator_writes(page, "有的，送一套", notice)

    await expect(buyer_sees(page).filter(has_text="有的，送一套")).to_be_visible()
    await expect(qq_shows(page, "✓ 已送达 买家小林")).to_be_visible()


async def test_the_greeting_of_the_demo_shop_is_answered_at_once(page: Page) -> None:
    await page.get_by_role("button", name="在吗").click()
    await expect(buyer_sees(page)).to_have_text(GREETING)
    await expect(qq_shows(page, "↪ 自动回复")).to_be_visible()


async def test_pausing_by_quote_says_so_silences_and_is_undone(page: Page) -> None:
    await buyer_says(page, "你好")
    notice = qq_shows(page, "你好").first
    await operator_writes(page, "/暂停", notice)
    await expect(qq_shows(page, "已暂停「买家小林」的自动回复")).to_be_visible()

    await buyer_says(page, "在吗")
    await expect(qq_shows(page, "⏸ 这个会话的自动回复已暂停")).to_be_visible()
    await expect(buyer_sees(page)).to_have_count(0)

    await operator_writes(page, "/恢复", notice)
    await expect(qq_shows(page, "▶ 已恢复「买家小林」的自动回复")).to_be_visible()
    await buyer_says(page, "在吗？")
    await expect(buyer_sees(page)).to_have_text(GREETING)


async def test_pausing_in_general_is_one_tap_and_resuming_too(page: Page) -> None:
    await page.get_by_role("button", name="/暂停", exact=True).click()
    await expect(qq_shows(page, "已暂停整个店铺的自动回复")).to_be_visible()
    await page.get_by_role("button", name="/状态", exact=True).click()
    await expect(qq_shows(page, "账号 1/1 在线")).to_contain_text("整个店铺")
    await page.get_by_role("button", name="/恢复", exact=True).click()
    await expect(qq_shows(page, "已恢复整个店铺的自动回复")).to_be_visible()


async def test_on_a_phone_the_two_sides_are_two_tabs(browser: Browser, demo: Demo) -> None:
    page = await open_page(browser, demo, PHONE)
    await buyer_says(page, "你好")
    await page.get_by_role("button", name="客服的 QQ").click()
    await operator_writes(page, "在的", qq_shows(page, "你好").first)
    await page.get_by_role("button", name="买家的手机").click()
    await expect(buyer_sees(page)).to_have_text("在的")
    wider = "document.documentElement.scrollWidth > innerWidth"
    assert not await page.evaluate(wider)


async def test_the_admin_opens_with_the_printed_password(page: Page, demo: Demo) -> None:
    assert await page.get_by_role("link", name="打开鱼桥后台").get_attribute("href") == (
        demo.admin_url
    )
    await page.goto(demo.admin_url)
    await page.get_by_label("名字").fill(OWNER)
    await page.get_by_label("密码").fill(demo.password)
    await page.get_by_role("button", name="登录").click()
    await expect(page.locator(".chip", has_text="在线")).to_be_visible()


async def test_what_people_write_is_never_markup(page: Page) -> None:
    """In either phone: a page that shows what strangers typed must not run it."""
    evil = "<img src=x onerror=\"document.title='owned'\"><b>粗</b>"
    await buyer_says(page, evil)
    await expect(qq_shows(page, evil).first).to_be_visible()  # a draft of AI quotes it, too
    await expect(page.locator("#buyer-chat .own .bubble")).to_have_text(evil)
    assert await page.title() != "owned"


async def test_a_draft_of_ai_goes_to_the_phone_once_the_operator_says_yes(page: Page) -> None:
    await buyer_says(page, "这个多少钱")
    draft = qq_shows(page, "AI 草稿")
    await expect(draft).to_be_visible()
    await expect(buyer_sees(page)).to_have_count(0)
    await operator_writes(page, "好", quoting=draft)
    await expect(buyer_sees(page).last).to_contain_text("12.8")
