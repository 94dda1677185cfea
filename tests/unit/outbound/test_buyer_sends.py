"""Messages to buyers: every verdict ends somewhere, and somebody is told where."""

from __future__ import annotations

from datetime import timedelta

import pytest
from outbound_stage import LOOK_FOR, FakeSession, Stage

from hub.errors import AuthExpired, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    WHOLE_SHOP,
    Content,
    HoldKind,
    MessageState,
    Origin,
    OwnMessage,
    PlatformMessage,
    TaskKind,
    Text,
)
from hub.xianyu import Sent

ID = PlatformMessage("4300000000001.PNM")
NO_ANSWER = Uncertain("xianyu", "send", "no answer within 1 s")


def own(stage: Stage, content: Content, id: PlatformMessage = ID) -> OwnMessage:
    return OwnMessage(id, stage.conversation.platform_id, None, content, stage.now)


async def test_an_accepted_message_is_sent_once_and_its_writer_told(stage: Stage) -> None:
    stage.session = FakeSession([Sent(ID, None)])
    message = await stage.queue()

    await stage.send_all(rounds=3)

    assert stage.session.said == ["在的"]
    assert (await stage.message(message)).platform_id == ID
    assert [text.split()[0] for text in await stage.told()] == ["✓"]


@pytest.mark.parametrize(
    "refusal",
    [
        AuthExpired("xianyu", "send", "not logged in"),
        Throttled("xianyu", "send", after=5),
        Throttled("xianyu", "send"),
        Unreachable("xianyu", "send", "the line is gone"),
    ],
)
async def test_what_certainly_did_not_go_out_is_queued_again_and_sent_without_looking(
    stage: Stage, refusal: Exception
) -> None:
    stage.session = FakeSession([refusal, Sent(ID, None)], [AssertionError("nobody looks")])
    message = await stage.queue()

    await stage.send_all()
    assert (await stage.message(message)).state is MessageState.QUEUED
    await stage.send_all(rounds=2)

    assert stage.session.said == ["在的", "在的"]
    assert (await stage.message(message)).state is MessageState.ACCEPTED


async def test_a_refused_automatic_answer_is_told_to_the_owners(stage: Stage) -> None:
    stage.session = FakeSession([Rejected("xianyu", "send", "安全拦截")])
    await stage.queue(origin=Origin.RULE, asked_by=None)

    await stage.send_all()

    (told,) = await stage.told()
    assert told.startswith("在的\n✗")
    assert "安全拦截" in told


async def test_an_uncertain_message_that_is_nowhere_is_never_sent_again(stage: Stage) -> None:
    stage.session = FakeSession([NO_ANSWER])
    message = await stage.queue()

    await stage.send_all(rounds=3)

    assert stage.session.said == ["在的"]
    assert (await stage.message(message)).state is MessageState.UNCERTAIN
    assert len(await stage.told()) == 1
    assert stage.now - (await stage.message(message)).sent_at > LOOK_FOR


async def test_an_echo_settles_an_uncertain_message_even_while_the_history_is_closed(
    stage: Stage,
) -> None:
    stage.session = FakeSession([NO_ANSWER], [Unreachable("xianyu", "history")])
    message = await stage.queue()
    await stage.send_all()
    await stage.store.write(
        lambda tx: tx.messages.match_echo(
            stage.shop,
            stage.account.id,
            stage.conversation.id,
            platform_id=ID,
            content=Text("在的"),
            now=stage.now,
            sent_at=stage.now,
        )
    )

    await stage.send_all(rounds=2)

    assert (await stage.message(message)).state is MessageState.ACCEPTED
    assert await stage.open_tasks() == {TaskKind.RECEIPT: 1}


@pytest.mark.parametrize("online", [True, False])
async def test_a_history_that_stays_unreadable_does_not_block_the_conversation_for_ever(
    stage: Stage, online: bool
) -> None:
    stage.session = session = FakeSession([NO_ANSWER], [Throttled("xianyu", "history")])
    message = await stage.queue()
    await stage.send_all()
    stage.session = session if online else None

    await stage.send_all(rounds=15)

    assert (await stage.message(message)).state is MessageState.UNCERTAIN
    assert [text.split()[0] for text in await stage.told()] == ["？"]
    assert await stage.open_tasks() == {}


async def test_a_message_left_uncertain_last_week_takes_nothing_from_the_one_of_today(
    stage: Stage,
) -> None:
    stage.session = FakeSession([NO_ANSWER])
    old = await stage.queue()
    await stage.send_all(rounds=3)
    stage.now += timedelta(days=7)
    new = await stage.queue()
    stage.session.pages = [[own(stage, Text("在的"))]]

    await stage.send_all(rounds=2)

    assert (await stage.message(old)).state is MessageState.UNCERTAIN
    assert (await stage.message(new)).state is MessageState.ACCEPTED


async def test_what_an_echo_showed_to_have_arrived_is_not_sent_again(stage: Stage) -> None:
    """The platform said no and did it all the same."""
    stage.session = FakeSession([Throttled("xianyu", "send"), Sent(ID, None)])
    message = await stage.queue()
    (task,) = await stage.claim(TaskKind.SEND)
    await stage.store.write(
        lambda tx: tx.messages.set_state(stage.shop, message, MessageState.SENDING, now=stage.now)
    )
    await stage.store.write(
        lambda tx: tx.messages.match_echo(
            stage.shop,
            stage.account.id,
            stage.conversation.id,
            platform_id=ID,
            content=Text("在的"),
            now=stage.now,
            sent_at=stage.now,
        )
    )
    stage.now += timedelta(seconds=61)

    await stage.send_all()

    assert stage.session.said == []
    assert (await stage.message(message)).state is MessageState.ACCEPTED
    assert task.attempt == 1


@pytest.mark.parametrize("online", [True, False])
@pytest.mark.parametrize("origin", [Origin.OPERATOR, Origin.RULE])
async def test_what_waited_too_long_is_not_sent_and_somebody_is_told(
    stage: Stage, origin: Origin, online: bool
) -> None:
    """The notice of the buyer's message had promised the automatic answer."""
    message = await stage.queue(origin=origin, asked_by=None, lifetime=timedelta(minutes=5))
    await stage.send_all(rounds=2)
    stage.now += timedelta(minutes=5)
    stage.session = FakeSession() if online else None

    await stage.send_all()

    assert (await stage.message(message)).state is MessageState.DROPPED
    (told,) = await stage.told()
    assert "等得太久" in told


async def test_an_automatic_answer_that_people_made_needless_is_dropped_silently(
    stage: Stage,
) -> None:
    stage.session = FakeSession()
    message = await stage.queue(origin=Origin.RULE, asked_by=None)
    await stage.store.write(
        lambda tx: tx.holds.add(
            stage.shop, WHOLE_SHOP, kind=HoldKind.TAKEOVER, reason="", now=stage.now
        )
    )

    await stage.send_all()

    assert stage.session.said == []
    assert (await stage.message(message)).state is MessageState.DROPPED
    assert await stage.told() == []


async def test_a_message_waits_for_its_account_without_a_word(stage: Stage) -> None:
    message = await stage.queue()
    await stage.send_all(rounds=3)
    stage.session = FakeSession()

    await stage.send_all(rounds=2)

    assert stage.session.said == ["在的"]
    assert (await stage.message(message)).state is MessageState.ACCEPTED
