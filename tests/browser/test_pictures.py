"""Pictures on the thread's page: seen, chosen, sent, taken back; and on the playground."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import PIL.Image
import pytest
from playwright.async_api import Browser, Page, expect

from hub.demo import Demo, open_demo
from hub.sandbox.world import DEMO_SELLER, Conversation
from tests.e2e.stage import SECONDS

BUYER = "3100444455556"
NAME = "背面，名字长得没有道理的一张照片_20261125_203355_最后一版.jpg"
WIDTHS = (1280, 390)
CHOOSE = """(input, size) => {
  const chosen = new DataTransfer();
  chosen.items.add(new File([new Uint8Array(size)], "大图.jpg", {type: "image/jpeg"}));
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", {bubbles: true}));
}"""
"""Choosing a large file: one from outside would have to travel into the browser first."""


def photo(colour: str = "teal", size: tuple[int, int] = (640, 420)) -> bytes:
    packed = io.BytesIO()
    PIL.Image.new("RGB", size, colour).save(packed, "JPEG")
    return packed.getvalue()


@pytest.fixture
async def demo() -> AsyncIterator[Demo]:
    async with open_demo(port=0, model="") as demo:
        world, lines = demo.sandbox.world, demo.sandbox.lines
        online = lambda: any(line.registered for line in lines.open.values())  # noqa: E731
        assert await world.bell.until(online, SECONDS)
        yield demo


@pytest.fixture
def talk(demo: Demo) -> Conversation:
    return demo.sandbox.world.conversation_of(DEMO_SELLER, BUYER)


async def page_of(browser: Browser, demo: Demo, width: int) -> Page:
    expect.set_options(timeout=SECONDS * 1000)
    context = await browser.new_context(
        base_url=demo.admin_url, viewport={"width": width, "height": 800}
    )
    context.set_default_timeout(SECONDS * 1000)
    page = await context.new_page()
    await page.goto("/login")
    await page.get_by_label("名字").fill("店主")
    await page.get_by_label("密码").fill(demo.password)
    await page.get_by_role("button", name="登录").click()
    await expect(page.get_by_role("heading", name="概览")).to_be_visible()
    return page


async def keep_screenshot(page: Page, name: str) -> None:
    """With YUQIAO_SCREENSHOTS set to a folder, for people who want to look."""
    folder = os.environ.get("YUQIAO_SCREENSHOTS")
    if folder:
        await page.screenshot(path=str(Path(folder) / f"{name}.png"))


@pytest.mark.parametrize("width", WIDTHS)
async def test_pictures_are_seen_sent_and_taken_back(
    browser: Browser, demo: Demo, talk: Conversation, width: int
) -> None:
    pictures = demo.sandbox.pictures
    url = pictures.url(pictures.add(photo()))
    await demo.sandbox.stage.say(talk, [{"text": "有实拍图么"}, {"image": [url]}])
    page = await page_of(browser, demo, width)
    foreign: list[str] = []
    page.on("request", lambda asked: foreign.append(asked.url))
    await page.goto("/conversations")
    await page.locator(".talk", has_text="买家小林").click()
    shown = page.locator(".bubble.as-image img").first
    await expect(shown).to_be_visible()
    assert await shown.evaluate("one => one.decode().then(() => one.naturalWidth)") == 640
    await expect(page.locator(".thread-head")).to_contain_text("¥12.80")

    await page.locator("#pictures").set_input_files(
        [
            {"name": "正面.jpg", "mimeType": "image/jpeg", "buffer": photo("darkred")},
            {"name": NAME, "mimeType": "image/jpeg", "buffer": photo("navy")},
        ]
    )
    await expect(page.locator(".attach output")).to_have_text(f"2 张：正面.jpg、{NAME}")
    await page.get_by_label("回复").fill("在的，看图")
    await keep_screenshot(page, f"thread-chosen-{width}")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    await page.get_by_role("button", name="发送").click()
    mine = page.locator(".bubble-line.ours")
    await expect(mine).to_have_count(3)
    await expect(mine.last.locator(".state")).to_have_text("已送达")
    own = [m for m in talk.messages if m.own]
    assert [m.summary for m in own] == ["在的，看图", "[图片]", "[图片]"]
    await keep_screenshot(page, f"thread-sent-{width}")

    await mine.last.get_by_role("button", name="撤回").click()
    await expect(page.locator(".bubble-line.ours").last.locator(".state")).to_have_text("已撤回")
    assert own[-1].recalled
    await keep_screenshot(page, f"thread-recalled-{width}")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert all(asked.startswith(demo.admin_url) for asked in foreign)


@pytest.mark.parametrize("width", WIDTHS)
async def test_too_many_large_pictures_are_refused_before_they_travel(
    browser: Browser, demo: Demo, talk: Conversation, width: int
) -> None:
    await demo.sandbox.stage.say(talk, [{"text": "有实拍图么"}])
    page = await page_of(browser, demo, width)
    await page.goto("/conversations")
    await page.locator(".talk", has_text="买家小林").click()
    await page.locator("#pictures").evaluate(CHOOSE, 25 * 1024 * 1024)
    await expect(page.locator(".attach output")).to_contain_text("最多 24 MB")
    await page.get_by_label("回复").fill("看图")
    await page.get_by_role("button", name="发送").click()
    await expect(page.get_by_label("回复")).to_have_value("看图")
    await page.get_by_role("button", name="不发图片").click()
    await page.get_by_role("button", name="发送").click()
    await expect(page.locator(".bubble-line.ours")).to_have_count(1)


@pytest.mark.parametrize("width", WIDTHS)
async def test_items_are_read_and_listed(browser: Browser, demo: Demo, width: int) -> None:
    page = await page_of(browser, demo, width)
    await page.goto("/accounts/1")
    await page.get_by_role("link", name="看这个账号的商品").click()
    await page.get_by_role("button", name="刷新").click()
    await expect(page.locator(".goods li")).to_have_count(3)
    await expect(page.locator(".goods")).to_contain_text("¥168")
    await expect(page.locator(".goods img.thumb")).to_have_count(3)
    shown = page.locator(".goods img.thumb").first
    assert await shown.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    await keep_screenshot(page, f"items-{width}")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_the_playground_sends_pictures_both_ways(
    browser: Browser, demo: Demo, talk: Conversation
) -> None:
    expect.set_options(timeout=SECONDS * 1000)
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(demo.playground_url)
    await page.locator("#buyer-picture").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    notice = page.locator("#qq-chat .bubble", has_text="[图片]")
    await expect(notice.locator("img")).to_be_visible()
    await notice.click()
    await page.locator("#qq-text").fill("看图")
    await page.locator("#qq-picture").set_input_files(
        {"name": "b.jpg", "mimeType": "image/jpeg", "buffer": photo("navy")}
    )
    await expect(page.locator("#buyer-chat img")).to_have_count(2)
    await keep_screenshot(page, "playground")
    assert [m.summary for m in talk.messages if m.own] == ["看图", "[图片]"]
