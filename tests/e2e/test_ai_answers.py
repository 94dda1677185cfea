"""AI answers buyers, or proposes answers to a person, and yields to whoever was faster."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import open_hub, utc_now
from hub.model import (
    AccountState,
    AiLimits,
    AiMode,
    AiScope,
    MessageState,
    Origin,
    RuleKind,
)
from hub.model import Message as StoredMessage
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.onebot import ChatLine
from tests.e2e.stage import BUYER, OTHER_BUYER, Stage, furnish, open_stage, settings_for

MODEL = "sandbox-mini"
ASKED = "这个多少钱"
DRAFT = "AI 草稿"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def answers_by_itself(stage: Stage, mode: AiMode = AiMode.AUTOMATIC) -> None:
    shop, now = stage.operator.shop, utc_now()
    await stage.hub.store.write(
        lambda tx: tx.ai_scopes.set_shop(shop, AiScope(mode=mode), AiLimits(), now)
    )


async def by_ai(stage: Stage, buyer: str = BUYER) -> list[StoredMessage]:
    return [one for one in await stage.messages(buyer) if one.origin is Origin.AI]


async def why(stage: Stage, buyer: str = BUYER) -> list[tuple[str, str]]:
    """Outcome and reason of what was decided, oldest first."""
    shop, talk = stage.operator.shop, (await stage.messages(buyer))[0].conversation
    found = await stage.read(lambda tx: tx.decisions.of_conversation(shop, talk, 50))
    return [(one.outcome, one.reason) for one in reversed(found)]


async def asked(stage: Stage, times: int) -> None:
    """The model has been asked so often."""
    calls = stage.sandbox.ai.calls
    await stage.until(lambda: len(calls) >= times, f"{times} questions, {len(calls)} so far")


async def draft_of(stage: Stage, words: str = ASKED) -> ChatLine:
    await stage.buyer_says(words)
    return await stage.wait_for_notice(DRAFT)


# --- Answers --------------------------------------------------------------------------------------


async def test_what_no_rule_answers_is_answered_by_ai_from_the_page_of_the_item(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says(ASKED)
    await stage.until(lambda: any("价格就是" in one for one in stage.answers()), "an answer")
    await stage.settled()
    [answer] = await by_ai(stage)
    assert answer.state is MessageState.ACCEPTED
    assert ("ai_answered", "AI 有 90% 的把握") in await why(stage)


async def test_what_ai_says_by_itself_is_told_in_qq(stage: Stage) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says(ASKED)
    notice = await stage.wait_for_notice("↪ AI 自动回复：")
    await stage.settled()
    assert stage.answers() == [notice.text.split("自动回复：")[1].rsplit("\n#", 1)[0]]


async def test_a_rule_answers_before_ai_is_asked(stage: Stage) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says("在吗")
    await stage.until(lambda: bool(stage.answers()))
    await stage.settled()
    assert not stage.sandbox.ai.calls


async def test_a_refund_is_never_answered_without_a_person(stage: Stage) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says("我要退款")
    notice = await stage.wait_for_notice(DRAFT)
    assert "买家在说退款，要人看过才发" in notice.text
    await stage.settled()
    assert stage.answers() == []


# --- Drafts ---------------------------------------------------------------------------------------


async def test_a_draft_goes_out_once_somebody_says_yes(stage: Stage) -> None:
    notice = await draft_of(stage)
    assert stage.answers() == []
    await stage.operator_writes("好", notice)
    await stage.until(lambda: len(stage.answers()) == 1)
    assert stage.answers()[0] in notice.text
    await stage.operator_writes("好", notice)
    await stage.wait_for_notice("已经发送过了")
    await stage.settled()
    assert len(stage.answers()) == 1


async def test_a_draft_goes_out_in_other_words(stage: Stage) -> None:
    notice = await draft_of(stage)
    await stage.operator_writes("改 十块\n包邮", notice)
    await stage.wait_for_answer("十块\n包邮")
    await stage.settled()
    assert stage.answers() == ["十块\n包邮"]


async def test_another_draft_is_written_when_the_first_is_not_liked(stage: Stage) -> None:
    notice = await draft_of(stage)
    stage.sandbox.faults.add(
        "",
        "ai_says",
        reason='{"intent": "price", "confidence": 0.9, "language": "zh", "answer": "一口价"}',
    )
    await stage.operator_writes("换", notice)
    again = await stage.wait_for_notice("一口价")
    assert DRAFT in again.text
    assert "店主不想发这个草稿" in str(stage.sandbox.ai.calls[-1]["messages"])
    await stage.operator_writes("好", notice)
    await stage.wait_for_notice("这份草稿已经作废：已经让 AI 换一份")
    await stage.operator_writes("好", again)
    await stage.wait_for_answer("一口价")


async def test_an_unwanted_draft_says_nothing_to_anybody(stage: Stage) -> None:
    notice = await draft_of(stage)
    await stage.operator_writes("不要", notice)
    await stage.wait_for_notice("草稿不要了")
    await stage.settled()
    assert stage.answers() == []
    assert [one.state for one in await by_ai(stage)] == [MessageState.DROPPED]


async def test_other_words_about_a_draft_are_an_answer_of_ones_own(stage: Stage) -> None:
    notice = await draft_of(stage)
    await stage.operator_writes("好的哥，给你包好点", notice)
    await stage.wait_for_answer("好的哥，给你包好点")
    await stage.settled()
    assert [one.state for one in await by_ai(stage)] == [MessageState.DROPPED]


async def test_a_yes_to_any_other_notice_is_said_to_the_buyer(stage: Stage) -> None:
    await stage.buyer_says("在吗")
    notice = await stage.wait_for_notice("在吗")
    await stage.operator_writes("好", notice)
    await stage.wait_for_answer("好")


# --- Prices and the last look ---------------------------------------------------------------------


async def floor_of(stage: Stage, floor: str) -> None:
    """For the item of the other buyer's conversation, which has one price: 168."""
    item = stage.conversation(OTHER_BUYER).thread.item
    await stage.hub.desk.items.refresh(stage.operator, stage.account.id)
    await stage.hub.desk.bargains.set_floor(stage.operator, floor, item=item)


async def says(stage: Stage, answer: str, **more: object) -> None:
    """The model will answer so."""
    said = {"intent": "question", "confidence": 0.95, "language": "zh", "answer": answer}
    words = json.dumps({**said, **more}, ensure_ascii=False)
    stage.sandbox.faults.add("", "ai_says", reason=words)


@pytest.mark.parametrize(
    "answer",
    [
        "给你便宜点，10块拿走",
        "加我微信 abc12345 聊",
        "去 https://example.com 看看",
        "不满意就退你钱",
        "卡密是 ABCD-EFGH-1234-5678",
    ],
)
async def test_what_ai_may_not_say_by_itself_waits_for_a_person(stage: Stage, answer: str) -> None:
    """L42."""
    await answers_by_itself(stage)
    await says(stage, answer)
    await stage.buyer_says("这个能用多久呀")
    notice = await stage.wait_for_notice(DRAFT)
    assert answer in notice.text
    await stage.settled()
    assert stage.answers() == []


async def test_an_offer_above_the_floor_is_agreed_to_by_figures_and_not_by_a_model(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    await floor_of(stage, "150")
    await stage.buyer_says("160卖不卖", buyer=OTHER_BUYER)
    await stage.until(lambda: bool(stage.answers(OTHER_BUYER)), "an answer")
    assert "可以，160 元" in stage.answers(OTHER_BUYER)[0]
    assert not stage.sandbox.ai.calls
    assert (await why(stage, OTHER_BUYER))[-1][0] == "bargained"


async def test_an_offer_below_the_floor_is_put_before_a_person(stage: Stage) -> None:
    await answers_by_itself(stage)
    await floor_of(stage, "150")
    await stage.buyer_says("100卖不卖", buyer=OTHER_BUYER)
    notice = await stage.wait_for_notice("待处理")
    assert "低于底价 150 元" in notice.text
    await stage.settled()
    assert stage.answers(OTHER_BUYER) == []
    assert not stage.sandbox.ai.calls
    await stage.operator_writes("3", notice)
    await stage.until(lambda: bool(stage.answers(OTHER_BUYER)), "a refusal")
    assert "不能再低" in stage.answers(OTHER_BUYER)[0]


async def test_without_a_floor_a_question_about_the_price_is_one_like_any_other(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says("100卖不卖", buyer=OTHER_BUYER)
    await asked(stage, 1)


# --- Who was faster -------------------------------------------------------------------------------


async def test_a_person_who_answers_while_ai_thinks_is_the_only_one_to_answer(
    stage: Stage,
) -> None:
    """L27."""
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=2)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    notice = await stage.wait_for_notice(ASKED)
    await stage.operator_writes("十块", notice)
    await stage.wait_for_answer("十块")
    await stage.settled()
    assert stage.answers() == ["十块"]
    assert ("ai_dropped", "人工已经先回复了") in await why(stage)


async def test_a_pause_while_ai_thinks_keeps_it_silent(stage: Stage) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=2)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    await stage.operator_writes("/暂停")
    await stage.wait_for_notice("暂停")
    await stage.settled()
    assert stage.answers() == []
    assert (await why(stage))[-1][0] == "ai_dropped"


async def test_what_is_said_while_ai_thinks_is_answered_together_with_the_rest(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=1)
    await stage.buyer_says("你好")
    await asked(stage, 1)
    await stage.buyer_says(ASKED)
    await stage.until(lambda: bool(stage.answers()))
    await stage.settled()
    [answer] = stage.answers()
    assert "价格就是" in answer
    assert "你好" in str(stage.sandbox.ai.calls[-1]["messages"])
    assert "ai_dropped" in [outcome for outcome, _ in await why(stage)]


async def test_a_restart_while_ai_thinks_loses_no_question(tmp_path: Path) -> None:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        settings = settings_for(sandbox, tmp_path, ai_model=MODEL)
        async with open_hub(settings) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            await answers_by_itself(stage)
            sandbox.faults.add("", "ai_slow", seconds=60)
            await stage.buyer_says(ASKED)
            await asked(stage, 1)
        async with open_hub(settings) as hub:
            stage.hub = hub
            await stage.until(lambda: bool(stage.answers()), "an answer of the second life")
            assert len(stage.answers()) == 1
            assert (await why(stage))[-1][0] == "ai_answered"


# --- Trouble --------------------------------------------------------------------------------------


async def test_a_model_that_fails_leaves_the_default_reply_and_a_reason(stage: Stage) -> None:
    await stage.hub.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply="稍等，马上回你")
    stage.sandbox.faults.add("", "ai_http500", times=None)
    await stage.buyer_says(ASKED)
    await stage.wait_for_answer("稍等，马上回你")
    notice = await stage.wait_for_notice("AI 没有回答")
    assert "服务器出错" in notice.text
    await stage.settled()
    assert "ai_failed" in [outcome for outcome, _ in await why(stage)]


async def test_one_trouble_is_told_once_in_an_hour(stage: Stage) -> None:
    stage.sandbox.faults.add("", "ai_http500", times=None)
    for buyer in (BUYER, OTHER_BUYER):
        await stage.buyer_says(ASKED, buyer=buyer)
    await asked(stage, 2)
    await stage.settled()
    assert sum("AI 没有回答" in line.text for line in stage.notices()) == 1


async def test_nobody_waits_for_a_model_that_hangs_over_another_question(stage: Stage) -> None:
    """L32."""
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=12)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    await stage.buyer_says(ASKED, buyer=OTHER_BUYER)
    await stage.until(lambda: bool(stage.answers(OTHER_BUYER)), "the other buyer's answer")
    assert stage.answers() == []
