"""One day of a seller in QQ, from the first question to a card that is sent again.

It is played against each kind of bridge, and again with the hub, the bridge or both of them gone
and back between every two steps: what waits is still there, or its end is said.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hub.sandbox.onebot import Dialect
from hub.sandbox.onebot_chats import LAGRANGE, NAPCAT
from tests.e2e.day import (
    BUYER,
    GREETING,
    KEYBOARD,
    OTHER_BUYER,
    POT,
    Day,
    open_day,
    ticket_of,
)

pytestmark = pytest.mark.timeout(600)
LIN, QI = {"buyer": BUYER}, {"buyer": OTHER_BUYER, "item": KEYBOARD}
ASKED = "这个多少钱"

Step = Callable[[Day], Awaitable[None]]


async def a_buyer_asks(day: Day) -> None:
    await day.buyer_says("包邮吗？")
    day.notices["lin"] = await day.hears("包邮吗？", "买家小林")


async def the_seller_answers_by_quoting(day: Day) -> None:
    await day.writes_about("lin", "包邮的\n今天发")
    await day.phone_shows("包邮的\n今天发")


async def the_answer_has_a_receipt(day: Day) -> None:
    await day.hears_receipt()


async def the_buyer_goes_on(day: Day) -> None:
    await day.buyer_says("有实拍吗？")
    day.notices["lin"] = await day.hears("有实拍吗？", ticket_of(day.notices["lin"]))


async def the_seller_takes_the_buyer_into_focus(day: Day) -> None:
    await day.writes(f"/聊 {ticket_of(day.notices['lin'])}")
    await day.hears("💬 正在聊 ", "现在起你写的话都发给这位买家")


async def a_plain_line_reaches_the_one_in_focus(day: Day) -> None:
    await day.writes("有的，稍等")
    await day.phone_shows("包邮的\n今天发", "有的，稍等")


async def the_receipt_names_whom_the_seller_talks_with(day: Day) -> None:
    assert (await day.hears_receipt()).text.startswith("💬 正在聊 ")


async def so_does_a_picture(day: Day) -> None:
    await day.writes("", image=day.picture())
    await day.phone_shows("包邮的\n今天发", "有的，稍等", "[图片]")
    await day.hears_receipt()


async def which_is_taken_back(day: Day) -> None:
    await day.writes("撤")
    await day.phone_shows("包邮的\n今天发", "有的，稍等")
    await day.hears("↩ 已撤回")


async def the_seller_leaves(day: Day) -> None:
    await day.writes("/退出")
    await day.hears("已退出")


async def a_rule_answers_another_buyer(day: Day) -> None:
    await day.buyer_says("在吗", **QI)
    await day.phone_shows(GREETING, **QI)
    day.notices["qi"] = await day.hears("在吗", GREETING)


async def the_seller_pauses(day: Day) -> None:
    await day.writes("/暂停")
    await day.hears("⏸")


async def the_rule_is_silent(day: Day) -> None:
    await day.buyer_says("在吗？有人吗", **QI)
    await day.hears("在吗？有人吗")


async def the_seller_resumes(day: Day) -> None:
    await day.writes("/恢复")
    await day.hears("▶")


async def the_rule_answers_again(day: Day) -> None:
    await day.buyer_says("在吗在吗", **QI)
    await day.phone_shows(GREETING, GREETING, **QI)
    await day.hears("在吗在吗", GREETING)


async def a_draft_waits(day: Day) -> None:
    await day.buyer_says(ASKED, **QI)
    await day.hears(ASKED, "AI 正在想")
    day.notices["draft"] = await day.hears("AI 草稿", ASKED)
    await day.phone_shows(GREETING, GREETING, **QI)


async def it_is_sent_in_other_words(day: Day) -> None:
    await day.writes_about("draft", "改 168 元\n不议价")
    await day.phone_shows(GREETING, GREETING, "168 元\n不议价", **QI)
    await day.hears_receipt()


async def the_next_draft_waits(day: Day) -> None:
    await day.buyer_says("价格还能少吗", **QI)
    await day.hears("价格还能少吗", "AI 正在想")
    day.notices["draft"] = await day.hears("AI 草稿", "价格还能少吗")


async def it_is_sent_as_it_stands(day: Day) -> None:
    await day.writes_about("draft", "好")
    await day.hears_receipt()
    *earlier, newest = day.phone(**QI)
    assert earlier == [GREETING, GREETING, "168 元\n不议价"]
    assert newest in day.notices["draft"].text


async def a_buyer_pays_and_the_stock_is_empty(day: Day) -> None:
    trade = day.sandbox.trade
    order = await trade.place(day.thread(BUYER, POT))
    await trade.step(order, "pay", told="story")
    day.order = order.id
    await day.hears("还没付款")
    await day.hears("已付款，等待发货")
    day.notices["need"] = await day.hears("待处理 1｜库存不足", "1 发货")


async def the_seller_restocks(day: Day) -> None:
    await day.writes("/补货 月卡\nCODE-1111\nCODE-2222")
    await day.hears("「月卡」入库 2 张")


async def a_number_settles_what_waited(day: Day) -> None:
    await day.writes("1", quote=day.notices["need"])
    if day.quotes_get_lost:
        await day.hears("没有执行：", "/处理")
        await day.writes("/处理 1 1")
    await day.hears("待处理 1：发货")
    await day.phone_shows("CODE-1111", buyer=BUYER, item=POT)
    await day.hears("✅ 已手动发货 1 份「月卡」：CO…11")


async def a_card_is_asked_for_again(day: Day) -> None:
    await day.writes(f"/补发 {day.order}")
    await day.hears(f"60 秒内回复：确认 {day.order[-4:]}")


async def the_second_word_sends_it(day: Day) -> None:
    code = day.order[-4:]
    await day.writes(f"确认 {code}")
    if day.hub_is_new:
        await day.hears("没有等你确认的操作")
        await a_card_is_asked_for_again(day)
        await day.writes(f"确认 {code}")
    await day.hears("正在把同样的内容再发一次")
    await day.phone_shows("CODE-1111", "CODE-1111", buyer=BUYER, item=POT)
    await day.hears("✅ 已再发一次 1 份「月卡」：CO…11")


STEPS: tuple[Step, ...] = (
    a_buyer_asks,
    the_seller_answers_by_quoting,
    the_answer_has_a_receipt,
    the_buyer_goes_on,
    the_seller_takes_the_buyer_into_focus,
    a_plain_line_reaches_the_one_in_focus,
    the_receipt_names_whom_the_seller_talks_with,
    so_does_a_picture,
    which_is_taken_back,
    the_seller_leaves,
    a_rule_answers_another_buyer,
    the_seller_pauses,
    the_rule_is_silent,
    the_seller_resumes,
    the_rule_answers_again,
    a_draft_waits,
    it_is_sent_in_other_words,
    the_next_draft_waits,
    it_is_sent_as_it_stands,
    a_buyer_pays_and_the_stock_is_empty,
    the_seller_restocks,
    a_number_settles_what_waited,
    a_card_is_asked_for_again,
    the_second_word_sends_it,
)


STRING = replace(NAPCAT, message_format="string", report_self_message=True)
LOSING_QUOTES = replace(STRING, drop_private_reply=True)


async def play(folder: Path, dialect: Dialect, between: Step | None = None) -> None:
    async with open_day(folder, dialect) as day:
        for number, step in enumerate(STEPS):
            day.hub_is_new = day.bridge_is_new = False
            if number and between is not None:
                await between(day)
            try:
                await step(day)
            except BaseException as error:
                error.add_note(f"in the step {step.__name__}")
                raise
        more = [line.text for line in day.unheard()]
        assert not more, "nothing is said twice, and nothing else"


@pytest.mark.parametrize(
    "dialect",
    [
        pytest.param(NAPCAT, id="NapCat"),
        pytest.param(LOSING_QUOTES, id="NapCat, strings, private quotes get lost"),
        pytest.param(replace(LAGRANGE, message_format="string"), id="Lagrange, strings"),
    ],
)
async def test_a_day_in_qq_is_the_same_through_every_bridge(
    tmp_path: Path, dialect: Dialect
) -> None:
    await play(tmp_path, dialect)


async def hub_stopped(day: Day) -> None:
    await day.restart_hub()


async def hub_killed(day: Day) -> None:
    await day.restart_hub(kill=True)


async def bridge_gone(day: Day) -> None:
    await day.restart_bridge()


async def both_gone(day: Day) -> None:
    await day.restart_both()


@pytest.mark.parametrize(
    ("between", "dialect"),
    [
        pytest.param(hub_stopped, LAGRANGE, id="hub, Lagrange"),
        pytest.param(hub_killed, NAPCAT, id="hub killed, NapCat"),
        pytest.param(bridge_gone, STRING, id="bridge, NapCat with strings"),
        pytest.param(both_gone, NAPCAT, id="both, NapCat"),
    ],
)
async def test_nothing_that_waits_is_lost_or_said_twice_by_a_restart_between_any_two_steps(
    tmp_path: Path, between: Step, dialect: Dialect
) -> None:
    await play(tmp_path, dialect, between)
