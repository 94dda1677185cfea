"""Reply rules in a real browser, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from hub.desk import Operator
from hub.model import Hours, ListedItem, RuleKind
from tests.e2e.stage import SECONDS
from tests.unit.sheets.sheet_files import xlsx
from tests.unit.web.web_stage import PASSWORD, Stage, jpeg, open_stage

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
sizes = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])


@dataclass
class Shop:
    stage: Stage
    owner: Operator

    async def page(self, browser: Browser, size: dict[str, int]) -> Page:
        """The owner's, logged in; whatever it complains about fails the test at its end."""
        context = await browser.new_context(base_url=self.stage.url, viewport=size)  # type: ignore[arg-type]
        context.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        page = await context.new_page()
        await page.goto("/login")
        await page.get_by_label("名字").fill("店主")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await expect(page.get_by_role("heading", name="概览")).to_be_visible()
        return page


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_stage(tmp_path) as stage:
        owner = await stage.found()
        account = await stage.account(owner)
        names = {"900100200300": "会员月卡 自动发货", "900100200301": "很长的标题" * 12}
        items = [ListedItem(id_, name, None, None, True, None) for id_, name in names.items()]
        await stage.account_items(account, items)
        yield Shop(stage, owner)


async def fits(page: Page) -> None:
    wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wider <= 0, f"{page.url} is {wider} px too wide"


@sizes
async def test_a_rule_with_everything_is_written_with_its_preview_beside_it(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    page = await shop.page(browser, size)
    await page.goto("/rules")
    await fits(page)
    await page.get_by_role("link", name="添加关键词回复").click()
    await page.get_by_label("关键词").fill("教程\n怎么用")
    await page.get_by_label("完全一致").check()
    await page.get_by_label("回复内容").fill("{buyer_name} 你好\n######\n看图")
    await expect(page.locator("#preview .bubble")).to_have_text(["小林 你好", "看图"])
    await page.get_by_label("回复内容").fill("{buyer} 你好")
    await expect(page.locator("#preview")).to_contain_text("{buyer}")
    await page.get_by_label("回复内容").fill("看图")
    await page.get_by_label("图片").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": jpeg((400, 200))}
    )
    await page.get_by_text("只用在某些商品").click()
    await page.get_by_role("checkbox", name="会员月卡").check()
    await page.get_by_text("时段、次数、优先级").click()
    await page.get_by_label("从几点").fill("22:00")
    await page.get_by_label("到几点").fill("08:00")
    await page.get_by_label("同一个会话只说一次").check()
    await page.get_by_label("优先级").fill("5")
    await fits(page)
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("规则已添加")).to_be_visible()
    await expect(page.get_by_text("22:00–08:00")).to_be_visible()
    await expect(page.locator(".thumbs img")).to_have_js_property("naturalWidth", 400)
    (rule,) = await shop.stage.desk.rules.all(shop.owner)
    assert rule.keywords == ("教程", "怎么用")
    assert rule.items == ("900100200300",)
    assert isinstance(rule.hours, Hours)
    assert (rule.once, rule.priority, len(rule.pictures)) == (True, 5, 1)

    await page.get_by_role("link", name="修改").click()
    await expect(page.get_by_role("checkbox", name="会员月卡")).to_be_checked()
    await expect(page.locator("#preview img")).to_have_js_property("naturalWidth", 400)
    await page.get_by_label("移除").check()
    await page.get_by_label("命中了也不回复").check()
    await expect(page.locator("#preview")).to_contain_text("什么也不说")
    await fits(page)
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("不回复，留给人来答")).to_be_visible()


@sizes
@pytest.mark.parametrize("kind", list(RuleKind))
async def test_the_form_of_every_kind_fits_and_blames_its_fields(
    browser: Browser, shop: Shop, size: dict[str, int], kind: RuleKind
) -> None:
    page = await shop.page(browser, size)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(f"/rules/new?kind={kind}")
    await page.get_by_label("回复内容").fill("{nobody}" + "长" * 300)
    if kind is RuleKind.KEYWORD:
        await page.get_by_label("关键词").fill("长" * 60)
    if kind is RuleKind.MOMENT:
        await page.get_by_label("已付款", exact=True).check()
    if kind is RuleKind.ITEM:
        await page.get_by_label("其他商品的编号或链接").fill("900100200399")
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator("#reply-error")).to_contain_text("不认识 {nobody}")
    await fits(page)
    assert [one for one in complaints if "400" not in one] == []


@sizes
async def test_a_sheet_is_looked_at_and_brought_in(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    await shop.stage.desk.rules.add(
        shop.owner, kind=RuleKind.KEYWORD, keywords=["旧词"], reply="旧的"
    )
    page = await shop.page(browser, size)
    await page.goto("/rules")
    await page.get_by_role("link", name="导入、导出").click()
    await fits(page)
    data = xlsx([("包邮", "", "包的" * 100), ("长" * 60, 123456789012.0, "答"), ("坏", "", "{x}")])
    await page.get_by_label("表格", exact=True).set_input_files(
        {"name": "a.xlsx", "mimeType": "application/octet-stream", "buffer": data}
    )
    await page.get_by_role("button", name="下一步").click()
    await expect(page.get_by_text("会添加 2 条")).to_be_visible()
    await expect(page.get_by_text("第 4 行：")).to_be_visible()
    await fits(page)
    await page.get_by_role("button", name="导入").click()
    await expect(page.get_by_text("规则已导入")).to_be_visible()
    assert len(await shop.stage.desk.rules.all(shop.owner)) == 3

    await page.goto("/rules/sheets")
    await page.get_by_label("替换").check()
    await page.get_by_label("表格", exact=True).set_input_files(
        {
            "name": "b.csv",
            "mimeType": "text/csv",
            "buffer": "关键词,关键词内容\n新词,新的\n".encode("gbk"),
        }
    )
    await page.get_by_role("button", name="下一步").click()
    await page.get_by_label("删掉表格里没有的 3 条规则").check()
    await page.get_by_role("button", name="替换").click()
    await expect(page.get_by_text("规则已导入")).to_be_visible()
    (rule,) = await shop.stage.desk.rules.all(shop.owner)
    assert rule.keywords == ("新词",)
