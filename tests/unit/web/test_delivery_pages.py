"""Orders, needs, stops and delivery rules in the admin: who may do what, and how it is asked."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import aiohttp
import pytest
from web_stage import BUYER, Page, Stage, Visitor, utc_now, visiting

from hub.delivery import open_need
from hub.desk import Operator
from hub.model import (
    Account,
    AccountState,
    CardCounts,
    Choice,
    DeliveryState,
    DeliveryStep,
    Guards,
    ListedItem,
    Need,
    NeedKind,
    Order,
    OrderStatus,
    Pool,
    PoolKind,
    Role,
    StepOrder,
)
from hub.store import Tx
from hub.text.backups import RESTORED

ITEM = "880011223346"
NUMBER = "4400112233445566778"
S = DeliveryState
RULE = {
    "account": "",
    "items": ITEM,
    "keywords": "",
    "spec": "",
    "cards": "1",
    "most_units": "10",
    "delay_seconds": "0",
    "steps": "send_then_confirm",
}


@pytest.fixture
async def account(stage: Stage, owner: Operator) -> Account:
    return await stage.account(owner)


@pytest.fixture
async def pool(stage: Stage, owner: Operator) -> Pool:
    pool = await stage.desk.stock.create(owner, name="月卡", kind=PoolKind.CODES)
    await stage.desk.restock.add(owner, pool.id, "CODE-1111\nCODE-2222")
    return pool


async def open_as(stage: Stage, owner: Operator, name: str, role: Role) -> Any:
    await stage.member(owner, name, role)
    return visiting(stage)


@pytest.fixture
async def agent(stage: Stage, owner: Operator) -> AsyncIterator[Visitor]:
    async with await open_as(stage, owner, "小客", Role.AGENT) as visitor:
        await visitor.log_in("小客")
        yield visitor


@pytest.fixture
async def viewer(stage: Stage, owner: Operator) -> AsyncIterator[Visitor]:
    async with await open_as(stage, owner, "阿看", Role.VIEWER) as visitor:
        await visitor.log_in("阿看")
        yield visitor


async def order(
    stage: Stage,
    account: Account,
    number: str = NUMBER,
    *,
    status: OrderStatus = OrderStatus.PAID,
    title: str = "手冲咖啡壶",
) -> None:
    conversation = await stage.conversation(account)
    read = Order(
        number,
        status,
        "等待卖家发货",
        item_id=ITEM,
        item_title=title,
        buyer=BUYER,
        buyer_name="小林",
        quantity=1,
        paid_amount=Decimal("45.00"),
    )
    await stage.store.write(
        lambda tx: tx.orders.save(
            account.shop, account.id, read, conversation=conversation.id, now=utc_now()
        )
    )


async def need(stage: Stage, account: Account, kind: NeedKind = NeedKind.OUT_OF_STOCK) -> Need:
    found = await stage.store.write(
        lambda tx: open_need(
            tx,
            account.shop,
            kind,
            account=account.id,
            order=NUMBER,
            detail="只剩 0 张",
            now=utc_now(),
        )
    )
    assert found is not None
    return found


async def states(stage: Stage, account: Account) -> list[DeliveryState]:
    return await stage.store.read(
        lambda tx: [d.state for d in tx.deliveries.of_order(account.shop, account.id, NUMBER)]
    )


async def may_have_arrived(stage: Stage, account: Account) -> None:
    """Its messages left, and nobody knows what became of them."""

    def unit(tx: Tx) -> None:
        for one in tx.deliveries.of_order(account.shop, account.id, NUMBER):
            tx.deliveries.set_state(account.shop, one.id, S.REVIEW, utc_now())
            tx.orders.note_down(
                account.shop, account.id, NUMBER, DeliveryStep.LEFT, unit=1, now=utc_now()
            )

    await stage.store.write(unit)


async def act(visitor: Visitor, what: str, **fields: str) -> Page:
    """Press the button of the page that asks."""
    asked = await visitor.get(f"/orders/{NUMBER}/{what}")
    assert asked.status == 200, asked.text
    given = {"csrf": asked.csrf, "code": asked.value("code"), **fields}
    return await visitor.post(f"/orders/{NUMBER}/{what}", **given)


# --- Orders ---------------------------------------------------------------------------------------


async def test_orders_are_listed_and_filtered(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    assert "还没有订单" in (await boss.get("/orders")).text
    await order(stage, account)
    await order(stage, account, "4400112233440000001", status=OrderStatus.SHIPPED, title="键盘")
    both = (await boss.get("/orders")).text
    assert "手冲咖啡壶" in both
    assert "键盘" in both
    for query, there, gone in (
        ("q=咖啡", "手冲咖啡壶", "键盘"),
        ("state=shipped", "键盘", "手冲咖啡壶"),
        (f"account={account.id}&q=0000001", "键盘", "手冲咖啡壶"),
        ("state=nonsense&account=x&part=1", "键盘", "没有符合"),
    ):
        page = await boss.get(f"/orders?{query}")
        assert there in page.text, query
        assert gone not in page.text, query
    assert "没有符合条件的订单" in (await boss.get("/orders?q=没有这个")).text


async def test_an_order_is_delivered_after_a_plain_question_and_tells_its_story(
    stage: Stage, owner: Operator, account: Account, agent: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    page = await act(agent, "deliver", pool=str(pool.id), units="")
    assert page.leads_to == f"/orders/{NUMBER}?done=order-done"
    shown = (await agent.get(f"/orders/{NUMBER}")).text
    assert "CO…11" in shown
    assert "CODE-1111" not in shown
    assert "已预留" in shown
    assert "小客" in shown
    again = await act(agent, "deliver", pool=str(pool.id), units="")
    assert again.status == 400
    assert "已经发过" in again.text
    counts = (await stage.desk.stock.pool(owner, pool.id)).pool.counts
    assert counts == CardCounts(available=1, reserved=1)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pool": "999", "units": ""}, "请从给出的选项里选一个"),
        ({"pool": "", "units": "很多"}, "份数是 1 到 100 的整数"),
        ({"pool": "", "units": "0"}, "份数在 1 到 100 之间"),
        ({"pool": "", "units": ""}, "请选一个卡池"),
    ],
)
async def test_what_cannot_be_delivered_is_said_on_the_page_that_asks(
    stage: Stage,
    account: Account,
    boss: Visitor,
    pool: Pool,
    fields: dict[str, str],
    said: str,
) -> None:
    await order(stage, account)
    page = await act(boss, "deliver", **fields)
    assert page.status == 400
    assert said in page.text
    assert await states(stage, account) == []


async def test_what_may_send_twice_is_done_only_after_its_warning_was_shown(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await act(boss, "deliver", pool=str(pool.id), units="")
    plain = await boss.get(f"/orders/{NUMBER}/release")
    assert "买家可能已经看到" not in plain.text
    await may_have_arrived(stage, account)

    late = await boss.post(f"/orders/{NUMBER}/release", csrf=plain.csrf, code=plain.value("code"))

    assert late.status == 400
    assert "买家可能已经看到" in late.text
    assert await states(stage, account) == [S.REVIEW]
    sure = await boss.post(f"/orders/{NUMBER}/release", csrf=late.csrf, code=late.value("code"))
    assert sure.status == 303
    assert await states(stage, account) == [S.RELEASED]


async def test_a_button_that_is_pressed_twice_sends_once_more_only_once(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await act(boss, "deliver", pool=str(pool.id), units="")
    await may_have_arrived(stage, account)
    await stage.store.write(
        lambda tx: [
            tx.deliveries.set_state(account.shop, one.id, S.SENT, utc_now())
            for one in tx.deliveries.of_order(account.shop, account.id, NUMBER)
        ]
    )
    asked = await boss.get(f"/orders/{NUMBER}/resend")
    given = {n: asked.value(n) for n in ("csrf", "code", "written")}
    assert (await boss.post(f"/orders/{NUMBER}/resend", **given)).status == 303
    again = await boss.post(f"/orders/{NUMBER}/resend", **given)
    assert again.status == 400
    assert "刚刚已经再发过一次" in again.text
    units = await stage.store.read(
        lambda tx: tx.deliveries.of_order(account.shop, account.id, NUMBER)
    )
    assert [one.attempt for one in units] == [2]


@pytest.mark.parametrize(
    ("what", "state"), [("outside", S.OUTSIDE), ("refuse", S.FAILED)], ids=["outside", "refuse"]
)
async def test_an_order_is_settled_by_a_button(
    stage: Stage, account: Account, agent: Visitor, what: str, state: DeliveryState
) -> None:
    await order(stage, account)
    assert (await act(agent, what)).status == 303
    assert await states(stage, account) == [state]


@pytest.mark.parametrize("what", ["outside", "refuse"])
async def test_what_ends_an_order_is_asked_about_before_it_is_done(
    stage: Stage, account: Account, agent: Visitor, what: str
) -> None:
    """A thumb that slips on a phone must not drop a paid order."""
    await order(stage, account)
    await need(stage, account)
    asking = f"/orders/{NUMBER}/{what}"
    waits = (await agent.get("/needs")).text
    assert f'href="{asking}"' in waits
    assert f'value="{what}"' not in waits
    assert (await act(agent, what)).status == 303
    assert "没有待处理的事" in (await agent.get("/needs?part=1")).text


async def test_ship_without_card_and_read_again_are_buttons_too(
    stage: Stage, account: Account, agent: Visitor
) -> None:
    await order(stage, account)
    asked = await agent.get(f"/orders/{NUMBER}/ship")
    assert "还没有给买家发过内容" in asked.text
    assert (await act(agent, "ship")).status == 303
    assert (await act(agent, "read")).status == 303


async def test_an_order_or_an_act_that_is_not_there_is_404(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    await order(stage, account)
    for path in ("/orders/123", f"/orders/{NUMBER}/explode", "/orders/123/deliver"):
        assert (await boss.get(path)).status == 404, path
    csrf = (await boss.get("/needs")).csrf
    assert (await boss.post("/orders/123/refuse", csrf=csrf)).status == 404


async def test_viewers_see_orders_and_no_buttons(
    stage: Stage, account: Account, viewer: Visitor, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await need(stage, account)
    await act(boss, "deliver", pool=str(pool.id), units="")
    await need(stage, account)
    for path in (f"/orders/{NUMBER}", "/needs", "/delivery-rules", "/orders"):
        page = await viewer.get(path)
        assert page.status == 200, path
        for words in ("/resend", "/refuse", "停止发货", "添加规则", "CODE-1111"):
            assert words not in page.text, (path, words)
    assert (await viewer.get(f"/orders/{NUMBER}/refuse")).status == 403
    csrf = (await viewer.get("/")).csrf
    for path, fields in (
        (f"/orders/{NUMBER}/refuse", {}),
        ("/needs/1", {"choice": "refuse"}),
        ("/delivery/stop", {"account": "", "reason": ""}),
        ("/delivery/resume", {"account": ""}),
        ("/delivery-rules/new", {**RULE, "pool": str(pool.id)}),
        ("/delivery-rules/guards", {}),
    ):
        page = await viewer.post(path, csrf=csrf, **fields)
        assert page.status == 403, path
    assert await states(stage, account) == [S.RESERVED]


async def test_nothing_is_done_without_the_token_of_the_session(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await need(stage, account)
    for path in (
        f"/orders/{NUMBER}/outside",
        "/needs/1",
        "/delivery/stop",
        "/delivery/resume",
        "/delivery-rules/new",
        "/delivery-rules/guards",
        "/delivery-rules/1/switch",
        "/delivery-rules/1/remove",
    ):
        page = await boss.post(path, choice="refuse", account="", pool=str(pool.id), on="0")
        assert page.status == 403, path
    assert await states(stage, account) == []


# --- Needs and stops ------------------------------------------------------------------------------


async def test_needs_are_counted_everywhere_and_answered_by_a_button(
    stage: Stage, owner: Operator, account: Account, agent: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    assert 'class="badge"' not in (await agent.get("/")).text
    one = await need(stage, account)
    for path in ("/", "/stock", "/needs/badge?part=1"):
        assert 'aria-label="1 件">1<' in (await agent.get(path)).text, path
    assert "1 件待处理" in (await agent.get("/")).text
    shown = (await agent.get("/needs")).text
    assert "库存不足" in shown
    await stage.desk.delivery_rules.add(owner, pool=pool.id, items=[ITEM])
    page = await agent.submit(f"/needs/{one.number}", on="/needs", choice="deliver")
    assert page.leads_to == "/needs?done=need-done"
    assert await states(stage, account) == [S.RESERVED]
    assert "没有待处理的事" in (await agent.get("/needs?part=1")).text
    late = await agent.submit(f"/needs/{one.number}", on="/needs", choice="refuse")
    assert late.status == 400
    assert "已经处理过" in late.text


async def test_an_answer_that_cannot_be_done_says_why_beside_what_waits(
    stage: Stage, owner: Operator, account: Account, agent: Visitor
) -> None:
    empty = await stage.desk.stock.create(owner, name="空池", kind=PoolKind.CODES)
    await stage.desk.delivery_rules.add(owner, pool=empty.id, items=[ITEM])
    await order(stage, account)
    one = await need(stage, account)
    page = await agent.submit(f"/needs/{one.number}", on="/needs", choice="deliver")
    assert page.status == 400
    assert "卡池「空池」要 1 张，只剩 0 张" in page.text
    assert "库存不足" in page.text


async def test_what_has_no_rule_is_delivered_through_the_page_that_offers_pools(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await need(stage, account, NeedKind.NO_RULE)
    assert f'href="/orders/{NUMBER}/deliver"' in (await boss.get("/needs")).text
    assert "月卡（剩 2）" in (await boss.get(f"/orders/{NUMBER}/deliver")).text


async def test_an_answer_that_may_send_twice_is_asked_for_again(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    await act(boss, "deliver", pool=str(pool.id), units="")
    await may_have_arrived(stage, account)
    one = await need(stage, account, NeedKind.UNCERTAIN)
    asked = await boss.submit(f"/needs/{one.number}", on="/needs", choice="resend")
    assert asked.status == 200
    assert "会把同样的内容再发给买家一次" in asked.text
    assert await states(stage, account) == [S.REVIEW]
    done = await boss.post(
        f"/needs/{one.number}", csrf=asked.csrf, choice="resend", code=asked.value("code")
    )
    assert done.status == 303
    assert await states(stage, account) == [S.RESERVED]


async def test_a_choice_that_is_none_is_refused(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    await order(stage, account)
    one = await need(stage, account)
    for choice in ("", "explode", Choice.RESEND):
        page = await boss.submit(f"/needs/{one.number}", on="/needs", choice=choice)
        assert page.status == 400, choice
    assert (await boss.submit("/needs/99", on="/needs", choice="done")).status == 404


async def test_a_stop_shows_on_every_page_that_is_about_it_until_an_owner_resumes(
    stage: Stage, owner: Operator, account: Account, agent: Visitor, boss: Visitor
) -> None:
    page = await agent.submit("/delivery/stop", on="/needs", account="", reason="查货", back="/")
    assert page.leads_to == "/?done=delivery-stopped"
    for path in ("/", "/needs", "/delivery-rules"):
        shown = (await agent.get(path)).text
        assert "全店已停止发货" in shown, path
        assert "查货" in shown, path
        assert "/delivery/resume" not in shown, path
    refused = await agent.submit("/delivery/resume", on="/needs", account="")
    assert refused.status == 403
    assert (await boss.submit("/delivery/resume", on="/needs", account="")).status == 303
    assert await stage.desk.needs.stops(owner) == []
    only = str(account.id)
    await boss.submit("/delivery/stop", on="/needs", account=only, reason="")
    assert f"【{account.name}】已停止发货" in (await boss.get("/needs")).text
    for wrong in ("99", "x"):
        page = await boss.submit("/delivery/stop", on="/needs", account=wrong, reason="")
        assert page.status == 400, wrong
    elsewhere = await boss.submit(
        "/delivery/resume", on="/needs", account=only, back="https://example.com/"
    )
    assert elsewhere.leads_to == "/?done=delivery-resumed"


@pytest.mark.parametrize("address", ["/delivery/resume", "/emergency/go"])
async def test_after_the_database_went_back_the_held_orders_are_shown_before_deliveries_go_on(
    stage: Stage, owner: Operator, account: Account, boss: Visitor, address: str
) -> None:
    await order(stage, account)
    await need(stage, account, NeedKind.STOPPED)
    await stage.store.write(
        lambda tx: tx.stops.stop(account.shop, None, reason=RESTORED, now=utc_now())
    )
    await stage.store.write(lambda tx: _online(tx, account))
    shown = await boss.submit(address, on="/needs", account="", back="/orders")
    assert "扣着 1 笔" in shown.text
    assert NUMBER in shown.text
    assert await stage.desk.needs.stops(owner) != []
    given = {name: shown.value(name) for name in ("csrf", "code", "account", "back")}
    assert (await boss.post(address, **given)).leads_to.startswith("/orders?done=")
    assert await stage.desk.needs.stops(owner) == []


def _online(tx: Tx, account: Account) -> None:
    tx.accounts.set_state(account.shop, account.id, AccountState.ONLINE, "", utc_now())


async def test_the_question_has_its_lines_where_a_need_leads_to_it_and_what_still_stands_is_told(
    stage: Stage, owner: Operator, account: Account, boss: Visitor
) -> None:
    def unit(tx: Tx) -> None:
        tx.stops.stop(account.shop, None, reason=RESTORED, now=utc_now())
        tx.needs.open(account.shop, NeedKind.BRAKE, detail="太快", now=utc_now())

    await stage.store.write(unit)
    (line,) = await stage.desk.needs.open(owner)
    address = f"/needs/{line.need.number}"
    shown = await boss.submit(address, on="/needs", choice="resume")
    assert f"<p>【{account.name}】没连上，先不恢复" in shown.text
    partly = await boss.submit(
        "/delivery/resume", on="/needs", account="", code=shown.value("code")
    )
    assert partly.leads_to == "/needs?done=delivery-resumed-partly"
    (left,) = await stage.desk.needs.stops(owner)
    assert left.account == account.id


# --- Delivery rules -------------------------------------------------------------------------------


async def list_items(stage: Stage, account: Account) -> None:
    item = ListedItem(ITEM, "手冲咖啡壶 九成新", Decimal(45), None, True, None)
    await stage.store.write(
        lambda tx: tx.items.save_list(account.shop, account.id, [item], utc_now())
    )


async def test_a_rule_is_made_of_ticked_items_and_pasted_links_and_says_what_it_does(
    stage: Stage, owner: Operator, account: Account, boss: Visitor, pool: Pool
) -> None:
    form = await boss.get("/delivery-rules/new")
    data = aiohttp.FormData(
        {
            **RULE,
            "csrf": form.csrf,
            "account": str(account.id),
            "items": "https://www.goofish.com/item?spm=a.b&id=880011223399\n880011223398",
            "spec": "套餐：月卡",
            "pool": str(pool.id),
            "cards": "2",
            "delay_seconds": "90",
            "steps": "confirm_then_send",
            "fallback": "1",
        }
    )
    data.add_field("item", ITEM)
    data.add_field("item", "880011223397")
    async with boss.http.post(
        boss.url + "/delivery-rules/new", data=data, allow_redirects=False
    ) as answer:
        assert answer.headers["Location"] == "/delivery-rules?done=rule-added"
    (rule,) = await stage.desk.delivery_rules.all(owner)
    assert rule.items == (ITEM, "880011223397", "880011223398", "880011223399")
    assert rule.spec == (("套餐", "月卡"),)
    assert (rule.cards, rule.delay_seconds, rule.fallback) == (2, 90, True)
    assert rule.steps is StepOrder.CONFIRM_THEN_SEND
    shown = (await boss.get("/delivery-rules")).text
    assert f"【{account.name}】卖出" in shown
    assert "付款 1 分 30 秒后发「月卡」，每件 2 张" in shown
    again = await boss.get(f"/delivery-rules/{rule.id}")
    assert "套餐：月卡" in again.text


async def test_a_rule_is_changed_switched_and_removed(
    stage: Stage, owner: Operator, account: Account, boss: Visitor, pool: Pool
) -> None:
    rule = await stage.desk.delivery_rules.add(owner, pool=pool.id, items=[ITEM])
    path = f"/delivery-rules/{rule.id}"
    await boss.submit(path, **{**RULE, "pool": str(pool.id), "most_units": "3"})
    assert (await stage.desk.delivery_rules.get(owner, rule.id)).most_units == 3
    csrf = (await boss.get("/delivery-rules")).csrf
    await boss.post(f"{path}/switch", csrf=csrf, on="0")
    assert not (await stage.desk.delivery_rules.get(owner, rule.id)).enabled
    assert "已关闭" in (await boss.get("/delivery-rules?part=1")).text
    assert "卖出" in (await boss.get(f"{path}/remove")).text
    assert (await boss.submit(f"{path}/remove")).leads_to == "/delivery-rules?done=rule-removed"
    assert await stage.desk.delivery_rules.all(owner) == []
    assert (await boss.get(path)).status == 404


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"items": ""}, "写上商品编号"),
        ({"items": "abc"}, "商品编号是一串数字"),
        ({"pool": ""}, "选一个卡池"),
        ({"pool": "99"}, "选一个"),
        ({"account": "99"}, "选一个"),
        ({"cards": "0"}, "每件的卡密数在 1 到 20 之间"),
        ({"cards": "两张"}, "每件几张是 1 到 20 的整数"),
        ({"delay_seconds": "3601"}, "延迟的秒数在 0 到 3600 之间"),
        ({"most_units": "-1"}, "最多几件是 1 到 100 的整数"),
        ({"steps": "x"}, "选一个"),
        ({"keywords": "词" * 51}, "每个最多 50 字"),
    ],
)
async def test_a_rule_that_makes_no_sense_is_refused_where_it_is_wrong(
    stage: Stage,
    owner: Operator,
    account: Account,
    boss: Visitor,
    pool: Pool,
    wrong: dict[str, str],
    said: str,
) -> None:
    await list_items(stage, account)
    fields = {**RULE, "pool": str(pool.id), **wrong}
    page = await boss.submit("/delivery-rules/new", **fields)
    assert page.status == 400
    assert said in page.text
    assert await stage.desk.delivery_rules.all(owner) == []


async def test_known_items_stay_ticked_when_something_else_was_wrong(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await list_items(stage, account)
    assert "手冲咖啡壶 九成新" in (await boss.get("/delivery-rules/new")).text
    page = await boss.submit("/delivery-rules/new", **{**RULE, "pool": "", "item": ITEM})
    assert f'value="{ITEM}" checked' in page.text


async def test_guards_are_saved_and_told(
    stage: Stage, owner: Operator, boss: Visitor, agent: Visitor
) -> None:
    given = {
        "blocked_buyers": "3100444455556\n3100444455557",
        "hold_second_order": "1",
        "most_amount": "200",
        "most_amount_new_buyer": "50.5",
        "brake_per_minute": "30",
        "brake_failures": "0",
    }
    page = await boss.submit("/delivery-rules/guards", **given)
    assert page.leads_to == "/delivery-rules?done=guards-changed"
    assert await stage.desk.delivery_rules.guards(owner) == Guards(
        ("3100444455556", "3100444455557"), True, Decimal(200), Decimal("50.5"), 30, 0
    )
    shown = (await agent.get("/delivery-rules")).text
    assert "实付超过 200 元的，先问你" in shown
    assert (await agent.get("/delivery-rules/guards")).status == 403
    for wrong, said in (
        ({"most_amount": "很多"}, "写大于 0 的数字"),
        ({"most_amount": "-1"}, "写大于 0 的数字"),
        ({"most_amount": "0"}, "金额要大于 0"),
        ({"most_amount": "NaN"}, "写大于 0 的数字"),
        ({"brake_failures": "x"}, "填 0 或更大的整数"),
        ({"blocked_buyers": "小林"}, "买家编号是一串数字"),
    ):
        refused = await boss.submit("/delivery-rules/guards", **{**given, **wrong})
        assert refused.status == 400, wrong
        assert said in refused.text, wrong


async def test_what_others_wrote_is_never_markup(
    stage: Stage, owner: Operator, account: Account, boss: Visitor, pool: Pool
) -> None:
    evil = "\"'><svg onload=alert(1)>"
    await order(stage, account, title=evil)
    await need(stage, account)
    await stage.desk.delivery_rules.add(owner, pool=pool.id, items=[ITEM], keywords=[evil])
    await stage.desk.needs.stop(owner, None, evil)
    for path in (
        "/",
        "/orders",
        f"/orders?q={evil}",
        f"/orders/{NUMBER}",
        f"/orders/{NUMBER}/deliver",
        "/needs",
        "/delivery-rules",
        "/delivery-rules/1",
        "/delivery-rules/1/remove",
        "/audit",
    ):
        page = await boss.get(path)
        assert page.status == 200, path
        assert "<svg onload" not in page.text, path


# --- Many orders, two people, phones --------------------------------------------------------------


async def test_all_orders_can_be_reached_page_by_page_with_the_search_kept(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    numbers = [f"44001122334455{n:05d}" for n in range(70)]
    for n, number in enumerate(numbers):
        await order(stage, account, number, title="键盘" if n % 2 else "手冲咖啡壶")
    for start, wanted in (("/orders", numbers), ("/orders?q=键盘&state=paid", numbers[1::2])):
        address, seen = start, []
        while address:
            page = (await boss.get(address)).text
            seen += re.findall(r'class="cover" href="/orders/(\d+)"', page)
            older = re.search(r'href="([^"]*)">更早的订单', page)
            address = html.unescape(older[1]) if older else ""
        assert seen == wanted[::-1], start
        assert "最新的</a>" in page, start
    assert "没有更早的订单了" in (await boss.get("/orders?before=1")).text
    assert (await boss.get("/orders?before=%00'&q=%25")).status == 200


async def test_what_waits_says_whose_order_it_is(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    await order(stage, account)
    await need(stage, account)
    shown = (await boss.get("/needs")).text
    assert "小林 · 手冲咖啡壶 45.00 元" in shown
    assert ">看聊天</a>" in shown


async def test_more_pieces_than_were_bought_are_asked_about_and_then_sent(
    stage: Stage, account: Account, boss: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    asked = await act(boss, "deliver", pool=str(pool.id), units="２")
    assert asked.status == 400
    assert "订单上是 1 件，你要发 2 份" in asked.text
    assert await states(stage, account) == []
    given = {name: asked.value(name) for name in ("csrf", "code")}
    sent = await boss.post(f"/orders/{NUMBER}/deliver", **given, pool=str(pool.id), units="2")
    assert sent.status == 303
    assert await states(stage, account) == [S.RESERVED, S.RESERVED]


async def test_the_number_that_a_block_rule_wants_stands_on_the_order(
    stage: Stage, account: Account, viewer: Visitor
) -> None:
    await order(stage, account)
    assert BUYER in (await viewer.get(f"/orders/{NUMBER}")).text


async def test_only_owners_are_offered_to_resume_after_the_brake(
    stage: Stage, account: Account, boss: Visitor, agent: Visitor
) -> None:
    await stage.store.write(
        lambda tx: open_need(tx, account.shop, NeedKind.BRAKE, detail="太快", now=utc_now())
    )
    assert 'value="resume"' in (await boss.get("/needs")).text
    shown = (await agent.get("/needs")).text
    assert 'value="resume"' not in shown
    assert "恢复发货要店主来做" in shown


async def test_resuming_twice_is_no_error(stage: Stage, boss: Visitor) -> None:
    await boss.submit("/delivery/stop", on="/needs", account="", reason="")
    for _ in range(2):
        page = await boss.submit("/delivery/resume", on="/needs", account="")
        assert page.leads_to == "/needs?done=delivery-resumed"


async def test_a_fixed_text_is_counted_as_often_as_it_went_out(
    stage: Stage, owner: Operator, account: Account, boss: Visitor
) -> None:
    text = await stage.desk.stock.create(owner, name="网盘", kind=PoolKind.TEXT, content="链接")
    await order(stage, account)
    await act(boss, "deliver", pool=str(text.id), units="")
    assert "已发 0" in (await boss.get("/stock")).text
    await stage.store.write(
        lambda tx: [
            tx.deliveries.set_state(account.shop, one.id, S.SENT, utc_now())
            for one in tx.deliveries.of_order(account.shop, account.id, NUMBER)
        ]
    )
    assert "已发 1" in (await boss.get("/stock")).text
    line = await stage.desk.stock.pool(owner, text.id)
    assert (line.given, line.sold) == (1, 1)


async def test_what_another_owner_changed_meanwhile_is_not_overwritten(
    stage: Stage, owner: Operator, account: Account, boss: Visitor, pool: Pool
) -> None:
    rules = stage.desk.delivery_rules
    rule = await rules.add(owner, pool=pool.id, items=[ITEM])
    form = await boss.get(f"/delivery-rules/{rule.id}")
    given = {**RULE, "pool": str(pool.id), "csrf": form.csrf, "most_units": "50"}
    await rules.change(owner, replace(rule, most_units=3))
    late = await boss.post(f"/delivery-rules/{rule.id}", **given, seen=form.value("seen"))
    assert late.status == 400
    assert "别人刚刚改过" in late.text
    assert (await rules.get(owner, rule.id)).most_units == 3

    form = await boss.get("/delivery-rules/guards")
    await rules.set_guards(owner, Guards(brake_failures=2))
    late = await boss.post(
        "/delivery-rules/guards",
        csrf=form.csrf,
        seen=form.value("seen"),
        brake_per_minute="1",
        brake_failures="1",
    )
    assert "别人刚刚改过" in late.text
    assert (await rules.guards(owner)).brake_failures == 2


async def test_numbers_count_in_full_width_too_and_odd_amounts_are_refused(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    given = {"brake_per_minute": "３０", "brake_failures": "５", "most_amount": "２００．５"}
    assert (await boss.submit("/delivery-rules/guards", **given)).status == 303
    guards = await stage.desk.delivery_rules.guards(owner)
    assert (guards.brake_per_minute, guards.most_amount) == (30, Decimal("200.5"))
    for amount in ("1e5", "1_000", "0.001", "9999999999", "1,000", "Infinity"):
        page = await boss.submit("/delivery-rules/guards", **{**given, "most_amount": amount})
        assert page.status == 400, amount


async def test_what_a_fixed_text_says_is_not_for_viewers(
    stage: Stage, owner: Operator, viewer: Visitor, agent: Visitor
) -> None:
    """It is what is sold, as much as a code."""
    secret = "https://pan.example.com/s/SECRET"
    pool = await stage.desk.stock.create(owner, name="网盘", kind=PoolKind.TEXT, content=secret)
    assert secret in (await agent.get(f"/stock/{pool.id}")).text
    for path in (f"/stock/{pool.id}", "/stock"):
        page = await viewer.get(path)
        assert page.status == 200
        assert secret not in page.text
    assert "只给客服和店主看" in (await viewer.get(f"/stock/{pool.id}")).text


async def test_what_waits_says_what_to_do_first(
    stage: Stage, account: Account, agent: Visitor
) -> None:
    await order(stage, account)
    await need(stage, account)
    shown = (await agent.get("/needs")).text
    assert "先补货，再点「发货」" in shown
    assert '<a class="button" href="/stock">去补货</a>' in shown


async def test_very_many_needs_do_not_make_an_endless_page(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    def unit(tx: Tx) -> None:
        for number in range(105):
            open_need(
                tx,
                account.shop,
                NeedKind.NO_RULE,
                account=account.id,
                order=f"44001122334455{number:05d}",
                detail="",
                now=utc_now(),
            )

    await stage.store.write(unit)
    shown = (await boss.get("/needs")).text
    assert shown.count('aria-label="待处理 ') == 100
    assert "后面还有 5 件" in shown


async def test_a_rule_says_when_its_pool_gives_nothing(
    stage: Stage, owner: Operator, boss: Visitor, pool: Pool
) -> None:
    await stage.desk.delivery_rules.add(owner, pool=pool.id, items=[ITEM])
    await stage.desk.stock.change(owner, pool.id, enabled=False)
    assert "月卡（已停用，发不出）" in (await boss.get("/delivery-rules")).text


async def test_a_rule_without_any_pool_leads_to_where_one_is_made(boss: Visitor) -> None:
    assert '<a href="/stock/new">添加一个卡池</a>' in (await boss.get("/delivery-rules/new")).text


async def test_what_an_order_does_not_allow_is_said_before_its_button_is_pressed(
    stage: Stage, account: Account, agent: Visitor, pool: Pool
) -> None:
    await order(stage, account)
    assert "看起来做不了这一步" in (await agent.get(f"/orders/{NUMBER}/resend")).text
    assert "看起来做不了这一步" not in (await agent.get(f"/orders/{NUMBER}/deliver")).text
    await act(agent, "deliver", pool=str(pool.id), units="")
    page = (await agent.get(f"/orders/{NUMBER}/deliver")).text
    assert "这笔订单现在是「待发货」，1 份已预留，看起来做不了这一步" in page
    await may_have_arrived(stage, account)
    page = (await agent.get(f"/orders/{NUMBER}/deliver")).text
    assert "看起来做不了这一步" in page
    assert "买家可能已经收到过" in page
