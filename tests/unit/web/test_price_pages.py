"""Prices in the admin: an unpaid order, floors, and an offer that waits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from test_delivery_pages import ITEM, NUMBER, agent, order, viewer
from web_stage import Page, Stage, Visitor, utc_now

from hub.bargains import guard_words
from hub.delivery import open_need
from hub.desk import Operator
from hub.model import (
    Account,
    Conversation,
    ListedItem,
    Need,
    NeedKind,
    OrderStatus,
    TaskKind,
)
from hub.policy import HitKind, guard

__all__ = ["agent", "viewer"]


@pytest.fixture
async def account(stage: Stage, owner: Operator) -> Account:
    account = await stage.account(owner)
    item = ListedItem(ITEM, "手冲咖啡壶", Decimal(45), Decimal(45), True, None)
    await stage.store.write(
        lambda tx: tx.items.save_list(account.shop, account.id, [item], utc_now())
    )
    return account


async def waiting(stage: Stage) -> int:
    found = await stage.store.read(lambda tx: tx.outbox.backlog())
    return found.get(TaskKind.PRICE, 0)


async def test_an_unpaid_order_gets_its_price_after_a_second_look(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    await order(stage, account, status=OrderStatus.UNPAID)
    where = f"/orders/{NUMBER}/price"
    assert f'href="{where}"' in (await boss.get(f"/orders/{NUMBER}")).text
    asked = await boss.get(where)
    first = {"csrf": asked.csrf, "nonce": asked.value("nonce"), "price": "40.5"}
    question = await boss.post(where, **first)
    assert question.status == 200
    assert "现在是 45 元，改成买家一共付 40.5 元" in question.text
    assert await waiting(stage) == 0
    second = {**first, "code": question.value("code"), "price": question.value("price")}
    for _ in range(2):
        done = await boss.post(where, **second)
        assert done.status == 303
    assert await waiting(stage) == 1
    assert "要求改价：40.5 元" in (await boss.get(f"/orders/{NUMBER}")).text


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"price": ""}, "看不懂"),
        ({"price": "-5"}, "看不懂"),
        ({"price": "<b>5</b>"}, "看不懂"),
        ({"price": "45"}, "本来就是 45 元"),
        ({"price": "40", "nonce": "x"}, "页面已经过期"),
    ],
)
async def test_a_price_that_is_not_clear_is_said_at_its_field(
    stage: Stage, account: Account, boss: Visitor, fields: dict[str, str], why: str
) -> None:
    await order(stage, account, status=OrderStatus.UNPAID)
    where = f"/orders/{NUMBER}/price"
    asked = await boss.get(where)
    given = {"csrf": asked.csrf, "nonce": asked.value("nonce"), "code": NUMBER[-4:], **fields}
    page = await boss.post(where, **given)
    assert page.status == 400
    assert why in page.text
    assert "<b>5</b>" not in page.text
    assert await waiting(stage) == 0


async def test_a_paid_order_has_no_price_to_change(
    stage: Stage, account: Account, boss: Visitor
) -> None:
    await order(stage, account)
    assert "/price" not in (await boss.get(f"/orders/{NUMBER}")).text
    asked = await boss.get(f"/orders/{NUMBER}/price")
    fields = {"csrf": asked.csrf, "nonce": asked.value("nonce"), "price": "40", "code": "6778"}
    page = await boss.post(f"/orders/{NUMBER}/price", **fields)
    assert page.status == 400
    assert "只有待付款的能改价" in page.text


async def test_who_only_looks_sees_floors_and_changes_nothing(
    stage: Stage, account: Account, viewer: Visitor, agent: Visitor
) -> None:
    await order(stage, account, status=OrderStatus.UNPAID)
    assert "/price" not in (await viewer.get(f"/orders/{NUMBER}")).text
    assert (await viewer.get(f"/orders/{NUMBER}/price")).status == 403
    where = f"/accounts/{account.id}/floors"
    for visitor in (viewer, agent):
        page = await visitor.get(where)
        assert page.status == 200
        assert "手冲咖啡壶" in page.text
        assert 'name="floor"' not in page.text
        home = await visitor.get("/needs")
        done = await visitor.post(where, csrf=home.csrf, what="shop", item="", floor="10%")
        assert done.status == 403
    assert await stage.store.read(lambda tx: tx.floors.all(account.shop)) == []


async def test_floors_are_set_on_their_page(stage: Stage, account: Account, boss: Visitor) -> None:
    where = f"/accounts/{account.id}/floors"
    assert f'href="{where}"' in (await boss.get(f"/accounts/{account.id}/items")).text

    async def put(**fields: str) -> Page:
        page = await boss.get(where)
        return await boss.post(where, csrf=page.csrf, **fields)

    assert (await put(what="item", item=ITEM, floor="40")).status == 303
    assert (await put(what="shop", item="", floor="10%")).status == 303
    assert (await put(what="account", item="", floor="减5")).status == 303
    page = await boss.get(where)
    for said in ("最低 40 元", "最低卖 40 元", "全店：最多降 10%", "这个账号：最多降 5 元"):
        assert said in page.text, said
    refused = await put(what="item", item=ITEM, floor="便宜点")
    assert refused.status == 400
    assert "看不懂" in refused.text
    assert (await put(what="item", item="404", floor="40")).status == 404
    assert (await put(what="item", item="", floor="40")).status == 400
    assert (await put(what="all", item=ITEM, floor="40")).status == 400


async def offer(stage: Stage, account: Account) -> tuple[Conversation, Need]:
    conversation = await stage.conversation(account)
    found = await stage.store.write(
        lambda tx: open_need(
            tx,
            account.shop,
            NeedKind.OFFER,
            account=account.id,
            subject=f"offer:{conversation.id}",
            conversation=conversation.id,
            detail="小林：「15卖不卖」\n买家出 15 元，低于底价 18 元",
            now=utc_now(),
        )
    )
    assert found is not None
    return conversation, found


async def test_an_offer_is_countered_from_the_page_of_what_waits(
    stage: Stage, account: Account, agent: Visitor
) -> None:
    conversation, need = await offer(stage, account)
    page = await agent.get("/needs")
    assert "买家还价，等你定" in page.text
    assert f'href="/conversations/{conversation.id}"' in page.text
    bad = await agent.post(f"/needs/{need.number}", csrf=page.csrf, choice="counter", price="x")
    assert bad.status == 400
    done = await agent.post(f"/needs/{need.number}", csrf=page.csrf, choice="counter", price="17")
    assert done.status == 303
    said = await stage.store.read(
        lambda tx: tx.messages.of_conversation(account.shop, conversation.id, limit=9)
    )
    assert "最低 17 元" in str(said[-1].content)
    assert "没有待处理的事" in (await agent.get("/needs")).text


async def test_the_shop_adds_words_that_no_automatic_answer_may_hold(
    stage: Stage, account: Account, boss: Visitor, viewer: Visitor
) -> None:
    page = await boss.get("/forbidden-words")
    kept = await boss.post("/forbidden-words", csrf=page.csrf, words="白*价\r\n# 说明\r\n<b>")
    assert kept.status == 303
    assert "&lt;b&gt;" in (await boss.get("/forbidden-words")).text
    words = await stage.store.read(lambda tx: guard_words(tx, account.shop, "甲乙丙"))
    assert {"白*价", "<b>", "甲乙丙", "高仿"} <= set(words.forbidden)
    assert [hit.kind for hit in guard("白给价了", words)] == [HitKind.FORBIDDEN]
    for bad in ("字" * 41, "\n".join(f"词{n}" for n in range(501))):
        assert (await boss.post("/forbidden-words", csrf=page.csrf, words=bad)).status == 400
    home = await viewer.get("/needs")
    assert (await viewer.post("/forbidden-words", csrf=home.csrf, words="")).status == 403
    assert "白*价" in (await viewer.get("/forbidden-words")).text
