"""Deliveries in a real browser: from the buyer's tap to the card on his phone, and what the shop
decides in between."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from hub.demo import OWNER, POOL, Demo, open_demo
from tests.e2e.stage import SECONDS

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with open_demo(port=0) as demo:
        yield demo


async def new_page(browser: Browser, size: dict[str, int], **more: str) -> Page:
    context = await browser.new_context(viewport=size, **more)  # type: ignore[arg-type]
    context.set_default_timeout(SECONDS * 1000)
    expect.set_options(timeout=SECONDS * 1000)
    return await context.new_page()


async def playground(browser: Browser, demo: Demo) -> Page:
    page = await new_page(browser, DESKTOP)
    await page.goto(demo.playground_url)
    await expect(page.get_by_text("鱼桥已连上闲鱼")).to_be_visible()
    await expect(page.get_by_text("QQ 已连接")).to_be_visible()
    return page


async def admin(browser: Browser, demo: Demo, size: dict[str, int]) -> Page:
    page = await new_page(browser, size, base_url=demo.admin_url)
    await page.goto("/login")
    await page.get_by_label("名字").fill(OWNER)
    await page.get_by_label("密码").fill(demo.password)
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("heading", name="概览")).to_be_visible()
    return page


async def buy(page: Page, item: str) -> None:
    await page.locator("#conversation").select_option(label=item)
    await page.get_by_role("button", name="拍下", exact=True).click()
    await page.get_by_role("button", name="付款", exact=True).click()


async def test_ordered_paid_and_the_card_is_on_the_buyers_phone(
    browser: Browser, demo: Demo
) -> None:
    page = await playground(browser, demo)
    await page.get_by_role("button", name="拍下", exact=True).click()
    await page.get_by_role("button", name="付款", exact=True).click()
    card = page.locator("#buyer-chat .line:not(.own) .bubble", has_text="DEMO-")
    await expect(card).to_contain_text("买家小林你好，这是你的卡密")
    await expect(page.locator("#deal-words")).to_contain_text("卖家已发货")
    told = page.locator("#qq-chat .bubble", has_text="✅ 已自动发货 1 份「月卡」")
    await expect(told).to_be_visible()
    await expect(told).not_to_contain_text("DEMO-")


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_what_has_no_stock_is_restocked_and_delivered(
    browser: Browser, demo: Demo, size: dict[str, int]
) -> None:
    buyer = await playground(browser, demo)
    shop = await admin(browser, demo, size)
    await shop.goto("/stock/new")
    await shop.get_by_label("名字").fill("咖啡券")
    await (
        shop.get_by_role("button", name="添加")
        .or_(shop.get_by_role("button", name="保存"))
        .first.click()
    )
    await expect(shop.get_by_text("卡池已添加")).to_be_visible()
    restock = shop.url
    await shop.goto("/delivery-rules/new")
    await shop.get_by_label("其他商品的编号或链接").fill("880011223346")
    await shop.get_by_label("从哪个卡池发").select_option(label="咖啡券（剩 0）")
    await shop.get_by_role("button", name="保存").click()
    await expect(shop.get_by_text("付款后马上发「咖啡券」")).to_be_visible()
    await shop.goto("/needs")
    await expect(shop.get_by_text("没有待处理的事")).to_be_visible()

    await buy(buyer, "买家小林 · 手冲咖啡壶 九成新")

    # Both come without a reload: the line of the need and the number in the navigation.
    await expect(shop.get_by_text("卡池「咖啡券」要 1 张，只剩 0 张")).to_be_visible()
    await expect(shop.locator("nav .badge")).to_have_text("1")
    await shop.get_by_role("button", name="发货", exact=True).click()
    await expect(shop.get_by_role("alert")).to_contain_text("只剩 0 张")
    await shop.goto(restock)
    await shop.locator("textarea[name=codes]").fill("COFFEE-1")
    await (
        shop.get_by_role("button")
        .filter(has_text="看")
        .or_(shop.get_by_role("button", name="下一步"))
        .first.click()
    )
    await shop.get_by_role("button").filter(has_text="入库").first.click()
    await expect(shop.get_by_text("已入库")).to_be_visible()
    await shop.goto("/needs")
    await shop.get_by_role("button", name="发货", exact=True).click()
    await expect(shop.get_by_text("没有待处理的事")).to_be_visible()
    await expect(buyer.locator("#buyer-chat .bubble", has_text="COFFEE-1")).to_be_visible()
    await shop.goto("/orders")
    await shop.get_by_role("link", name="手冲咖啡壶").click()
    await expect(shop.get_by_text("订单已标记发货")).to_be_visible()
    await expect(shop.get_by_text("COFFEE-1")).to_have_count(0)
    await expect(shop.locator("nav .badge")).to_have_count(0)


async def test_a_stop_shows_everywhere_and_an_order_waits_for_its_end(
    browser: Browser, demo: Demo
) -> None:
    buyer = await playground(browser, demo)
    shop = await admin(browser, demo, PHONE)
    overview = await shop.context.new_page()
    await overview.goto("/")
    await shop.goto("/needs")
    await shop.get_by_text("停止发货", exact=True).click()
    await shop.get_by_role("button", name="马上停止发货").click()
    await expect(shop.get_by_text("全店已停止发货")).to_be_visible()
    await expect(overview.get_by_text("全店已停止发货")).to_be_visible()
    await buy(buyer, f"买家小林 · 视频会员{POOL} 自动发货")
    await expect(shop.get_by_text("停下了，没有发")).to_be_visible()
    await shop.get_by_role("button", name="恢复发货").click()
    await expect(buyer.locator("#buyer-chat .bubble", has_text="DEMO-")).to_be_visible()
    await expect(overview.get_by_text("全店已停止发货")).to_have_count(0)
