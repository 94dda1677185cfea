"""What the platform pushes, in all its moods, is stored once, answered once, acknowledged late."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hub.model import AccountState, MessageState, Origin
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import GREETING, OTHER_BUYER, Stage, open_stage


async def test_a_burst_of_32_entries_in_one_push_loses_none(stage: Stage) -> None:
    texts = [f"第{n}条" for n in range(32)]

    await stage.buyer_says(*texts)

    await stage.wait_for_notice("第31条")
    stored = [m.content.text for m in await stage.messages() if m.origin is Origin.BUYER]
    assert stored == texts


async def test_the_same_push_twice_is_answered_once(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "push_duplicate")
    await stage.buyer_says("在吗")
    await stage.buyer_says("到底在不在，第二句")
    await stage.wait_for_notice("第二句")
    await stage.settled()

    assert stage.answers() == [GREETING]
    texts = [m.content.text for m in await stage.messages() if m.origin is Origin.BUYER]
    assert texts == ["在吗", "到底在不在，第二句"]


async def test_a_malformed_entry_costs_its_neighbours_nothing(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "push_malformed")

    await stage.buyer_says("坏的前面", "坏的后面")

    await stage.wait_for_notice("坏的前面")
    await stage.wait_for_notice("坏的后面")
    shop = stage.operator.shop
    assert await stage.read(lambda tx: tx.quarantine.count(shop)) == 1


async def test_garbage_on_the_line_does_not_end_it(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "push_garbage")
    before = stage.sandbox.lines.of(DEMO_SELLER)[-1].id

    await stage.buyer_says("在吗")

    await stage.wait_for_answer(GREETING)
    assert stage.sandbox.lines.of(DEMO_SELLER)[-1].id == before


async def test_a_buyer_who_types_a_system_text_is_a_buyer_who_types(stage: Stage) -> None:
    """Nobody gets an order event by writing one."""
    await stage.buyer_says("[我已付款，等待你发货]")

    notice = await stage.wait_for_notice("[我已付款，等待你发货]")
    assert "🧾" not in notice.text
    (message,) = await stage.messages()
    assert message.origin is Origin.BUYER


async def test_a_paid_order_is_told_once_however_often_it_is_signalled(stage: Stage) -> None:
    order = await stage.sandbox.stage.order(stage.conversation(), "unpaid")
    await stage.sandbox.stage.order(stage.conversation(), "paid", order)
    await stage.sandbox.stage.order(stage.conversation(), "paid_update", order)
    await stage.buyer_says("我付款了")

    await stage.wait_for_notice("我付款了")
    await stage.settled()
    told = [line.text for line in stage.notices() if "买家已付款" in line.text]
    assert len(told) == 1
    assert order in told[0]


async def test_pushes_are_acknowledged_only_after_their_commit(stage: Stage) -> None:
    """At the moment of the acknowledgement the message is in the database."""
    await stage.buyer_says("第一句")
    push = stage.sandbox.lines.log[-1]
    await stage.until(lambda: push.acked_at is not None, "the acknowledgement")

    assert [m.content.text for m in await stage.messages()] == ["第一句"]


async def test_a_normal_close_is_routine_and_the_line_comes_back(stage: Stage) -> None:
    line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
    await line.close(1000)
    await stage.until(
        lambda: any(
            one.id != line.id and one.registered for one in stage.sandbox.lines.of(DEMO_SELLER)
        ),
        "a new line",
    )
    await stage.wait_state(AccountState.ONLINE)

    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)


async def test_old_messages_are_told_and_not_answered(stage: Stage) -> None:
    conversation = stage.conversation(OTHER_BUYER)
    raw = _old_message(conversation.id, OTHER_BUYER, "在吗，昨天问的")
    await stage.sandbox.stage.push_raw(DEMO_SELLER, [raw], object_type=40000)

    notice = await stage.wait_for_notice("昨天问的")
    assert "超过了自动回复的时限" in notice.text
    await stage.settled()
    assert stage.answers(OTHER_BUYER) == []


async def test_two_messages_of_one_conversation_are_answered_in_order(stage: Stage) -> None:
    await stage.buyer_says("随便问问")
    notice = await stage.wait_for_notice("随便问问")
    for number in range(8):
        await stage.operator_writes(f"第{number}句", quote=notice)

    await stage.wait_for_answer("第7句")
    assert stage.answers() == [f"第{number}句" for number in range(8)]


async def test_an_uncertain_send_that_arrived_is_found_in_the_history(stage: Stage) -> None:
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    stage.sandbox.faults.add(DEMO_SELLER, "send_stored")

    await stage.operator_writes("其实送到了", quote=notice)

    await stage.wait_for_notice("✓ 已送达")
    assert stage.answers() == ["其实送到了"]
    answer = next(m for m in await stage.messages() if m.origin is Origin.OPERATOR)
    assert answer.state is MessageState.ACCEPTED


async def test_an_answer_that_got_lost_is_told_to_who_wrote_it_and_not_sent_again(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, uncertain_seconds=0.5) as stage:
        await stage.buyer_says("在？")
        notice = await stage.wait_for_notice("在？")
        stage.sandbox.faults.add(DEMO_SELLER, "send_lost")

        await stage.operator_writes("到了吗", quote=notice)

        told = await stage.wait_for_notice("不确定是否送达")
        assert "没有自动重发" in told.text
        await stage.settled()
        assert stage.answers() == []


async def test_a_throttled_send_goes_out_later_and_once(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "send_throttled")
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    await stage.settled()
    assert stage.answers() == [GREETING]


async def test_answers_wait_for_an_account_that_is_offline(stage: Stage) -> None:
    """The socket is looked up when the message is sent."""
    await stage.buyer_says("在？")
    notice = await stage.wait_for_notice("在？")
    stage.sandbox.faults.add(DEMO_SELLER, "reg_limit", times=3)
    stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()
    await stage.until(lambda: not stage.sandbox.lines.of(DEMO_SELLER), "the line to be cut")

    await stage.operator_writes("稍等", quote=notice)

    await stage.wait_for_answer("稍等")
    async with asyncio.timeout(30):
        await stage.wait_for_notice("✓ 已送达")


def _old_message(conversation: str, buyer: str, text: str) -> dict[str, object]:
    """A day old; ids unlike any other of the sandbox."""
    return {
        "1": {
            "1": {"1": f"{buyer}@goofish"},
            "2": f"{conversation}@goofish",
            "3": "4299999999999.PNM",
            "4": 0,
            "5": 1_750_000_000_000,
            "6": {
                "1": 101,
                "3": {
                    "1": "",
                    "2": text,
                    "3": "",
                    "4": 1,
                    "5": '{"contentType":1,"text":{"text":"' + text + '"}}',
                },
            },
            "7": 2,
            "8": 1,
            "9": 0,
            "10": {
                "reminderContent": text,
                "reminderTitle": "阿***7",
                "senderUserId": buyer,
                "senderUserType": "0",
                "sessionType": "1",
            },
            "12": 1,
        },
        "3": {"needPush": "true"},
    }
