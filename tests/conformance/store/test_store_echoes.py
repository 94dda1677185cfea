"""Which message an echo belongs to, in every order in which the news can come."""

from __future__ import annotations

from itertools import permutations

import pytest
from store_stage import Stage, at, pid

from hub.model import Message, MessageId, MessageState, Origin
from hub.store import Tx


def listed(stage: Stage, tx: Tx) -> list[Message]:
    return tx.messages.of_conversation(stage.shop, stage.conversation.id, limit=50)


def sending(stage: Stage, tx: Tx, text: str = "在的") -> MessageId:
    message = stage.say(tx, text)
    tx.messages.set_state(stage.shop, message, MessageState.SENDING, now=at())
    return message


def answer(stage: Stage, tx: Tx, message: MessageId, number: int | None) -> None:
    tx.messages.set_state(
        stage.shop,
        message,
        MessageState.ACCEPTED,
        platform_id=None if number is None else pid(number),
        now=at(1),
    )


@pytest.mark.parametrize("with_id", [True, False])
async def test_the_answer_may_come_before_the_echo(stage: Stage, with_id: bool) -> None:
    def unit(tx: Tx) -> None:
        message = sending(stage, tx)
        answer(stage, tx, message, 1 if with_id else None)
        assert stage.echo(tx, 1) == message
        (only,) = listed(stage, tx)
        assert (only.id, only.platform_id, only.state) == (message, pid(1), MessageState.ACCEPTED)

    await stage.do(unit)


@pytest.mark.parametrize("with_id", [True, False])
async def test_the_echo_may_come_before_the_answer(stage: Stage, with_id: bool) -> None:
    def unit(tx: Tx) -> None:
        message = sending(stage, tx)
        assert stage.echo(tx, 1) == message
        assert listed(stage, tx)[0].state is MessageState.ACCEPTED
        answer(stage, tx, message, 1 if with_id else None)
        (only,) = listed(stage, tx)
        assert (only.id, only.platform_id, only.state) == (message, pid(1), MessageState.ACCEPTED)

    await stage.do(unit)


async def test_the_same_echo_twice_is_one_message(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        message = sending(stage, tx)
        assert stage.echo(tx, 1) == message
        assert stage.echo(tx, 1) == message
        assert len(listed(stage, tx)) == 1

    await stage.do(unit)


async def test_an_echo_of_the_phone_is_known_when_it_comes_again(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        assert stage.echo(tx, 1) is None
        (phone,) = listed(stage, tx)
        assert stage.echo(tx, 1) == phone.id

    await stage.do(unit)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [MessageState.SENDING, MessageState.QUEUED],
        [MessageState.SENDING, MessageState.REJECTED],
        [MessageState.DROPPED],
    ],
    ids=lambda steps: " ".join(steps) or "queued",
)
async def test_the_phone_is_not_swallowed_when_nothing_of_ours_is_on_the_wire(
    stage: Stage, steps: list[MessageState]
) -> None:
    def unit(tx: Tx) -> None:
        ours = stage.say(tx)
        for step in steps:
            tx.messages.set_state(stage.shop, ours, step, now=at())
        assert stage.echo(tx, 1) is None
        found = tx.messages.get(stage.shop, ours)
        assert found is not None
        assert found.state is (steps[-1] if steps else MessageState.QUEUED)
        assert found.platform_id is None
        assert [m.origin for m in listed(stage, tx)] == [Origin.OPERATOR, Origin.PHONE]

    await stage.do(unit)


async def test_the_phone_is_not_swallowed_by_another_text_or_conversation(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        sending(stage, tx, "在的")
        assert stage.echo(tx, 1, "在的呢") is None
        assert (
            tx.messages.match_echo(
                stage.shop,
                stage.account.id,
                tx.conversations.upsert(
                    stage.shop,
                    stage.account.id,
                    type(stage.conversation.platform_id)("60010020031"),
                ).id,
                platform_id=pid(2),
                content=listed(stage, tx)[0].content,
                now=at(),
            )
            is None
        )

    await stage.do(unit)


async def test_a_message_left_uncertain_does_not_swallow_the_phone_much_later(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        ours = sending(stage, tx)
        tx.messages.set_state(stage.shop, ours, MessageState.UNCERTAIN, now=at(20))
        assert stage.echo(tx, 1, seconds=3 * 86400) is None
        assert stage.echo(tx, 2, seconds=-3 * 86400) is None
        assert stage.echo(tx, 3, seconds=2) == ours

    await stage.do(unit)


async def test_equal_messages_take_their_echoes_oldest_first(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        first, second = sending(stage, tx), sending(stage, tx)
        assert [stage.echo(tx, 1), stage.echo(tx, 2)] == [first, second]

    await stage.do(unit)


NEWS = ("echo 1", "echo 2", "echo 3", "answer 1", "answer 2")


@pytest.mark.parametrize("order", list(permutations(NEWS)), ids=lambda order: ", ".join(order))
async def test_equal_texts_of_ours_and_of_the_phone_end_right_in_every_order(
    stage: Stage, order: tuple[str, ...]
) -> None:
    """1 and 2 are ours and on the wire; 3 was typed on the phone at the same time."""

    def unit(tx: Tx) -> None:
        ours = {1: sending(stage, tx), 2: sending(stage, tx)}
        for news in order:
            what, number = news.split()
            if what == "echo":
                stage.echo(tx, int(number), seconds=2)
            else:
                answer(stage, tx, ours[int(number)], int(number))
        messages = {message.platform_id: message for message in listed(stage, tx)}
        assert set(messages) == {pid(1), pid(2), pid(3)}
        assert messages[pid(1)].id == ours[1]
        assert messages[pid(2)].id == ours[2]
        assert messages[pid(3)].origin is Origin.PHONE
        assert messages[pid(1)].state is messages[pid(2)].state is MessageState.ACCEPTED
        assert messages[pid(3)].state is MessageState.RECEIVED

    await stage.do(unit)


async def test_a_refused_message_gives_back_the_echo_of_the_phone(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        ours = sending(stage, tx)
        assert stage.echo(tx, 1) == ours
        stands = tx.messages.set_state(
            stage.shop, ours, MessageState.REJECTED, reason="安全拦截", now=at(2)
        )
        assert stands is MessageState.REJECTED
        by_origin = {message.origin: message for message in listed(stage, tx)}
        assert by_origin[Origin.OPERATOR].platform_id is None
        assert by_origin[Origin.OPERATOR].reason == "安全拦截"
        assert by_origin[Origin.PHONE].platform_id == pid(1)

    await stage.do(unit)


async def test_an_echo_outweighs_a_missing_answer(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        ours = sending(stage, tx)
        stage.echo(tx, 1)
        stands = tx.messages.set_state(
            stage.shop, ours, MessageState.UNCERTAIN, reason="没有回音", now=at(20)
        )
        assert stands is MessageState.ACCEPTED
        found = tx.messages.get(stage.shop, ours)
        assert found is not None
        assert (found.state, found.reason) == (MessageState.ACCEPTED, "")

    await stage.do(unit)


async def test_what_was_told_about_a_merged_phone_message_is_kept(stage: Stage) -> None:
    """Stored as written on the phone, told in chat, then the late answer shows that it was ours."""

    def unit(tx: Tx) -> None:
        ours = stage.say(tx)
        assert stage.echo(tx, 1) is None
        phone = next(m for m in listed(stage, tx) if m.origin is Origin.PHONE)
        tx.relays.add(
            stage.shop,
            bot="1",
            scene="private",
            peer="2",
            external_id="3",
            conversation=stage.conversation.id,
            message=phone.id,
            now=at(),
        )
        tx.decisions.add(
            stage.shop,
            conversation=stage.conversation.id,
            message=phone.id,
            outcome="silent",
            reason="自己写的",
            now=at(),
        )
        answer(stage, tx, ours, 1)
        (only,) = listed(stage, tx)
        assert (only.id, only.platform_id) == (ours, pid(1))
        relay = tx.relays.find("1", "private", "2", "3")
        assert relay is not None
        assert relay.message == ours
        (decision,) = tx.decisions.of_conversation(stage.shop, stage.conversation.id, 5)
        assert decision.message == ours

    await stage.do(unit)


async def test_a_read_receipt_survives_the_merge(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        ours = stage.say(tx)
        stage.echo(tx, 1)
        tx.messages.mark_read(stage.shop, stage.account.id, [pid(1)], at(1))
        answer(stage, tx, ours, 1)
        assert listed(stage, tx)[0].state is MessageState.READ

    await stage.do(unit)


async def test_an_answer_cannot_take_the_id_of_a_buyers_message(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.hear(tx, 1)
        ours = sending(stage, tx)
        answer(stage, tx, ours, 1)
        states = {message.origin: message for message in listed(stage, tx)}
        assert states[Origin.BUYER].platform_id == pid(1)
        assert states[Origin.OPERATOR].platform_id is None
        assert states[Origin.OPERATOR].state is MessageState.ACCEPTED

    await stage.do(unit)
