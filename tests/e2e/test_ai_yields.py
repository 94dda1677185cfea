"""AI had no turn: a rule was faster, or the budget was spent. Nobody hears too much or waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.model import AiLimits, AiMode, AiScope, RuleKind
from tests.e2e.stage import GREETING, Stage, open_stage
from tests.e2e.test_ai_answers import ASKED, DRAFT, MODEL, answers_by_itself


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def test_a_keyword_that_answers_first_is_not_followed_by_the_default(stage: Stage) -> None:
    """Both lines come in one push, so the question finds itself answered."""
    await answers_by_itself(stage)
    await stage.hub.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply="稍等")
    await stage.buyer_says(ASKED, "在吗")
    await stage.wait_for_answer(GREETING)
    await stage.settled()
    assert "稍等" not in stage.answers()


async def test_a_person_gets_no_further_draft_beyond_the_budget_and_is_told(stage: Stage) -> None:
    scope, limits = AiScope(mode=AiMode.DRAFT), AiLimits(calls_per_day=1)
    await stage.hub.desk.ai.set_shop(stage.operator, scope, limits)
    await stage.buyer_says(ASKED)
    notice = await stage.wait_for_notice(DRAFT)
    await stage.operator_writes("换", notice)
    await stage.wait_for_notice("全店今天问 AI 的次数用完了（1 次）")
    assert len(stage.sandbox.ai.calls) == 1
