"""Drafts, canned answers, trials and rehearsals in a real browser, on a phone and on a desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hub.answers import propose
from hub.desk import Operator
from hub.model import Conversation, MessageId, MessageState, Rule, RuleKind
from tests.e2e.stage import SECONDS
from tests.unit.web.web_stage import PASSWORD, Stage, open_stage, utc_now

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
SIZES = pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
LONG = "很长的一句话没有空格" * 20


@dataclass
class Shop:
    stage: Stage
    owner: Operator
    talk: Conversation
    rule: Rule

    @property
    def thread(self) -> str:
        return f"/conversations/{self.talk.id}"

    async def draft(self, words: str, number: int = 1) -> MessageId:
        made = await self.stage.store.write(
            lambda tx: propose(tx, self.talk, f"ai:{number}", words, "要人看过才发", utc_now())
        )
        assert made is not None
        return made

    async def said(self, id_: MessageId) -> tuple[str, MessageState]:
        found = await self.stage.store.read(lambda tx: tx.messages.get(self.talk.shop, id_))
        assert found is not None
        return getattr(found.content, "text", ""), found.state

    async def page(self, browser: Browser, size: dict[str, int]) -> Page:
        context: BrowserContext = await browser.new_context(
            base_url=self.stage.url,
            viewport=size,  # type: ignore[arg-type]
        )
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
        talk = await stage.conversation(await stage.account(owner), buyer="小林")
        await stage.says(talk, "包邮吗", 1)
        rule = await stage.desk.rules.add(
            owner, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="在的"
        )
        await stage.desk.canned.save(owner, "dz", "我们在上海")
        await stage.desk.canned.save(owner, "长" * 20, LONG)
        yield Shop(stage, owner, talk, rule)


@SIZES
async def test_every_page_about_replies_fits_its_screen(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    await shop.draft(LONG)
    page = await shop.page(browser, size)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in (
        "/",
        "/conversations",
        "/conversations?drafts=1",
        shop.thread,
        "/canned",
        "/canned/1",
        "/canned/2/remove",
        "/rules/try",
        f"/rules/try?text={LONG}",
        "/rules",
        f"/rules/{shop.rule.id}",
    ):
        await page.goto(path)
        await page.evaluate("document.querySelectorAll('main details').forEach(d => d.open = true)")
        wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} px too wide"
        assert not complaints, (path, complaints)


@SIZES
async def test_a_draft_that_somebody_writes_in_outlives_all_news(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    draft = await shop.draft("页面上的价就是")
    page = await shop.page(browser, size)
    await page.goto(shop.thread)
    box = page.get_by_label("AI 草稿，等你决定")
    await box.press("End")
    await box.press_sequentially("，今天")
    await shop.stage.says(shop.talk, "还在吗，急", 2)
    await expect(page.get_by_text("还在吗，急")).to_be_visible()
    await expect(box).to_be_focused()
    await box.press_sequentially("就发")
    await page.get_by_label("回复", exact=True).focus()
    await shop.stage.says(shop.talk, "那我拍了", 3)
    await expect(page.get_by_text("那我拍了")).to_be_visible()
    await expect(box).to_have_value("页面上的价就是，今天就发")
    await page.get_by_role("button", name="发送草稿").click()
    await expect(page.get_by_text("草稿已收下")).to_be_visible()
    assert await shop.said(draft) == ("页面上的价就是，今天就发", MessageState.QUEUED)


async def test_words_in_a_draft_that_was_replaced_go_on_in_the_reply_box(
    browser: Browser, shop: Shop
) -> None:
    await shop.draft("页面上的价就是")
    page = await shop.page(browser, PHONE)
    await page.goto(shop.thread)
    box = page.get_by_label("AI 草稿，等你决定")
    await box.fill("我自己写的")
    await shop.draft("新的草稿", 2)
    await expect(page.locator("form.draft")).to_have_count(2)
    reply = page.get_by_label("回复", exact=True)
    await reply.focus()
    await expect(page.locator("form.draft")).to_have_count(1)
    await expect(reply).to_have_value("我自己写的")
    await expect(box).to_have_value("新的草稿")


async def test_a_draft_is_sent_from_the_keyboard(browser: Browser, shop: Shop) -> None:
    draft = await shop.draft("页面上的价就是")
    page = await shop.page(browser, DESKTOP)
    await page.goto(shop.thread)
    await page.get_by_label("AI 草稿，等你决定").press("Control+Enter")
    await expect(page.get_by_text("草稿已收下")).to_be_visible()
    assert (await shop.said(draft))[1] is MessageState.QUEUED


@SIZES
async def test_a_canned_answer_is_put_where_one_writes(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    page = await shop.page(browser, size)
    await page.goto(shop.thread)
    await page.get_by_text("常用语", exact=True).last.click()
    choice = page.get_by_role("button", name="dz 我们在上海")
    await expect(choice).to_be_in_viewport()
    await choice.click()
    await expect(page.get_by_label("回复", exact=True)).to_have_value("我们在上海")
    await expect(choice).to_be_hidden()


@SIZES
async def test_what_a_rule_would_change_is_shown_beside_the_form_that_stays(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    page = await shop.page(browser, size)
    await page.goto("/rules/new?kind=keyword")
    await page.get_by_label("关键词", exact=True).fill("包邮")
    await page.get_by_label("回复内容").fill("全国包邮")
    await page.get_by_role("button", name="先看看会改变什么").click()
    await expect(page.get_by_text("有 1 句会不一样")).to_be_in_viewport()
    await expect(page.get_by_label("回复内容")).to_have_value("全国包邮")
    assert await shop.stage.desk.rules.all(shop.owner) == [shop.rule]
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("规则已添加")).to_be_visible()
