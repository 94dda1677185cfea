"""What we say in QQ, what became of it, and how an uncertain send is settled."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from qq_stage import GROUP, IN_GROUP, OPERATOR, PRIVATE, Door, OpenDoor, eventually

from bots.onebot.port import HISTORY, LONGEST_TEXT
from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import ChatPeer
from hub.sandbox.onebot import Dialect, OneBotSim

NAPCAT_TIMED_OUT = (
    "Timeout: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg "
    'ListenerName:NodeIKernelMsgListener/onMsgInfoListUpdate EventRet: {"result": 0, "errMsg": ""}'
)
NAPCAT_NOT_IN_GROUP = (
    "EventChecker Failed: NTEvent serviceAndMethod:NodeIKernelMsgService/sendMsg EventRet: "
    '{"result": 110, "errMsg": "发送失败，你已被移出该群，请重新加群。"}'
)


def now() -> datetime:
    return datetime.now(UTC)


async def test_text_reaches_a_private_chat_and_a_group_as_it_was_written(door: Door):
    text = "[买家] 小林\n¥ & <b> #a7"
    async with door.bridge() as bridge:
        private = await door.qq.deliver(PRIVATE, text)
        group = await door.qq.deliver(IN_GROUP, text)
        (one,) = bridge.bot_lines("private", OPERATOR)
        (other,) = bridge.bot_lines("group", GROUP)
    assert one.text == other.text == text
    assert (private.bot, private.message_ids) == ("10001", (one.id,))
    assert group.message_ids == (other.id,)


async def test_a_quote_names_the_operators_message(door: Door):
    async with door.bridge() as bridge:
        asked = await bridge.say_private(OPERATOR, "/状态")
        await door.qq.deliver(PRIVATE, "一切正常", quote=asked)
        assert bridge.bot_lines("private", OPERATOR)[0].quoted == asked


async def test_a_notice_quotes_an_earlier_one_of_the_same_bot_and_never_of_another(door: Door):
    async with door.bridge() as bridge:
        (earlier,) = (await door.qq.deliver(PRIVATE, "在吗 #a7")).message_ids
        await door.qq.deliver(PRIVATE, "包邮吗 #a7", goes_on={"10001": earlier})
        await door.qq.deliver(PRIVATE, "多久到 #a7", goes_on={"10009": earlier})
        lines = bridge.bot_lines("private", OPERATOR)
    assert [one.quoted for one in lines] == [None, earlier, None]


async def test_a_bridge_that_refuses_the_quote_still_gets_the_text(door: Door):
    async with door.bridge(Dialect(unknown_quote_fails=True)) as bridge:
        asked = await bridge.say_private(OPERATOR, "/状态")
        bridge.forget()
        await door.qq.deliver(PRIVATE, "一切正常", quote=asked)
        (line,) = bridge.bot_lines("private", OPERATOR)
    assert (line.text, line.quoted) == ("一切正常", None)


async def test_a_long_text_goes_out_in_parts_that_are_all_named(door: Door):
    rows = [f"第 {number} 行，{'长' * 40}" for number in range(150)]
    text = "\n".join(rows)
    async with door.bridge() as bridge:
        delivered = await door.qq.deliver(PRIVATE, text)
        lines = bridge.bot_lines("private", OPERATOR)
    assert len(lines) == 3
    assert all(len(line.text) <= LONGEST_TEXT for line in lines)
    assert "\n".join(line.text for line in lines) == text
    assert delivered.message_ids == tuple(line.id for line in lines)


async def test_many_deliveries_at_once_each_get_their_own_id(door: Door):
    async with door.bridge() as bridge:
        peers = [ChatPeer("", "private", str(30_000 + number)) for number in range(50)]
        done = await asyncio.gather(*(door.qq.deliver(peer, peer.peer) for peer in peers))
        for peer, delivered in zip(peers, done, strict=True):
            (line,) = bridge.bot_lines("private", peer.peer)
            assert delivered.message_ids == (line.id,)


# --- Failures -----------------------------------------------------------------------------------


async def test_without_a_bot_nothing_left_and_trying_again_is_safe(door: Door):
    with pytest.raises(Unreachable):
        await door.qq.deliver(PRIVATE, "在吗")
    async with door.bridge():
        with pytest.raises(Unreachable):
            await door.qq.deliver(ChatPeer("99999", "private", OPERATOR), "在吗")


async def test_deliveries_that_wait_for_a_bot_go_out_when_it_comes(door: Door):
    async def wait_and_deliver(text: str) -> None:
        await door.qq.wait_connected()
        await door.qq.deliver(PRIVATE, text)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(wait_and_deliver(f"通知 {number}"))
        async with door.bridge() as bridge:
            await bridge.wait_until(lambda: len(bridge.bot_lines("private", OPERATOR)) == 5)


@pytest.mark.parametrize(
    ("retcode", "text", "reason"),
    [
        (1404, "不支持的Api send_private_msg", "不支持这个操作"),
        (404, "", "不支持这个操作"),
        (1400, "user_id is required", "看不懂"),
        (1200, NAPCAT_NOT_IN_GROUP, "你已被移出该群"),
        (1200, "账号被风控", "账号被风控"),
        (200, "", "没有说明原因"),
    ],
)
async def test_a_refusal_carries_a_reason_that_people_can_read(
    door: Door, retcode: int, text: str, reason: str
):
    async with door.bridge() as bridge:
        bridge.fail("send_private_msg", retcode, text)
        with pytest.raises(Rejected) as refused:
            await door.qq.deliver(PRIVATE, "在吗")
    assert reason in refused.value.reason
    assert refused.value.code == str(retcode)


async def test_a_peer_that_is_no_number_is_refused_here(door: Door):
    async with door.bridge():
        with pytest.raises(Rejected, match="不是数字"):
            await door.qq.deliver(ChatPeer("", "private", "lin"), "在吗")


async def test_napcats_own_time_out_is_uncertain_and_no_refusal(door: Door):
    """Its users see such messages arrive: NapCatQQ issue 1772."""
    async with door.bridge() as bridge:
        bridge.fail("send_private_msg", 1200, NAPCAT_TIMED_OUT)
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, "在吗")


async def test_a_send_that_times_out_but_arrives_is_found_once(open_door: OpenDoor):
    async with open_door(api_seconds=0.2) as door, door.bridge() as bridge:
        started = now()
        bridge.swallow("send_private_msg")
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, "新消息 #a7")
        found = await door.qq.find_delivered(PRIVATE, "新消息 #a7", started)
        (line,) = bridge.bot_lines("private", OPERATOR)
        assert found is not None
        assert (found.bot, found.message_ids) == ("10001", (line.id,))
        assert await door.qq.find_delivered(PRIVATE, "新消息 #a7", started) is None


async def test_a_send_that_arrives_after_the_time_out_is_found_in_a_group_too(open_door: OpenDoor):
    async with open_door(api_seconds=0.2) as door, door.bridge() as bridge:
        started = now()
        bridge.delay("send_group_msg", 0.4)
        with pytest.raises(Uncertain):
            await door.qq.deliver(IN_GROUP, "新消息 #a7")
        await bridge.wait_for_line("group", GROUP, lambda line: line.text == "新消息 #a7")
        assert await door.qq.find_delivered(IN_GROUP, "新消息 #a7", started)


@pytest.mark.parametrize("dialect", [Dialect(), Dialect(message_format="string")])
async def test_a_text_that_never_arrived_is_not_found(door: Door, dialect: Dialect):
    async with door.bridge(dialect) as bridge:
        await bridge.say_private(OPERATOR, "新消息 #a7")  # the same words, but not ours
        await door.qq.deliver(PRIVATE, "另一条 [#b2]")
        assert await door.qq.find_delivered(PRIVATE, "新消息 #a7", now()) is None


async def test_an_earlier_message_with_the_same_words_settles_nothing(door: Door):
    async with door.bridge():
        started = now()
        await door.qq.deliver(PRIVATE, "已发出")
        assert await door.qq.find_delivered(PRIVATE, "已发出", started) is None
        later = now() + timedelta(minutes=1)
        assert await door.qq.find_delivered(PRIVATE, "已发出", later) is None


async def test_all_parts_of_a_long_text_must_be_there(open_door: OpenDoor):
    text = "甲" * LONGEST_TEXT + "乙" * 10
    async with open_door(api_seconds=0.2) as door, door.bridge() as bridge:
        started = now()
        bridge.swallow("send_private_msg")
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, text)
        assert len(bridge.bot_lines("private", OPERATOR)) == 1
        assert await door.qq.find_delivered(PRIVATE, text, started) is None


async def test_not_being_able_to_look_is_never_taken_for_not_found(open_door: OpenDoor):
    async with open_door(api_seconds=0.2) as door:
        with pytest.raises(Unreachable):
            await door.qq.find_delivered(PRIVATE, "新消息", now())
        async with door.bridge() as bridge:
            bridge.dialect = Dialect(missing_actions=frozenset({"get_friend_msg_history"}))
            with pytest.raises(Rejected) as refused:
                await door.qq.find_delivered(PRIVATE, "新消息", now())
            assert refused.value.code == "1404"
            bridge.dialect = Dialect()
            bridge.swallow("get_friend_msg_history")
            with pytest.raises(Uncertain):
                await door.qq.find_delivered(PRIVATE, "新消息", now())
            for number in range(HISTORY + 1):
                await bridge.say_private("55555", str(number))
            crowded = ChatPeer("", "private", "55555")
            with pytest.raises(Uncertain, match="不够长"):
                await door.qq.find_delivered(crowded, "新消息", now() - timedelta(minutes=1))


async def test_an_answer_that_comes_late_settles_without_a_history(open_door: OpenDoor):
    dialect = Dialect(missing_actions=frozenset({"get_friend_msg_history"}))
    async with open_door(api_seconds=0.2) as door, door.bridge(dialect) as bridge:
        started = now()
        bridge.swallow("send_private_msg", answer_after=0.4)
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, "新消息 #a7")
        await _until_found(door, "新消息 #a7", started)


async def test_the_bots_own_echo_settles_without_a_history(open_door: OpenDoor):
    missing = frozenset({"get_friend_msg_history"})
    dialect = Dialect(report_self_message=True, missing_actions=missing)
    async with open_door(api_seconds=0.2) as door, door.bridge(dialect) as bridge:
        started = now()
        bridge.swallow("send_private_msg")
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, "新消息 #a7")
        await _until_found(door, "新消息 #a7", started)
        assert door.desk.heard == []


async def test_a_connection_that_breaks_under_a_send_is_uncertain_at_once(open_door: OpenDoor):
    async with open_door(api_seconds=60) as door, door.bridge() as bridge:
        bridge.swallow("send_private_msg")
        sending = asyncio.ensure_future(door.qq.deliver(PRIVATE, "新消息 #a7"))
        await bridge.wait_for_line("private", OPERATOR, lambda line: line.text == "新消息 #a7")
        bridge.cut()
        async with asyncio.timeout(30):
            with pytest.raises(Uncertain):
                await sending
        await eventually(lambda: len(door.arrivals) == 2)
        assert await door.qq.find_delivered(PRIVATE, "新消息 #a7", now())


async def test_answers_of_a_connection_reach_their_own_requests_only(door: Door):
    """Two bots count their requests independently; an answer must not cross over."""
    async with door.bridge() as one, door.bridge(self_id="20002") as two:
        await eventually(lambda: len(door.qq.bots()) == 2)
        one.delay("send_private_msg", 0.1)
        slow = asyncio.ensure_future(door.qq.deliver(ChatPeer("10001", "private", OPERATOR), "一"))
        fast = await door.qq.deliver(ChatPeer("20002", "private", OPERATOR), "二")
        assert fast.message_ids == (_only_id(two),)
        assert (await slow).message_ids == (_only_id(one),)


def _only_id(bridge: OneBotSim) -> str:
    (line,) = bridge.bot_lines("private", OPERATOR)
    return line.id


async def _until_found(door: Door, text: str, since: datetime) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                assert await door.qq.find_delivered(PRIVATE, text, since)
                return
            except Rejected:
                await asyncio.sleep(0.02)
