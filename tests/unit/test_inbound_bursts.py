"""What a buyer says in one go gets one automatic answer, and every line knows why (L31)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from test_inbound import NOW, Stage, own, said, stage

from hub.inbound import Inbound
from hub.model import (
    ChatPeer,
    Event,
    MessageState,
    Origin,
    Rule,
    RuleId,
    RuleKind,
    Scope,
    SendNotice,
    Task,
    TaskKind,
    TaskState,
    Text,
    chat_lane,
)
from hub.settings import ReplySettings

__all__ = ["stage"]
WAIT = timedelta(seconds=3)
DEFAULT, PRICE = "稍等，马上来", "标价就是最低价"


@pytest.fixture
async def shop(stage: Stage) -> Stage:
    """Answers 在吗 and 多少钱 after three seconds of silence."""
    await add_rule(stage, RuleKind.KEYWORD, ["多少钱"], PRICE)
    stage.inbound = Inbound(stage.store, ReplySettings(), lambda: stage.now)
    return stage


async def add_rule(stage: Stage, kind: RuleKind, words: list[str], reply: str) -> None:
    rule = Rule(RuleId(0), stage.account.shop, None, kind, tuple(words), reply)
    await stage.store.write(lambda tx: tx.rules.add(rule, NOW))


async def hears(stage: Stage, *lines: tuple[float, str]) -> None:
    """Lines, each so many seconds after the first."""
    for number, (seconds, text) in enumerate(lines, 1):
        stage.now = NOW + timedelta(seconds=seconds)
        await stage.take_in(said(text, number, stage.now))


async def answers(stage: Stage) -> list[str]:
    return [
        m.content.text
        for m in await stage.messages()
        if m.origin is Origin.RULE and isinstance(m.content, Text)
    ]


async def due(stage: Stage, at: datetime) -> list[Task]:
    return await stage.store.write(
        lambda tx: tx.outbox.claim("w", at, at + timedelta(minutes=1), 10, [TaskKind.SEND])
    )


async def reasons(stage: Stage) -> dict[str, tuple[str, str]]:
    """Outcome and reason of the newest decision about each line."""
    thread = await stage.conversation()
    found = await stage.store.read(
        lambda tx: tx.decisions.of_conversation(stage.account.shop, thread.id, 50)
    )
    texts = {m.id: m.content for m in await stage.messages()}
    told: dict[str, tuple[str, str]] = {}
    for decision in reversed(found):
        content = texts[decision.message] if decision.message is not None else None
        assert isinstance(content, Text)
        told[content.text] = decision.outcome, decision.reason
    return told


async def test_an_answer_waits_until_the_buyer_was_silent_for_the_set_time(shop: Stage) -> None:
    await hears(shop, (0, "在吗"))
    assert await due(shop, NOW + WAIT - timedelta(milliseconds=1)) == []
    assert len(await due(shop, NOW + WAIT)) == 1


async def test_the_last_keyword_of_a_burst_is_answered_and_nothing_else(shop: Stage) -> None:
    await hears(shop, (0, "在吗"), (2, "多少钱"))

    assert await answers(shop) == [PRICE]
    assert await due(shop, NOW + timedelta(seconds=4.9)) == []
    assert len(await due(shop, NOW + timedelta(seconds=5))) == 1
    told = await reasons(shop)
    assert told["在吗"] == ("superseded", "买家接着又说了话，只回复后面那句")
    assert told["多少钱"] == ("answered", "命中关键词「多少钱」")


async def test_a_line_without_an_answer_keeps_the_one_to_an_earlier_line(shop: Stage) -> None:
    await hears(shop, (0, "多少钱"), (2, "这个键盘"), (4, "谢谢"))

    assert await answers(shop) == [PRICE]
    assert await due(shop, NOW + timedelta(seconds=6.9)) == []
    assert len(await due(shop, NOW + timedelta(seconds=7))) == 1
    told = await reasons(shop)
    assert told["多少钱"][0] == "answered"
    assert told["谢谢"] == ("joined", "没有命中任何规则；和前面的话一起回复")


@pytest.mark.parametrize("first", ["在吗", "键帽呢"])
async def test_a_default_reply_never_takes_the_place_of_another_answer(
    shop: Stage, first: str
) -> None:
    await add_rule(shop, RuleKind.DEFAULT, [], DEFAULT)
    await hears(shop, (0, first), (1, "你好呀"))

    assert await answers(shop) == ["在的" if first == "在吗" else DEFAULT]
    assert (await reasons(shop))["你好呀"][0] == "joined"


async def test_a_keyword_takes_the_place_of_a_default_reply(shop: Stage) -> None:
    await add_rule(shop, RuleKind.DEFAULT, [], DEFAULT)
    await hears(shop, (0, "你好呀"), (1, "多少钱"))
    assert await answers(shop) == [PRICE]


async def test_several_lines_of_one_push_are_a_burst(shop: Stage) -> None:
    await shop.take_in(said("在吗", 1), said("多少钱", 2), said("急", 3))
    assert await answers(shop) == [PRICE]
    assert len(await due(shop, NOW + WAIT)) == 1


async def test_notices_come_at_once_and_say_what_will_be_answered(shop: Stage) -> None:
    await hears(shop, (0, "在吗"), (1, "多少钱"), (2, "急"))
    lane = chat_lane(ChatPeer("", "private", "10002"))
    tasks = await shop.store.read(lambda tx: tx.outbox.waiting(shop.account.shop, lane))
    first, second, third = (t.work.text for t in tasks if isinstance(t.work, SendNotice))
    assert "↪ 自动回复：在的" in first
    assert f"↪ 自动回复：{PRICE}（前一句不再单独回复）" in second
    assert f"↪ 和前面的话一起自动回复：{PRICE}" in third


async def test_who_never_stops_typing_is_answered_after_five_waits(shop: Stage) -> None:
    await hears(shop, *((2.0 * number, f"在吗 {number}") for number in range(9)))
    assert len(await due(shop, NOW + 5 * WAIT)) == 0
    assert shop.now == NOW + timedelta(seconds=16)
    assert len(await due(shop, shop.now)) == 1


async def test_what_is_said_after_the_answer_has_left_is_a_new_burst(shop: Stage) -> None:
    await hears(shop, (0, "在吗"))
    (task,) = await due(shop, NOW + WAIT)
    shop.now = NOW + WAIT
    await shop.store.write(lambda tx: tx.outbox.mark_wire(task, "w", shop.now))

    await shop.take_in(said("多少钱", 2, shop.now))

    assert await answers(shop) == ["在的", PRICE]
    assert (await reasons(shop))["在吗"][0] == "answered"


async def test_an_answer_in_hand_that_waits_for_its_turn_takes_more_lines_along(
    shop: Stage,
) -> None:
    """On a busy account that may be most of the time; two answers at once are what is avoided."""
    await hears(shop, (0, "在吗"))
    shop.now = NOW + WAIT
    assert len(await due(shop, shop.now)) == 1

    await shop.take_in(said("多少钱", 2, shop.now))
    await shop.take_in(said("谢谢", 3, shop.now))

    assert await answers(shop) == [PRICE]
    assert (await reasons(shop))["谢谢"][0] == "joined"


async def test_a_burst_expires_with_its_last_keyword(shop: Stage) -> None:
    """The account may be away all the time."""
    await hears(shop, (0, "在吗"), (200, "多少钱"))
    (task,) = await due(shop, NOW + timedelta(seconds=203))
    assert task.expires_at == NOW + timedelta(seconds=200 + 300)


async def test_an_answer_that_waited_too_long_takes_nothing_along(shop: Stage) -> None:
    await hears(shop, (0, "在吗"), (310, "多少钱"))
    assert await answers(shop) == ["在的", PRICE]


async def test_an_answer_that_a_person_overtook_answers_no_later_line(shop: Stage) -> None:
    """Whose automation is not stopped by a human answer, for instance."""
    await hears(shop, (0, "在吗"))
    await shop.take_in(own("在，您说", at=NOW + timedelta(seconds=1)))
    await end_takeover(shop)
    shop.now = NOW + timedelta(seconds=2)

    await shop.take_in(said("多少钱", 3, shop.now))

    assert await answers(shop) == ["在的", PRICE]


async def test_a_line_during_a_takeover_leaves_the_waiting_answer_to_its_check(
    shop: Stage,
) -> None:
    await hears(shop, (0, "在吗"))
    events: list[Event] = [own("在，您说"), said("多少钱", 3)]
    await shop.take_in(*events)
    assert await answers(shop) == ["在的"]
    assert (await reasons(shop))["多少钱"][0] == "held"


async def test_without_a_wait_every_line_is_answered_on_its_own(stage: Stage) -> None:
    await add_rule(stage, RuleKind.KEYWORD, ["多少钱"], PRICE)
    await hears(stage, (0, "在吗"), (1, "多少钱"))
    assert await answers(stage) == ["在的", PRICE]
    assert len(await due(stage, NOW)) == 1


async def test_a_repeated_push_changes_nothing_about_a_burst(shop: Stage) -> None:
    await hears(shop, (0, "在吗"), (1, "多少钱"))
    shop.now = NOW + timedelta(seconds=2)
    await shop.take_in(said("在吗", 1), said("多少钱", 2))
    assert await answers(shop) == [PRICE]
    assert len(await due(shop, NOW + timedelta(seconds=4))) == 1
    (message,) = [m for m in await shop.messages() if m.origin is Origin.RULE]
    assert message.state is MessageState.QUEUED


async def end_takeover(stage: Stage) -> None:
    thread = await stage.conversation()

    def unit(tx: Any) -> None:
        tx.holds.end(stage.account.shop, Scope(conversation=thread.id), stage.now)

    await stage.store.write(unit)


async def test_every_line_that_an_automatic_answer_answers_is_marked_as_read(shop: Stage) -> None:
    shop.inbound = Inbound(shop.store, ReplySettings(mark_read="always"), lambda: shop.now)
    for number, line in enumerate(("在吗", "这个键盘", "多少钱"), 1):
        await shop.take_in(said(line, number, NOW + timedelta(seconds=number)))
        (mark,) = await shop.store.write(
            lambda tx: tx.outbox.claim("w", NOW, NOW, 10, [TaskKind.READ])
        )
        await shop.store.write(
            lambda tx, mark=mark: tx.outbox.settle(  # type: ignore[misc]
                mark, "w", TaskState.DONE, now=NOW
            )
        )
