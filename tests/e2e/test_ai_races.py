"""AI and people at the same conversation: whoever is faster, the two never talk over each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.app import utc_now
from hub.errors import Refusal
from hub.model import AiMode, MessageState, Origin, Role, Scope
from hub.model import Message as StoredMessage
from hub.sandbox.onebot import ChatLine
from tests.e2e.stage import GREETING, OTHER_BUYER, Stage, open_stage
from tests.e2e.test_ai_answers import (
    ASKED,
    DRAFT,
    MODEL,
    answers_by_itself,
    asked,
    by_ai,
    draft_of,
    says,
    why,
)
from tests.e2e.test_nothing_missed import PATIENCE, Town, town
from tests.waiting import wait_until

__all__ = ["town"]
MINE = "我来说"
COLLEAGUE_QQ = "20003"
SPACING = 3.0
"""Seconds between two sends of an account, in which people act."""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


@pytest.fixture
def paced(town: Town) -> Town:
    """After one message the account waits for a while before it says the next."""
    town.xianyu = {
        "ai_model": MODEL,
        "item_spacing_seconds": 0,
        "send_spacing_seconds": SPACING,
        "spacing_jitter": 0,
    }
    return town


async def human_says(stage: Stage, door: str, words: str = MINE) -> None:
    """A person answers the buyer, and the hub knows of it."""
    if door == "phone":
        await stage.sandbox.stage.phone(stage.conversation(), words)
    elif door == "qq":
        await stage.operator_writes(words, await stage.wait_for_notice(ASKED))
    else:
        [line] = [one for one in await stage.recent() if one.conversation.buyer != OTHER_BUYER]
        await stage.hub.desk.inbox.answer(
            stage.operator, line.conversation.id, words, key=f"a key for {words}"
        )

    async def heard() -> bool:
        return any(getattr(one.content, "text", "") == words for one in await stage.messages())

    await wait_until(heard, PATIENCE)


async def decided(stage: Stage, outcome: str) -> None:
    async def so() -> bool:
        return outcome in [one for one, _ in await why(stage)]

    await wait_until(so, PATIENCE)


async def last_by_ai(stage: Stage) -> StoredMessage:
    return (await by_ai(stage))[-1]


# --- While AI thinks ------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["qq", "web", "phone"])
@pytest.mark.parametrize("minutes", [10, 0])
async def test_who_answers_while_ai_thinks_is_the_only_one_to_answer(
    stage: Stage, door: str, minutes: int
) -> None:
    """L27; even where a human takes nothing over."""
    accounts = stage.hub.desk.accounts
    await accounts.configure(stage.operator, stage.account.id, takeover_minutes=minutes)
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=1.5)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)

    await human_says(stage, door)
    await decided(stage, "ai_dropped")
    await stage.settled()

    assert stage.answers() == [MINE]
    assert await by_ai(stage) == []


@pytest.mark.parametrize("door", ["qq", "web", "phone"])
async def test_an_answer_of_ai_that_left_first_stands_and_the_human_leads_from_then_on(
    stage: Stage, door: str
) -> None:
    await answers_by_itself(stage)
    await stage.buyer_says(ASKED)
    await stage.until(lambda: len(stage.answers()) == 1, "the answer of AI")
    await stage.settled()
    shop = stage.operator.shop
    talk = (await last_by_ai(stage)).conversation
    held = await stage.read(lambda tx: tx.holds.active(shop, talk, utc_now()))
    assert held is None, "our own echo leads nothing (L25)"
    await human_says(stage, door)
    await stage.buyer_says("那能便宜点吗")
    await stage.wait_for_notice("⏸ 人工正在接待这个会话")
    await stage.settled()

    assert len(stage.sandbox.ai.calls) == 1
    assert stage.answers()[1:] == [MINE]


@pytest.mark.parametrize("mode", [AiMode.AUTOMATIC, AiMode.DRAFT])
async def test_a_pause_while_ai_thinks_leaves_neither_an_answer_nor_a_draft(
    stage: Stage, mode: AiMode
) -> None:
    await answers_by_itself(stage, mode)
    stage.sandbox.faults.add("", "ai_slow", seconds=1.5)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    await stage.hub.desk.holds.pause(stage.operator, Scope(account=stage.account.id))
    await decided(stage, "ai_dropped")
    await stage.settled()
    assert stage.answers() == []
    assert await by_ai(stage) == []
    assert not any(DRAFT in line.text for line in stage.notices())


async def test_a_word_from_the_phone_while_ai_thinks_stops_it_and_the_next_lets_it_speak_again(
    stage: Stage,
) -> None:
    await answers_by_itself(stage)
    stage.sandbox.faults.add("", "ai_slow", seconds=1.5)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    await stage.sandbox.stage.phone(stage.conversation(), "。")
    await decided(stage, "ai_dropped")
    await stage.sandbox.stage.phone(stage.conversation(), "。")
    await stage.wait_for_notice("你在手机上恢复了")
    await stage.buyer_says(ASKED)
    await stage.until(lambda: len(stage.answers()) == 3, "an answer")
    assert stage.answers()[:2] == ["。", "。"]


# --- Between the decision and the sending ---------------------------------------------------------


async def an_answer_waits(stage: Stage) -> None:
    """AI has decided what to say, and the account may not speak yet."""
    await answers_by_itself(stage)
    await stage.buyer_says("在吗", buyer=OTHER_BUYER)
    await stage.wait_for_answer(GREETING, OTHER_BUYER)
    await stage.buyer_says(ASKED)
    await asked(stage, 1)
    await decided(stage, "ai_answered")
    assert stage.answers() == []


async def test_a_hold_between_the_decision_and_the_sending_keeps_the_answer_of_ai_back(
    paced: Town,
) -> None:
    async with paced.hub() as stage:
        await an_answer_waits(stage)
        await stage.hub.desk.holds.pause(stage.operator, Scope(account=stage.account.id))
        await stage.settled()
        assert stage.answers() == []
        dropped = await last_by_ai(stage)
        assert dropped.state is MessageState.DROPPED
        assert dropped.reason.startswith("这个账号的自动回复已暂停")


@pytest.mark.parametrize("door", ["qq", "web", "phone"])
async def test_a_human_between_the_decision_and_the_sending_keeps_the_answer_of_ai_back(
    paced: Town, door: str
) -> None:
    async with paced.hub() as stage:
        await an_answer_waits(stage)
        await human_says(stage, door)
        await stage.wait_for_answer(MINE)
        await stage.settled()
        assert stage.answers() == [MINE]
        assert (await last_by_ai(stage)).state is MessageState.DROPPED


@pytest.mark.parametrize("held", [False, True])
async def test_a_restart_between_the_decision_and_the_sending_says_it_once_or_not_at_all(
    paced: Town, held: bool
) -> None:
    async with paced.hub() as stage:
        await an_answer_waits(stage)
        if held:
            await stage.hub.desk.holds.pause(stage.operator, Scope(account=stage.account.id))
    async with paced.hub() as stage:
        await stage.settled()
        answer = await last_by_ai(stage)
        if held:
            assert stage.answers() == []
            assert answer.state is MessageState.DROPPED
        else:
            assert len(stage.answers()) == 1
            assert answer.state in (MessageState.ACCEPTED, MessageState.READ)
        assert len(stage.sandbox.ai.calls) == 1, "nothing is asked again"


# --- While a draft waits --------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["web", "phone"])
async def test_a_human_answer_makes_the_draft_that_waits_needless(stage: Stage, door: str) -> None:
    notice = await draft_of(stage)
    await human_says(stage, door)
    await stage.operator_writes("好", notice)
    await stage.wait_for_notice("这份草稿已经作废：人工已经先回复了")
    await stage.settled()
    assert stage.answers() == [MINE]
    assert (await last_by_ai(stage)).state is MessageState.DROPPED


async def test_a_draft_outlives_a_restart(town: Town) -> None:
    town.xianyu = {"ai_model": MODEL, "item_spacing_seconds": 0}
    async with town.hub() as stage:
        notice = await draft_of(stage)
    async with town.hub() as stage:
        await stage.operator_writes("好", notice)
        await stage.until(lambda: len(stage.answers()) == 1, "the draft")
        await stage.settled()
        assert stage.answers()[0] in notice.text
        assert len(stage.sandbox.ai.calls) == 1


async def test_the_answer_to_an_outdated_question_is_replaced_by_one_to_all(stage: Stage) -> None:
    first = await draft_of(stage)
    await says(stage, "都在的，两样都有")
    await stage.buyer_says("另外有季卡吗")
    second = await stage.wait_for_notice("都在的，两样都有")
    assert ASKED in second.text, "both questions are answered by it"
    await stage.operator_writes("好", first)
    await stage.wait_for_notice("这份草稿已经作废：有了新的草稿")
    assert stage.answers() == []
    await stage.operator_writes("好", second)
    await stage.wait_for_answer("都在的，两样都有")
    await stage.settled()
    assert stage.answers() == ["都在的，两样都有"]


async def test_two_people_who_say_yes_at_once_send_it_once(stage: Stage) -> None:
    desk, qq = stage.hub.desk, stage.sandbox.qq
    await desk.members.add(stage.operator, name="小王", role=Role.AGENT, qq=[COLLEAGUE_QQ])
    notice = await draft_of(stage)
    draft = await last_by_ai(stage)

    async def web() -> str:
        try:
            await desk.drafts.approve(stage.operator, draft.id)
        except Refusal as error:
            return str(error)
        return ""

    told, _ = await asyncio.gather(web(), stage.operator_writes("好", notice))
    await stage.until(lambda: len(stage.answers()) == 1, "the draft")
    await stage.settled()
    if not told:

        def refused(line: ChatLine) -> bool:
            return "已经发送过了" in line.text

        await qq.wait_for_line("private", "10002", refused, PATIENCE)
    assert len(stage.answers()) == 1


async def test_a_draft_that_a_person_sends_leaves_although_everything_is_paused(
    stage: Stage,
) -> None:
    """A pause silences the machine, not people."""
    notice = await draft_of(stage)
    await stage.hub.desk.holds.pause(stage.operator, Scope(account=stage.account.id))
    await stage.operator_writes("改 十块", notice)
    await stage.wait_for_answer("十块")
    [sent] = [one for one in await stage.messages() if one.origin is Origin.AI]
    assert sent.state in (MessageState.SENDING, MessageState.ACCEPTED, MessageState.READ)
