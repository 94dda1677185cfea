"""What rules say, and what is remembered of it, when answers are replaced, dropped or empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from answers_stage import BUYER, ITEM, THREAD, Shop, open_shop

from hub.errors import Invalid
from hub.model import (
    AiMode,
    Item,
    Match,
    Moment,
    OrderSignal,
    OrderStatus,
    PlatformMessage,
    PoolKind,
    RuleKind,
    SignalSource,
)
from hub.store import Tx

HELLO, PRICE, DEFAULT = "在的", "标价就是最低价", "稍等，马上回你"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, takeover_minutes=0) as shop:
        await shop.mode(AiMode.OFF)
        yield shop


def paid(number: int, order: str | None, **more: Any) -> OrderSignal:
    id_ = PlatformMessage(f"45{number:011}.PNM")
    values = {"id": id_, "order_id": order, "buyer": BUYER, **more}
    at = values.pop("at")
    return OrderSignal(OrderStatus.PAID, SignalSource.CARD, THREAD, at, **values)


async def thanks(shop: Shop, words: str = "感谢下单", *, once: bool = False) -> None:
    await shop.desk.rules.add(
        shop.operator, kind=RuleKind.MOMENT, moment=Moment.PAID, reply=words, once=once
    )


# --- Once -----------------------------------------------------------------------------------------


async def test_what_is_said_once_and_was_dropped_is_still_to_be_said(shop: Shop) -> None:
    await shop.default(DEFAULT, once=True)
    await shop.hears("支持几台设备")
    shop.passes(1)
    await shop.says("三台")
    await shop.settles()
    await shop.hears("能用多久呀")
    await shop.settles()
    assert shop.session.said == ["三台", DEFAULT]
    await shop.hears("好的谢谢")
    await shop.settles()
    assert shop.session.said == ["三台", DEFAULT]


async def test_what_is_said_once_and_was_replaced_is_still_to_be_said(shop: Shop) -> None:
    await shop.default(DEFAULT, once=True)
    await shop.keyword("多少钱", PRICE)
    await shop.hears("支持几台设备")
    shop.passes(1)
    await shop.hears("多少钱")
    await shop.settles()
    await shop.hears("能用多久呀")
    await shop.settles()
    assert shop.session.said == [PRICE, DEFAULT]


# --- Reasons --------------------------------------------------------------------------------------


async def test_the_line_whose_answer_was_replaced_is_the_one_that_says_so(shop: Shop) -> None:
    """Not one in between that a rule kept silent about."""
    await shop.keyword("在吗", HELLO)
    await shop.keyword("多少钱", PRICE)
    await shop.desk.rules.add(
        shop.operator, kind=RuleKind.KEYWORD, keywords=["广告"], silent=True, reply=""
    )
    for words in ("在吗", "广告", "多少钱"):
        await shop.hears(words)
        shop.passes(1)
    assert await about(shop, "在吗") == ["answered", "superseded"]
    assert await about(shop, "广告") == ["silent"]


async def test_an_offer_whose_answer_was_replaced_is_the_line_that_says_so(shop: Shop) -> None:
    await shop.keyword("在吗", HELLO)
    await shop.keyword("发货", "马上发")
    await priced(shop, 100)
    await shop.desk.bargains.set_floor(shop.operator, "10%")
    await shop.hears("在吗")
    await shop.settles()
    await shop.hears("95卖不卖")
    shop.passes(1)
    await shop.hears("什么时候发货")
    assert await about(shop, "在吗") == ["answered"]
    assert await about(shop, "95卖不卖") == ["bargained", "superseded"]


async def test_an_order_that_rules_speak_of_in_between_is_not_what_was_replaced(
    shop: Shop,
) -> None:
    await shop.keyword("在吗", HELLO)
    await shop.keyword("多少钱", PRICE)
    await thanks(shop)
    await shop.hears("在吗")
    await shop.take_in(paid(1, "31", at=shop.now))
    await shop.hears("多少钱")
    assert await about(shop, "在吗") == ["answered", "superseded"]


# --- Nothing to say -------------------------------------------------------------------------------


async def test_a_rule_that_comes_out_empty_answers_nothing_and_replaces_nothing(
    shop: Shop,
) -> None:
    await shop.keyword("在吗", HELLO)
    await shop.keyword("订单", "{order_id}")
    await shop.hears("在吗")
    shop.passes(1)
    await shop.hears("我的订单呢")
    await shop.settles()
    assert shop.session.said == [HELLO]
    assert await about(shop, "在吗") == ["answered"]
    assert await about(shop, "我的订单呢") == ["says_nothing"]


@pytest.mark.parametrize("reply", ["######", "\n######\n######\n", " ###### \n"])
async def test_a_rule_of_nothing_but_cuts_is_refused(shop: Shop, reply: str) -> None:
    with pytest.raises(Invalid, match="不能为空"):
        await shop.keyword("在吗", reply)


async def test_a_reply_quotes_no_more_of_a_buyer_than_anybody_reads(shop: Shop) -> None:
    await shop.keyword("在吗", "你说「{send_message}」")
    await shop.hears("在吗" + "长" * 5000)
    await shop.settles()
    [said] = shop.session.said
    assert len(said) < 1000
    assert said.endswith("…」")


async def test_marks_and_braces_in_what_a_buyer_says_stay_text(shop: Shop) -> None:
    await shop.keyword("在吗", "你说「{send_message}」")
    await shop.hears("在吗###### {order_id} ######{cookie_id}")
    await shop.settles()
    assert shop.session.said == ["你说「在吗###### {order_id} ######{cookie_id}」"]


# --- Orders ---------------------------------------------------------------------------------------


async def test_an_order_that_is_told_without_and_with_its_number_is_spoken_of_once(
    shop: Shop,
) -> None:
    await thanks(shop)
    await shop.hears("拍了")
    await shop.take_in(paid(1, None, at=shop.now))
    shop.passes(1)
    await shop.take_in(paid(2, "31", at=shop.now))
    await shop.settles()
    assert shop.session.said == ["感谢下单"]


async def test_two_orders_of_a_buyer_are_both_spoken_of(shop: Shop) -> None:
    await thanks(shop)
    await shop.hears("拍了")
    await shop.take_in(paid(1, "31", at=shop.now))
    shop.passes(1)
    await shop.take_in(paid(2, "32", at=shop.now))
    await shop.settles()
    assert shop.session.said == ["感谢下单", "感谢下单"]


async def test_a_repeated_or_late_signal_says_nothing_again(shop: Shop) -> None:
    await thanks(shop)
    await shop.hears("拍了")
    signal = paid(1, "31", at=shop.now)
    await shop.take_in(signal, signal)
    await shop.settles()
    shop.passes(3600)
    await shop.take_in(signal, paid(2, "32", at=shop.now - timedelta(minutes=50)))
    await shop.settles()
    assert shop.session.said == ["感谢下单"]


async def test_words_about_an_order_of_nobody_are_not_counted_as_said(shop: Shop) -> None:
    await thanks(shop, once=True)
    await shop.take_in(paid(1, "31", at=shop.now, buyer=None))
    await shop.hears("拍了")
    await shop.take_in(paid(2, "32", at=shop.now))
    await shop.settles()
    assert shop.session.said == ["感谢下单"]


# --- What is saved --------------------------------------------------------------------------------


async def test_a_card_of_the_shop_cannot_be_written_into_a_rule(shop: Shop) -> None:
    await with_card(shop, "ABCD-1234-EFGH")
    for reply in ("卡密 ABCD-1234-EFGH", "你好\nABCD-1234-EFGH\n######\n请查收"):
        with pytest.raises(Invalid, match="卡密"):
            await shop.keyword("在吗", reply)
    rule = await shop.desk.rules.add(
        shop.operator, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="ABCD-1234-EFGX 是示例"
    )
    with pytest.raises(Invalid, match="卡密"):
        await shop.desk.rules.change(shop.operator, rule.id, reply="ABCD-1234-EFGH")


async def test_a_card_of_the_shop_cannot_be_kept_as_a_canned_answer(shop: Shop) -> None:
    await with_card(shop, "ABCD-1234-EFGH")
    with pytest.raises(Invalid, match="卡密"):
        await shop.desk.canned.save(shop.operator, "卡", "卡密 ABCD-1234-EFGH")


async def test_a_rule_with_a_card_that_came_later_can_still_be_switched_off(shop: Shop) -> None:
    rule = await shop.desk.rules.add(
        shop.operator, kind=RuleKind.KEYWORD, keywords=["在吗"], reply="ABCD-1234-EFGH"
    )
    await with_card(shop, "ABCD-1234-EFGH")
    await shop.desk.rules.change(shop.operator, rule.id, enabled=False)
    with pytest.raises(Invalid, match="卡密"):
        await shop.desk.rules.change(shop.operator, rule.id, enabled=True)


async def test_a_card_of_the_shop_cannot_be_brought_in_a_spreadsheet(shop: Shop) -> None:
    await with_card(shop, "ABCD-1234-EFGH")
    sheet = "关键词,商品ID,关键词内容\n在吗,,卡密 ABCD-1234-EFGH\n".encode()
    with pytest.raises(Invalid, match="卡密"):
        await shop.desk.rule_sheets.import_(shop.operator, sheet)
    assert await shop.desk.rules.all(shop.operator) == []


@pytest.mark.parametrize("pattern", ["多少钱|", "a*", "^", ".*", r"\b", "(?=)"])
async def test_a_pattern_that_hits_everything_is_refused(shop: Shop, pattern: str) -> None:
    with pytest.raises(Invalid, match="什么话都"):
        await shop.desk.rules.add(
            shop.operator,
            kind=RuleKind.KEYWORD,
            keywords=[pattern],
            match=Match.PATTERN,
            reply="x",
        )


# --- Shared ---------------------------------------------------------------------------------------


async def about(shop: Shop, words: str) -> list[str]:
    """What was decided about a line, the oldest first."""
    talk = await shop.talk()
    [line] = [one for one in await shop.messages() if getattr(one.content, "text", "") == words]
    made = await shop.store.read(
        lambda tx: tx.decisions.of_conversation(shop.owner.shop, talk.id, 100)
    )
    return [one.outcome for one in reversed(made) if one.message == line.id]


async def priced(shop: Shop, price: int) -> None:
    item = Item(ITEM, "月卡", price=Decimal(price), on_sale=True)
    await shop.store.write(
        lambda tx: tx.items.save(shop.owner.shop, shop.account.id, item, shop.now)
    )


async def with_card(shop: Shop, code: str) -> None:
    def unit(tx: Tx) -> None:
        pool = tx.pools.add(shop.owner.shop, name="月卡", kind=PoolKind.CODES, now=shop.now)
        tx.cards.add(shop.owner.shop, pool.id, [code], batch=None, now=shop.now)

    await shop.store.write(unit)
