"""Rules, AI, drafts and people in one conversation: whoever comes second yields, and nobody is
forgotten."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from answers_stage import (
    ITEM,
    OTHER_ITEM,
    Shop,
    open_shop,
    suggestion,
)

from hub.errors import Invalid
from hub.model import (
    AiFailure,
    AiMode,
    AiTrouble,
    HoldKind,
    Item,
    MessageState,
    Origin,
    PlatformMessage,
    Recalled,
    RuleKind,
    Scope,
    TaskKind,
    Text,
)
from hub.ops import Metrics

FAILED = AiFailure(AiTrouble.BROKEN, "设置文件：服务器出错", 1.0)
DEFAULT, PRICE = "稍等，马上回你", "标价就是最低价"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


@pytest.fixture
async def lenient(tmp_path: Path) -> AsyncIterator[Shop]:
    """Answers of people hold nothing here."""
    async with open_shop(tmp_path, takeover_minutes=0) as shop:
        yield shop


# --- Two who would answer -------------------------------------------------------------------------


async def test_what_is_asked_after_a_person_answered_is_not_lost_with_what_was_asked_before(
    lenient: Shop,
) -> None:
    await lenient.hears("能用多久")
    lenient.passes(1)
    await lenient.says("一个月")
    lenient.passes(1)
    await lenient.hears("支持几台设备")
    await lenient.settles()
    assert lenient.session.said == ["一个月", "可以用一个月"]
    assert [one.text for one in lenient.model.asked[-1].words] == ["支持几台设备"]
    assert ("ai_dropped", "人工已经先回复了") in await lenient.decided()


async def test_no_default_reply_follows_a_keyword_that_answered_for_ai(shop: Shop) -> None:
    await shop.keyword("多少钱", PRICE)
    await shop.default(DEFAULT)
    await shop.hears("你好呀老板")
    shop.passes(1)
    await shop.hears("多少钱")
    await shop.settles()
    assert shop.session.said == [PRICE]


async def test_no_default_reply_follows_a_keyword_that_was_faster_than_a_failing_model(
    shop: Shop,
) -> None:
    await shop.keyword("多少钱", PRICE)
    await shop.default(DEFAULT)
    shop.model.answers = [FAILED]
    shop.model.meanwhile = lambda: shop.hears("多少钱")
    await shop.hears("你好呀老板")
    await shop.settles()
    assert shop.session.said == [PRICE]


async def test_a_delivery_is_no_answer_to_what_the_buyer_asked_before_it(shop: Shop) -> None:
    await shop.hears("买了怎么用呀")
    shop.passes(1)
    await deliver(shop, "卡密 ABCD")
    await shop.settles()
    assert "可以用一个月" in shop.session.said


async def test_words_after_an_order_came_are_still_answered_by_ai(shop: Shop) -> None:
    """What a rule says about an order is no answer to a question."""
    await moment_says(shop, "moment:1:3:paid", "感谢下单")
    shop.passes(1)
    await shop.hears("买了怎么用呀")
    shop.passes(1)
    await moment_says(shop, "moment:1:4:paid", "感谢下单")
    await shop.settles()
    assert "可以用一个月" in shop.session.said


async def test_a_rule_that_spoke_before_the_question_was_heard_is_no_answer_to_it(
    shop: Shop,
) -> None:
    """Our clock may be ahead of the platform's."""
    await shop.keyword("在吗", "在的")
    shop.passes(5)
    await shop.hears("在吗", sent_at=shop.now - timedelta(seconds=5))
    await shop.hears("支持几台设备", sent_at=shop.now - timedelta(seconds=4.5))
    await shop.settles()
    assert shop.session.said == ["在的", "可以用一个月"]


async def test_the_default_after_ai_failed_speaks_of_what_the_buyer_said(shop: Shop) -> None:
    await shop.default("你问的「{send_message}」我记下了")
    shop.model.answers = [FAILED]
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == ["你问的「支持几台设备」我记下了"]


# --- What changes while AI thinks -----------------------------------------------------------------


async def test_a_mode_that_is_set_while_ai_thinks_counts_at_once(shop: Shop) -> None:
    shop.model.meanwhile = lambda: shop.mode(AiMode.DRAFT)
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == []
    assert len(await shop.drafts()) == 1


async def test_ai_that_is_switched_off_while_it_thinks_says_nothing(shop: Shop) -> None:
    await shop.default(DEFAULT)
    shop.model.meanwhile = lambda: shop.mode(AiMode.OFF)
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == [DEFAULT]
    assert await shop.drafts() == []


@pytest.mark.parametrize("mode", [AiMode.AUTOMATIC, AiMode.DRAFT])
async def test_an_answer_about_another_item_than_the_conversations_is_shown_to_a_person(
    shop: Shop, mode: AiMode
) -> None:
    await shop.mode(mode)
    await shop.keyword("多少钱", PRICE)
    shop.model.meanwhile = lambda: shop.hears("多少钱", item=OTHER_ITEM)
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == [PRICE]
    assert "换了商品" in (await shop.draft()).reason


async def test_words_that_were_taken_back_while_ai_thinks_are_not_answered(shop: Shop) -> None:
    shop.model.meanwhile = lambda: taken_back(shop, 1)
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == []
    assert await shop.drafts() == []
    assert (await shop.decided())[-1] == ("ai_dropped", "买家把问题撤回了")


async def test_an_answer_to_words_some_of_which_were_taken_back_is_shown_to_a_person(
    shop: Shop,
) -> None:
    await shop.hears("我的密码是 8848")
    await shop.hears("支持几台设备")
    shop.model.meanwhile = lambda: taken_back(shop, 1)
    await shop.settles()
    assert shop.session.said == []
    assert "撤回" in (await shop.draft()).reason


async def test_ai_does_not_talk_about_a_price_that_a_person_is_deciding_about(shop: Shop) -> None:
    await shop.desk.bargains.set_floor(shop.operator, "10%")
    await price_of_items(shop)
    await shop.hears("50卖不卖")
    await shop.hears("支持几台设备")
    await shop.settles()
    assert shop.session.said == []
    assert "还价" in (await shop.draft()).reason


# --- Drafts ---------------------------------------------------------------------------------------


async def test_an_approved_draft_is_an_answer_of_that_person_for_all_that_waits(
    lenient: Shop,
) -> None:
    await lenient.mode(AiMode.DRAFT)
    await lenient.keyword("多少钱", PRICE)
    await lenient.hears("支持几台设备")
    lenient.passes(3)
    await lenient.thinks()
    draft = await lenient.draft()
    await lenient.hears("多少钱")
    lenient.passes(1)
    await lenient.desk.drafts.approve(lenient.operator, draft.id)
    await lenient.settles()
    assert lenient.session.said == ["可以用一个月"]
    [waited] = [one for one in await lenient.messages() if one.origin is Origin.RULE]
    assert (waited.state, waited.reason) == (MessageState.DROPPED, "人工已经先回复了")


async def test_a_draft_that_is_approved_while_ai_thinks_ends_the_question(lenient: Shop) -> None:
    await lenient.mode(AiMode.DRAFT)
    await lenient.hears("支持几台设备")
    lenient.passes(3)
    await lenient.thinks()
    draft = await lenient.draft()
    lenient.model.meanwhile = lambda: lenient.desk.drafts.approve(lenient.operator, draft.id)
    await lenient.hears("在吗老板")
    await lenient.settles()
    assert lenient.session.said == ["可以用一个月"]
    assert await lenient.drafts() == []


@pytest.mark.parametrize("kind", list(HoldKind))
async def test_no_hold_stops_a_draft_that_a_person_approved(shop: Shop, kind: HoldKind) -> None:
    await shop.mode(AiMode.DRAFT)
    await shop.hears("支持几台设备")
    shop.passes(3)
    await shop.thinks()
    draft = await shop.draft()
    talk = await shop.talk()
    await shop.store.write(
        lambda tx: tx.holds.add(
            talk.shop, Scope(conversation=talk.id), kind=kind, reason="x", now=shop.now
        )
    )
    await shop.desk.drafts.approve(shop.operator, draft.id)
    await shop.settles()
    assert shop.session.said == ["可以用一个月"]


async def test_an_approved_draft_is_taken_back_as_the_last_answer_of_the_conversation(
    shop: Shop,
) -> None:
    await shop.mode(AiMode.DRAFT)
    await shop.hears("支持几台设备")
    shop.passes(3)
    await shop.thinks()
    draft = await shop.draft()
    talk = await shop.talk()
    await shop.says("马上看")
    await shop.sends_all()
    assert (await newest_answer(shop)) == "马上看"
    with pytest.raises(Invalid, match="作废"):
        await shop.desk.drafts.approve(shop.operator, draft.id)

    shop.passes(60 * 60)
    await shop.hears("还有别的吗")
    shop.passes(3)
    await shop.thinks()
    await shop.desk.drafts.approve(shop.operator, (await shop.draft()).id)
    assert (await newest_answer(shop)) == "可以用一个月"
    [approved] = [one for one in await shop.by_ai() if one.state is MessageState.QUEUED]
    done = await shop.desk.inbox.recall(shop.operator, talk.id, [approved.id], key="r")
    assert done.cancelled
    await shop.settles()
    assert shop.session.said == ["马上看"]


async def test_an_answer_on_the_phone_that_is_found_late_leaves_the_draft_to_newer_words(
    shop: Shop,
) -> None:
    await shop.mode(AiMode.DRAFT)
    await shop.hears("支持几台设备")
    shop.passes(3)
    await shop.thinks()
    said_at = shop.now - timedelta(minutes=30)
    await shop.phone("昨天说过的", sent_at=said_at)
    assert len(await shop.drafts()) == 1
    await shop.phone("三台")
    assert await shop.drafts() == []


async def test_a_person_who_waits_for_another_draft_is_told_that_there_is_none(shop: Shop) -> None:
    await shop.mode(AiMode.DRAFT, calls=1)
    await shop.hears("支持几台设备")
    shop.passes(3)
    await shop.thinks()
    await shop.desk.drafts.another(shop.operator, (await shop.draft()).id)
    await shop.notices()
    await shop.thinks()
    [told] = await shop.notices()
    assert "用完了" in told


async def test_a_person_who_waits_for_another_draft_hears_of_every_failure(shop: Shop) -> None:
    """Not only of the first in an hour."""
    await shop.mode(AiMode.DRAFT)
    await shop.hears("支持几台设备")
    shop.model.answers = [FAILED, suggestion(), FAILED]
    shop.passes(3)
    await shop.thinks()
    await shop.hears("在吗老板")
    shop.passes(3)
    await shop.thinks()
    await shop.desk.drafts.another(shop.operator, (await shop.draft()).id)
    await shop.notices()
    await shop.thinks()
    assert any("服务器出错" in told for told in await shop.notices())


async def test_no_other_draft_comes_once_a_person_has_answered(lenient: Shop) -> None:
    await lenient.mode(AiMode.DRAFT)
    await lenient.hears("支持几台设备")
    lenient.passes(3)
    await lenient.thinks()
    await lenient.desk.drafts.another(lenient.operator, (await lenient.draft()).id)
    lenient.model.meanwhile = lambda: lenient.says("三台")
    lenient.passes(1)
    await lenient.settles()
    assert await lenient.drafts() == []
    assert lenient.session.said == ["三台"]


async def test_a_draft_to_words_that_ai_has_answered_by_now_is_dropped(shop: Shop) -> None:
    shop.model.answers = [suggestion(confidence=0.2), suggestion("三台")]
    await shop.hears("支持几台")
    await shop.settles()
    assert len(await shop.drafts()) == 1
    await shop.hears("支持几台设备呀")
    await shop.settles()
    assert shop.session.said == ["三台"]
    assert await shop.drafts() == []


async def test_every_question_is_counted_by_what_became_of_it(shop: Shop) -> None:
    metrics = Metrics()
    shop.ai = shop.ai_that_counts(metrics.count_ai)
    await shop.hears("支持几台设备")
    await shop.settles()
    shop.model.answers = [FAILED]
    await shop.hears("能用多久呀")
    await shop.settles()
    page = metrics.page().decode()
    assert 'yuqiao_ai_questions_total{outcome="ai_answered"} 1.0' in page
    assert 'yuqiao_ai_questions_total{outcome="ai_failed"} 1.0' in page
    assert 'yuqiao_ai_tokens_total{direction="in"} 10.0' in page
    assert "yuqiao_ai_seconds_count 2.0" in page


async def test_what_ai_answers_is_shown_as_read_where_automatic_answers_are(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path, mark_read="always") as shop:
        await shop.hears("支持几台设备")
        shop.passes(1)
        await shop.hears("能用多久")
        assert TaskKind.READ not in await shop.waiting()
        shop.passes(3)
        await shop.thinks()
        assert (await shop.waiting())[TaskKind.READ] == 1


async def test_a_trial_and_a_replay_write_nothing(shop: Shop) -> None:
    await price_of_items(shop)
    await shop.desk.bargains.set_floor(shop.operator, "10%")
    await shop.keyword("在吗", "在的")
    for words in ("在吗", "95卖不卖", "支持几台设备"):
        await shop.hears(words)
    before = shop.everything()
    for words in ("在吗", "95卖不卖", "50卖不卖", "支持几台设备", "便宜点"):
        await shop.desk.rehearsal.try_out(shop.operator, words, item=ITEM)
    await shop.desk.rehearsal.replay(
        shop.operator, kind=RuleKind.KEYWORD, fields={"keywords": ["设备"], "reply": "三台"}
    )
    assert shop.everything() == before
    assert shop.model.asked == []


# --- Shared ---------------------------------------------------------------------------------------


async def deliver(shop: Shop, words: str) -> None:
    await _writes(shop, "delivery:1", words, Origin.DELIVERY)


async def moment_says(shop: Shop, key: str, words: str) -> None:
    await shop.hears("在") if not shop._heard else None
    await _writes(shop, key, words, Origin.RULE)


async def _writes(shop: Shop, key: str, words: str, origin: Origin) -> None:
    talk = await shop.talk()
    await shop.store.write(
        lambda tx: tx.messages.add_out(
            talk.shop, talk.account, talk.id, key=key, origin=origin, content=Text(words),
            now=shop.now,
        )
    )  # fmt: skip


async def taken_back(shop: Shop, number: int) -> None:
    await shop.take_in(Recalled((PlatformMessage(f"43{number:011}.PNM"),)))


async def newest_answer(shop: Shop) -> str:
    talk = await shop.talk()
    found = await shop.store.read(lambda tx: tx.messages.newest_answer(talk.shop, talk.id))
    assert found is not None
    assert isinstance(found.content, Text)
    return found.content.text


async def price_of_items(shop: Shop) -> None:
    item = Item(ITEM, "月卡", price=Decimal(100), on_sale=True)
    await shop.store.write(
        lambda tx: tx.items.save(shop.owner.shop, shop.account.id, item, shop.now)
    )
