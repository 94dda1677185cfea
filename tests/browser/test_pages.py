"""The pages in a real browser: phone width, live parts, comforts, and life without scripts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from hub.delivery import open_need
from hub.desk import AiPlace, Operator
from hub.model import (
    Account,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    Conversation,
    NeedKind,
    Order,
    OrderStatus,
    Origin,
    PoolId,
    PoolKind,
    Role,
    RuleKind,
    SupplierCall,
    Text,
)
from hub.store import Tx
from tests.e2e.stage import SECONDS
from tests.unit.web.web_stage import PASSWORD, Stage, jpeg, open_stage, picture, utc_now

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
PICTURE = "https://img.alicdn.com/bought.jpg"


@dataclass
class Shop:
    stage: Stage
    owner: Operator
    account: Account
    conversation: Conversation

    @property
    def thread(self) -> str:
        return f"/conversations/{self.conversation.id}"

    async def order(self, pool: PoolId) -> str:
        """Delivered from that pool, and with something to decide about it."""
        number, of = "4400112233445566778", self.conversation
        page = Order(
            number,
            OrderStatus.PAID,
            "等待卖家发货",
            item_title="很长的标题" * 12,
            buyer=of.buyer,
            buyer_name=of.buyer_name,
            spec=(("套餐", "很长的规格" * 10),),
            quantity=1,
        )

        def unit(tx: Tx) -> None:
            now = utc_now()
            tx.orders.save(of.shop, of.account, page, conversation=of.id, now=now)
            open_need(
                tx,
                of.shop,
                NeedKind.SHIP_FAILED,
                account=of.account,
                order=number,
                conversation=of.id,
                detail="x" * 300,
                now=now,
            )

        await self.stage.store.write(unit)
        await self.stage.desk.orders.deliver(self.owner, number, pool=pool)
        await self.stage.store.write(unit)
        return number

    async def context(self, browser: Browser, **options: object) -> BrowserContext:
        context = await browser.new_context(base_url=self.stage.url, **options)  # type: ignore[arg-type]
        context.set_default_timeout(SECONDS * 1000)
        expect.set_options(timeout=SECONDS * 1000)
        return context


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_stage(tmp_path) as stage:
        owner = await stage.found()
        account = await stage.account(owner)
        conversation = await stage.conversation(account, buyer="一个名字特别特别长的买家用户昵称")
        await stage.says(conversation, "链接https://example.com/" + "very-long" * 30, 1)
        stage.platform.pictures[PICTURE] = jpeg((400, 200))
        await stage.says(conversation, picture(PICTURE), 2)
        yield Shop(stage, owner, account, conversation)


async def _log_in(page: Page) -> None:
    await page.goto("/login")
    await _fill_in_login(page)
    await expect(page.get_by_role("heading", name="概览")).to_be_visible()


async def _fill_in_login(page: Page) -> None:
    await page.get_by_label("名字").fill("店主")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.get_by_role("button", name="登录").click()


@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_every_page_fits_its_screen_and_obeys_its_own_policy(
    browser: Browser, shop: Shop, size: dict[str, int]
) -> None:
    """A refused script, style or picture would show up as a message on the console."""
    rule = await shop.stage.desk.rules.add(
        shop.owner, kind=RuleKind.KEYWORD, keywords=["长" * 60], reply="回" * 300
    )
    agent = await shop.stage.member(shop.owner, "名" * 30, Role.AGENT)
    pool = await shop.stage.desk.stock.create(
        shop.owner, name="池" * 30, kind=PoolKind.CODES, template="{DELIVERY_CONTENT}" + "x" * 300
    )
    await shop.stage.desk.restock.add(shop.owner, pool.id, "C" * 300 + "\nD")
    card, _ = await shop.stage.desk.cards.page(shop.owner, pool.id)
    api = await shop.stage.desk.stock.create(shop.owner, name="供货", kind=PoolKind.API)
    call = SupplierCall("https://supplier.example/" + "x" * 300, headers=(("X-Token", "t"),))
    await shop.stage.desk.suppliers.configure(shop.owner, api.id, call)
    delivery_rule = await shop.stage.desk.delivery_rules.add(
        shop.owner,
        pool=pool.id,
        items=[f"{n}" * 24 for n in range(1, 6)],
        keywords=["词" * 50],
        cards=2,
    )
    ai = await shop.stage.desk.ai.add(
        shop.owner,
        AiProfile(
            AiProfileId(0),
            shop.owner.shop,
            "名" * 40,
            "https://api.example.com/" + "x" * 300,
            "m" * 100,
            api_key="k",
        ),
    )
    await shop.stage.desk.ai.set_scope(
        shop.owner, AiPlace(item="900000000001"), AiScope(AiMode.OFF, knowledge="字" * 300)
    )
    number = await shop.order(pool.id)
    await shop.stage.desk.needs.stop(shop.owner, shop.account.id, "因" * 200)
    await shop.stage.desk.backups.make(shop.owner)
    context = await shop.context(browser, viewport=size)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await _log_in(page)
    for path in (
        "/",
        "/accounts",
        "/accounts/new",
        "/accounts/scan",
        f"/accounts/{shop.account.id}",
        f"/accounts/{shop.account.id}/items",
        "/conversations",
        shop.thread,
        "/rules",
        "/rules/new",
        f"/rules/{rule.id}",
        f"/rules/{rule.id}/remove",
        "/rules/new?kind=item",
        "/rules/new?kind=moment",
        "/rules/sheets",
        "/stock",
        "/stock?order=4400112233445566778",
        "/stock/new",
        f"/stock/{pool.id}",
        f"/stock/{pool.id}/edit",
        f"/stock/{pool.id}/restock",
        f"/stock/{pool.id}/remove",
        f"/stock/{api.id}",
        f"/stock/{api.id}/supplier",
        f"/cards/{card.id}",
        f"/cards/{card.id}/void",
        "/members",
        "/mail",
        "/members/new",
        "/notices",
        f"/members/{agent.id}/qq",
        f"/members/{agent.id}",
        "/qq",
        "/audit",
        "/backups",
        "/imports",
        "/statistics",
        "/changelog",
        "/orders",
        f"/orders/{number}",
        f"/orders/{number}/deliver",
        f"/orders/{number}/resend",
        "/needs",
        "/delivery-rules",
        "/delivery-rules/new",
        "/delivery-rules/guards",
        "/ai",
        "/ai/profiles/new",
        f"/ai/profiles/{ai.id}",
        f"/ai/profiles/{ai.id}/remove",
        "/ai/shop",
        f"/ai/accounts/{shop.account.id}",
        "/ai/items/900000000001",
        f"/delivery-rules/{delivery_rule.id}",
        f"/delivery-rules/{delivery_rule.id}/remove",
    ):
        await page.goto(path)
        wider = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wider <= 0, f"{path} is {wider} px too wide"
        assert not complaints, (path, complaints)


async def test_a_thread_follows_the_talk_and_leaves_a_half_written_answer_alone(
    browser: Browser, shop: Shop
) -> None:
    page = await (await shop.context(browser)).new_page()
    await _log_in(page)
    await page.goto(shop.thread)
    box = page.get_by_label("回复")
    await box.fill("还没写完")
    for number in range(10, 40):
        await shop.stage.says(shop.conversation, f"第 {number} 句", number)
    await expect(page.get_by_text("第 39 句")).to_be_in_viewport()
    await expect(box).to_have_value("还没写完")


async def test_the_list_shows_a_new_message_without_being_reloaded(
    browser: Browser, shop: Shop
) -> None:
    page = await (await shop.context(browser)).new_page()
    await _log_in(page)
    await page.goto("/conversations")
    await expect(page.locator(".talk")).to_have_count(1)
    other = await shop.stage.conversation(shop.account, buyer="小林")
    await shop.stage.says(other, "新来的")
    await expect(page.locator(".talk").first).to_contain_text("新来的")


async def test_a_page_that_lost_its_line_says_so_and_catches_up(
    browser: Browser, shop: Shop
) -> None:
    context = await shop.context(browser)
    page = await context.new_page()
    await _log_in(page)
    await context.route("**/events", lambda route: route.abort())
    await page.goto(shop.thread)
    await expect(page.get_by_text("实时更新断开了")).to_be_visible()
    await shop.stage.says(shop.conversation, "断线时说的", 10)
    await context.unroute("**/events")
    await expect(page.get_by_text("断线时说的")).to_be_visible()
    await expect(page.get_by_text("实时更新断开了")).to_be_hidden()


async def test_an_answer_survives_a_session_that_ran_out(browser: Browser, shop: Shop) -> None:
    context = await shop.context(browser)
    page = await context.new_page()
    # The form itself must notice; with a line for news the page would leave before it is sent.
    await page.route("**/events", lambda route: route.abort())
    await _log_in(page)
    await page.goto(shop.thread)
    await page.get_by_label("回复").fill("写了很久的回答")
    await context.clear_cookies()
    await page.get_by_role("button", name="发送").click()
    await expect(page.get_by_role("heading", name="登录")).to_be_visible()
    await _fill_in_login(page)
    await expect(page).to_have_url(shop.thread)
    box = page.get_by_label("回复")
    await expect(box).to_have_value("写了很久的回答")
    await page.get_by_role("button", name="发送").click()
    await expect(page.locator(".bubble-line.ours")).to_have_count(1)
    await expect(box).to_have_value("")
    await page.reload()
    await expect(box).to_have_value("")


async def test_pressing_send_twice_says_it_once(browser: Browser, shop: Shop) -> None:
    page = await (await shop.context(browser)).new_page()
    await _log_in(page)
    await page.goto(shop.thread)
    await page.get_by_label("回复").fill("在的")
    await page.get_by_role("button", name="发送").dblclick()
    await expect(page.locator(".bubble-line.ours")).to_have_count(1)
    view = await shop.stage.desk.inbox.conversation(shop.owner, shop.conversation.id)
    said = [m.content for m in view.messages if m.origin is Origin.OPERATOR]
    assert said == [Text("在的")]


async def test_everything_works_without_scripts(browser: Browser, shop: Shop) -> None:
    context = await shop.context(browser, java_script_enabled=False, viewport=PHONE)
    page = await context.new_page()
    await _log_in(page)
    await page.goto(shop.thread)
    await page.get_by_label("回复").fill("在的")
    await page.get_by_role("button", name="发送").click()
    await expect(page.locator(".bubble-line.ours")).to_contain_text("排队中")
    await page.get_by_role("button", name="恢复自动回复").click()
    await expect(page.get_by_text("自动回复已恢复")).to_be_visible()
    await page.goto("/rules/new")
    await page.get_by_label("关键词").fill("包邮")
    await page.get_by_label("回复内容").fill("江浙沪包邮")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_text("江浙沪包邮")).to_be_visible()
    await page.get_by_role("link", name="删除").click()
    await page.get_by_role("button", name="删除").click()
    await expect(page.get_by_text("规则已删除")).to_be_visible()
    await page.get_by_text("更多").click()
    await page.get_by_role("button", name="退出").click()
    await expect(page.get_by_text("你已退出登录")).to_be_visible()


async def test_the_token_is_copied_by_a_button(browser: Browser, shop: Shop) -> None:
    context = await shop.context(browser)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await context.new_page()
    await _log_in(page)
    await page.goto("/qq")
    await page.locator('[data-copy="token"]').click()
    await expect(page.get_by_text("已复制")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == "onebot-token-of-the-test"


async def test_what_a_buyer_will_receive_is_shown_while_the_template_is_written(
    browser: Browser, shop: Shop
) -> None:
    context = await shop.context(browser, viewport=PHONE)
    page = await context.new_page()
    await _log_in(page)
    await page.goto("/stock/new")
    shown = page.locator("#preview .bubble")
    await expect(shown).to_have_text(["ABCD-EFGH-1234-5678"])
    await page.get_by_label("前后的话").fill("{buyer_name}你好\n######\n{DELIVERY_CONTENT}")
    await expect(shown).to_have_text(["小林你好", "ABCD-EFGH-1234-5678"])
    await page.get_by_label("前后的话").fill("{oops}")
    await expect(page.locator("#preview")).to_contain_text("没有 {oops} 这个变量")
    await expect(page.get_by_label("要发的文字")).to_be_hidden()
    await page.get_by_role("radio", name="固定文字").check()
    await page.get_by_label("前后的话").fill("")
    await page.get_by_label("要发的文字").fill("网盘 {order_quantity} 份")
    await expect(shown).to_have_text(["网盘 1 份"])


async def test_codes_are_restocked_in_a_browser_with_a_look_before(
    browser: Browser, shop: Shop, tmp_path: Path
) -> None:
    pool = await shop.stage.desk.stock.create(shop.owner, name="月卡", kind=PoolKind.CODES)
    file = tmp_path / "codes.txt"
    file.write_bytes("卡一\r\n卡二\r\n卡一\r\n".encode("gbk"))
    context = await shop.context(browser, viewport=PHONE)
    page = await context.new_page()
    await _log_in(page)
    await page.goto(f"/stock/{pool.id}/restock")
    await page.get_by_label("或者选一个文件").set_input_files(file)
    await page.get_by_role("button", name="下一步").click()
    await expect(page.get_by_text("1 行和前面的行重复：第 3 行")).to_be_visible()
    await page.get_by_role("button", name="入库 2 张").click()
    await expect(page.get_by_text("已入库")).to_be_visible()
    cards = await shop.stage.desk.cards.page(shop.owner, pool.id)
    assert [card.code for card in cards] == ["卡二", "卡一"]
