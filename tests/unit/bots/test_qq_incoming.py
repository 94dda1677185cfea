"""What operators write in QQ reaches the desk as plain values, whatever the bridge's dialect."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from qq_stage import (
    GROUP,
    IN_GROUP,
    OPERATOR,
    PRIVATE,
    SECOND_OPERATOR,
    STRANGER,
    Door,
    OpenDoor,
    eventually,
)

from hub.model import ChatPeer, ChatPicture, OperatorMessage
from hub.sandbox.onebot import Dialect

DIALECTS = {
    "array": Dialect(),
    "string": Dialect(message_format="string"),
    "negative ids": Dialect(negative_ids=True),
    "negative ids in strings": Dialect(negative_ids=True, message_format="string"),
    "integer reply id": Dialect(integer_reply_id=True),
}


async def test_a_private_message_reaches_the_desk_and_its_answer_quotes_the_operator(door: Door):
    door.desk.answer = lambda message: f"收到：{message.text}"
    async with door.bridge() as bridge:
        message_id = await bridge.say_private(OPERATOR, "/状态")
        line = await bridge.wait_for_line("private", OPERATOR, lambda line: line.sender == "10001")
    peer = ChatPeer("10001", "private", OPERATOR)
    at = door.desk.heard[0].said_at
    assert at is not None
    assert door.desk.heard == [OperatorMessage(peer, OPERATOR, message_id, "/状态", said_at=at)]
    assert (line.text, line.quoted) == ("收到：/状态", message_id)


async def test_a_group_message_is_addressed_if_it_names_the_bot(door: Door):
    async with door.bridge() as bridge:
        await bridge.say_group(GROUP, OPERATOR, "今天天气不错")
        await bridge.say_group(GROUP, OPERATOR, "/状态", at_bot=True)
        talk, command = await door.desk.wait_for(2)
    assert talk.peer == command.peer == ChatPeer("10001", "group", GROUP)
    assert (talk.addressed, command.addressed) == (False, True)
    assert command.text == "/状态"


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
async def test_a_quote_names_the_message_and_its_text(door: Door, dialect: Dialect):
    async with door.bridge(dialect) as bridge:
        notice = await door.qq.deliver(IN_GROUP, "买家小林：在吗 [#a7] & 更多")
        await bridge.say_group(GROUP, OPERATOR, "在的 [鱼] & #b2", quote=notice.message_ids[0])
        (message,) = await door.desk.wait_for(1)
    assert message.quoted_id == notice.message_ids[0]
    assert message.quoted_text == "买家小林：在吗 [#a7] & 更多"
    assert message.text == "在的 [鱼] & #b2"
    assert message.addressed


async def test_a_quote_of_our_own_message_asks_the_bridge_nothing_even_after_its_restart(
    door: Door,
):
    async with door.bridge() as bridge:
        notice = await door.qq.deliver(IN_GROUP, "新消息 #a7")
        bridge.forget()
        await bridge.say_group(GROUP, OPERATOR, "在的", quote=notice.message_ids[0])
        (message,) = await door.desk.wait_for(1)
        assert "get_msg" not in [action for action, _ in bridge.calls]
    assert (message.quoted_id, message.quoted_text) == (notice.message_ids[0], "新消息 #a7")


async def test_a_quote_from_before_our_restart_is_looked_up(open_door: OpenDoor):
    async with open_door() as before, before.bridge() as bridge:
        notice = await before.qq.deliver(PRIVATE, "新消息 #a7")
    async with open_door() as door, bridge.connected(door.url, "a-token-of-this-test"):
        await bridge.wait_online()
        await bridge.say_private(OPERATOR, "在的", quote=notice.message_ids[0])
        (message,) = await door.desk.wait_for(1)
        assert "get_msg" in [action for action, _ in bridge.calls]
    assert (message.quoted_id, message.quoted_text) == (notice.message_ids[0], "新消息 #a7")


async def test_the_quoted_id_survives_when_the_bridge_cannot_look_it_up(door: Door):
    async with door.bridge() as bridge:
        quoted = await bridge.say_group(GROUP, SECOND_OPERATOR, "早")
        bridge.forget()
        await bridge.say_group(GROUP, OPERATOR, "在的", quote=quoted, at_bot=True)
        _, message = await door.desk.wait_for(2)
    assert (message.quoted_id, message.quoted_text) == (quoted, "")
    assert message.text == "在的"
    assert message.addressed


async def test_a_slow_look_up_delays_a_quote_by_no_more_than_its_limit(door: Door):
    async with door.bridge() as bridge:
        quoted = await bridge.say_private(OPERATOR, "早")
        bridge.swallow("get_msg")
        started = asyncio.get_running_loop().time()
        await bridge.say_private(OPERATOR, "在的", quote=quoted)
        _, message = await door.desk.wait_for(2)
        assert asyncio.get_running_loop().time() - started < 1.5
    assert (message.quoted_id, message.quoted_text) == (quoted, "")


@pytest.mark.parametrize(
    ("dialect", "quoted"),
    [(Dialect(drop_private_reply=True), None), (Dialect(reply_id_zero=True), "")],
    ids=["dropped", "id 0"],
)
async def test_a_private_quote_that_the_bridge_loses_still_brings_the_typed_ticket(
    door: Door, dialect: Dialect, quoted: str | None
):
    """That something was quoted is kept as far as it is told: the writer means somebody."""
    async with door.bridge(dialect) as bridge:
        notice = await door.qq.deliver(PRIVATE, "新消息 #a7")
        await bridge.say_private(OPERATOR, "#a7 在的", quote=notice.message_ids[0])
        (message,) = await door.desk.wait_for(1)
        assert "get_msg" not in [action for action, _ in bridge.calls]
    assert (message.quoted_id, message.quoted_text, message.text) == (quoted, "", "#a7 在的")


async def test_an_event_that_comes_twice_reaches_the_desk_twice_with_one_id(door: Door):
    """Telling them apart is the desk's: it keeps the ids in the database, over a restart."""
    async with door.bridge() as bridge:
        message_id = await bridge.say_private(OPERATOR, "在的")
        await bridge.repeat(message_id)
        first, second = await door.desk.wait_for(2)
    assert first == second
    assert first.message_id == message_id


async def test_messages_of_one_chat_keep_their_order_though_the_first_needs_a_look_up(door: Door):
    async with door.bridge() as bridge:
        quoted = await bridge.say_private(OPERATOR, "零")
        bridge.delay("get_msg", 0.2)
        await bridge.say_private(OPERATOR, "一", quote=quoted)
        for text in "二三四":
            await bridge.say_private(OPERATOR, text)
        heard = await door.desk.wait_for(5)
    assert [message.text for message in heard] == list("零一二三四")


async def test_a_slow_chat_does_not_hold_up_another(door: Door):
    blocked = asyncio.Event()

    async def answer(message: OperatorMessage) -> str | None:
        if message.sender == OPERATOR:
            await blocked.wait()
        return "好"

    door.desk.answer = answer
    async with door.bridge() as bridge:
        await bridge.say_private(OPERATOR, "慢")
        await bridge.say_private(SECOND_OPERATOR, "快")
        await bridge.wait_for_line("private", SECOND_OPERATOR, lambda line: line.text == "好")
        assert not bridge.bot_lines("private", OPERATOR)
        blocked.set()
        await bridge.wait_for_line("private", OPERATOR, lambda line: line.text == "好")


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(message_format="string")])
async def test_pictures_come_in_the_order_they_were_sent_in(door: Door, dialect: Dialect):
    async with door.bridge(dialect) as bridge:
        await bridge.say_private(OPERATOR, "看图", image="https://multimedia.nt.qq.com.cn/a.png")
        (message,) = await door.desk.wait_for(1)
    url = "https://multimedia.nt.qq.com.cn/a.png"
    assert message.text == "看图"
    assert message.parts == ("看图", ChatPicture(url, url))
    assert message.attachments == 0


async def test_what_is_neither_text_nor_picture_is_counted(door: Door):
    async with door.bridge() as bridge:
        segments = [{"type": "record", "data": {"file": "a.amr"}}]
        await bridge.tell_event(
            {
                "post_type": "message",
                "message_type": "private",
                "message_id": 78,
                "user_id": int(OPERATOR),
                "message": segments,
            }
        )
        (message,) = await door.desk.wait_for(1)
    assert (message.parts, message.attachments) == ((), 1)


async def test_line_breaks_survive(door: Door):
    async with door.bridge() as bridge:
        await bridge.say_private(OPERATOR, "第一行\n\n第三行")
        (message,) = await door.desk.wait_for(1)
    assert message.text == "第一行\n\n第三行"


async def test_the_bot_does_not_hear_itself(door: Door):
    """Some bridges report the bot's own words as an ordinary message."""
    own = {
        "post_type": "message",
        "message_type": "private",
        "message_id": 5,
        "user_id": 10001,
        "message": "我自己说的",
    }
    async with door.bridge() as bridge:
        await bridge.tell_event(own)
        await bridge.say_private(OPERATOR, "在的")
        await door.desk.wait_for(1)
    assert [message.text for message in door.desk.heard] == ["在的"]


async def test_strangers_are_heard_in_private_and_not_in_groups(door: Door):
    async with door.bridge() as bridge:
        await bridge.say_group(GROUP, STRANGER, "路过", at_bot=True)
        await bridge.say_private(STRANGER, "你好")
        await bridge.say_group(GROUP, OPERATOR, "完")
        await door.desk.wait_for(2)
    assert {message.sender for message in door.desk.heard} == {STRANGER, OPERATOR}
    assert "路过" not in [message.text for message in door.desk.heard]


async def test_an_answer_waits_for_a_bot_that_just_vanished(door: Door):
    """Otherwise a refusal is lost, and to the operator it looks as if all went well."""
    async with door.bridge() as bridge:

        async def answer(_: OperatorMessage) -> str:
            bridge.cut()
            await eventually(lambda: not door.qq.bots())
            return "没有发送"

        door.desk.answer = answer
        asked = await bridge.say_private(OPERATOR, "在的")
        line = await bridge.wait_for_line("private", OPERATOR, lambda line: line.sender == "10001")
    assert (line.text, line.quoted) == ("没有发送", asked)


async def test_a_bug_in_the_desk_is_told_to_the_operator_and_to_nobody_else(door: Door):
    def answer(_: OperatorMessage) -> str:
        raise LookupError("broken")

    door.desk.answer = answer
    async with door.bridge() as bridge:
        await bridge.say_private(STRANGER, "你好")
        await door.desk.wait_for(1)
        await bridge.say_private(OPERATOR, "在的")
        line = await bridge.wait_for_line("private", OPERATOR, lambda line: line.sender == "10001")
        assert "出错" in line.text
        assert not bridge.bot_lines("private", STRANGER)


async def test_an_event_with_unusual_fields_is_read_all_the_same(door: Door):
    """Strict models would drop an operator's message for a field that nobody needs."""
    now = int(datetime.now(UTC).timestamp())
    strange = {
        "post_type": "message",
        "message_type": "private",
        "message_id": 77,
        "user_id": OPERATOR,
        "message": [{"type": "text", "data": {"text": "在的"}}, {"type": "newer", "data": {}}],
        "sender": {"user_id": "x", "level": 3, "age": "?"},
        "time": now,
    }
    async with door.bridge() as bridge:
        await bridge.tell_event(strange)
        (message,) = await door.desk.wait_for(1)
    assert (message.text, message.message_id, message.attachments) == ("在的", "77", 1)


async def test_half_a_character_costs_no_more_than_itself(door: Door):
    """JavaScript sends a text that was cut in the middle of an emoji as it is."""
    async with door.bridge() as bridge:
        await bridge.say_private(OPERATOR, "在的\ud83d")
        (message,) = await door.desk.wait_for(1)
    assert message.text == "在的\ufffd"
    message.text.encode()


async def test_garbage_between_messages_costs_nothing(door: Door):
    async with door.bridge() as bridge:
        for frame in (
            {"post_type": "message", "message_type": "private", "user_id": int(OPERATOR)},
            {"post_type": "message", "message_type": "group", "user_id": int(OPERATOR)},
            {"post_type": "message", "message_type": 5, "user_id": None, "message": 7},
            {"post_type": ["message"]},
            {"post_type": "notice", "notice_type": "group_msg_emoji_like"},
            {"post_type": "meta_event", "meta_event_type": "heartbeat"},
            {"echo": "12345", "status": "ok"},
            {"echo": None},
        ):
            await bridge.tell_event(frame)
        await bridge.say_private(OPERATOR, "在的")
        (message,) = await door.desk.wait_for(1)
        assert bridge.connections == 1
    assert message.text == "在的"
