"""What rules say really reaches the buyer: every kind, several messages, pictures, silence."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from hub.desk import SheetFormat
from hub.model import AccountId, Match, MessageState, Moment, Origin, Rule, RuleKind
from tests.e2e.shop import CARD_ITEM, KEYBOARD, POT, Shop, open_shop
from tests.e2e.stage import BUYER, Stage, open_stage

PICTURE = "[图片]"


def drawn(colour: str = "teal") -> bytes:
    target = io.BytesIO()
    PIL.Image.new("RGB", (60, 40), colour).save(target, "PNG")
    return target.getvalue()


async def rule(stage: Stage, kind: RuleKind, **fields: Any) -> Rule:
    return await stage.hub.desk.rules.add(stage.operator, kind=kind, **fields)


async def says(shop: Shop, text: str, item: str = POT) -> None:
    await shop.stage.sandbox.stage.say(shop.thread(item=item), [{"text": text}])


async def wait_got(shop: Shop, *said: str, item: str = POT) -> None:
    """Wait until the buyer has been told exactly this about an item, in this order."""
    await shop.stage.until(
        lambda: shop.got(item=item)[: len(said)] == list(said),
        f"{said} in {shop.got(item=item)}",
    )
    await shop.stage.settled()
    assert shop.got(item=item) == list(said)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_the_item_answers_before_its_keyword_before_any_keyword_before_the_default(
    shop: Shop,
) -> None:
    stage = shop.stage
    await rule(stage, RuleKind.DEFAULT, reply="稍等，我看一下")
    await rule(stage, RuleKind.KEYWORD, keywords=["价格"], reply="标价就是卖价")
    await rule(stage, RuleKind.KEYWORD, keywords=["价格"], items=[KEYBOARD], reply="键盘 168")
    await rule(stage, RuleKind.ITEM, items=[CARD_ITEM], reply="这件自动发货，直接拍")

    await says(shop, "价格多少", CARD_ITEM)
    await wait_got(shop, "这件自动发货，直接拍", item=CARD_ITEM)
    await says(shop, "价格多少", KEYBOARD)
    await wait_got(shop, "键盘 168", item=KEYBOARD)
    await says(shop, "价格多少", POT)
    await wait_got(shop, "标价就是卖价")
    await says(shop, "你是谁", POT)
    await wait_got(shop, "标价就是卖价", "稍等，我看一下")


async def test_two_messages_and_a_picture_arrive_in_order_with_variables_filled_in(
    shop: Shop,
) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.items.refresh(operator, shop.stage.account.id)
    about = "问的是「{item_title}」，{item_price} 元\n（{send_message}）"
    await rule(
        shop.stage,
        RuleKind.KEYWORD,
        keywords=["教程"],
        reply="{buyer_name} 你好\n######\n" + about,
        new_pictures=[drawn()],
    )
    await says(shop, "有教程吗")
    await wait_got(
        shop,
        "买家小林 你好",
        "问的是「手冲咖啡壶 九成新」，45.00 元\n（有教程吗）",
        PICTURE,
    )
    (picture,) = [
        one["url"]
        for message in shop.thread().messages
        if message.own
        for one in message.content.get("image", {}).get("pics", [])
    ]
    sent = shop.stage.sandbox.pictures.kept[picture.rpartition("/")[2]].bytes
    assert PIL.Image.open(io.BytesIO(sent)).size == (60, 40)


async def test_paid_is_answered_once_however_often_it_is_told(shop: Shop) -> None:
    await rule(
        shop.stage,
        RuleKind.MOMENT,
        moment=Moment.PAID,
        reply="收到付款\n######\n马上发货",
        new_pictures=[drawn("orange")],
    )
    order = await shop.order()
    assert shop.got() == []
    await shop.pay(order)
    await wait_got(shop, "收到付款", "马上发货", PICTURE)
    await shop.stage.sandbox.trade.tell(order, "paid")
    await says(shop, "好的，等你")
    await shop.stage.wait_for_notice("好的，等你")
    await wait_got(shop, "收到付款", "马上发货", PICTURE)


async def test_what_is_said_once_is_said_once_in_each_conversation(shop: Shop) -> None:
    await rule(shop.stage, RuleKind.DEFAULT, reply="稍等", once=True)
    await says(shop, "一")
    await wait_got(shop, "稍等")
    await says(shop, "二")
    await shop.stage.wait_for_notice("二")
    await wait_got(shop, "稍等")
    await says(shop, "三", KEYBOARD)
    await wait_got(shop, "稍等", item=KEYBOARD)


async def test_a_silent_rule_keeps_the_default_from_answering(shop: Shop) -> None:
    await rule(shop.stage, RuleKind.DEFAULT, reply="稍等")
    await rule(shop.stage, RuleKind.KEYWORD, keywords=["加微信"], match=Match.CONTAINS, silent=True)
    await says(shop, "可以加微信吗")
    await shop.stage.wait_for_notice("可以加微信吗")
    await wait_got(shop)
    await says(shop, "那好吧")
    await wait_got(shop, "稍等")


async def test_an_answer_of_several_parts_that_waits_is_replaced_as_a_whole(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, debounce_seconds=3) as stage:
        await rule(
            stage,
            RuleKind.KEYWORD,
            keywords=["教程"],
            reply="第一步\n######\n第二步",
            new_pictures=[drawn()],
        )
        await rule(stage, RuleKind.KEYWORD, keywords=["算了"], reply="好的\n######\n有事再说")
        await stage.buyer_says("有教程吗")
        await stage.wait_for_notice("↪ 自动回复")
        await stage.buyer_says("算了不用")
        await stage.wait_for_answer("有事再说")
        await stage.settled()
        assert stage.answers(BUYER) == ["好的", "有事再说"]
        mine = [one for one in await stage.messages() if one.origin is Origin.RULE]
        assert [one.state for one in mine[:3]] == [MessageState.DROPPED] * 3
        assert {one.state for one in mine[3:]} <= {MessageState.ACCEPTED, MessageState.READ}


async def test_rules_of_a_sheet_answer_from_the_next_message_on(shop: Shop) -> None:
    stage = shop.stage
    desk, operator = stage.hub.desk, stage.operator
    await says(shop, "包邮吗")
    await stage.wait_for_notice("包邮吗")
    assert shop.got() == []
    sheet = f"关键词,商品ID,关键词内容,账号\n包邮,{POT},包的,小店\n".encode("gbk")
    await desk.rule_sheets.import_(operator, sheet)
    await says(shop, "包邮吗")
    await wait_got(shop, "包的")
    data = await desk.rule_sheets.export(operator, SheetFormat.XLSX)
    assert not (await desk.rule_sheets.import_(operator, data, replace_all=True)).plan.changes
    kept = await desk.rules.all(operator)
    assert AccountId(stage.account.id) in {one.account for one in kept}
