"""Take the pictures of `docs/images` anew: `python -m tests.browser.take_pictures`."""

from __future__ import annotations

import asyncio
import io
import shutil
from pathlib import Path

import PIL.Image
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from hub.demo import OWNER, Demo, open_demo
from hub.sandbox.onebot import OneBotSim

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SECONDS = 60.0
COLOURS = 48
"""Enough for pages of text; the files stay small."""
ADDRESS, TOKEN = "ws://192.168.1.20:8080/onebot/v11/ws", "Wm4tR8-an-example-Zq7Lk2"


async def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    async with open_demo(port=0, model="") as demo, async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=("--no-sandbox", "--disable-gpu")
        )
        expect.set_options(timeout=SECONDS * 1000)
        await playground(browser, demo)
        await admin(browser, demo)
        await browser.close()


async def playground(browser: Browser, demo: Demo) -> None:
    """A buyer asked, the notice was quoted, the receipt is there."""
    page = await browser.new_page(viewport={"width": 1120, "height": 700})
    await page.goto(demo.playground_url)
    await expect(page.get_by_text("QQ 已连接")).to_be_visible()
    await page.get_by_label("以买家身份说").fill("电视上能用吗？")
    await page.get_by_label("以买家身份说").press("Enter")
    notice = page.locator("#qq-chat .line:not(.own) .bubble", has_text="电视上能用吗？")
    await notice.first.click()
    await expect(page.locator("#quote-bar")).to_be_visible()
    await page.get_by_label("以客服身份写给机器人").fill("可以的，电视和手机都能用")
    await page.get_by_label("以客服身份写给机器人").press("Enter")
    await expect(page.locator("#qq-chat").get_by_text("已送达")).to_be_visible()
    keep(await page.screenshot(), "playground")
    await page.close()


async def admin(browser: Browser, demo: Demo) -> None:
    """Where the token is, and what the page says of a bridge that was set up wrongly."""
    page = await browser.new_page(viewport={"width": 1000, "height": 760})
    await page.goto(f"{demo.admin_url}/login")
    await page.get_by_label("名字").fill(OWNER)
    await page.get_by_label("密码").fill(demo.password)
    await page.get_by_label("密码").press("Enter")
    await expect(page.get_by_role("link", name="QQ", exact=True)).to_be_visible()
    await page.goto(f"{demo.admin_url}/qq")
    await expect(page.get_by_text("已连接", exact=True)).to_be_visible()
    await show(page, "#ws", ADDRESS)
    await show(page, "#token", TOKEN)
    connect = page.locator("section", has=page.locator("#connect"))
    keep(await shot(page.locator("main"), below=connect), "qq-page")

    demo.sandbox.qq.reconnect_seconds = 10 * SECONDS
    await demo.sandbox.qq.hang_up()
    url = demo.admin_url.replace("http", "ws") + "/onebot/v11/ws"
    other = OneBotSim(self_id="10009", reconnect_seconds=SECONDS)
    async with other.connected(url, "yesterday's token"):
        await other.wait_refused(SECONDS)
        await page.goto(f"{demo.admin_url}/qq")
        status = page.locator("[data-live=qq]")
        await expect(status.get_by_text("access token 不对")).to_be_visible()
        await expect(status.get_by_text("还没有机器人连上来")).to_be_visible()
        keep(await status.screenshot(), "qq-page-refused")


async def show(page: Page, field: str, value: str) -> None:
    """An address and a token as an example, not those of this run."""
    await page.locator(field).evaluate("(one, value) => { one.value = value }", value)


async def shot(whole: Locator, *, below: Locator) -> bytes:
    """From the top of the page to the end of that part."""
    end = await below.bounding_box()
    start = await whole.bounding_box()
    assert end is not None
    assert start is not None
    clip = {**start, "height": end["y"] + end["height"] - start["y"] + 12}
    return await whole.page.screenshot(clip=clip, full_page=True)  # type: ignore[arg-type]


def keep(data: bytes, name: str) -> None:
    picture = PIL.Image.open(io.BytesIO(data)).convert("RGB")
    picture.quantize(COLOURS, dither=PIL.Image.Dither.NONE).save(
        IMAGES / f"{name}.png", optimize=True
    )


if __name__ == "__main__":
    asyncio.run(main())
