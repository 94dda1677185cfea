"""Texts to operators: said again when lost, and never in the way of those behind them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from outbound_stage import ASKED_BY, FakeChat, Stage, add_conversation

from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import (
    Delivered,
    SendMail,
    SendNotice,
    SendReceipt,
    TaskKind,
    chat_lane,
    mail_lane,
)
from hub.outbound import ChatSends
from hub.outbound.chats import BEHIND, KEPT_APART, MANY
from hub.outbound.last_told import LastTold

SAID = Delivered("10001", ("5",))
CHATS = (TaskKind.NOTICE, TaskKind.RECEIPT)
NO_BOT = Unreachable("qq", "send")


async def test_waiting_for_a_bot_costs_a_notice_none_of_its_tries(stage: Stage) -> None:
    await stage.tell("买家：在吗")
    chat = FakeChat([*[NO_BOT] * 10, Uncertain("qq", "send"), SAID])

    await stage.work(stage.chats(chat).perform, *CHATS, rounds=14)

    assert chat.said == ["买家：在吗"]
    assert await stage.open_tasks() == {}


async def test_a_notice_that_is_not_in_the_chat_is_said_again_but_not_for_ever(
    stage: Stage,
) -> None:
    await stage.tell("买家：在吗")
    chat = FakeChat([Uncertain("qq", "send")])

    await stage.work(stage.chats(chat).perform, *CHATS, rounds=20)

    assert await stage.open_tasks() == {}


async def test_a_notice_whose_fate_nobody_can_tell_does_not_block_its_chat(stage: Stage) -> None:
    """A history that is too short to reach back to it never gets longer."""
    await stage.tell("第一句")
    await stage.tell("第二句")
    chat = FakeChat([Uncertain("qq", "send"), SAID], [Uncertain("qq", "history", "不够长")])

    await stage.work(stage.chats(chat).perform, *CHATS, rounds=20)

    assert chat.said == ["第二句"]


@pytest.mark.parametrize("times", [1, 4])
async def test_a_refused_notice_is_tried_a_few_times(stage: Stage, times: int) -> None:
    await stage.tell("买家：在吗")
    chat = FakeChat([*[Rejected("qq", "send", "风控")] * times, SAID])

    await stage.work(stage.chats(chat).perform, *CHATS, rounds=times + 1)

    assert chat.said == ["买家：在吗"]


async def test_a_node_that_may_count_as_dead_says_nothing_and_leaves_it_to_whoever_lives(
    stage: Stage,
) -> None:
    """It was stopped after the mark: another node may be telling the same."""
    await stage.tell("买家：在吗")
    chat, lives = FakeChat([SAID]), iter([False, True])
    sends = ChatSends(
        stage.store, chat, stage.album, spacing=0, now=stage.clock, lives=lambda: next(lives)
    )

    await stage.work(sends.perform, *CHATS, rounds=2)

    assert (chat.said, list(lives)) == (["买家：在吗"], []), "not the first time"
    assert chat.sought == [], "nobody has to look: it is known that nothing left"
    assert await stage.open_tasks() == {}


async def test_a_receipt_for_a_bot_that_is_gone_keeps_no_notice_back(stage: Stage) -> None:
    receipt = SendReceipt(ASKED_BY, "✓ 已送达", stage.conversation.id)
    await stage.store.write(
        lambda tx: tx.outbox.enqueue(
            stage.shop, receipt, lane=chat_lane(ASKED_BY.peer), key="receipt", due_at=stage.now
        )
    )
    await stage.tell("买家：在吗")

    claimed = await stage.claim(*CHATS)

    assert {task.kind for task in claimed} == {TaskKind.NOTICE, TaskKind.RECEIPT}


async def test_an_equal_receipt_from_before_a_restart_settles_nothing(stage: Stage) -> None:
    """Two answers to one buyer: the first was told, then the hub died while telling the second."""
    said = "✓ 已送达 小林 #a7"
    for key in ("first", "second"):
        receipt = SendReceipt(ASKED_BY, said, stage.conversation.id)
        await stage.store.write(
            lambda tx, receipt=receipt, key=key: tx.outbox.enqueue(  # type: ignore[misc]
                stage.shop, receipt, lane=chat_lane(ASKED_BY.peer), key=key, due_at=stage.now
            )
        )
    first, second = Delivered("10001", ("5",)), Delivered("10001", ("6",))
    chat = FakeChat([first, Uncertain("qq", "send"), second], [first, None])

    for _ in ("told", "no answer"):
        await stage.work(stage.chats(chat).perform, *CHATS)
    stage.now += timedelta(seconds=10)
    await stage.work(stage.chats(chat).perform, *CHATS, rounds=2)  # as the next process does

    assert chat.said == [said, said]
    assert await stage.open_tasks() == {}


async def test_what_a_buyer_wrote_makes_no_link_and_is_found_again_as_it_was_said(
    stage: Stage,
) -> None:
    await stage.tell("看 https://m.tb.cn/h.abc?tk=1 和 www.a-b.com.cn，3.5 元")
    chat = FakeChat([Uncertain("qq", "send"), SAID], [None, SAID])

    await stage.work(stage.chats(chat).perform, *CHATS, rounds=4)

    assert chat.said == ["看 m．tb．cn/h.abc?tk=1 和 www．a-b．com．cn，3.5 元"]
    assert chat.sought == chat.said


async def test_a_buyers_next_words_go_on_from_the_last_notice_of_that_conversation(
    stage: Stage,
) -> None:
    other = await stage.store.write(lambda tx: add_conversation(tx, stage.account, "60010020031"))
    said = [Delivered("10001", ("5",)), Delivered("10001", ("6",)), Delivered("10002", ("7", "8"))]
    chat = FakeChat([*said, Delivered("10002", ("9",))])
    sends = stage.chats(chat)

    for number, about in enumerate((None, other, None, None)):
        await stage.tell(f"第 {number} 句", about=about)
        await stage.work(sends.perform, *CHATS)

    assert chat.went_on == [{}, {}, {"10001": "5"}, {"10002": "8"}]


async def test_no_more_conversations_are_remembered_than_there_is_room_for(stage: Stage) -> None:
    other = await stage.store.write(lambda tx: add_conversation(tx, stage.account, "60010020031"))
    await stage.tell("在吗")
    (first,) = await stage.claim(*CHATS)
    assert isinstance(first.work, SendNotice)
    second = replace(first, work=replace(first.work, conversation=other.id))
    last = LastTold(most=1)

    last.note(first, SAID)
    last.note(second, SAID)

    assert (dict(last.before(first)), dict(last.before(second))) == ({}, {"10001": "5"})


# --- After a long time without a bot --------------------------------------------------------------


async def test_what_a_chat_missed_comes_in_one_notice_but_for_the_newest(stage: Stage) -> None:
    other = await stage.store.write(lambda tx: add_conversation(tx, stage.account, "60010020031"))
    for number in range(10):
        await stage.tell(f"第 {number} 句", about=other if number % 3 == 0 else None)
        if number == 4:
            await stage.tell_need("待处理 1")
    chat = FakeChat([NO_BOT])
    sends = stage.chats(chat)
    await stage.work(sends.perform, *CHATS, rounds=4)
    chat.answers = [SAID]
    await stage.work(sends.perform, *CHATS, rounds=20)

    merged, *rest = chat.said
    assert merged.splitlines()[0] == "⏳ 没来得及一条条说，另有 7 条买家消息："
    assert f"小林 3 条 #{other.ticket}" in merged
    assert f"小林 4 条 #{stage.conversation.ticket}" in merged
    assert rest == ["待处理 1", "第 7 句", "第 8 句", "第 9 句"]
    assert await stage.open_tasks() == {}


@pytest.mark.parametrize(("waiting", "texts"), [(MANY - 1, MANY - 1), (MANY, 1 + KEPT_APART)])
async def test_when_buyers_talk_faster_than_a_bot_may_many_are_told_in_one(
    stage: Stage, waiting: int, texts: int
) -> None:
    for number in range(waiting):
        await stage.tell(f"第 {number} 句")
    stage.now += BEHIND
    chat = FakeChat([SAID])
    sends = stage.chats(chat)
    for _ in range(waiting):
        await stage.work(sends.perform, *CHATS)

    assert len(chat.said) == texts
    assert chat.said[-1] == f"第 {waiting - 1} 句"
    assert await stage.open_tasks() == {}


async def test_many_reminders_at_a_time_come_in_one(stage: Stage) -> None:
    for number in range(8):
        talk = await stage.store.write(
            lambda tx, number=number: add_conversation(  # type: ignore[misc]
                tx, stage.account, f"600100201{number:02}"
            )
        )
        await stage.tell(f"⏰ {number}", about=talk, kind="ping")
    chat = FakeChat([SAID])
    sends = stage.chats(chat)
    for _ in range(5):
        await stage.work(sends.perform, *CHATS)
    merged, *rest = chat.said
    assert merged.splitlines()[0] == "⏰ 另有 5 位买家还没人回复："
    assert rest == ["⏰ 5", "⏰ 6", "⏰ 7"]


async def test_a_busy_chat_that_is_told_in_time_is_told_everything(stage: Stage) -> None:
    for number in range(10):
        await stage.tell(f"第 {number} 句")
    chat = FakeChat([SAID])
    sends = stage.chats(chat)
    for _ in range(10):
        await stage.work(sends.perform, *CHATS)
    assert chat.said == [f"第 {number} 句" for number in range(10)]


async def mails(stage: Stage) -> list[str]:
    tasks = await stage.store.read(
        lambda tx: tx.outbox.waiting(stage.shop, mail_lane("boss@example.com"))
    )
    return [task.work.parts[0].text for task in tasks if isinstance(task.work, SendMail)]


async def test_a_bot_that_is_gone_for_long_is_told_by_mail_once_per_time(stage: Stage) -> None:
    await stage.store.write(
        lambda tx: tx.members.update(
            stage.shop, tx.members.owners(stage.shop)[0].id, email="boss@example.com"
        )
    )
    await stage.tell("在吗")
    chat = FakeChat([NO_BOT])
    sends = stage.chats(chat)
    await stage.work(sends.perform, *CHATS, rounds=10)
    assert await mails(stage) == []
    await stage.work(sends.perform, *CHATS, rounds=10)
    (only,) = await mails(stage)
    assert "没有 QQ 机器人连着" in only
    await stage.work(stage.chats(chat).perform, *CHATS, rounds=10)  # as after a restart
    assert len(await mails(stage)) == 1

    chat.answers = [SAID]
    await stage.work(sends.perform, *CHATS, rounds=2)
    chat.answers = [NO_BOT]
    await stage.tell("还在吗")
    await stage.work(sends.perform, *CHATS, rounds=12)
    assert len(await mails(stage)) == 2
