"""A model's bad days, from the buyer's words to the operator's QQ, through the real SDK and real
sockets: the buyer gets the default or nothing, the operator learns why, and nobody else waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hub.model import AccountState, AiMode, AiProfile, AiProfileId, RuleKind
from hub.sandbox.world import Conversation
from tests.e2e.stage import (
    BUYER,
    GREETING,
    OTHER_BUYER,
    Stage,
    open_stage,
    wait_account,
)
from tests.e2e.test_ai_answers import ASKED, MODEL, answers_by_itself, asked, why

DEFAULT = "稍等，马上回你"
NO_ANSWER = "AI 没有回答"
BACKUP = "sandbox-backup"


@dataclass(frozen=True)
class BadDay:
    fault: str
    reason: str
    """Part of what the operator is told."""
    more: dict[str, Any]
    calls: int
    """How often the model is asked before it is given up."""


BAD_DAYS = {
    "slow": BadDay("ai_slow", "没有在限定时间内答完", {"seconds": 60}, 1),
    "429, try again in a minute": BadDay("ai_throttle", "说请求太频繁", {"seconds": 60}, 1),
    "429, try again at once": BadDay("ai_throttle", "说请求太频繁", {"seconds": 0}, 2),
    "500": BadDay("ai_http500", "服务器出错", {}, 1),
    "a page instead of an answer": BadDay("ai_garbage", "回答的格式不对", {}, 2),
    "no JSON": BadDay("ai_says", "回答的格式不对", {"reason": "亲，十块拿走"}, 2),
    "half a JSON": BadDay("ai_says", "回答的格式不对", {"reason": '{"intent": "price", "ans'}, 2),
    "nothing": BadDay("ai_empty", "什么也没有回答", {}, 2),
    "endless text": BadDay("ai_endless", "回答太长，没有读完", {}, 1),
    "refusal": BadDay("ai_refusal", "不愿意回答这个问题", {}, 1),
    "cut": BadDay("ai_cut", "断开", {}, 1),
    "wrong key": BadDay("ai_error", "密钥不对", {"reason": "401 invalid_api_key no"}, 1),
    "no money": BadDay("ai_error", "余额", {"reason": "402 insufficient_quota no"}, 1),
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    more = {"timeout_seconds": 2}
    async with open_stage(tmp_path, ai_model=MODEL, ai=more, item_spacing_seconds=0) as stage:
        yield stage


def has(stage: Stage, day: BadDay, model: str = MODEL) -> None:
    """From now on, for this model only."""
    stage.sandbox.faults.add("", day.fault, times=None, subject=model, **day.more)


async def default_for(stage: Stage, buyer: str) -> None:
    item = stage.conversation(buyer).thread.item
    await stage.hub.desk.rules.add(
        stage.operator, kind=RuleKind.DEFAULT, items=[item], reply=DEFAULT
    )


async def backup(stage: Stage, **more: Any) -> AiProfile:
    """A second model at the same server, asked after the first."""
    profile = AiProfile(
        **{
            "id": AiProfileId(0),
            "shop": stage.operator.shop,
            "name": "后备",
            "base_url": stage.sandbox.urls["ai_url"],
            "model": BACKUP,
            "allow_private": True,
            **more,
        }
    )
    return await stage.hub.desk.ai.add(stage.operator, profile)


def models_asked(stage: Stage) -> list[str]:
    return [str(call["model"]) for call in stage.sandbox.ai.calls]


@pytest.mark.parametrize("day", BAD_DAYS.values(), ids=BAD_DAYS.keys())
async def test_the_buyer_gets_the_default_or_nothing_and_the_operator_learns_why(
    stage: Stage, day: BadDay
) -> None:
    await answers_by_itself(stage)
    await default_for(stage, BUYER)
    has(stage, day)

    await stage.buyer_says(ASKED)
    await stage.buyer_says(ASKED, buyer=OTHER_BUYER)
    await stage.wait_for_answer(DEFAULT)
    notice = await stage.wait_for_notice(NO_ANSWER)
    await stage.settled()

    assert day.reason in notice.text
    assert stage.answers() == [DEFAULT], "the item's default, once"
    assert stage.answers(OTHER_BUYER) == [], "this item has none"
    assert models_asked(stage) == [MODEL] * 2 * day.calls
    assert sum(NO_ANSWER in line.text for line in stage.notices()) == 1, "told once"
    for buyer in (BUYER, OTHER_BUYER):
        [reason] = [reason for outcome, reason in await why(stage, buyer) if outcome == "ai_failed"]
        assert day.reason in reason
    await stage.operator_writes("/为什么", notice)
    told = await stage.wait_for_notice("→ AI 没有回答")
    assert day.reason in told.text


@pytest.mark.parametrize("name", ["slow", "429, try again at once", "no JSON", "cut"])
async def test_the_next_model_answers_and_nobody_is_bothered(stage: Stage, name: str) -> None:
    day = BAD_DAYS[name]
    await answers_by_itself(stage)
    await backup(stage)
    has(stage, day)

    await stage.buyer_says(ASKED)
    await stage.until(lambda: bool(stage.answers()), "an answer")
    await stage.settled()

    assert models_asked(stage) == [MODEL] * day.calls + [BACKUP]
    assert len(stage.answers()) == 1
    assert not any(NO_ANSWER in line.text for line in stage.notices())
    assert (await why(stage))[-1][0] == "ai_answered"


async def test_a_short_wait_that_the_server_asks_for_is_kept_and_then_it_answers(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_throttle", seconds=1)
    await stage.buyer_says(ASKED)
    await stage.until(lambda: bool(stage.answers()), "an answer")
    assert models_asked(stage) == [MODEL, MODEL]


@pytest.fixture
async def patient(tmp_path: Path) -> AsyncIterator[Stage]:
    """Its model gets more time than it will take."""
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def test_neither_another_account_nor_a_rule_waits_for_a_model_that_hangs(
    patient: Stage,
) -> None:
    """L32: several questions hang at once, and everybody else is served meanwhile."""
    stage = patient
    await answers_by_itself(stage)
    other = stage.sandbox.world.add_seller("二店")
    item = stage.sandbox.world.add_item(other.user, "键帽")
    second = await stage.hub.desk.accounts.add(
        stage.operator, "二店", stage.sandbox.cookies(other.user)
    )
    await wait_account(stage.hub, second, lambda a: a.state is AccountState.ONLINE)
    await backup(stage, account=second.id)
    has(stage, BadDay("ai_slow", "", {"seconds": 5}, 1))

    def talk(buyer: str) -> Conversation:
        return stage.sandbox.world.conversation_of(other.user, buyer, item.id)

    for buyer in (BUYER, OTHER_BUYER):
        await stage.buyer_says(ASKED, buyer=buyer)
    await asked(stage, 2)
    await stage.sandbox.stage.say(talk(BUYER), [{"text": ASKED}])
    await stage.sandbox.stage.say(talk(OTHER_BUYER), [{"text": "在吗"}])
    await stage.until(
        lambda: all(any(m.own for m in talk(one).messages) for one in (BUYER, OTHER_BUYER)),
        "the answers of the other account",
    )
    assert [m.summary for m in talk(OTHER_BUYER).messages if m.own] == [GREETING]
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    assert "ai_answered" not in [outcome for outcome, _ in await why(stage)], "it still hangs"
    assert stage.answers(OTHER_BUYER) == []


async def test_a_profile_that_is_switched_off_is_not_asked(stage: Stage) -> None:
    """It costs nothing, and the next one answers."""
    await answers_by_itself(stage)
    await backup(stage, account=stage.account.id, model="never", enabled=False, position=0)
    await backup(stage, account=stage.account.id, model=BACKUP, name="账号自己的", position=5)
    await stage.buyer_says(ASKED)
    await stage.until(lambda: bool(stage.answers()), "an answer")
    assert models_asked(stage) == [BACKUP]


async def test_off_by_the_switch_of_the_installation_nothing_is_asked(tmp_path: Path) -> None:
    more = {"enabled": False}
    async with open_stage(tmp_path, ai_model=MODEL, ai=more) as stage:
        await answers_by_itself(stage, AiMode.AUTOMATIC)
        await stage.buyer_says(ASKED)
        await stage.wait_for_notice(ASKED)
        await stage.settled()
        assert not stage.sandbox.ai.calls
        [(outcome, _)] = await why(stage)
        assert outcome == "no_rule"
