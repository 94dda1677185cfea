"""A changed prompt is tried on the questions of the past, and nobody hears of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import utc_now
from hub.desk import AiPlace, Door, Operator
from hub.errors import Forbidden, Invalid
from hub.model import AiLimits, AiMode, AiScope, Origin, Role
from tests.e2e.stage import BUYER, OTHER_BUYER, Stage, open_stage

MODEL = "sandbox-mini"
ASKED = "这个多少钱"
SHOP = AiPlace()
CURT = AiScope(prompt="只说数字")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Two buyers have asked, and a draft waits for each."""
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        for buyer in (BUYER, OTHER_BUYER):
            await stage.buyer_says(ASKED, buyer=buyer)
        calls = stage.sandbox.ai.calls
        await stage.until(lambda: len(calls) == 2)
        await stage.settled()
        yield stage


async def by_ai(stage: Stage) -> list[str]:
    """Drafts and answers of both conversations, with what became of them."""
    return [
        f"{one.state} {one.content}"
        for buyer in (BUYER, OTHER_BUYER)
        for one in await stage.messages(buyer)
        if one.origin is Origin.AI
    ]


async def test_the_last_questions_are_asked_again_with_what_is_not_saved_yet(
    stage: Stage,
) -> None:
    before, notices = await by_ai(stage), len(stage.notices())
    stage.sandbox.faults.add(
        "",
        "ai_says",
        times=None,
        reason='{"intent": "price", "confidence": 0.9, "language": "zh", "answer": "168"}',
    )
    found = await stage.hub.desk.ai_replays.ask_again(stage.operator, SHOP, CURT)
    assert [one.words for one in found] == [ASKED, ASKED]
    assert {one.after for one in found} == {"168"}
    assert all(one.differs and one.before for one in found)
    assert all(one.verdict.startswith("草稿：") for one in found)
    assert "只说数字" in str(stage.sandbox.ai.calls[-1]["messages"])
    assert await by_ai(stage) == before
    assert len(stage.notices()) == notices
    assert stage.answers() == []
    scope, _, _ = await stage.hub.desk.ai.scope(stage.operator, SHOP)
    assert scope.prompt == ""


async def test_a_place_is_asked_about_its_own_questions_only(stage: Stage) -> None:
    item = stage.conversation(OTHER_BUYER).thread.item
    desk = stage.hub.desk.ai_replays
    [one] = await desk.ask_again(stage.operator, AiPlace(item=item), CURT)
    assert "键盘" in one.before
    assert await desk.ask_again(stage.operator, AiPlace(item="900100200300"), CURT) == []


async def test_what_it_costs_is_counted_and_stays_within_the_budget(stage: Stage) -> None:
    shop, desk = stage.operator.shop, stage.hub.desk
    await desk.ai_replays.ask_again(stage.operator, SHOP, CURT)
    assert (await desk.ai.overview(stage.operator)).today.calls == 4
    limits = AiLimits(calls_per_day=5)
    await stage.hub.store.write(
        lambda tx: tx.ai_scopes.set_shop(shop, AiScope(mode=AiMode.DRAFT), limits, utc_now())
    )
    with pytest.raises(Invalid, match="次数不够"):
        await desk.ai_replays.ask_again(stage.operator, SHOP, CURT)
    assert len(stage.sandbox.ai.calls) == 4
    assert (await desk.ai.overview(stage.operator)).today.calls == 4


async def test_a_model_that_fails_says_why_beside_each_question(stage: Stage) -> None:
    stage.sandbox.faults.add("", "ai_http500", times=None)
    found = await stage.hub.desk.ai_replays.ask_again(stage.operator, SHOP, CURT)
    assert [one.after for one in found] == ["", ""]
    assert all("服务器出错" in one.verdict for one in found)


async def test_only_owners_spend_money_on_it(stage: Stage) -> None:
    agent = Operator(
        await stage.hub.desk.members.add(stage.operator, name="小周", role=Role.AGENT), Door.WEB
    )
    with pytest.raises(Forbidden):
        await stage.hub.desk.ai_replays.ask_again(agent, SHOP, CURT)
    with pytest.raises(Invalid):
        await stage.hub.desk.ai_replays.ask_again(stage.operator, SHOP, AiScope(prompt="长" * 5000))
