"""What goes wrong elsewhere with automatic answers does not go wrong here; each over real sockets.

Further ones: L24 in `test_nothing_missed`, L26 and L27 in `test_holds` and `test_ai_races`, L32 in
`test_ai_faults`, L39 to L43 in `test_ai_settings` and `test_prices`, L45 in `test_precedence`,
L46 in `test_logins_keep`, L47 and L48 in `unit/desk/test_desk_rule_sheets`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.errors import Invalid
from hub.model import AccountState, AiMode, MessageState, Origin, RuleKind
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import GREETING, OTHER_BUYER, Stage, open_stage, wait_account
from tests.e2e.test_ai_answers import MODEL, answers_by_itself, says

LINES = "第一行\n\n  第三行，缩进两格\n最后一行。"
DEFAULT = "稍等，我看一下"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, ai_model=MODEL, item_spacing_seconds=0) as stage:
        yield stage


async def test_a_frame_that_comes_twice_is_answered_once(stage: Stage) -> None:
    """L23."""
    stage.sandbox.faults.add(DEMO_SELLER, "push_duplicate", times=None)
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    await stage.buyer_says("谢谢啊")
    await stage.wait_for_notice("谢谢啊")
    await stage.settled()
    assert stage.answers() == [GREETING]
    assert len([one for one in await stage.messages() if one.origin is Origin.BUYER]) == 2


async def test_lines_of_one_push_are_answered_in_their_order(stage: Stage) -> None:
    """L21, L31."""
    add, who = stage.hub.desk.rules.add, stage.operator
    words = [f"问{number}" for number in "一二三四五"]
    for one in words:
        await add(who, kind=RuleKind.KEYWORD, keywords=[one], reply=f"答{one}")
    await stage.buyer_says(*words)
    await stage.until(lambda: len(stage.answers()) == len(words), "all answers")
    assert stage.answers() == [f"答{one}" for one in words]


async def test_a_template_with_braces_is_said_as_it_stands_and_once_is_once(stage: Stage) -> None:
    """L36: and one with an unknown placeholder cannot even be kept."""
    await answers_by_itself(stage, AiMode.OFF)
    add, who = stage.hub.desk.rules.add, stage.operator
    with pytest.raises(Invalid, match="send_user"):
        await add(who, kind=RuleKind.DEFAULT, reply="你好 {send_user}")
    await add(who, kind=RuleKind.DEFAULT, reply="{} 100% {send_user_name} { x }", once=True)
    await stage.buyer_says("问一句")
    await stage.wait_for_answer("{} 100% 买家小林 { x }")
    await stage.buyer_says("再问一句")
    await stage.wait_for_notice("再问一句")
    await stage.settled()
    assert len(stage.answers()) == 1


async def test_a_buyer_cannot_speak_through_a_template(stage: Stage) -> None:
    """L36: what is filled in is not looked at again."""
    await answers_by_itself(stage, AiMode.OFF)
    add, who = stage.hub.desk.rules.add, stage.operator
    await add(who, kind=RuleKind.DEFAULT, reply="你说的是：{message}")
    await stage.buyer_says("{account} {item_price}\n######\n第二条")
    await stage.wait_for_answer("你说的是：{account} {item_price}\n######\n第二条")
    await stage.settled()
    assert len(stage.answers()) == 1


async def test_people_rules_and_ai_are_heard_word_for_word(stage: Stage) -> None:
    """L37, L38: nothing is added, no line break is lost."""
    await answers_by_itself(stage)
    await stage.hub.desk.rules.add(
        stage.operator, kind=RuleKind.KEYWORD, keywords=["规则"], reply=LINES
    )
    await stage.buyer_says("规则怎么说")
    await stage.wait_for_answer(LINES)
    await says(stage, LINES)
    await stage.buyer_says("机器怎么说")
    await stage.until(lambda: len(stage.answers()) == 2, "the answer of AI")
    notice = await stage.wait_for_notice("机器怎么说")
    await stage.operator_writes(LINES, notice)
    await stage.until(lambda: len(stage.answers()) == 3, "the answer of the operator")
    await stage.settled()
    assert stage.answers() == [LINES] * 3
    ours = [one for one in await stage.messages() if one.ours]
    assert {one.state for one in ours} <= {MessageState.ACCEPTED, MessageState.READ}


async def test_a_default_for_an_item_of_one_account_says_nothing_for_another(
    stage: Stage,
) -> None:
    """L44."""
    other = stage.sandbox.world.add_seller("二店")
    stage.sandbox.world.add_item(other.user, "键帽")
    cookies = stage.sandbox.cookies(other.user)
    second = await stage.hub.desk.accounts.add(stage.operator, "二店", cookies)
    await wait_account(stage.hub, second, lambda a: a.state is AccountState.ONLINE)
    add, who = stage.hub.desk.rules.add, stage.operator
    item = [stage.conversation(OTHER_BUYER).thread.item]
    await add(who, kind=RuleKind.DEFAULT, reply=DEFAULT, account=stage.account.id)
    await add(who, kind=RuleKind.DEFAULT, items=item, reply="二店的话", account=second.id)
    stage.sandbox.faults.add("", "ai_http500", times=None)
    await stage.buyer_says("随便问问", buyer=OTHER_BUYER)
    await stage.wait_for_answer(DEFAULT, OTHER_BUYER)
    await stage.settled()
    assert stage.answers(OTHER_BUYER) == [DEFAULT]
