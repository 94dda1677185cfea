"""Who answers first, row by row, with everything switched on at once and taken away from the top;
each row leaves a decision with its reason (L45). And what people ask the hub about that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import utc_now
from hub.model import (
    WHOLE_SHOP,
    AiLimits,
    AiMode,
    AiScope,
    HoldKind,
    MessageState,
    Origin,
    Rule,
    RuleId,
    RuleKind,
    Scope,
)
from tests.e2e.stage import GREETING, OTHER_BUYER, Stage, open_stage
from tests.e2e.test_ai_answers import MODEL, answers_by_itself, says, why

WORDS = "保修多久"
ITEM_RULE, ITEM_WORD, WORD = "这件自动发货，看说明", "这件保修一年", "保修三个月"
BY_AI, ITEM_DEFAULT, DEFAULT = "AI 说保修看说明", "这件的事稍等", "稍等，我看一下"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def all_rules(stage: Stage) -> dict[str, Rule]:
    """One rule for each row of the table, by what it says."""
    item = [stage.conversation(OTHER_BUYER).thread.item]
    add, who = stage.hub.desk.rules.add, stage.operator
    made = [
        await add(who, kind=RuleKind.DEFAULT, reply=DEFAULT),
        await add(who, kind=RuleKind.DEFAULT, items=item, reply=ITEM_DEFAULT),
        await add(who, kind=RuleKind.KEYWORD, keywords=["保修"], reply=WORD, priority=100),
        await add(who, kind=RuleKind.KEYWORD, keywords=["保修"], items=item, reply=ITEM_WORD),
        await add(who, kind=RuleKind.ITEM, items=item, reply=ITEM_RULE),
    ]
    return {rule.reply: rule for rule in made}


async def hears(stage: Stage, expected: str | None) -> tuple[str, str]:
    """The buyer asks and is told exactly this, or nothing; returns the last decision."""
    before = len(stage.answers(OTHER_BUYER))
    words = f"{WORDS}，问第 {len(stage.conversation(OTHER_BUYER).messages)} 遍"
    await stage.buyer_says(words, buyer=OTHER_BUYER)
    if expected is not None:
        await stage.until(lambda: len(stage.answers(OTHER_BUYER)) > before, f"{expected!r}")
    else:
        await stage.wait_for_notice(words)
    await stage.settled()
    assert stage.answers(OTHER_BUYER)[before:] == ([] if expected is None else [expected])
    return (await why(stage, OTHER_BUYER))[-1]


async def test_each_row_of_the_precedence_answers_once_those_above_it_are_gone(
    stage: Stage,
) -> None:
    rules, desk, who = await all_rules(stage), stage.hub.desk, stage.operator
    await answers_by_itself(stage)

    async def off(reply: str) -> None:
        await desk.rules.change(who, rules[reply].id, enabled=False)

    assert await hears(stage, ITEM_RULE) == ("answered", "这个商品有固定的回复")
    await off(ITEM_RULE)
    assert await hears(stage, ITEM_WORD) == ("answered", "命中这个商品的关键词「保修」")
    await off(ITEM_WORD)
    assert await hears(stage, WORD) == ("answered", "命中关键词「保修」")
    await off(WORD)
    await says(stage, BY_AI)
    assert await hears(stage, BY_AI) == ("ai_answered", "AI 有 95% 的把握")
    await desk.ai.set_shop(who, AiScope(mode=AiMode.OFF), AiLimits())
    told = "没有命中关键词，使用这个商品的默认回复"
    assert await hears(stage, ITEM_DEFAULT) == ("answered", told)
    await off(ITEM_DEFAULT)
    assert await hears(stage, DEFAULT) == ("answered", "没有命中关键词，使用默认回复")
    await off(DEFAULT)
    assert await hears(stage, None) == ("no_rule", "没有命中任何规则")


async def test_every_hold_stands_above_all_of_them_and_is_named(stage: Stage) -> None:
    await all_rules(stage)
    await answers_by_itself(stage)
    await hears(stage, ITEM_RULE)
    [talk] = [one.conversation for one in await stage.recent()]
    assert talk.item_id is not None
    scopes = {
        "整个店铺": WHOLE_SHOP,
        "这个账号": Scope(account=stage.account.id),
        "这个商品": Scope(item=talk.item_id),
        "这个会话": Scope(conversation=talk.id),
    }
    holds = stage.hub.desk.holds
    for where, scope in scopes.items():
        await holds.pause(stage.operator, scope)
        outcome, reason = await hears(stage, None)
        assert outcome == "held"
        assert reason.startswith(f"{where}的自动回复已暂停")
        await holds.resume(stage.operator, scope)
        await hears(stage, ITEM_RULE)
    await holds.take_over(stage.operator, talk.id)
    assert await hears(stage, None) == ("held", "人工正在接待这个会话")
    held = await stage.read(lambda tx: tx.holds.active(talk.shop, talk.id, utc_now()))
    assert held.kind is HoldKind.TAKEOVER
    assert not stage.sandbox.ai.calls


@pytest.mark.parametrize("words", ["[我已拍下，待付款]", "发来一条消息"])
async def test_a_text_of_the_platform_is_answered_by_nobody_though_a_buyer_typed_it(
    stage: Stage, words: str
) -> None:
    await all_rules(stage)
    await answers_by_itself(stage)
    await stage.buyer_says(words, buyer=OTHER_BUYER)
    await stage.wait_for_notice(words)
    await stage.settled()
    assert stage.answers(OTHER_BUYER) == []
    assert [outcome for outcome, _ in await why(stage, OTHER_BUYER)] == ["platform_text"]


async def test_a_default_that_is_said_once_is_said_once_however_often_ai_fails(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_http500", times=None)
    item = [stage.conversation(OTHER_BUYER).thread.item]
    await stage.hub.desk.rules.add(
        stage.operator, kind=RuleKind.DEFAULT, items=item, reply=ITEM_DEFAULT, once=True
    )
    await hears(stage, ITEM_DEFAULT)
    assert (await hears(stage, None))[0] == "ai_failed"


# --- What people ask ------------------------------------------------------------------------------


async def test_why_tells_in_qq_what_was_looked_at_until_something_answered(stage: Stage) -> None:
    await all_rules(stage)
    await answers_by_itself(stage)
    await stage.buyer_says("能开发票吗")
    notice = await stage.wait_for_notice("能开发票吗")
    await says(stage, "可以的")
    await stage.buyer_says("电子发票行吗")
    await stage.wait_for_answer("可以的")
    await stage.settled()
    await stage.operator_writes("/为什么", notice)
    told = await stage.wait_for_notice("说：能开发票吗\n")
    assert "→ 交给 AI：没有命中规则，交给 AI 回答" in told.text
    assert "  · 没有暂停，也没有人在接待" in told.text
    assert "  · 关键词：2 条规则都没有命中" in told.text


async def test_a_trial_and_a_replay_say_nothing_to_anybody(stage: Stage) -> None:
    """And ask no model, remember no round, use nothing up (L43)."""
    rules = await all_rules(stage)
    await hears(stage, ITEM_RULE)
    before = await stage.messages(OTHER_BUYER)
    await stage.operator_writes(f"/试 键盘 {WORDS}")
    told = await stage.wait_for_notice("只是试一下，没有发给任何人")
    assert f"「{ITEM_RULE}」" in told.text
    await stage.operator_writes(f"/试 {WORDS}")
    await stage.wait_for_notice(f"「{WORD}」")

    rehearsal = stage.hub.desk.rehearsal

    async def replayed(rule: RuleId, reply: str | None) -> list[tuple[str, str]]:
        fields = None if reply is None else {"reply": reply}
        found = await rehearsal.replay(stage.operator, rule=rule, fields=fields)  # type: ignore[arg-type]
        return [(one.before, one.after) for one in found.differences]

    item_rule = rules[ITEM_RULE].id
    assert await replayed(item_rule, "换成这句") == [(ITEM_RULE, "换成这句")]
    assert await replayed(item_rule, None) == [(ITEM_RULE, ITEM_WORD)]
    assert await replayed(rules[WORD].id, "谁也不会听到") == []
    await stage.settled()
    assert await stage.messages(OTHER_BUYER) == before
    assert stage.answers(OTHER_BUYER) == [ITEM_RULE]
    assert not stage.sandbox.ai.calls


async def test_a_canned_answer_is_kept_by_quoting_and_said_from_qq_and_from_the_desk(
    stage: Stage,
) -> None:
    await stage.buyer_says("发什么快递")
    asked = await stage.wait_for_notice("发什么快递")
    own = await stage.operator_writes("{buyer_name}，发中通，一般三天到", asked)
    await stage.wait_for_answer("{buyer_name}，发中通，一般三天到")
    line = next(one for one in stage.sandbox.qq.chat("private", "10002") if one.id == own)
    await stage.operator_writes("/存 快递", line)
    await stage.wait_for_notice("已存为「快递」")

    await stage.buyer_says("到广州几天", buyer=OTHER_BUYER)
    notice = await stage.wait_for_notice("到广州几天")
    await stage.operator_writes("/k 快", notice)
    await stage.wait_for_answer("阿***7，发中通，一般三天到", OTHER_BUYER)
    await stage.settled()
    own = [one for one in await stage.messages(OTHER_BUYER) if one.ours]
    [said] = [one for one in own if one.state is not MessageState.DROPPED]
    assert said.origin is Origin.OPERATOR
    talk = said.conversation
    held = await stage.read(lambda tx: tx.holds.active(stage.operator.shop, talk, utc_now()))
    assert held.kind is HoldKind.TAKEOVER, "a canned answer is a person's answer"
    texts = await stage.hub.desk.canned.messages(stage.operator, talk, "快递")
    assert texts == ["阿***7，发中通，一般三天到"]


async def test_a_keyword_never_waits_for_a_model(stage: Stage) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=2)
    await stage.buyer_says("能开发票吗")
    await stage.until(lambda: bool(stage.sandbox.ai.calls), "a question")
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    assert stage.answers() == [GREETING]
