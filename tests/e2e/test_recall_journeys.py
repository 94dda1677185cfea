"""Taking back: from the web and from QQ, in time and too late, and what the buyer takes back."""

from __future__ import annotations

import asyncio

import pytest

from hub.errors import NotFound
from hub.model import AccountState, Message, MessageState
from hub.sandbox.onebot import ChatLine
from hub.sandbox.pictures import blank
from tests.e2e.stage import OTHER_BUYER, OWNER_QQ, Stage

RECALL = "/r/MessageManager/recallMessage"


async def answered(stage: Stage, words: str = "写错了") -> tuple[ChatLine, str]:
    """A buyer who was answered; the notice and the operator's own line in QQ."""
    await stage.buyer_says("在不在")
    notice = await stage.wait_for_notice("在不在")
    mine = await stage.operator_writes(words, quote=notice)
    await stage.wait_for_notice("✓ 已送达")
    await stage.settled()
    return notice, mine


def seen_by_buyer(stage: Stage) -> list[str]:
    return [m.summary for m in stage.conversation().messages if m.own and not m.recalled]


async def wait_state(stage: Stage, state: MessageState) -> Message:
    """Wait until some message has this state."""
    async with asyncio.timeout(30), stage.hub.store.changes() as changes:
        while True:
            for message in await stage.messages():
                if message.state is state:
                    return message
            await anext(changes)


async def say_recall(stage: Stage, quote: str) -> None:
    await stage.sandbox.qq.say_private(OWNER_QQ, "/撤回", quote=quote)


async def test_quoting_a_notice_takes_the_last_answer_back(stage: Stage) -> None:
    notice, _ = await answered(stage)
    await say_recall(stage, notice.id)
    told = await stage.wait_for_notice("↩ 已撤回")
    assert told.text.splitlines()[-1].endswith(notice.text.splitlines()[-1])
    assert seen_by_buyer(stage) == []
    assert (await wait_state(stage, MessageState.RECALLED)).ours


async def test_quoting_the_own_line_or_its_receipt_means_that_answer(stage: Stage) -> None:
    notice, first = await answered(stage, "第一句")
    await stage.operator_writes("第二句", quote=notice)
    await stage.wait_for_answer("第二句")
    await stage.settled()
    receipt = next(line for line in reversed(stage.notices()) if "✓" in line.text)

    await say_recall(stage, first)
    await stage.until(lambda: seen_by_buyer(stage) == ["第二句"], str(seen_by_buyer(stage)))
    await stage.settled()
    await say_recall(stage, receipt.id)
    await stage.until(lambda: seen_by_buyer(stage) == [], str(seen_by_buyer(stage)))


async def test_an_answer_of_several_parts_goes_back_as_a_whole(stage: Stage) -> None:
    pictures = stage.sandbox.pictures
    from_qq = pictures.url(pictures.add(blank(5, 4)))
    await stage.buyer_says("有图吗")
    notice = await stage.wait_for_notice("有图吗")
    await stage.sandbox.qq.say_private(OWNER_QQ, "看图", quote=notice.id, image=from_qq)
    await stage.wait_for_notice("✓ 已送达")
    await stage.settled()
    assert seen_by_buyer(stage) == ["看图", "[图片]"]

    await say_recall(stage, notice.id)
    await stage.until(lambda: seen_by_buyer(stage) == [])


async def test_the_platforms_reason_is_told_when_it_is_too_late(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice, _ = await answered(stage)
    monkeypatch.setattr("hub.sandbox.requests.RECALL_MS", -1)
    await say_recall(stage, notice.id)
    told = await stage.wait_for_notice("✗ 没有撤回")
    assert "超过可撤回时间" in told.text
    (mine,) = [one for one in await stage.messages() if one.ours]
    assert mine.state is MessageState.ACCEPTED
    assert "没有撤回" in mine.reason


async def test_a_recall_without_an_answer_is_looked_up(stage: Stage) -> None:
    notice, _ = await answered(stage)
    stage.sandbox.faults.add(stage.account.user, "answer_drop", subject=RECALL)
    await say_recall(stage, notice.id)
    await stage.wait_for_notice("↩ 已撤回")
    assert seen_by_buyer(stage) == []


async def test_a_recall_that_was_lost_is_asked_for_again(stage: Stage) -> None:
    notice, _ = await answered(stage)
    stage.sandbox.faults.add(stage.account.user, "cut_on_request", subject=RECALL)
    await say_recall(stage, notice.id)
    await stage.wait_for_notice("↩ 已撤回")
    assert seen_by_buyer(stage) == []


async def test_what_waits_for_the_account_is_cancelled_and_never_sent(stage: Stage) -> None:
    await stage.buyer_says("在不在")
    notice = await stage.wait_for_notice("在不在")
    await stage.hub.desk.accounts.switch(stage.operator, stage.account.id, on=False)
    await stage.wait_state(AccountState.DISABLED)
    mine = await stage.operator_writes("写错了", quote=notice)
    await stage.wait_for_notice("已收下")
    await say_recall(stage, mine)
    await stage.wait_for_notice("↩ 还没有发出，已经取消")
    assert (await wait_state(stage, MessageState.DROPPED)).ours
    await stage.hub.desk.accounts.switch(stage.operator, stage.account.id, on=True)
    await stage.wait_state(AccountState.ONLINE)
    await stage.operator_writes("这样才对", quote=notice)
    await stage.wait_for_answer("这样才对")
    assert stage.answers() == ["这样才对"]


async def test_a_repeated_event_takes_nothing_else_back(stage: Stage) -> None:
    notice, _ = await answered(stage, "第一句")
    await stage.operator_writes("第二句", quote=notice)
    await stage.wait_for_answer("第二句")
    await stage.settled()
    event = await stage.sandbox.qq.say_private(OWNER_QQ, "/撤回", quote=notice.id)
    await stage.wait_for_notice("↩ 已撤回")
    await stage.sandbox.qq.repeat(event)
    await stage.operator_writes("/状态")
    await stage.wait_for_notice("账号 1/1")
    await stage.settled()
    assert seen_by_buyer(stage) == ["第一句"]


async def test_recall_without_a_target_explains_itself(stage: Stage) -> None:
    await stage.operator_writes("/撤回")
    await stage.wait_for_notice("没有撤回：引用要撤回的那句")
    await stage.buyer_says("你好")
    notice = await stage.wait_for_notice("你好")
    await say_recall(stage, notice.id)
    await stage.wait_for_notice("这个会话里没有可以撤回的回复")


async def test_what_the_buyer_takes_back_is_marked_and_stays_readable(stage: Stage) -> None:
    (said,) = await stage.buyer_says("说错了")
    await stage.wait_for_notice("说错了")
    await stage.sandbox.stage.recall(said)
    message = await wait_state(stage, MessageState.RECALLED)
    assert not message.ours


async def test_what_the_phone_takes_back_is_marked(stage: Stage) -> None:
    await answered(stage)
    (own,) = [m for m in stage.conversation().messages if m.own]
    await stage.sandbox.stage.recall(own.stamp.id)
    assert (await wait_state(stage, MessageState.RECALLED)).ours


async def test_a_message_of_another_conversation_is_not_taken_back(stage: Stage) -> None:
    await answered(stage)
    (mine,) = [one for one in await stage.messages() if one.ours]
    await stage.buyer_says("别的会话", buyer=OTHER_BUYER)
    await stage.wait_for_notice("别的会话")
    (other,) = {one.conversation for one in await stage.messages(OTHER_BUYER)}
    with pytest.raises(NotFound):
        await stage.hub.desk.inbox.recall(stage.operator, other, [mine.id], key="k")
    await stage.settled()
    assert seen_by_buyer(stage) == ["写错了"]
