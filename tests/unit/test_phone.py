"""What the seller does on the phone: an answer takes over, a word toggles, an echo does neither."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from test_inbound import NOW, THREAD, Stage, own, said, stage

from hub.inbound import Inbound
from hub.model import (
    WHOLE_SHOP,
    Hold,
    HoldKind,
    Image,
    MessageId,
    MessageState,
    Origin,
    Picture,
    Scope,
    TaskKind,
    TaskState,
    Text,
)
from hub.settings import ReplySettings

__all__ = ["stage"]
MINUTE = timedelta(minutes=1)
PICTURE = Image((Picture("https://img.alicdn.com/a.jpg", 40, 30),))


async def holds(stage: Stage) -> list[Hold]:
    shop = stage.account.shop
    return await stage.store.read(lambda tx: tx.holds.all_active(shop, stage.now))


async def told(stage: Stage) -> list[str]:
    """All notices so far that are new, oldest first."""
    found: list[str] = []
    while tasks := await stage.store.write(
        lambda tx: tx.outbox.claim("test", stage.now, stage.now, 100, [TaskKind.NOTICE])
    ):
        for task in tasks:
            found.append(task.work.text)  # type: ignore[union-attr]
            await stage.store.write(
                lambda tx, task=task: tx.outbox.settle(  # type: ignore[misc]
                    task, "test", TaskState.DONE, now=stage.now
                )
            )
    return found


async def say(stage: Stage, words: str | Image, origin: Origin, *states: MessageState) -> MessageId:
    """Something of ours on its way to the buyer."""
    thread = await stage.conversation()
    content = Text(words) if isinstance(words, str) else words

    def unit(tx: Any) -> MessageId:
        message: MessageId = tx.messages.add_out(
            thread.shop,
            thread.account,
            thread.id,
            key=f"key {words}",
            origin=origin,
            content=content,
            now=stage.now,
        )
        for state in states:
            tx.messages.set_state(thread.shop, message, state, now=stage.now)
        return message

    return await stage.store.write(unit)


async def test_a_word_from_the_phone_pauses_and_the_next_resumes_and_each_is_told_once(
    stage: Stage,
) -> None:
    await stage.take_in(said("你好"))
    await told(stage)

    for _ in range(3):
        await stage.take_in(own("。", 50))
    (held,) = await holds(stage)
    assert (held.kind, held.until) == (HoldKind.PAUSE, None)
    assert held.scope == Scope(conversation=(await stage.conversation()).id)
    (notice,) = await told(stage)
    assert "你在手机上暂停了这个会话的自动回复" in notice
    await stage.take_in(said("在吗", 2))
    assert "⏸ 这个会话的自动回复已暂停：店主在手机上暂停" in (await told(stage))[0]

    await stage.take_in(own("。", 51))
    assert await holds(stage) == []
    (notice,) = await told(stage)
    assert "▶ 你在手机上恢复了这个会话的自动回复" in notice
    await stage.take_in(said("在吗", 3))
    assert "↪ 自动回复：在的" in (await told(stage))[0]

    messages = await stage.messages()
    assert sum(one.origin is Origin.TOGGLE for one in messages) == 2
    acts = await stage.store.read(lambda tx: tx.audit.recent(stage.account.shop, 9))
    assert [(one.door, one.action) for one in acts] == [("phone", "resume"), ("phone", "pause")]


async def test_two_words_in_one_push_pause_and_resume_in_their_order(
    stage: Stage,
) -> None:
    await stage.take_in(said("你好"), own("。", 50), own("。", 51))
    assert await holds(stage) == []
    assert [one.split("\n")[1][0] for one in await told(stage)] == ["⏸", "▶", "你"]


@pytest.mark.parametrize("by", ["takeover", "pause", "both"])
async def test_a_conversation_that_anybody_stopped_goes_on_by_the_word(
    stage: Stage,
    by: str,
) -> None:
    await stage.take_in(said("你好"))
    if by != "pause":
        await stage.take_in(own("我来答", 49))
    scope = Scope(conversation=(await stage.conversation()).id)
    if by != "takeover":
        await stage.store.write(
            lambda tx: tx.holds.add(
                stage.account.shop, scope, kind=HoldKind.PAUSE, reason="盘点", now=NOW
            )
        )
    await stage.take_in(own("。", 50))
    assert await holds(stage) == []


async def test_a_wider_pause_stays_and_is_named(stage: Stage) -> None:
    await stage.take_in(said("你好"))
    shop = stage.account.shop
    await stage.store.write(
        lambda tx: tx.holds.add(shop, WHOLE_SHOP, kind=HoldKind.PAUSE, reason="打烊", now=NOW)
    )
    await told(stage)
    await stage.take_in(own("。", 50), own("。", 51))
    paused, resumed = await told(stage)
    assert "（整个店铺还在暂停中）" in paused
    assert "但整个店铺还在暂停中，现在仍然不会自动回复" in resumed
    assert [one.scope for one in await holds(stage)] == [WHOLE_SHOP]


@pytest.mark.parametrize(
    "states", [("sending",), ("sending", "uncertain"), ("sending", "accepted")]
)
@pytest.mark.parametrize("origin", [Origin.OPERATOR, Origin.RULE, Origin.AI, Origin.DELIVERY])
@pytest.mark.parametrize("words", ["。", "亲，在的", PICTURE], ids=["word", "text", "picture"])
async def test_our_own_echo_never_toggles_and_never_takes_over(
    stage: Stage,
    words: str | Image,
    origin: Origin,
    states: tuple[str, ...],
) -> None:
    """L25; also when the echo is faster than the answer to the send."""
    await stage.take_in(said("你好"))
    await say(stage, words, origin, *map(MessageState, states))
    await told(stage)

    echo = own("", 50)
    echo = replace(echo, content=Text(words) if isinstance(words, str) else words)
    for _ in range(2):
        await stage.take_in(echo)

    assert await holds(stage) == []
    assert await told(stage) == []
    assert [one.origin for one in await stage.messages()] == [Origin.BUYER, origin]


async def test_the_same_word_from_us_and_from_the_phone_toggles_once(
    stage: Stage,
) -> None:
    await stage.take_in(said("你好"))
    await say(stage, "。", Origin.OPERATOR, MessageState.SENDING)
    await stage.take_in(own("。", 50), own("。", 51))
    (held,) = await holds(stage)
    assert held.kind is HoldKind.PAUSE


@pytest.mark.parametrize(("age", "toggles"), [(2, True), (4, False), (600, False)])
async def test_a_word_that_is_found_late_changes_nothing_and_says_so(
    stage: Stage,
    age: float,
    toggles: bool,
) -> None:
    await stage.take_in(said("你好"))
    await told(stage)
    await stage.take_in(own("。", 50, NOW - age * MINUTE))
    assert bool(await holds(stage)) is toggles
    (notice,) = await told(stage)
    assert ("到得太晚" in notice) is not toggles
    assert notice.endswith(f"#{(await stage.conversation()).ticket}")
    stage.now = NOW + timedelta(hours=1)
    await stage.take_in(own("。", 50, NOW - age * MINUTE))
    assert bool(await holds(stage)) is toggles
    assert await told(stage) == []


async def test_a_word_is_no_answer_of_a_human(stage: Stage) -> None:
    await stage.take_in(said("在吗"), own("。", 50), own("。", 51))
    thread = await stage.conversation()
    assert not await stage.store.read(
        lambda tx: tx.messages.human_answer_since(thread.shop, thread.id, NOW - MINUTE)
    )


@pytest.mark.parametrize(("words", "typed"), [(("停", "开"), "开"), (("。",), "停"), ((), "。")])
async def test_which_words_do_it_is_a_setting(
    stage: Stage,
    words: tuple[str, ...],
    typed: str,
) -> None:
    settings = ReplySettings(debounce_seconds=0, toggle_words=words)
    stage.inbound = Inbound(stage.store, settings, lambda: stage.now)
    await stage.take_in(said("你好"), own(typed, 50))
    (held,) = await holds(stage)
    assert held.kind is (HoldKind.PAUSE if typed in words else HoldKind.TAKEOVER)


async def test_an_answer_from_the_phone_extends_a_takeover_and_never_shortens_it(
    stage: Stage,
) -> None:
    async def until() -> Any:
        (held,) = await holds(stage)
        assert held.kind is HoldKind.TAKEOVER
        return held.until

    await stage.take_in(own("我来", 50))
    assert await until() == NOW + 10 * MINUTE
    stage.now = NOW + 4 * MINUTE
    await stage.take_in(own("还在", 51, stage.now))
    assert await until() == NOW + 14 * MINUTE
    await stage.take_in(own("早先说的，现在才看到", 52, NOW - MINUTE))
    assert await until() == NOW + 14 * MINUTE
    await set_takeover(stage, 1)
    await stage.take_in(own("分钟数改小了", 53, stage.now))
    assert await until() == NOW + 14 * MINUTE


async def set_takeover(stage: Stage, minutes: int) -> None:
    """What the line was told of its account may be older: it goes by what is set by now."""
    one = stage.account
    await stage.store.write(lambda tx: tx.accounts.set_takeover_minutes(one.shop, one.id, minutes))


async def test_zero_minutes_never_take_over(stage: Stage) -> None:
    """Not even by a clock that is ahead of ours."""
    await set_takeover(stage, 0)
    await stage.take_in(own("我来", 50), own("表快了", 51, NOW + 2 * MINUTE))
    assert await holds(stage) == []


async def test_a_word_that_turns_out_to_be_ours_is_shown_once(stage: Stage) -> None:
    """The platform's answer names it, after it was taken for the seller's."""
    await stage.take_in(said("你好"), own("。", 50))
    message = await say(stage, " 。", Origin.OPERATOR, MessageState.SENDING)
    shop = stage.account.shop
    await stage.store.write(
        lambda tx: tx.messages.set_state(
            shop, message, MessageState.ACCEPTED, platform_id=own("", 50).id, now=NOW
        )
    )
    assert [one.origin for one in await stage.messages()] == [Origin.BUYER, Origin.OPERATOR]
    assert own("", 50).conversation == THREAD
