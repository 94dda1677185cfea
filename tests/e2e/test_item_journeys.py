"""What a conversation is about: read once, shown in notices, listed in QQ and on its page."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import Unavailable
from hub.model import AccountState
from tests.e2e.stage import Stage

ITEM = "mtop.taobao.idle.pc.detail"


async def wait_item(stage: Stage, item_id: str) -> None:
    """Wait until the hub knows an item's page."""
    shop = stage.operator.shop
    async with asyncio.timeout(30), stage.hub.store.changes() as changes:
        while await stage.read(lambda tx: tx.items.get(shop, item_id)) is None:
            await anext(changes)


async def test_the_first_notice_does_not_wait_and_the_second_names_item_and_price(
    stage: Stage,
) -> None:
    item = stage.conversation().thread.item
    title = stage.conversation().thread.item_title
    stage.sandbox.faults.add(stage.account.user, "mtop_delay", subject=ITEM, seconds=0.4)
    await stage.buyer_says("第一句")
    first = await stage.wait_for_notice("第一句")
    assert "¥" not in first.text
    await wait_item(stage, item)

    await stage.buyer_says("第二句")
    second = await stage.wait_for_notice("第二句")
    assert f"{title} ¥" in second.text.splitlines()[0]


async def test_an_item_is_asked_for_once_however_much_is_said(stage: Stage) -> None:
    for number in range(3):
        await stage.buyer_says(f"第{number}句")
        await stage.wait_for_notice(f"第{number}句")
    await wait_item(stage, stage.conversation().thread.item)
    await stage.settled()
    asked = [made for made in stage.sandbox.mtop.calls if made.api == ITEM]
    assert len(asked) == 1


async def test_an_item_that_cannot_be_read_costs_nothing_else(stage: Stage) -> None:
    stage.sandbox.faults.add(stage.account.user, "mtop_ret", subject=ITEM, reason="FAIL_BIZ::没有")
    await stage.buyer_says("第一句")
    await stage.wait_for_notice("第一句")
    await stage.buyer_says("在吗")
    await stage.wait_for_notice("自动回复")
    await stage.settled()


async def test_items_are_listed_in_qq_with_their_prices(stage: Stage) -> None:
    await stage.operator_writes("/商品")
    listed = await stage.wait_for_notice("件在售")
    assert "【小店】3 件在售" in listed.text
    assert "二手机械键盘" in listed.text
    assert "¥168" in listed.text

    await stage.operator_writes("/商品 小店 键盘")
    found = await stage.wait_for_notice("【小店】1 件在售")
    assert "咖啡" not in found.text
    await stage.operator_writes("/商品 飞机")
    await stage.wait_for_notice("没有标题里带「飞机」的在售商品")


async def test_a_list_that_comes_back_empty_is_not_believed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    items, account = stage.hub.desk.items, stage.account.id
    assert len((await items.refresh(stage.operator, account)).items) == 3
    for item in stage.sandbox.world.items.values():
        item.on_sale = False
    with pytest.raises(Unavailable, match="没有给出任何商品"):
        await items.refresh(stage.operator, account)
    assert len((await items.of_account(stage.operator, account)).items) == 3


async def test_items_of_an_account_without_a_line_are_shown_but_not_refreshed(
    stage: Stage,
) -> None:
    items, account = stage.hub.desk.items, stage.account.id
    await items.refresh(stage.operator, account)
    await stage.hub.desk.accounts.switch(stage.operator, account, on=False)
    await stage.wait_state(AccountState.DISABLED)
    with pytest.raises(Unavailable):
        await items.refresh(stage.operator, account)
    assert len((await items.fresh(stage.operator, account)).items) == 3
