"""Messages: each stored once, in the order in which they were said, with a state that holds."""

from __future__ import annotations

import pytest
from store_stage import Stage, add_account, at, pid

from hub.errors import StoreError
from hub.model import (
    Card,
    Content,
    Image,
    Location,
    Message,
    MessageId,
    MessageState,
    Origin,
    Picture,
    PlatformConversation,
    Text,
    Unsupported,
    Video,
    Voice,
)
from hub.store import Tx

CONTENTS: list[Content] = [
    Text('多行\n也要保留 😀 "引号"'),
    Image((Picture("https://x/1.jpg", 640, 480), Picture("https://x/2.jpg"))),
    Image(()),
    Voice("https://x/v.amr", 3.5),
    Voice("https://x/v.amr"),
    Video("https://x/v.mp4", "https://x/c.jpg"),
    Location("杭州", "西湖区", "30.2", "120.1"),
    Card("我已付款，等待你发货", "请尽快发货"),
    Unsupported(32, "[红包]"),
]


def found(stage: Stage, tx: Tx, id_: MessageId) -> Message:
    message = tx.messages.get(stage.shop, id_)
    assert message is not None
    return message


def uuid_of(stage: Stage, tx: Tx, id_: MessageId) -> str:
    ready = tx.conversations.of_message(stage.shop, id_)
    assert ready is not None
    conversation, message, uuid = ready
    assert (conversation.id, message) == (stage.conversation.id, found(stage, tx, id_))
    return uuid


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: type(content).__name__)
async def test_every_kind_of_content_comes_back_as_it_was(stage: Stage, content: Content) -> None:
    def unit(tx: Tx) -> None:
        id_ = tx.messages.add_in(
            stage.shop,
            stage.account.id,
            stage.conversation.id,
            platform_id=pid(1),
            origin=Origin.BUYER,
            content=content,
            sent_at=at(0.123456),
            now=at(1),
        )
        assert id_ is not None
        assert found(stage, tx, id_) == Message(
            id=id_,
            conversation=stage.conversation.id,
            origin=Origin.BUYER,
            content=content,
            state=MessageState.RECEIVED,
            sent_at=at(0.123456),
            platform_id=pid(1),
        )

    await stage.do(unit)


async def test_a_platform_id_is_stored_once_per_account(stage: Stage) -> None:
    """The same frame twice is one message; another account has ids of its own."""

    def unit(tx: Tx) -> None:
        assert stage.hear(tx, 1) is not None
        assert stage.hear(tx, 1, "other words") is None
        other = add_account(tx, stage.shop, "2")
        conversation = tx.conversations.upsert(stage.shop, other.id, stage.conversation.platform_id)
        elsewhere = tx.messages.add_in(
            stage.shop,
            other.id,
            conversation.id,
            platform_id=pid(1),
            origin=Origin.BUYER,
            content=Text("在吗"),
            sent_at=at(),
            now=at(),
        )
        assert elsewhere is not None

    await stage.do(unit)


async def test_an_outgoing_key_is_used_once_per_shop(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        def say(text: str) -> MessageId | None:
            return tx.messages.add_out(
                stage.shop,
                stage.account.id,
                stage.conversation.id,
                key="qq:10001:77",
                uuid="-17900000001231",
                origin=Origin.OPERATOR,
                content=Text(text),
                now=at(),
            )

        first = say("在的")
        assert first is not None
        assert say("在的") is None
        assert found(stage, tx, first).state is MessageState.QUEUED
        assert uuid_of(stage, tx, first) == "-17900000001231"

    await stage.do(unit)


async def test_messages_written_at_the_same_moment_have_uuids_of_their_own(stage: Stage) -> None:
    """The platform knows a message by it: the parts of one delivery must never be taken for one."""

    def unit(tx: Tx) -> set[str]:
        ids = [stage.say(tx) for _ in range(400)]
        return {uuid_of(stage, tx, id) for id in ids}

    assert len(await stage.store.write(unit)) == 400


async def test_a_uuid_is_made_if_none_is_given_and_stays(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        message = stage.say(tx)
        uuid = uuid_of(stage, tx, message)
        assert uuid.startswith("-")
        assert uuid[1:].isdigit()
        tx.messages.set_state(stage.shop, message, MessageState.SENDING, now=at())
        assert uuid_of(stage, tx, message) == uuid
        buyers = stage.hear(tx, 1)
        assert buyers is not None
        assert uuid_of(stage, tx, buyers) == ""

    await stage.do(unit)


async def test_a_message_cannot_be_tied_to_a_conversation_of_another_account(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        other = add_account(tx, stage.shop, "2")
        tx.messages.add_in(
            stage.shop,
            other.id,
            stage.conversation.id,
            platform_id=pid(1),
            origin=Origin.BUYER,
            content=Text("在吗"),
            sent_at=at(),
            now=at(),
        )

    with pytest.raises(StoreError):
        await stage.do(unit)


S = MessageState


@pytest.mark.parametrize(
    ("steps", "stands"),
    [
        ([S.SENDING, S.ACCEPTED], S.ACCEPTED),
        ([S.SENDING, S.UNCERTAIN, S.ACCEPTED], S.ACCEPTED),
        ([S.SENDING, S.QUEUED], S.QUEUED),
        ([S.SENDING, S.REJECTED], S.REJECTED),
        ([S.SENDING, S.ACCEPTED, S.UNCERTAIN], S.ACCEPTED),
        ([S.SENDING, S.ACCEPTED, S.SENDING], S.ACCEPTED),
        ([S.SENDING, S.READ, S.ACCEPTED], S.READ),
        ([S.SENDING, S.READ, S.REJECTED], S.READ),
        ([S.SENDING, S.READ, S.UNCERTAIN], S.READ),
    ],
)
async def test_a_state_only_gives_way_to_one_that_knows_better(
    stage: Stage, steps: list[MessageState], stands: MessageState
) -> None:
    def unit(tx: Tx) -> None:
        message = stage.say(tx)
        told: MessageState | None = None
        for step in steps:
            told = tx.messages.set_state(stage.shop, message, step, reason=step.value, now=at())
        assert told is stands
        assert found(stage, tx, message).state is stands
        assert found(stage, tx, message).reason == stands.value

    await stage.do(unit)


async def test_a_read_receipt_marks_ours_once_and_never_the_buyers(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.hear(tx, 1)
        ours = stage.say(tx)
        tx.messages.set_state(stage.shop, ours, S.ACCEPTED, platform_id=pid(2), now=at())
        stage.echo(tx, 3, "电话里写的")
        read = tx.messages.mark_read(
            stage.shop, stage.account.id, [pid(1), pid(2), pid(3), pid(9)], at(5)
        )
        assert len(read) == 2
        assert ours in read
        again = tx.messages.mark_read(stage.shop, stage.account.id, [pid(2)], at(6))
        assert again == []

    await stage.do(unit)


async def test_messages_are_listed_in_the_order_in_which_they_were_said(stage: Stage) -> None:
    """What was missed while offline arrives after what is newer."""

    def unit(tx: Tx) -> None:
        for number, seconds in [(1, 0), (5, 50), (6, 50), (2, 10), (3, 20), (4, 30)]:
            stage.hear(tx, number, seconds=seconds)

        def page(limit: int, before: MessageId | None = None) -> list[Message]:
            return tx.messages.of_conversation(
                stage.shop, stage.conversation.id, limit=limit, before=before
            )

        assert [m.platform_id for m in page(10)] == [pid(n) for n in range(1, 7)]
        last = page(3)
        assert [m.platform_id for m in last] == [pid(4), pid(5), pid(6)]
        assert [m.platform_id for m in page(2, last[0].id)] == [pid(2), pid(3)]

    await stage.do(unit)


async def test_a_human_answer_is_one_of_an_operator_or_the_phone_that_got_out(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        def answered(since: float) -> bool:
            return tx.messages.human_answer_since(stage.shop, stage.conversation.id, at(since))

        stage.hear(tx, 1, seconds=5)
        tx.messages.add_out(
            stage.shop,
            stage.account.id,
            stage.conversation.id,
            key="rule",
            origin=Origin.RULE,
            content=Text("自动"),
            now=at(6),
        )
        assert not answered(0)
        ours = stage.say(tx, seconds=10)
        assert answered(0)
        assert answered(10)
        assert not answered(10.000001)
        tx.messages.set_state(stage.shop, ours, S.REJECTED, now=at(11))
        assert not answered(0)
        stage.echo(tx, 2, "手机上写的", seconds=20)
        assert answered(0)

    await stage.do(unit)


async def test_nothing_of_another_shop_is_shown_or_touched(stage: Stage) -> None:
    other = type(stage.shop)(stage.shop + 1)

    def unit(tx: Tx) -> None:
        ours = stage.say(tx)
        stage.hear(tx, 1)
        assert tx.messages.get(other, ours) is None
        assert tx.conversations.of_message(other, ours) is None
        assert tx.messages.set_state(other, ours, S.READ, now=at()) is None
        assert tx.messages.of_conversation(other, stage.conversation.id, limit=9) == []
        assert tx.messages.mark_read(other, stage.account.id, [pid(1)], at()) == []
        assert tx.conversations.get(other, stage.conversation.id) is None
        assert tx.conversations.by_ticket(other, stage.conversation.ticket) is None
        assert tx.accounts.get(other, stage.account.id) is None
        assert tx.accounts.cookies(other, stage.account.id) == ""
        assert not tx.accounts.remove(other, stage.account.id)
        assert found(stage, tx, ours).state is S.QUEUED

    await stage.do(unit)


async def test_a_new_conversation_cannot_be_made_for_an_account_of_another_shop(
    stage: Stage,
) -> None:
    other = type(stage.shop)(stage.shop + 1)
    with pytest.raises(StoreError):
        await stage.do(
            lambda tx: tx.conversations.upsert(
                other, stage.account.id, PlatformConversation("60010020099")
            )
        )


async def test_a_queued_message_can_say_something_else_until_it_leaves(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        id_ = tx.messages.add_out(
            stage.shop,
            stage.account.id,
            stage.conversation.id,
            key="rule:1",
            origin=Origin.RULE,
            content=Text("在的"),
            now=at(0),
        )
        assert id_ is not None
        assert tx.messages.reword(stage.shop, id_, Text("最低价"), at(2))
        reworded = found(stage, tx, id_)
        assert (reworded.content, reworded.sent_at) == (Text("最低价"), at(2))
        tx.messages.set_state(stage.shop, id_, MessageState.SENDING)
        assert not tx.messages.reword(stage.shop, id_, Text("太晚了"), at(3))
        assert found(stage, tx, id_).content == Text("最低价")

    await stage.do(unit)


def _part(stage: Stage, tx: Tx, key: str) -> MessageId:
    id_ = tx.messages.add_out(
        stage.shop,
        stage.account.id,
        stage.conversation.id,
        key=key,
        origin=Origin.OPERATOR,
        content=Text(key),
        now=at(),
    )
    assert id_ is not None
    return id_


async def test_parts_of_an_answer_are_found_from_any_of_them_and_no_others(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        keys = ("rule:1", "rule:10", "rule:1/1", "rule:1/10", "rule:2", "rule:1a")
        ids = {key: _part(stage, tx, key) for key in keys}
        whole = {ids["rule:1"], ids["rule:1/1"], ids["rule:1/10"]}
        for key in ("rule:1", "rule:1/1", "rule:1/10"):
            assert {one.id for one in tx.messages.parts(stage.shop, ids[key])} == whole
        assert [one.id for one in tx.messages.parts(stage.shop, ids["rule:10"])] == [ids["rule:10"]]
        heard = stage.hear(tx, 1)
        assert heard is not None
        assert [one.id for one in tx.messages.parts(stage.shop, heard)] == [heard]
        assert tx.messages.parts(stage.shop, MessageId(999)) == []

    await stage.do(unit)


async def test_keys_are_found_by_how_they_begin(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        mine = [_part(stage, tx, key) for key in ("qq:1:7:ab", "qq:1:7:ab/1")]
        _part(stage, tx, "qq:1:77:ab")
        assert [one.id for one in tx.messages.with_key(stage.shop, "qq:1:7:")] == mine

    await stage.do(unit)


async def test_a_recalled_message_stays_recalled_whatever_comes_later(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        heard, mine = stage.hear(tx, 1), stage.say(tx)
        assert heard is not None
        tx.messages.set_state(
            stage.shop, mine, MessageState.ACCEPTED, platform_id=pid(2), now=at(1)
        )
        recalled = tx.messages.mark_recalled(stage.shop, stage.account.id, [pid(1), pid(2), pid(9)])
        assert recalled == [heard, mine]
        assert tx.messages.mark_recalled(stage.shop, stage.account.id, [pid(2)]) == []
        assert tx.messages.mark_read(stage.shop, stage.account.id, [pid(2)], at(2)) == []
        tx.messages.set_state(stage.shop, mine, MessageState.ACCEPTED, platform_id=pid(2))
        assert found(stage, tx, mine).state is MessageState.RECALLED
        assert found(stage, tx, heard).state is MessageState.RECALLED

    await stage.do(unit)


async def test_the_newest_answer_is_one_that_the_buyer_can_see(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        assert tx.messages.newest_answer(stage.shop, stage.conversation.id) is None
        first, second = stage.say(tx, "一", 1), stage.say(tx, "二", 2)
        stage.hear(tx, 5, seconds=3)
        newest = tx.messages.newest_answer(stage.shop, stage.conversation.id)
        assert newest is not None
        assert newest.id == second
        tx.messages.set_state(stage.shop, second, MessageState.DROPPED, now=at(4))
        newest = tx.messages.newest_answer(stage.shop, stage.conversation.id)
        assert newest is not None
        assert newest.id == first

    await stage.do(unit)


async def test_contents_are_replaced_only_before_they_go_out(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        mine = stage.say(tx, "一")
        tx.messages.replace_content(stage.shop, mine, Text("二"))
        assert found(stage, tx, mine).content == Text("二")
        tx.messages.set_state(stage.shop, mine, MessageState.SENDING, now=at())
        tx.messages.replace_content(stage.shop, mine, Text("三"))
        assert found(stage, tx, mine).content == Text("二")

    await stage.do(unit)
