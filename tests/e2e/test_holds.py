"""People stop the automation while it is at work: whoever comes first, the two never talk over
each other. Real sockets; an automatic answer waits a minute here, and tests let it pass."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub.desk import Door, Operator
from hub.model import (
    WHOLE_SHOP,
    DeliveryState,
    Hold,
    HoldKind,
    Message,
    MessageState,
    Origin,
    Role,
    Scope,
)
from hub.sandbox.onebot import ChatLine
from tests.e2e.shop import open_shop
from tests.e2e.stage import GREETING, SECONDS, Stage
from tests.e2e.test_nothing_missed import PATIENCE, Town, compared, town
from tests.waiting import wait_until

__all__ = ["town"]
MINUTE = timedelta(minutes=1)
AGENT_QQ = "10009"
PLANNED = "↪ 自动回复"


@pytest.fixture
def slow(town: Town) -> Town:
    """Its automatic answers wait for a minute."""
    town.xianyu = {"debounce_seconds": 60}
    return town


async def asks(stage: Stage, words: str = "在吗") -> ChatLine:
    """The buyer asks, and an answer waits to go out."""
    before = [line.id for line in stage.notices()]
    await stage.buyer_says(words)

    def planned(line: ChatLine) -> bool:
        return line.id not in before and PLANNED in line.text

    return await stage.sandbox.qq.wait_for_line("private", "10002", planned, PATIENCE)


async def minute_passes(town: Town, stage: Stage) -> None:
    """Whatever waited to go out has gone, or was dropped."""
    town.clock.ahead += MINUTE + timedelta(seconds=1)
    async with asyncio.timeout(PATIENCE):
        await stage.settled()


async def automatic(stage: Stage) -> list[Message]:
    return [one for one in await stage.messages() if one.origin is Origin.RULE]


async def holds(town: Town, stage: Stage) -> list[Hold]:
    found: list[Hold] = await stage.read(
        lambda tx: tx.holds.all_active(stage.operator.shop, town.clock())
    )
    return found


async def wait_hold(town: Town, stage: Stage, *kinds: HoldKind) -> None:
    async def so() -> bool:
        return [one.kind for one in await holds(town, stage)] == list(kinds)

    await wait_until(so, PATIENCE)


# --- Between decision and sending -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "resume", "quotes", "why"),
    [
        ("/暂停", "/恢复", True, "这个会话的自动回复已暂停"),
        ("/暂停 商品 2小时", "/恢复 商品", True, "这个商品的自动回复已暂停"),
        ("/暂停 小店 2小时", "/恢复 小店", False, "这个账号的自动回复已暂停"),
        ("/暂停", "/恢复", False, "整个店铺的自动回复已暂停"),
        ("/接管", "/恢复", True, "人工正在接待这个会话"),
    ],
)
async def test_a_hold_that_is_set_while_an_answer_waits_keeps_it_back(
    slow: Town, words: str, resume: str, quotes: bool, why: str
) -> None:
    async with slow.hub() as stage:
        notice = await asks(stage)
        await stage.operator_writes(words, quote=notice if quotes else None)
        await stage.wait_for_notice("⏸ ")

        await minute_passes(slow, stage)

        assert stage.answers() == []
        (dropped,) = await automatic(stage)
        assert dropped.state is MessageState.DROPPED
        assert dropped.reason.startswith(why)

        await stage.operator_writes(resume, quote=notice if quotes else None)
        await stage.wait_for_notice("▶ 已恢复")
        await asks(stage)
        await minute_passes(slow, stage)
        assert stage.answers() == [GREETING]


async def test_a_hold_outlives_a_restart_and_keeps_back_what_was_decided_before(
    slow: Town,
) -> None:
    """L26."""
    async with slow.hub() as stage:
        notice = await asks(stage)
        await stage.operator_writes("/暂停 2小时", quote=notice)
        await stage.wait_for_notice("⏸ 已暂停")
    slow.clock.ahead += MINUTE
    async with slow.hub() as stage:
        await minute_passes(slow, stage)
        assert stage.answers() == []
        assert [one.state for one in await automatic(stage)] == [MessageState.DROPPED]
        await stage.buyer_says("在吗，还在吗")
        await stage.wait_for_notice("⏸ 这个会话的自动回复已暂停：店主 手动暂停")
        await stage.operator_writes("/状态")
        await stage.wait_for_notice("店主 手动暂停，到 ")
        slow.clock.ahead += timedelta(hours=2)
        assert await holds(slow, stage) == []


# --- A human and the automation -------------------------------------------------------------------


@pytest.mark.parametrize("door", ["quote", "web", "phone"])
@pytest.mark.parametrize("minutes", [10, 0])
async def test_a_human_who_answers_while_an_answer_waits_is_the_only_one_who_speaks(
    slow: Town, door: str, minutes: int
) -> None:
    """L27; even where a human takes nothing over."""
    async with slow.hub() as stage:
        desk = stage.hub.desk
        await desk.accounts.configure(stage.operator, stage.account.id, takeover_minutes=minutes)
        notice = await asks(stage)
        if door == "phone":
            await stage.sandbox.stage.phone(stage.conversation(), "我来说")
        elif door == "quote":
            await stage.operator_writes("我来说", quote=notice)
        else:
            (line,) = await stage.recent()
            await desk.inbox.answer(stage.operator, line.conversation.id, "我来说", key="1")
        await stage.wait_for_answer("我来说")
        await wait_until(lambda: _heard(stage, "我来说"), PATIENCE)

        await minute_passes(slow, stage)

        assert stage.answers() == ["我来说"]
        assert [one.state for one in await automatic(stage)] == [MessageState.DROPPED]
        await wait_hold(slow, stage, *([HoldKind.TAKEOVER] if minutes else []))


async def _heard(stage: Stage, words: str) -> bool:
    return any(getattr(one.content, "text", "") == words for one in await stage.messages())


@pytest.mark.parametrize("door", ["quote", "phone"])
async def test_an_answer_that_left_first_stands_and_the_human_leads_from_then_on(
    slow: Town, door: str
) -> None:
    async with slow.hub() as stage:
        notice = await asks(stage)
        await minute_passes(slow, stage)
        assert stage.answers() == [GREETING]
        assert await holds(slow, stage) == [], "our own echo leads nothing"

        if door == "phone":
            await stage.sandbox.stage.phone(stage.conversation(), "我来说")
        else:
            await stage.operator_writes("我来说", quote=notice)
        await stage.wait_for_answer("我来说")
        await wait_hold(slow, stage, HoldKind.TAKEOVER)
        await stage.buyer_says("在吗，人呢")
        await stage.wait_for_notice("⏸ 人工正在接待这个会话")
        await minute_passes(slow, stage)
        assert stage.answers() == [GREETING, "我来说"]


# --- The word from the phone ----------------------------------------------------------------------


async def test_a_word_from_the_phone_stops_an_answer_that_waits_and_the_next_lets_go_on(
    slow: Town,
) -> None:
    async with slow.hub() as stage:
        await asks(stage)
        await stage.sandbox.stage.phone(stage.conversation(), "。")
        await stage.wait_for_notice("你在手机上暂停了")
        await minute_passes(slow, stage)
        assert stage.answers() == ["。"]
        assert [one.state for one in await automatic(stage)] == [MessageState.DROPPED]

        await stage.sandbox.stage.phone(stage.conversation(), "。")
        await stage.wait_for_notice("你在手机上恢复了")
        await asks(stage)
        await minute_passes(slow, stage)
        assert stage.answers() == ["。", "。", GREETING]


async def test_twice_the_word_leaves_the_answer_that_waits_alone(slow: Town) -> None:
    async with slow.hub() as stage:
        await asks(stage)
        for told in ("你在手机上暂停了", "你在手机上恢复了"):
            await stage.sandbox.stage.phone(stage.conversation(), "。")
            await stage.wait_for_notice(told)
        await minute_passes(slow, stage)
        assert stage.answers() == ["。", "。", GREETING]


async def test_a_word_toggles_once_whoever_tells_of_it_again(slow: Town) -> None:
    """The history is compared after a restart, and the pushes of before are lost."""
    async with slow.hub() as stage:
        notice = await asks(stage)
        await stage.sandbox.stage.phone(stage.conversation(), "。")
        await stage.wait_for_notice("你在手机上暂停了")
        await stage.operator_writes("/恢复", quote=notice)
        await stage.wait_for_notice("▶ 已恢复")
    slow.sandbox.lines.forget(stage.conversation().thread.seller)
    async with slow.hub() as stage:
        await compared(stage)
        assert await holds(slow, stage) == []
        assert sum("你在手机上" in line.text for line in stage.notices()) == 1


@pytest.mark.parametrize("late", [False, True])
async def test_a_word_typed_while_the_hub_was_away_counts_only_if_it_is_fresh(
    slow: Town, late: bool
) -> None:
    async with slow.hub() as stage:
        await asks(stage)
        await compared(stage)
    await slow.sandbox.stage.phone(stage.conversation(), "。")
    slow.sandbox.lines.forget(stage.conversation().thread.seller)
    slow.clock.ahead += 4 * MINUTE if late else timedelta(0)
    async with slow.hub() as stage:
        await stage.sandbox.qq.wait_for_line(
            "private",
            "10002",
            lambda line: ("到得太晚" if late else "你在手机上暂停了") in line.text,
            PATIENCE,
        )
        await wait_hold(slow, stage, *([] if late else [HoldKind.PAUSE]))


async def test_an_operators_own_word_is_said_to_the_buyer_and_toggles_nothing(
    slow: Town,
) -> None:
    """L25."""
    async with slow.hub() as stage:
        notice = await asks(stage)
        await stage.operator_writes("。", quote=notice)
        await stage.wait_for_notice("✓ 已送达")
        await minute_passes(slow, stage)
        assert stage.answers() == ["。"]
        (held,) = await holds(slow, stage)
        assert held.kind is HoldKind.TAKEOVER
        assert not any("你在手机上" in line.text for line in stage.notices())


# --- Several people -------------------------------------------------------------------------------


async def test_two_people_who_pause_and_resume_at_once_leave_one_clear_state(slow: Town) -> None:
    async with slow.hub() as stage:
        qq, ticket = stage.sandbox.qq, (await asks(stage)).text.splitlines()[-1]
        await stage.hub.desk.members.add(
            stage.operator, name="小周", role=Role.AGENT, qq=[AGENT_QQ]
        )

        def heard(part: str, who: str) -> bool:
            lines = qq.bot_lines("private", who)
            return any(part in line.text for line in lines)

        both = ("10002", AGENT_QQ)
        await asyncio.gather(
            qq.say_private("10002", f"/暂停 {ticket} 1小时"),
            qq.say_private(AGENT_QQ, f"/暂停 {ticket} 2小时"),
        )
        await qq.wait_until(lambda: all(heard("⏸ 已暂停", who) for who in both), SECONDS)
        (held,) = await holds(slow, stage)
        assert held.reason in ("店主 手动暂停", "小周 手动暂停")

        await asyncio.gather(*(qq.say_private(who, f"/恢复 {ticket}") for who in both))

        def told(part: str) -> int:
            return sum(part in line.text for who in both for line in qq.bot_lines("private", who))

        await qq.wait_until(lambda: told("的自动回复 #") + told("本来就没有暂停") == 2, SECONDS)
        assert told("▶ 已恢复") == told("本来就没有暂停") == 1
        assert await holds(slow, stage) == []


async def test_many_who_pause_and_resume_one_scope_at_once_never_leave_two_holds(
    slow: Town,
) -> None:
    async with slow.hub() as stage:
        desk = stage.hub.desk.holds
        web = Operator(stage.operator.member, Door.WEB)
        await asyncio.gather(
            *(
                desk.pause(who, scope) if number % 3 else desk.resume(who, scope)
                for number in range(30)
                for who in (stage.operator, web)
                for scope in (WHOLE_SHOP, Scope(account=stage.account.id))
            )
        )
        open_now = [one.scope for one in await holds(slow, stage)]
        assert len(open_now) == len(set(open_now)) <= 2


# --- What is not touched --------------------------------------------------------------------------


async def test_goods_are_delivered_while_everything_is_paused(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        stage = shop.stage
        await shop.rule(await shop.pool(["CODE-1111"]))
        order = await shop.order()
        for scope in (WHOLE_SHOP, Scope(account=stage.account.id)):
            await stage.hub.desk.holds.pause(stage.operator, scope)
        await stage.sandbox.stage.phone(shop.thread(), "。")
        await stage.wait_for_notice("你在手机上暂停了")

        await shop.pay(order)

        await shop.wait_states(order, DeliveryState.CONFIRMED)
        assert shop.got() == ["。", "CODE-1111"]
