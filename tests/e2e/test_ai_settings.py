"""What is set about AI is what happens: modes, hours, budgets, words, pictures, prompts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.app import utc_now
from hub.desk import AiPlace
from hub.model import (
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    Hours,
    Intent,
    RuleKind,
)
from tests.e2e.stage import BUYER, OTHER_BUYER, Stage, open_stage
from tests.e2e.test_ai_answers import (
    ASKED,
    DRAFT,
    MODEL,
    answers_by_itself,
    asked,
    by_ai,
    floor_of,
    says,
    why,
)
from tests.e2e.test_picture_journeys import photo, place, say_pictures

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFF, DRAFTS, AUTOMATIC = AiMode.OFF, AiMode.DRAFT, AiMode.AUTOMATIC
DEFAULT = "稍等，马上回你"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def shop_says(stage: Stage, scope: AiScope, limits: AiLimits | None = None) -> None:
    await stage.hub.desk.ai.set_shop(stage.operator, scope, limits or AiLimits())


async def outcomes(stage: Stage, buyer: str = BUYER) -> list[str]:
    return [outcome for outcome, _ in await why(stage, buyer)]


async def falls_silent(stage: Stage, buyer: str = BUYER, words: str = ASKED) -> None:
    """Nothing becomes of these words."""
    before, calls = stage.answers(buyer), len(stage.sandbox.ai.calls)
    await stage.buyer_says(words, buyer=buyer)
    await stage.wait_for_notice(words)
    await stage.settled()
    assert stage.answers(buyer) == before
    assert len(stage.sandbox.ai.calls) == calls


async def is_answered(stage: Stage, buyer: str = BUYER, words: str = ASKED) -> str:
    before = len(stage.answers(buyer))
    await stage.buyer_says(words, buyer=buyer)
    await stage.until(lambda: len(stage.answers(buyer)) > before, f"an answer to {words}")
    await stage.settled()
    return stage.answers(buyer)[-1]


def prompt(stage: Stage, number: int = -1) -> str:
    """All that the model was told by a call."""
    return json.dumps(stage.sandbox.ai.calls[number]["messages"], ensure_ascii=False)


# --- How far AI may go ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shop", "account", "item", "becomes"),
    [
        (OFF, None, None, OFF),
        (None, None, None, DRAFTS),
        (DRAFTS, None, None, DRAFTS),
        (AUTOMATIC, None, None, AUTOMATIC),
        (AUTOMATIC, OFF, None, OFF),
        (OFF, AUTOMATIC, None, AUTOMATIC),
        (AUTOMATIC, None, OFF, OFF),
        (OFF, OFF, AUTOMATIC, AUTOMATIC),
        (AUTOMATIC, AUTOMATIC, DRAFTS, DRAFTS),
    ],
)
async def test_the_item_counts_before_the_account_and_the_account_before_the_shop(
    stage: Stage,
    shop: AiMode | None,
    account: AiMode | None,
    item: AiMode | None,
    becomes: AiMode,
) -> None:
    desk, who = stage.hub.desk.ai, stage.operator
    await shop_says(stage, AiScope(mode=shop))
    await desk.set_scope(who, AiPlace(account=stage.account.id), AiScope(mode=account))
    thing = stage.conversation().thread.item
    await desk.set_scope(who, AiPlace(item=thing), AiScope(mode=item))

    await stage.buyer_says(ASKED)
    await stage.wait_for_notice(ASKED)
    await stage.settled()

    assert bool(stage.answers()) is (becomes is AUTOMATIC)
    assert any(DRAFT in line.text for line in stage.notices()) is (becomes is DRAFTS)
    assert bool(stage.sandbox.ai.calls) is (becomes is not OFF)


async def test_each_kind_of_question_goes_its_own_way(stage: Stage) -> None:
    ways = ((Intent.PRICE, DRAFTS), (Intent.QUESTION, OFF))
    await shop_says(stage, AiScope(mode=AUTOMATIC, intents=ways))
    assert "在的" in await is_answered(stage, words="你好呀")

    await stage.buyer_says(ASKED)
    await stage.wait_for_notice("（设置里选的是草稿）")
    await stage.buyer_says("茶轴响不响", buyer=OTHER_BUYER)
    await asked(stage, 3)
    await stage.settled()
    assert len(stage.answers()) == 1
    assert stage.answers(OTHER_BUYER) == []
    assert (await why(stage, OTHER_BUYER))[-1] == ("ai_silent", "这类问题不让 AI 答")


async def test_what_ai_is_not_sure_of_waits_for_a_person(stage: Stage) -> None:
    await answers_by_itself(stage)
    await says(stage, "应该可以吧", confidence=0.4)
    await stage.buyer_says("能开发票吗")
    await stage.wait_for_notice("AI 只有 40% 的把握，低于 70%")
    await stage.settled()
    assert stage.answers() == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("加我微信聊吧", "买家想到平台外面联系或付款"),
        ("货不对，我要退货", "买家在说退款"),
        ("你这是骗人，差评", "买家在投诉"),
    ],
)
async def test_what_is_delicate_is_a_draft_with_a_notice_whatever_is_set(
    stage: Stage, words: str, reason: str
) -> None:
    every = tuple((intent, AUTOMATIC) for intent in Intent)
    await shop_says(stage, AiScope(mode=AUTOMATIC, intents=every), AiLimits(confidence=0))
    await stage.buyer_says(words)
    notice = await stage.wait_for_notice(DRAFT)
    assert f"{reason}，要人看过才发" in notice.text
    await stage.settled()
    assert stage.answers() == []


async def test_what_needs_no_answer_gets_none_and_not_the_default_either(stage: Stage) -> None:
    await answers_by_itself(stage)
    await stage.hub.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply=DEFAULT)
    await stage.buyer_says("好的谢谢")
    await asked(stage, 1)
    await stage.settled()
    assert stage.answers() == []
    assert (await why(stage))[-1] == ("ai_silent", "AI 认为这句话不用回答")


# --- Hours and budgets ----------------------------------------------------------------------------


def around(now: bool) -> Hours:
    """A part of the day in which it is now, or is not."""
    hour = utc_now().astimezone(SHANGHAI).hour
    first = hour - 1 if now else hour + 2
    return Hours(time(first % 24), time((first + 3) % 24))


async def test_outside_its_hours_ai_is_not_asked_and_the_default_answers(stage: Stage) -> None:
    await stage.hub.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply=DEFAULT)
    await shop_says(stage, AiScope(mode=AUTOMATIC, hours=(around(now=False),)))
    assert await is_answered(stage) == DEFAULT
    assert not stage.sandbox.ai.calls
    steps = await stage.read(
        lambda tx: tx.decisions.of_conversation(stage.operator.shop, 1, 1)[0].steps
    )
    assert "AI：现在不在 AI 的工作时间" in steps

    await shop_says(stage, AiScope(mode=AUTOMATIC, hours=(around(now=True),)))
    assert "价格就是" in await is_answered(stage)


async def test_hours_of_an_item_are_its_own(stage: Stage) -> None:
    await shop_says(stage, AiScope(mode=AUTOMATIC, hours=(around(now=False),)))
    place = AiPlace(item=stage.conversation().thread.item)
    hours = AiScope(hours=(around(now=True),))
    await stage.hub.desk.ai.set_scope(stage.operator, place, hours)
    await is_answered(stage)
    await falls_silent(stage, OTHER_BUYER)


async def test_the_budget_of_a_conversation_ends_with_it_and_leaves_the_others(
    stage: Stage,
) -> None:
    await stage.hub.desk.rules.add(stage.operator, kind=RuleKind.DEFAULT, reply=DEFAULT)
    await shop_says(stage, AiScope(mode=AUTOMATIC), AiLimits(calls_per_conversation=1))
    assert await is_answered(stage) != DEFAULT
    assert await is_answered(stage) == DEFAULT
    assert await is_answered(stage, OTHER_BUYER) != DEFAULT
    assert len(stage.sandbox.ai.calls) == 2


@pytest.mark.parametrize("limits", [AiLimits(calls_per_day=1), AiLimits(tokens_per_day=1)])
async def test_the_budget_of_the_day_is_the_whole_shops(stage: Stage, limits: AiLimits) -> None:
    await shop_says(stage, AiScope(mode=AUTOMATIC), limits)
    await is_answered(stage)
    await falls_silent(stage)
    await falls_silent(stage, OTHER_BUYER)
    overview = await stage.hub.desk.ai.overview(stage.operator)
    assert (overview.today.calls, overview.answered) == (1, 1)


# --- What it knows --------------------------------------------------------------------------------


async def test_each_question_holds_what_the_owner_wrote_for_its_place_and_no_other(
    stage: Stage,
) -> None:
    desk, who = stage.hub.desk.ai, stage.operator
    await shop_says(stage, AiScope(mode=AUTOMATIC, knowledge="周日不发货", prompt="喊亲"))
    account = AiScope(knowledge="这个号只卖会员", prompt="简短")
    await desk.set_scope(who, AiPlace(account=stage.account.id), account)
    item = AiScope(knowledge="月卡是三十一天", prompt="先问是哪个套餐")
    await desk.set_scope(who, AiPlace(item=stage.conversation().thread.item), item)
    other = AiScope(knowledge="键盘送清洁刷", prompt="夸键盘")
    await desk.set_scope(who, AiPlace(item=stage.conversation(OTHER_BUYER).thread.item), other)

    await is_answered(stage)
    told = prompt(stage)
    for words in (
        "周日不发货",
        "喊亲",
        "这个号只卖会员",
        "简短",
        "月卡是三十一天",
        "先问是哪个套餐",
    ):
        assert words in told
    assert "键盘送清洁刷" not in told
    assert "夸键盘" not in told


async def test_the_facts_of_the_item_are_those_of_its_page(stage: Stage) -> None:
    """L39, L40."""
    await answers_by_itself(stage)
    await is_answered(stage, OTHER_BUYER)
    told = prompt(stage)
    for words in ("二手机械键盘 87键 茶轴", "168", "拍下即发，有问题请留言", "有货"):
        assert words in told


async def test_what_was_said_stands_in_its_order(stage: Stage) -> None:
    """L41: also what was said within one second, by both sides."""
    await answers_by_itself(stage)
    first = await is_answered(stage, words="你好呀")
    second = await is_answered(stage, words="键位全吗")
    await is_answered(stage)
    user = stage.sandbox.ai.calls[-1]["messages"][-1]["content"]
    said = [json.loads(line)["说"] for line in user.splitlines() if line.startswith("{")]
    assert said == ["你好呀", first, "键位全吗", second, ASKED]


async def test_a_burst_is_one_question_and_gets_one_answer(tmp_path: Path) -> None:
    more = {"debounce_seconds": 1, "item_spacing_seconds": 0}
    async with open_stage(tmp_path, ai_model=MODEL, **more) as stage:
        await answers_by_itself(stage)
        for words in ("你好呀", "我想问一下", ASKED):
            await stage.buyer_says(words)
            await stage.wait_for_notice(words)
        await stage.until(lambda: bool(stage.answers()), "an answer")
        await stage.settled()
        assert len(stage.answers()) == 1
        assert len(stage.sandbox.ai.calls) == 1
        for words in ("你好呀", "我想问一下", ASKED):
            assert words in prompt(stage)
        assert await outcomes(stage) == ["asks_ai", "joined", "joined", "ai_answered"]


async def test_the_buyer_is_answered_in_the_language_of_the_buyer(stage: Stage) -> None:
    await answers_by_itself(stage)
    assert await is_answered(stage, words="how much is it") == "It is ¥12.80～34.80."
    assert "价格就是" in await is_answered(stage)


async def seeing(stage: Stage, *, sees: bool) -> None:
    """A model of the account's own that can look at pictures, or cannot."""
    profile = AiProfile(
        id=AiProfileId(0),
        shop=stage.operator.shop,
        name="看图",
        base_url=stage.sandbox.urls["ai_url"],
        model="sandbox-vision",
        account=stage.account.id,
        sees_pictures=sees,
        allow_private=True,
    )
    await stage.hub.desk.ai.add(stage.operator, profile)


@pytest.mark.parametrize("sees", [True, False])
async def test_a_picture_goes_to_a_model_that_can_see_and_is_named_to_the_others(
    stage: Stage, sees: bool
) -> None:
    await answers_by_itself(stage)
    await seeing(stage, sees=sees)
    await says(stage, "这是月卡的界面")
    await say_pictures(stage, place(stage, photo()))
    await stage.wait_for_answer("这是月卡的界面")
    [call] = stage.sandbox.ai.calls
    assert call["model"] == "sandbox-vision"
    content: Any = call["messages"][-1]["content"]
    kinds = [part["type"] for part in content] if isinstance(content, list) else []
    assert ("image_url" in kinds) is sees
    assert ("data:image/" in prompt(stage)) is sees
    assert "[图片]" in prompt(stage)
    assert "O1CN" not in prompt(stage), "no address of the picture"


async def test_prompts_are_files_that_the_owner_may_replace(tmp_path: Path) -> None:
    folder = tmp_path / "prompts"
    folder.mkdir()
    words = "只用文言文回答。{facts} {knowledge} {guidance} {fence} {intents}"
    (folder / "answer.md").write_text(words, encoding="utf-8")
    async with open_stage(tmp_path, ai_model=MODEL, ai={"prompts": folder}) as stage:
        await answers_by_itself(stage)
        await stage.buyer_says(ASKED)
        await asked(stage, 1)
        assert prompt(stage).startswith('[{"role": "system", "content": "只用文言文回答。')


# --- Secrets --------------------------------------------------------------------------------------


async def test_no_login_no_key_no_name_and_no_floor_is_in_a_prompt(stage: Stage) -> None:
    """L42: the floor is kept by code, so no buyer can talk a model out of it."""
    await answers_by_itself(stage)
    await floor_of(stage, "151.37")
    await is_answered(stage, OTHER_BUYER)
    told = prompt(stage)
    cookies = stage.sandbox.cookies()
    secrets = [part.partition("=")[2] for part in cookies.split("; ")]
    for secret in [*secrets, "sk-test", "阿***7", OTHER_BUYER, "151.37", "小店"]:
        assert len(secret) < 2 or secret not in told


async def test_an_offer_that_a_model_makes_is_held_to_the_floor_by_code(stage: Stage) -> None:
    """L42."""
    await answers_by_itself(stage)
    await floor_of(stage, "150")
    await says(stage, "老顾客了，149 给你")
    await stage.buyer_says("这个键盘手感怎么样", buyer=OTHER_BUYER)
    notice = await stage.wait_for_notice(DRAFT)
    assert "低于底价 150 元" in notice.text
    await says(stage, "151 给你")
    assert await is_answered(stage, OTHER_BUYER, "手感好不好呀") == "151 给你"
    assert len(await by_ai(stage, OTHER_BUYER)) == 2
