"""In quiet hours a buyer whom nothing answers is told once that nobody is there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path

import pytest
from answers_stage import Shop, open_shop, suggestion

from hub.errors import Invalid
from hub.model import (
    AiFailure,
    AiMode,
    AiTrouble,
    AwayWords,
    ChatPeer,
    Hours,
    OperatorMessage,
    Ping,
    Scope,
    TaskKind,
)

AWAY, PRICE = "夜里不在，明早回复你", "标价就是最低价"
NIGHT = Hours(time(19), time(8))


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    """It is eight in the evening there."""
    async with open_shop(tmp_path, mark_read="always") as shop:
        await shop.mode(AiMode.OFF)
        await quiet(shop, NIGHT)
        await shop.desk.people.set_away(shop.operator, None, AWAY)
        yield shop


async def quiet(shop: Shop, hours: Hours | None) -> None:
    await shop.desk.people.set_habits(
        shop.operator, quiet=hours, unanswered=(5,), claimed_only=False, digest_at=None
    )


async def hears(shop: Shop, words: str) -> None:
    await shop.hears(words)
    await shop.settles()


async def still_waits(shop: Shop) -> bool:
    """Whether somebody is still to be reminded of the buyer."""
    talk = await shop.talk()
    (ping,) = await shop.store.read(
        lambda tx: tx.outbox.waiting(shop.owner.shop, f"ping:{talk.id}")
    )
    assert isinstance(ping.work, Ping)
    asked = ping.work.message
    return not await shop.store.read(
        lambda tx: tx.attention.answered(shop.owner.shop, talk.id, asked)
    )


async def test_it_is_said_once_per_conversation_and_night_and_says_why(shop: Shop) -> None:
    await hears(shop, "支持几台设备")
    assert await still_waits(shop)
    await hears(shop, "人呢")
    assert shop.session.said == [AWAY]
    assert await shop.decided() == [
        ("away", "没有命中任何规则；现在是安静时段，没有人值班"),
        ("no_rule", "没有命中任何规则"),
    ]
    ticket = (await shop.talk()).ticket
    asked = OperatorMessage(ChatPeer("1", "private", "10002"), "10002", "1", f"/为什么 #{ticket}")
    page = await shop.desk.chat.receive(asked)
    assert page is not None
    assert "安静时段的自动答复：这个会话里已经说过，不说" in page
    shop.now += timedelta(days=1)
    await hears(shop, "还在吗")
    assert shop.session.said == [AWAY, AWAY]


async def test_lines_in_one_go_get_it_once_and_still_wait_for_somebody(shop: Shop) -> None:
    await shop.hears("支持几台设备")
    shop.passes(1)
    await hears(shop, "人呢")
    assert shop.session.said == [AWAY]
    assert TaskKind.READ not in await shop.waiting()
    assert await still_waits(shop)


async def test_what_a_rule_answers_gets_the_rule_alone_also_in_one_go(shop: Shop) -> None:
    await shop.keyword("多少钱", PRICE)
    await hears(shop, "多少钱")
    assert shop.session.said == [PRICE]
    await shop.hears("支持几台设备")
    shop.passes(1)
    await hears(shop, "多少钱呢")
    assert shop.session.said == [PRICE, PRICE]
    assert not await still_waits(shop)
    await hears(shop, "支持几台设备")
    assert shop.session.said == [PRICE, PRICE, AWAY]


async def test_nothing_is_said_while_or_after_a_person_answers_in_that_night(shop: Shop) -> None:
    await shop.hears("支持几台设备")
    await shop.says("三台")
    await shop.settles()
    await hears(shop, "好的")
    shop.passes(3600)
    await hears(shop, "还在吗")
    assert shop.session.said == ["三台"]


async def test_a_pause_holds_for_it_too(shop: Shop) -> None:
    await shop.hears("支持几台设备")
    await shop.desk.holds.pause(shop.operator, Scope(conversation=(await shop.talk()).id))
    await shop.settles()
    await hears(shop, "人呢")
    assert shop.session.said == []


@pytest.mark.parametrize("why", ["day", "on duty", "no quiet hours"])
async def test_nothing_is_said_when_somebody_is_there(shop: Shop, why: str) -> None:
    if why == "day":
        shop.now += timedelta(hours=14)
    elif why == "on duty":
        await shop.desk.people.take_duty(shop.operator, "", None)
    else:
        await quiet(shop, None)
    await hears(shop, "支持几台设备")
    assert shop.session.said == []


@pytest.mark.parametrize("mode", [AiMode.DRAFT, AiMode.AUTOMATIC])
async def test_a_draft_or_no_answer_of_ai_is_nobody_there_as_well(shop: Shop, mode: AiMode) -> None:
    await shop.mode(mode)
    failed = AiFailure(AiTrouble.BROKEN, "设置文件：服务器出错", 1.0)
    shop.model.answers = [suggestion() if mode is AiMode.DRAFT else failed]
    await hears(shop, "支持几台设备")
    assert shop.session.said == [AWAY]
    assert "away" in [outcome for outcome, _ in await shop.decided()]
    assert len(await shop.drafts()) == (mode is AiMode.DRAFT)


async def test_an_account_may_have_words_of_its_own_and_lose_them(shop: Shop) -> None:
    people, account = shop.desk.people, shop.account.id
    await people.set_away(shop.operator, account, "{buyer_name}，小店打烊了")
    await hears(shop, "支持几台设备")
    assert shop.session.said == ["小林，小店打烊了"]
    await people.set_away(shop.operator, account, " ")
    view = await people.view(shop.operator)
    assert view.plan.away == (AwayWords(AWAY),)
    with pytest.raises(Invalid):
        await people.set_away(shop.operator, None, "{price_of_gold}")
