"""People who act at the same moment, and who switch things off under a message on its way."""

from __future__ import annotations

import asyncio

from hub.model import AccountState, MessageState, Origin, Role
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import OWNER_QQ, Stage

COLLEAGUE_QQ = "20002"


async def test_two_operators_who_answer_at_once_each_get_through_once(stage: Stage) -> None:
    await stage.hub.desk.members.add(
        stage.operator, name="小王", role=Role.AGENT, qq=[COLLEAGUE_QQ]
    )
    await stage.buyer_says("包邮吗？")
    notice = await stage.wait_for_notice("包邮吗？")
    ticket = notice.text.splitlines()[-1]

    async with asyncio.TaskGroup() as both:
        both.create_task(stage.operator_writes("店主说在", quote=notice))
        both.create_task(stage.sandbox.qq.say_private(COLLEAGUE_QQ, f"{ticket} 小王也说在"))

    await stage.wait_for_answer("店主说在")
    await stage.wait_for_answer("小王也说在")
    await stage.settled()
    assert sorted(stage.answers()) == sorted(["店主说在", "小王也说在"])
    for qq in (OWNER_QQ, COLLEAGUE_QQ):
        await stage.wait_for_notice("✓ 已送达", qq)
        assert sum("✓ 已送达" in line.text for line in stage.notices(qq)) == 1


async def test_the_same_words_quoted_twice_are_said_twice(stage: Stage) -> None:
    """Two messages of an operator are two messages, however alike; only a repeated event is one."""
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    await stage.operator_writes("在", quote=notice)
    await stage.operator_writes("在", quote=notice)
    await stage.until(lambda: stage.answers() == ["在", "在"], "both")
    await stage.settled()
    assert stage.answers() == ["在", "在"]


async def test_an_account_switched_off_under_a_send_neither_loses_nor_repeats_it(
    stage: Stage,
) -> None:
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    stage.sandbox.faults.add(DEMO_SELLER, "send_stored")
    await stage.operator_writes("马上看", quote=notice)
    await stage.wait_for_answer("马上看")

    accounts = stage.hub.desk.accounts
    await accounts.switch(stage.operator, stage.account.id, on=False)
    await stage.until(lambda: not stage.sandbox.lines.of(DEMO_SELLER), "the line to end")
    await accounts.switch(stage.operator, stage.account.id, on=True)
    await stage.wait_state(AccountState.ONLINE)

    await stage.wait_for_notice("✓ 已送达")
    await stage.settled()
    assert stage.answers() == ["马上看"]
    (ours,) = [m for m in await stage.messages() if m.origin is Origin.OPERATOR]
    assert ours.state in (MessageState.ACCEPTED, MessageState.READ)


async def test_what_is_written_to_an_account_that_is_off_waits_and_says_so(stage: Stage) -> None:
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    accounts = stage.hub.desk.accounts
    await accounts.switch(stage.operator, stage.account.id, on=False)
    await stage.until(lambda: not stage.sandbox.lines.of(DEMO_SELLER), "the line to end")

    await stage.operator_writes("晚点回你", quote=notice)
    await stage.wait_for_notice("现在已停用")
    assert stage.answers() == []

    await accounts.switch(stage.operator, stage.account.id, on=True)
    await stage.wait_for_answer("晚点回你")
    await stage.settled()
    assert stage.answers() == ["晚点回你"]


async def test_a_member_who_was_switched_off_is_a_stranger_with_the_next_word(
    stage: Stage,
) -> None:
    desk = stage.hub.desk
    colleague = await desk.members.add(
        stage.operator, name="小王", role=Role.AGENT, qq=[COLLEAGUE_QQ]
    )
    await stage.buyer_says("在？")
    ticket = (await stage.wait_for_notice("在？")).text.splitlines()[-1]
    await desk.members.change(stage.operator, colleague.id, active=False)

    await stage.sandbox.qq.say_private(COLLEAGUE_QQ, f"{ticket} 我还能说吗")

    line = await stage.wait_for_notice("只听店铺成员的话", COLLEAGUE_QQ)
    assert line is not None
    assert stage.answers() == []
