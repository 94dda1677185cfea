"""Floors and prices from QQ: who may set what, and that nothing unclear is ever done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from delivery_stage import FIRST, ITEM, SECOND, DeliveryStage, open_delivery_stage

from hub.delivery import open_need
from hub.desk import Operator
from hub.errors import Forbidden, Invalid, NotFound
from hub.model import (
    ChangePrice,
    Choice,
    Conversation,
    Item,
    ListedItem,
    Need,
    NeedKind,
    OrderStatus,
    PlatformConversation,
    PlatformUser,
    Role,
    TaskKind,
)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        yield stage


async def listed(stage: DeliveryStage, *items: tuple[str, str, str]) -> None:
    """Items by number, title and price."""
    rows = [ListedItem(i, t, Decimal(p), Decimal(p), True, None) for i, t, p in items]
    account, now = stage.account, stage.stock.clock[0]
    await stage.stock.store.write(
        lambda tx: tx.items.save_list(account.shop, account.id, rows, now)
    )


async def tasks(stage: DeliveryStage) -> int:
    found = await stage.stock.store.read(lambda tx: tx.outbox.backlog())
    return found.get(TaskKind.PRICE, 0)


# --- Floors ---------------------------------------------------------------------------------------


async def test_floors_are_set_listed_and_cleared_by_the_words_people_use(
    stage: DeliveryStage,
) -> None:
    await listed(stage, (ITEM, "手冲咖啡壶", "45"), ("880011223347", "机械键盘", "200"))
    assert "还没有设底价" in await stage.write("/底价")
    said = await stage.write("/底价 咖啡壶 40")
    assert said == "已设好：「手冲咖啡壶」，最低 40 元"
    assert "最多降 10%" in await stage.write("/底价 全店 10%")
    assert "最多降 5 元" in await stage.write("/底价 小店 减5")
    assert "现在最低卖 180 元" in await stage.write("/底价 880011223347 9折")
    page = await stage.write("/底价")
    assert "全店：最多降 10%" in page
    assert "「机械键盘」：最多降 10%" in page
    assert "账号「小店」：最多降 5 元" in page
    # Without a floor of its own the account's counts.
    assert "最多降 5 元（现在最低卖 40 元）" in await stage.write("/底价 咖啡壶 默认")
    assert "不降价（现在最低卖 45 元）" in await stage.write("/底价 咖啡壶 0")


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("/底价 咖啡壶 便宜点", "看不懂"),
        ("/底价 咖啡壶 100", "比标价 45 元还高"),
        ("/底价 咖啡壶 减50", "比标价 45 元还高"),
        ("/底价 没有的东西 18", "没有标题里有"),
        ("/底价 店 18", "有 2 件商品符合"),
        ("/底价 18", "写上商品和底价"),
        ("/底价 全店 18", "请写百分比或减几元"),
        ("/底价 小店 18", "请写百分比或减几元"),
        ("/底价 咖啡壶", "要改：/底价 咖啡壶 18"),
    ],
)
async def test_a_floor_that_is_not_clear_changes_nothing(
    stage: DeliveryStage, command: str, why: str
) -> None:
    await listed(stage, (ITEM, "店 手冲咖啡壶", "45"), ("880011223347", "店 键盘", "200"))
    assert why in await stage.write(command)
    assert await stage.desk.bargains.floors(stage.stock.owner) == []


async def test_only_the_owner_sets_floors(stage: DeliveryStage) -> None:
    await listed(stage, (ITEM, "手冲咖啡壶", "45"))
    assert "店主才能做" in await stage.write("/底价 咖啡壶 40", as_=Role.AGENT)
    for operator in (stage.stock.agent, stage.stock.viewer):
        with pytest.raises(Forbidden):
            await stage.desk.bargains.set_floor(operator, "40", item=ITEM)
    with pytest.raises(NotFound):
        await stage.desk.bargains.set_floor(stage.stock.owner, "40", item="404")


# --- Prices of orders -----------------------------------------------------------------------------


async def test_a_price_needs_a_second_word_and_is_asked_for_once(stage: DeliveryStage) -> None:
    order = await stage.order(status=OrderStatus.UNPAID)
    said = await stage.write(f"/改价 {FIRST[-6:]} 40")
    assert "现在是 45 元，改成买家一共付 40 元" in said
    assert await tasks(stage) == 0
    assert "正在把订单" in await stage.write(f"确认 {FIRST[-4:]}")
    assert await tasks(stage) == 1
    assert ("order.price", order.id) in await stage.stock.audit()


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (f"/改价 {FIRST}", "写上买家一共要付的钱"),
        (f"/改价 {FIRST} 四十", "看不懂"),
        (f"/改价 {FIRST} 45", "本来就是 45 元"),
        (f"/改价 {FIRST} 0", "看不懂"),
        (f"/改价 {SECOND} 40", "只有待付款的能改价"),
        ("/改价 4040404040 40", "没有订单号是"),
        ("/改价 40", "写上订单号"),
        ("/改价", "写上订单号"),
    ],
)
async def test_a_price_that_is_not_clear_is_refused(
    stage: DeliveryStage, command: str, why: str
) -> None:
    await stage.order(status=OrderStatus.UNPAID)
    await stage.order(SECOND, stage.qi)
    assert why in await stage.write(command)
    assert await tasks(stage) == 0


async def test_of_two_unpaid_orders_none_is_guessed(stage: DeliveryStage) -> None:
    await stage.order(status=OrderStatus.UNPAID)
    await stage.order(SECOND, status=OrderStatus.UNPAID)
    said = await stage.write(f"/改价 #{stage.lin.ticket} 40")
    assert "这个会话有 2 笔订单" in said
    assert await tasks(stage) == 0


async def test_viewers_change_no_price(stage: DeliveryStage) -> None:
    await stage.order(status=OrderStatus.UNPAID)
    assert "客服才能做" in await stage.write(f"/改价 {FIRST} 40", as_=Role.VIEWER)
    with pytest.raises(Forbidden):
        await stage.desk.bargains.change_price(
            stage.stock.viewer, FIRST, "40", key="k", code=FIRST[-4:]
        )


async def test_the_new_price_is_kept_to_the_cent_until_the_order_has_settled(
    stage: DeliveryStage,
) -> None:
    now = stage.stock.clock[0]
    await stage.order(status=OrderStatus.UNPAID, created_at=now)
    owner: Operator = stage.stock.owner
    for _ in range(2):
        await stage.desk.bargains.change_price(owner, FIRST, "40.05", key="k", code=FIRST[-4:])
    due = await stage.stock.store.read(lambda tx: tx.outbox.next_due())
    assert (due - now).total_seconds() == 5
    lane = f"account:{stage.account.id}:order:price:{FIRST}"
    waiting = await stage.stock.store.read(lambda tx: tx.outbox.waiting(owner.shop, lane))
    assert [task.work for task in waiting] == [
        ChangePrice(stage.account.id, FIRST, Decimal("40.05"), None)
    ]


# --- Offers ---------------------------------------------------------------------------------------


async def offer(stage: DeliveryStage) -> tuple[Conversation, Need]:
    now, account = stage.stock.clock[0], stage.account

    def unit(tx: object) -> tuple[Conversation, Need | None]:
        conversation = tx.conversations.upsert(  # type: ignore[attr-defined]
            account.shop,
            account.id,
            PlatformConversation("60010020099"),
            buyer=PlatformUser("3100444455599"),
            buyer_name="小林",
            item_id=ITEM,
            at=now,
        )
        tx.items.save(account.shop, account.id, Item(ITEM, "壶", price=Decimal(45)), now)  # type: ignore[attr-defined]
        need = open_need(
            tx,  # type: ignore[arg-type]
            account.shop,
            NeedKind.OFFER,
            account=account.id,
            subject=f"offer:{conversation.id}",
            conversation=conversation.id,
            detail="买家出 15 元",
            now=now,
        )
        return conversation, need

    conversation, need = await stage.stock.store.write(unit)
    assert need is not None
    return conversation, need


async def test_an_offer_without_a_number_cannot_be_agreed_to(stage: DeliveryStage) -> None:
    _, need = await offer(stage)
    assert "没有说具体的价" in await stage.write(f"/处理 {need.number} 1")
    assert "写上要报的价" in await stage.write(f"/处理 {need.number} 2")
    assert "写上要报的价" in await stage.write(f"/处理 {need.number} 2 便宜点")
    assert await stage.desk.needs.count(stage.stock.owner) == 1


async def test_an_offer_is_answered_once_whoever_answers_and_however_often(
    stage: DeliveryStage,
) -> None:
    conversation, need = await offer(stage)
    await stage.desk.needs.answer(stage.stock.agent, need.number, Choice.DECLINE)
    with pytest.raises(Invalid, match="处理过"):
        await stage.desk.needs.answer(stage.stock.owner, need.number, Choice.COUNTER, price="40")
    for choice in (Choice.DECLINE, Choice.COUNTER):
        with pytest.raises(Invalid, match="处理过"):
            await stage.desk.bargains.answer(stage.stock.owner, need, choice, "40")
    said = await stage.stock.store.read(
        lambda tx: tx.messages.of_conversation(conversation.shop, conversation.id, limit=9)
    )
    assert len(said) == 1
    with pytest.raises(Forbidden):
        await stage.desk.bargains.answer(stage.stock.viewer, need, Choice.DECLINE)
