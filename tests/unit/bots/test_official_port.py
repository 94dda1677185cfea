"""The official bot's port against the simulated platform: in, out, and what is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from official_stage import (
    BOT,
    GROUP,
    IN_GROUP,
    OPENID,
    PERSON,
    SECONDS,
    THERE,
    OfficialDoor,
    minutes,
    open_official,
)
from qq_stage import eventually

from hub.errors import Rejected, Throttled, Uncertain, Unreachable
from hub.model import ChatPicture, OperatorMessage
from hub.policy import MOST_REPLIES

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


@pytest.fixture
async def official(tmp_path: Path) -> AsyncIterator[OfficialDoor]:
    async with open_official(tmp_path) as door:
        yield door


# --- In -----------------------------------------------------------------------------------------


async def test_a_quote_comes_with_its_index_and_its_text_and_is_answered(
    official: OfficialDoor,
) -> None:
    await official.heard()
    told = await official.qq.deliver(THERE, "键帽还有吗？\n#a7")
    said = official.sim.lines("private", OPENID)[-1]
    assert told.message_ids == (said.index,)
    official.desk.answer = lambda message: f"收到：{message.text}"
    await official.heard("有的", quote=said)
    heard = official.desk.heard[-1]
    assert (heard.text, heard.quoted_id, heard.quoted_text) == ("有的", said.index, said.text)
    assert (heard.sender, heard.peer) == (PERSON, THERE)
    line = await official.sim.wait_for_line(OPENID, "收到：有的", SECONDS)
    assert line.answers == heard.message_id


@pytest.mark.parametrize(
    ("tells_quotes", "tells_text"), [(True, False), (False, True), (False, False)]
)
async def test_what_the_platform_leaves_out_of_a_quote_costs_nothing_else(
    official: OfficialDoor, tells_quotes: bool, tells_text: bool
) -> None:
    await official.heard()
    await official.qq.deliver(THERE, "在吗\n#a7")
    said = official.sim.lines("private", OPENID)[-1]
    official.sim.chats.change_rules(tells_quotes=tells_quotes, tells_quoted_text=tells_text)
    await official.heard("#a7 在的", quote=said)
    heard = official.desk.heard[-1]
    assert heard.text == "#a7 在的"
    assert heard.quoted_id == (said.index if tells_quotes else None)
    assert heard.quoted_text == (said.text if tells_text or tells_quotes else "")


async def test_a_group_is_heard_only_when_the_bot_is_meant(official: OfficialDoor) -> None:
    official.sim.chats.change_rules(full_authors=False)
    await official.sim.say_group(GROUP, OPENID, "闲聊", at_bot=False)
    await official.sim.say_group(GROUP, OPENID, "/状态")
    await official.sim.say_group(GROUP, "SOMEBODY", "/状态")
    first, stranger = await official.desk.wait_for(2, SECONDS)
    assert (first.text, first.peer, first.sender) == ("/状态", IN_GROUP, PERSON)
    assert stranger.sender == f"{BOT}/SOMEBODY@{GROUP}"


async def test_pictures_come_in_by_their_address_and_go_out_by_upload(
    official: OfficialDoor,
) -> None:
    await official.heard("看图", picture=PNG)
    heard = official.desk.heard[-1]
    assert heard.parts[0] == "看图"
    shown = heard.parts[1]
    assert isinstance(shown, ChatPicture)
    assert await official.qq.fetch(heard.peer, shown) == PNG
    await official.qq.deliver(THERE, "二维码", pictures=[PNG + b"1", PNG + b"2"])
    (said,) = official.sim.lines("private", OPENID)
    assert (said.text, said.picture) == ("二维码", PNG + b"1")


# --- Out ----------------------------------------------------------------------------------------


async def test_nothing_is_said_before_somebody_wrote_nor_more_than_is_allowed(
    official: OfficialDoor,
) -> None:
    with pytest.raises(Unreachable, match="先说话"):
        await official.qq.deliver(THERE, "在吗")
    assert not official.sim.sends
    await official.heard()
    for number in range(MOST_REPLIES):
        await official.qq.deliver(THERE, f"第 {number} 句")
    with pytest.raises(Unreachable):
        await official.qq.deliver(THERE, "第六句")
    assert [one.number for one in official.sim.lines("private", OPENID)] == [1, 2, 3, 4, 5]


async def test_an_hour_later_the_credit_is_gone_and_nobody_asks_the_platform(
    official: OfficialDoor,
) -> None:
    await official.heard()
    official.sim.chats.ahead = minutes(61)
    with pytest.raises(Unreachable):
        await official.qq.deliver(THERE, "在吗")
    assert not official.sim.sends
    await official.heard("在")
    await official.qq.deliver(THERE, "在吗")


@pytest.mark.parametrize("code", [40034005, 40034024, 40034128, 304103])
async def test_an_anchor_that_the_platform_refuses_gives_way_to_the_next(
    official: OfficialDoor, code: int
) -> None:
    await official.heard("一")
    await official.heard("二")
    official.sim.upset("refuse", code=code, words="不行")
    await official.qq.deliver(THERE, "好")
    assert [one["outcome"] for one in official.sim.sends] == [code, "said"]
    assert official.sim.sends[0]["msg_id"] != official.sim.sends[1]["msg_id"]


@pytest.mark.parametrize("code", [40034102, 40034105])
async def test_no_permission_to_push_is_no_credit_and_no_failure(
    official: OfficialDoor, code: int
) -> None:
    await official.heard()
    official.sim.upset("refuse", code=code, words="主动消息失败, 无权限")
    with pytest.raises(Unreachable):
        await official.qq.deliver(THERE, "好")


async def test_an_answer_that_got_lost_is_said_again_under_its_number_and_is_there_once(
    official: OfficialDoor,
) -> None:
    await official.heard()
    since = official.credits.now()
    for mood in ("stored", "lost"):
        official.sim.upset(mood)
        with pytest.raises(Uncertain):
            await official.qq.deliver(THERE, f"好 {mood}")
        assert await official.qq.find_delivered(THERE, f"好 {mood}", since) is not None
    assert [one.text for one in official.sim.lines("private", OPENID)] == ["好 stored", "好 lost"]
    assert await official.qq.find_delivered(THERE, "从没说过", since) is None
    told = await official.qq.find_delivered(THERE, "好 lost", since)
    assert told is None  # that one is told: the same words said anew are others


async def test_a_platform_in_a_hurry_does_not_end_the_search_for_what_got_lost(
    official: OfficialDoor,
) -> None:
    await official.heard()
    since = official.credits.now()
    official.sim.upset("lost")
    with pytest.raises(Uncertain):
        await official.qq.deliver(THERE, "好")
    official.sim.upset("refuse", code=22009)
    with pytest.raises(Unreachable):
        await official.qq.find_delivered(THERE, "好", since)
    assert await official.qq.find_delivered(THERE, "好", since) is not None
    assert [one.text for one in official.sim.lines("private", OPENID)] == ["好"]


async def test_a_text_of_which_a_part_got_lost_is_completed(official: OfficialDoor) -> None:
    await official.heard()
    since, text = official.credits.now(), "一" * 1_800 + "二" * 1_800
    official.sim.upset("stored")
    with pytest.raises(Uncertain):
        await official.qq.deliver(THERE, text)
    told = await official.qq.find_delivered(THERE, text, since)
    assert told is not None
    assert "".join(one.text for one in official.sim.lines("private", OPENID)) == text


async def test_a_platform_that_breaks_leaves_it_uncertain(official: OfficialDoor) -> None:
    await official.heard()
    official.sim.upset("http500")
    with pytest.raises(Uncertain):
        await official.qq.deliver(THERE, "好")


async def test_what_is_too_fast_or_refused_says_why_and_an_audit_is_no_failure(
    official: OfficialDoor,
) -> None:
    await official.heard()
    official.sim.upset("throttle")
    with pytest.raises(Throttled):
        await official.qq.deliver(THERE, "一")
    official.sim.upset("refuse", code=40034006, words="消息内容违规")
    with pytest.raises(Rejected, match="违规"):
        await official.qq.deliver(THERE, "二")
    official.sim.upset("audit")
    assert (await official.qq.deliver(THERE, "三")).message_ids
    assert [one.number for one in official.sim.lines("private", OPENID)] == [2]


async def test_addresses_go_out_so_that_the_platform_takes_them(official: OfficialDoor) -> None:
    await official.heard()
    text = "验证：https://passport.goofish.com/iv?x=1，店铺 shop.example.com，v1.5 的 a.txt 3.50元"
    await official.qq.deliver(THERE, text)
    (said,) = official.sim.lines("private", OPENID)
    assert said.text == (
        "验证：〔网址，请到后台看〕，店铺 shop．example．com，v1.5 的 a.txt 3.50元"
    )


async def test_what_still_looks_like_an_address_goes_without_dots(official: OfficialDoor) -> None:
    await official.heard()
    official.sim.upset("refuse", code=40034028, words="不允许包含url")
    await official.qq.deliver(THERE, "见 a.dev，3.50元")
    (said,) = official.sim.lines("private", OPENID)
    assert said.text == "见 a．dev，3.50元"


async def test_texts_of_any_length_arrive_in_parts_that_each_count(official: OfficialDoor) -> None:
    await official.heard()
    told = await official.qq.deliver(THERE, "字" * 4_000)
    assert len(told.message_ids) == 3
    assert "".join(one.text for one in official.sim.lines("private", OPENID)) == "字" * 4_000


async def test_many_answers_at_once_never_share_a_number(official: OfficialDoor) -> None:
    await official.heard()
    async with asyncio.TaskGroup() as tasks:
        for number in range(MOST_REPLIES):
            tasks.create_task(official.qq.deliver(THERE, f"第 {number} 句"))
    said = official.sim.lines("private", OPENID)
    assert sorted(one.number for one in said) == [1, 2, 3, 4, 5]


async def test_a_bot_that_may_push_speaks_unasked_until_it_is_told_not_to(tmp_path: Path) -> None:
    async with open_official(tmp_path, pushes=True) as official:
        official.sim.chats.change_rules(pushes=True)
        assert official.qq.abilities(THERE).pushes
        await official.qq.deliver(THERE, "早")
        official.sim.chats.change_rules(pushes=False)
        for _ in range(2):
            with pytest.raises(Unreachable):
                await official.qq.deliver(THERE, "早")
        assert not official.qq.abilities(THERE).pushes
        assert len(official.sim.sends) == 2


# --- Buttons ------------------------------------------------------------------------------------


async def test_buttons_are_shown_where_they_are_wanted_and_work_like_words(tmp_path: Path) -> None:
    async with open_official(tmp_path, buttons=True) as official:
        official.sim.chats.change_rules(buttons=True)
        await official.heard()
        await official.qq.deliver(THERE, "在吗\n#a7")
        (said,) = official.sim.lines("private", OPENID)
        assert said.buttons == ("#a7 ", "/历史 #a7", "/接管 #a7")
        assert said.text.endswith("#a7")
        official.desk.answer = lambda message: f"做了 {message.text}"
        press = await official.sim.press(OPENID, "/接管 #a7")
        line = await official.sim.wait_for_line(OPENID, "做了 /接管 #a7", SECONDS)
        assert line.answers.startswith("INTERACTION_CREATE")
        assert official.sim.acknowledged == [(press, 0)]


async def test_without_the_permission_for_buttons_texts_go_without(tmp_path: Path) -> None:
    async with open_official(tmp_path, buttons=True) as official:
        await official.heard()
        for number in range(2):
            await official.qq.deliver(THERE, f"{number}\n#a7")
        assert [one.buttons for one in official.sim.lines("private", OPENID)] == [(), ()]
        outcomes = [one["outcome"] for one in official.sim.sends]
        assert outcomes == [40034127, "said", "said"]


# --- The line -----------------------------------------------------------------------------------


async def test_a_broken_line_is_resumed_and_nothing_said_meanwhile_is_lost(
    official: OfficialDoor,
) -> None:
    await official.heard("一")
    await official.sim.gateway.cut()
    await official.sim.say(OPENID, "二")
    await official.desk.wait_for(2, SECONDS)
    assert [one.text for one in official.desk.heard] == ["一", "二"]
    assert (official.sim.gateway.identified, official.sim.gateway.resumed) == (1, 1)


async def test_the_place_in_the_line_stays_before_what_is_still_being_handled(
    official: OfficialDoor,
) -> None:
    await official.heard("零")
    await official.heard("一")
    before = (await official.credits.line(BOT)).seq
    go_on = asyncio.Event()

    async def slow(message: OperatorMessage) -> None:
        if message.sender == PERSON:
            await go_on.wait()

    official.desk.answer = slow
    await official.heard("二")
    for number, text in enumerate(("三", "四"), start=4):
        await official.sim.say("STRANGER", text)
        await official.desk.wait_for(number, SECONDS)
    kept = (await official.credits.line(BOT)).seq
    go_on.set()
    assert kept - before <= 1  # of 一, whose own end nobody has waited for


async def test_a_session_that_is_over_is_begun_anew(official: OfficialDoor) -> None:
    official.sim.gateway.forget()
    await official.sim.gateway.cut()
    await eventually(lambda: official.sim.gateway.identified == 2, SECONDS)
    await official.sim.wait_online(SECONDS)
    await official.heard("在")


async def test_the_gateway_may_ask_us_to_connect_again(official: OfficialDoor) -> None:
    await official.sim.gateway.ask_to_reconnect()
    await eventually(lambda: official.sim.gateway.resumed == 1, SECONDS)
    await official.heard("在")


async def test_a_gateway_that_hears_no_beat_is_left_for_a_new_line(tmp_path: Path) -> None:
    async with open_official(tmp_path, heartbeat_ms=250) as official:
        gateway = official.sim.gateway
        await eventually(lambda: gateway.beats >= 2, SECONDS)
        before, gateway.deaf = gateway.resumed, True
        await eventually(lambda: gateway.resumed > before, SECONDS)
        gateway.deaf = False
        await official.heard("在")


async def test_a_token_that_is_taken_no_more_is_asked_for_anew(official: OfficialDoor) -> None:
    await official.heard()
    given = official.sim.tokens_given
    official.sim.forget_tokens()
    await official.qq.deliver(THERE, "好")
    assert official.sim.tokens_given == given + 1


async def test_a_token_is_replaced_before_it_ends(tmp_path: Path) -> None:
    async with open_official(tmp_path) as official:
        official.sim.token_seconds = 30  # less than the margin: each use asks anew
        official.sim.forget_tokens()
        await official.heard()
        await official.qq.deliver(THERE, "一")
        given = official.sim.tokens_given
        await official.qq.deliver(THERE, "二")
        assert official.sim.tokens_given == given + 1


async def test_a_wrong_secret_is_told_on_the_status_page(tmp_path: Path) -> None:
    async with open_official(tmp_path, online=False, secret="wrong") as official:
        await eventually(lambda: bool(official.qq.turned_away), SECONDS)
        (refusal,) = official.qq.turned_away
        assert (refusal.bot, refusal.reason) == (BOT, "AppID 或 AppSecret 不对")
        assert official.qq.bots() == ()


async def test_an_unreadable_event_costs_only_itself(official: OfficialDoor) -> None:
    tell = official.sim.gateway.tell
    await tell("C2C_MESSAGE_CREATE", "x", {"id": 7, "author": "nobody"})
    await tell("C2C_MESSAGE_CREATE", "x", {"id": "m", "author": {"id": "../../evil"}})
    await tell("SOMETHING_NEW", "x", {"a": 1})
    await official.heard("在")
    assert len(official.desk.heard) == 1
