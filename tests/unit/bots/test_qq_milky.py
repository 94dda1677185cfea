"""The port of Milky over real sockets: out, in, lost answers, wrong tokens, odd servers."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from qq_stage import (
    GROUP,
    IN_GROUP,
    OPERATOR,
    PRIVATE,
    STRANGER,
    TOKEN,
    Door,
    eventually,
    open_door_to_qq,
)

from bots.milky.frames import message_id, seq_of
from bots.sockets import ServerSocket
from hub.errors import Rejected, Uncertain, Unreachable
from hub.model import ChatFile, ChatPeer, ChatPicture, Mark
from hub.sandbox.milky import MilkySim
from hub.sandbox.onebot import OneBotSim
from hub.sandbox.pictures import blank

BOT = "30001"
HERE = ChatPeer(BOT, "private", OPERATOR)
THERE = ChatPeer(BOT, "group", GROUP)
PICTURE = blank(4, 3)


@asynccontextmanager
async def milky(
    sim: MilkySim | None = None, *, prefix: str = "", **options: Any
) -> AsyncIterator[tuple[Door, MilkySim]]:
    """A hub that has dialled a Milky server."""
    sim = sim or MilkySim(token=TOKEN)
    async with (
        sim.serve(prefix=prefix) as url,
        open_door_to_qq(milky=(url,), **options) as door,
    ):
        await door.qq.wait_connected()
        yield door, sim


def now() -> datetime:
    return datetime.now(UTC)


# --- Files ----------------------------------------------------------------------------------------


async def test_a_file_is_named_in_its_message_and_in_the_quote_of_it_and_can_be_had() -> None:
    packed = base64.b64encode(b"AAAA-1").decode()
    told = {"file_id": "/1", "file_name": "codes.txt", "file_size": 6, "file_hash": "h"}
    async with milky() as (door, sim):
        sim.files["/1", "h"] = f"base64://{packed}"
        sent = await sim.say_private(OPERATOR, "", file=told)
        await sim.say_private(OPERATOR, "/补货 月卡", quote=sent)
        alone, quoting = await door.desk.wait_for(2)
        file = ChatFile("codes.txt", "/1", "", 6, "h")
        assert (alone.files, alone.attachments) == ((file,), 1)
        assert (quoting.quoted_files, quoting.attachments) == ((file,), 0)
        assert await door.qq.fetch_file(HERE, file) == b"AAAA-1"
        with pytest.raises(Rejected):
            await door.qq.fetch_file(HERE, ChatFile("codes.txt", "/2"))


# --- Names of messages --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    ["7", "-7", "g777001-7", "p10003-7", "p10002-", "p10002-7x", "p10002--7", "p10002-７", ""],
)
def test_ids_of_other_chats_and_other_protocols_name_nothing_here(written: str):
    """A bot that changes from OneBot to Milky keeps its number, and its relays stay."""
    assert seq_of(written, "private", OPERATOR) is None
    assert seq_of(message_id("private", OPERATOR, 7), "private", OPERATOR) == 7


# --- Out ----------------------------------------------------------------------------------------


async def test_texts_pictures_and_quotes_go_out_and_are_named_by_chat_and_number():
    async with milky() as (door, sim):
        asked = await sim.say_private(OPERATOR, "/状态")
        (heard,) = await door.desk.wait_for(1)
        private = await door.qq.deliver(PRIVATE, "新图 #a7", pictures=[PICTURE])
        answer = await door.qq.deliver(HERE, "一切正常", quote=heard.message_id)
        group = await door.qq.deliver(IN_GROUP, "订单 ¥168 & <b>")
        shown, quoting = sim.bot_lines("private", OPERATOR)
        (other,) = sim.bot_lines("group", GROUP)
    assert private.message_ids == (f"p{OPERATOR}-{shown.id}",)
    assert group.message_ids == (f"g{GROUP}-{other.id}",)
    assert (private.bot, answer.bot) == (BOT, BOT)
    assert quoting.quoted == asked
    packed = shown.segments[1]["data"]["uri"].removeprefix("base64://")
    assert (other.text, base64.b64decode(packed)) == ("订单 ¥168 & <b>", PICTURE)


async def test_a_quote_that_names_a_message_of_another_protocol_is_left_out():
    async with milky() as (door, sim):
        await door.qq.deliver(HERE, "一切正常", quote="123456")
        (line,) = sim.bot_lines("private", OPERATOR)
    assert (line.text, line.quoted) == ("一切正常", None)


async def test_a_refusal_says_why_and_a_missing_call_is_one():
    async with milky() as (door, sim):
        sim.fail("send_private_message", -404, "对应的好友不存在")
        with pytest.raises(Rejected, match="对应的好友不存在"):
            await door.qq.deliver(PRIVATE, "在吗")
        sim.unknown("send_private_message")
        with pytest.raises(Rejected, match="不支持这个操作"):
            await door.qq.deliver(PRIVATE, "在吗")


async def test_pictures_that_a_server_finds_too_large_do_not_cost_the_text():
    async with milky() as (door, sim):
        sim.turn_down("send_private_message", 413)
        await door.qq.deliver(PRIVATE, "新图 #a7", pictures=[PICTURE])
        (line,) = sim.bot_lines("private", OPERATOR)
    assert [segment["type"] for segment in line.segments] == ["text"]


async def test_marks_are_put_in_groups_only():
    async with milky() as (door, sim):
        await sim.say_group(GROUP, OPERATOR, "#a7 在的")
        (heard,) = await door.desk.wait_for(1)
        await door.qq.react(THERE, heard.message_id, Mark.ACCEPTED)
        with pytest.raises(Rejected):
            await door.qq.react(HERE, message_id("private", OPERATOR, 1), Mark.ACCEPTED)
        assert list(sim.reactions) == [(heard.message_id.rpartition("-")[2], "124", True)]
        assert door.qq.abilities(THERE).reacts
        assert not door.qq.abilities(HERE).reacts


# --- Without an answer --------------------------------------------------------------------------


async def test_a_send_whose_answer_is_lost_is_found_once_in_the_history():
    async with milky() as (door, sim):
        started = now()
        sim.swallow("send_private_message")
        with pytest.raises(Uncertain):
            await door.qq.deliver(PRIVATE, "新消息 #a7")
        found = await door.qq.find_delivered(PRIVATE, "新消息 #a7", started)
        (line,) = sim.bot_lines("private", OPERATOR)
        assert found is not None
        assert found.message_ids == (f"p{OPERATOR}-{line.id}",)
        assert await door.qq.find_delivered(PRIVATE, "新消息 #a7", started) is None


async def test_what_never_arrived_is_known_not_to_be_there():
    async with milky() as (door, sim):
        await sim.say_private(OPERATOR, "新消息 #a7")
        started = now() - timedelta(minutes=1)
        assert await door.qq.find_delivered(PRIVATE, "新消息 #a7", started) is None


async def test_a_report_of_our_own_message_settles_without_a_history():
    async with milky(MilkySim(token=TOKEN, report_self_message=True)) as (door, sim):
        sim.unknown("get_history_messages")
        started = now()
        sim.swallow("send_group_message")
        with pytest.raises(Uncertain):
            await door.qq.deliver(IN_GROUP, "新消息 #a7")
        await sim.say_group(GROUP, OPERATOR, "后面的话")
        await door.desk.wait_for(1)  # so the report before it was read
        found = await door.qq.find_delivered(IN_GROUP, "新消息 #a7", started)
        assert found is not None
        assert len(door.desk.heard) == 1


async def test_a_server_without_history_says_so_and_nothing_is_sent_again():
    async with milky() as (door, sim):
        sim.unknown("get_history_messages")
        with pytest.raises(Rejected):
            await door.qq.find_delivered(PRIVATE, "新消息 #a7", now())


async def test_when_more_was_said_than_can_be_read_nobody_knows():
    async with milky() as (door, sim):
        for number in range(30):
            await sim.say_private(OPERATOR, f"第 {number} 句")
        with pytest.raises(Uncertain):
            await door.qq.find_delivered(PRIVATE, "新消息", now() - timedelta(minutes=1))


# --- In -----------------------------------------------------------------------------------------


async def test_a_quote_comes_in_with_the_id_that_the_notice_got_and_with_its_words():
    async with milky() as (door, sim):
        notice = await door.qq.deliver(PRIVATE, "小林：在吗 #a7")
        (line,) = sim.bot_lines("private", OPERATOR)
        await sim.say_private(OPERATOR, "在的", quote=line.id)
        (heard,) = await door.desk.wait_for(1)
        assert "get_message" not in [action for action, _ in sim.calls], "it is our own words"
    assert (heard.peer, heard.sender, heard.text) == (HERE, OPERATOR, "在的")
    assert (heard.quoted_id, heard.quoted_text) == (notice.message_ids[0], "小林：在吗 #a7")


async def test_the_same_number_in_two_chats_is_two_messages():
    async with milky() as (door, sim):
        private = await door.qq.deliver(PRIVATE, "私聊 #a7")
        group = await door.qq.deliver(IN_GROUP, "群里 #a8")
        (one,), (other,) = sim.bot_lines("private", OPERATOR), sim.bot_lines("group", GROUP)
        assert one.id == other.id
        await sim.say_group(GROUP, OPERATOR, "好", quote=other.id)
        (heard,) = await door.desk.wait_for(1)
    assert private.message_ids != group.message_ids
    assert (heard.quoted_id, heard.quoted_text) == (group.message_ids[0], "群里 #a8")
    assert heard.addressed, "it quotes the bot"


async def test_after_a_restart_a_quoted_notice_is_looked_up():
    sim = MilkySim(token=TOKEN)
    async with milky(sim) as (door, _):
        notice = await door.qq.deliver(PRIVATE, "小林：在吗 #a7")
    async with milky(sim) as (door, _):
        (line,) = sim.bot_lines("private", OPERATOR)
        await sim.say_private(OPERATOR, "在的", quote=line.id)
        (heard,) = await door.desk.wait_for(1)
        assert (heard.quoted_id, heard.quoted_text) == (notice.message_ids[0], "小林：在吗 #a7")


async def test_pictures_come_in_between_the_words_and_are_fetched_by_name_when_they_moved():
    async with milky() as (door, sim):
        packed = "http://127.0.0.1:9/gone.png"
        await sim.say_private(OPERATOR, "看这个", image=packed)
        (heard,) = await door.desk.wait_for(1)
        (words, picture) = heard.parts
        assert (words, picture) == ("看这个", ChatPicture(packed, "resource-1"))
        assert isinstance(picture, ChatPicture)
        with pytest.raises(Unreachable):
            await door.qq.fetch(HERE, picture)
        assert sim.calls[-1] == ("get_resource_temp_url", {"resource_id": "resource-1"})


async def test_in_groups_only_operators_are_heard_and_talk_is_told_from_orders():
    async with milky() as (door, sim):
        await sim.say_group(GROUP, STRANGER, "有人吗")
        await sim.say_group(GROUP, OPERATOR, "随便说说")
        await sim.say_group(GROUP, OPERATOR, "/状态", at_bot=True)
        talk, order = await door.desk.wait_for(2)
    assert (talk.text, talk.addressed, talk.peer) == ("随便说说", False, THERE)
    assert (order.text, order.addressed) == ("/状态", True)


async def test_the_desks_answer_quotes_the_operator():
    async with milky() as (door, sim):
        door.desk.answer = lambda message: f"听到：{message.text}"
        asked = await sim.say_group(GROUP, OPERATOR, "/状态", at_bot=True)
        line = await sim.wait_for_line("group", GROUP, "听到：/状态")
    assert line.quoted == asked


MESSAGE = {
    "message_scene": "friend",
    "peer_id": int(OPERATOR),
    "message_seq": 5,
    "sender_id": int(OPERATOR),
    "time": 1,
    "segments": [{"type": "text", "data": {"text": "在的"}}],
}


@pytest.mark.parametrize(
    "change",
    [
        {"friend": {"user_id": 1}},
        {"segments": [*MESSAGE["segments"], {"type": "hologram", "data": {"depth": 3}}]},
        {"segments": [*MESSAGE["segments"], {"type": "forward", "data": {}}]},
        {"segments": [{"type": "reply", "data": {}}, *MESSAGE["segments"], {"type": "text"}, 7]},
        {"time": None, "group": "nonsense"},
    ],
)
async def test_what_a_server_adds_or_leaves_out_costs_no_message(change: dict[str, Any]):
    async with milky() as (door, sim):
        await sim.tell_event("message_receive", {**MESSAGE, **change})
        (heard,) = await door.desk.wait_for(1)
        assert (heard.text, heard.message_id) == ("在的", f"p{OPERATOR}-5")


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("message_receive", {}),
        ("message_receive", {**MESSAGE, "message_scene": "temp"}),
        ("message_receive", {**MESSAGE, "sender_id": -1}),
        ("message_receive", {**MESSAGE, "peer_id": "１２３"}),
        ("message_receive", {**MESSAGE, "peer_id": "9" * 5_000}),
        ("group_nudge", {"group_id": 1}),
        ("一", {}),
    ],
)
async def test_what_is_no_message_is_passed_over(event_type: str, data: dict[str, Any]):
    async with milky() as (door, sim):
        await sim.tell_event(event_type, data)
        await sim.tell_raw("[" * 100_000)
        await sim.say_private(OPERATOR, "后面的话")
        (heard,) = await door.desk.wait_for(1)
        assert heard.text == "后面的话"


# --- Connections --------------------------------------------------------------------------------


async def test_a_connection_that_breaks_is_made_again_and_told():
    async with milky(prefix="/milky") as (door, sim):
        sim.cut()
        await eventually(lambda: sim.connections == 2 and door.qq.bots() == (BOT,))
        await eventually(lambda: door.arrivals == [BOT, BOT])
        assert door.departures == [BOT]
        await door.qq.deliver(PRIVATE, "又在了")


async def test_a_wrong_token_is_told_in_words_and_tried_again():
    sim = MilkySim(token="another")
    async with sim.serve() as url, open_door_to_qq(milky=(url,)) as door:
        await eventually(lambda: bool(door.qq.turned_away))
        assert door.qq.turned_away
        assert "不认可 access token" in door.qq.turned_away[0].reason
        assert TOKEN not in door.qq.turned_away[0].reason
        sim.token = TOKEN
        await door.qq.wait_connected()


async def test_an_address_that_is_no_milky_server_and_one_that_is_nobody_are_told():
    sim = MilkySim()
    async with sim.serve(prefix="/milky") as url:
        wrong = url.removesuffix("/milky")
        async with open_door_to_qq(milky=(wrong,)) as door:
            await eventually(lambda: bool(door.qq.turned_away))
            assert door.qq.turned_away
            assert "不是 Milky 的地址" in door.qq.turned_away[0].reason
    async with open_door_to_qq(milky=(url,)) as door:
        await eventually(lambda: bool(door.qq.turned_away))
        assert door.qq.turned_away
        assert "连不上" in door.qq.turned_away[0].reason


async def test_an_account_that_qq_threw_out_is_no_bot_until_it_is_back():
    async with milky() as (door, sim):
        await sim.log_out()
        await eventually(lambda: not door.qq.bots())
        with pytest.raises(Unreachable):
            await door.qq.deliver(PRIVATE, "在吗")
        await eventually(lambda: bool(door.qq.turned_away))
        assert door.qq.turned_away
        assert "没有登录 QQ" in door.qq.turned_away[0].reason
        sim.logged_in = True
        await door.qq.wait_connected()
        await door.qq.deliver(PRIVATE, "又在了")


async def test_a_bot_that_also_speaks_onebot_keeps_the_connection_that_it_has():
    sim, bridge = MilkySim(self_id="10001", token=TOKEN), OneBotSim(reconnect_seconds=0.05)
    async with milky(sim) as (door, _), bridge.connected(door.url, TOKEN):
        assert await bridge.wait_refused() == 403
        assert door.qq.turned_away
        assert "另一种协议" in door.qq.turned_away[0].reason
        await door.qq.deliver(PRIVATE, "只说一次")
        assert len(sim.bot_lines("private", OPERATOR)) == 1
        await sim.log_out()
        await bridge.wait_online()
        await eventually(lambda: door.qq.bots() == ("10001",))
        sim.logged_in = True
        await door.qq.deliver(PRIVATE, "换了协议")
        assert len(bridge.bot_lines("private", OPERATOR)) == 1


async def test_a_bot_that_comes_by_two_protocols_at_once_gets_one_connection(
    monkeypatch: pytest.MonkeyPatch,
):
    sim, bridge = MilkySim(self_id="10001", token=TOKEN), OneBotSim(reconnect_seconds=0.05)
    sim.logged_in = False
    accept, accepted = ServerSocket.accept, []

    async def slowly(socket: ServerSocket) -> None:
        accepted.append(socket)
        await accept(socket)
        sim.logged_in = True
        await eventually(lambda: door.qq.bots() == ("10001",))

    monkeypatch.setattr(ServerSocket, "accept", slowly)
    async with (
        sim.serve() as url,
        open_door_to_qq(milky=(url,)) as door,
        bridge.connected(door.url, TOKEN),
    ):
        assert await bridge.wait_refused() == 403
        assert len(accepted) == 1
        await door.qq.deliver(PRIVATE, "只说一次")
        assert len(sim.bot_lines("private", OPERATOR)) == 1


async def test_an_odd_server_costs_other_bots_nothing(monkeypatch: pytest.MonkeyPatch):
    """Its answer is handed on as arguments, by name."""
    odd = {"status": "failed", "retcode": 1, "self": "somebody"}
    monkeypatch.setattr("hub.sandbox.milky._failed", lambda *_: odd)
    sim = MilkySim(token=TOKEN)
    sim.fail("get_login_info", times=None)
    async with (
        sim.serve() as url,
        open_door_to_qq(milky=(url,)) as door,
        door.bridge() as bridge,
    ):
        await eventually(lambda: sim.connections >= 3)
        assert bridge.connections == 1
        assert door.qq.turned_away
        assert "看不懂" in door.qq.turned_away[0].reason
