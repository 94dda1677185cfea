"""Texts to operators: said again when lost, and never in the way of those behind them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from outbound_stage import ASKED_BY, FakeChat, Stage

from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import Delivered, SendReceipt, TaskKind, chat_lane

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
