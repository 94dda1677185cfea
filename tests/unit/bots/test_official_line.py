"""The official bot's line under trouble, and texts that are longer than what it may say."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from official_stage import (
    BOT,
    OPENID,
    PERSON,
    SECONDS,
    THERE,
    OfficialDoor,
    open_official,
)
from qq_stage import eventually

from bots.official.platform import Platform
from hub.errors import Uncertain
from hub.model import ChatPeer
from hub.policy import MOST_REPLIES
from hub.sandbox.official_gateway import MESSAGES
from tests.waiting import wait_until


@pytest.fixture
async def official(tmp_path: Path) -> AsyncIterator[OfficialDoor]:
    async with open_official(tmp_path) as door:
        yield door


async def session_kept(official: OfficialDoor) -> None:
    """Until the session that the platform knows is the one that a new life would resume."""

    async def same() -> bool:
        return (await official.credits.line(BOT)).session == official.sim.gateway.session

    await wait_until(same, SECONDS)


async def test_a_session_is_kept_before_anybody_writes(official: OfficialDoor) -> None:
    """Else a restart would resume an older one, and what was written meanwhile were lost."""
    await session_kept(official)
    official.sim.gateway.forget()
    await official.sim.gateway.cut()
    await eventually(lambda: official.sim.gateway.identified == 2, SECONDS)
    await session_kept(official)


async def test_without_leave_to_hear_of_buttons_the_bot_works_without_them(tmp_path: Path) -> None:
    async with open_official(tmp_path, online=False, buttons=True, grants=MESSAGES) as official:
        await official.sim.wait_online(SECONDS)
        await official.heard()
        official.sim.chats.change_rules(buttons=True)
        await official.qq.deliver(THERE, "在吗\n#a7")
        assert official.sim.lines("private", OPENID)[-1].buttons == ()
        await official.sim.gateway.cut()
        await eventually(lambda: official.sim.gateway.resumed == 1, SECONDS)
        await official.heard("在")
        ((bot, told),) = official.troubles
        assert bot == BOT
        assert "按钮" in told
        assert (await official.credits.line(BOT)).granted == MESSAGES


@pytest.mark.parametrize("bad", [{}, [], "soon", float("nan"), float("inf"), -1, None, True])
async def test_a_gateway_that_talks_nonsense_is_left_alone_for_a_while(
    official: OfficialDoor, bad: Any
) -> None:
    official.sim.gateway.session_limit = {"remaining": 0, "reset_after": bad}
    _, wait = await platform(official).gateway()
    assert 0 < wait < float("inf")


def platform(official: OfficialDoor) -> Platform:
    return official.adapter.platform


async def test_a_line_that_crashes_costs_nothing_but_itself(
    official: OfficialDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong while the line is made: NoneBot, with all other bots, lives on."""
    failures = [RuntimeError("unable to perform operation"), KeyError("url")]
    life = official.adapter.driver.task_group

    async def gateway() -> tuple[str, float]:
        if failures:
            raise failures.pop()
        return await real()

    real = platform(official).gateway
    monkeypatch.setattr(platform(official), "gateway", gateway)
    await official.sim.gateway.cut()
    await eventually(lambda: official.sim.gateway.resumed == 1, SECONDS)
    assert not failures
    assert official.adapter.driver.task_group is life, "NoneBot was started anew"
    await official.heard("在")


async def test_words_arrive_as_they_were_typed(official: OfficialDoor) -> None:
    for typed in ("a/b@c", "@everyone 看这里", "价格<#12>和<@x>", "1 < 2 & 3 > 2", "好的"):
        quoted = official.sim.chats.hear("private", OPENID, OPENID, "好")
        await official.heard(typed, quote=quoted)
        assert official.desk.heard[-1].text == typed
    face = '<faceType=1,faceId="178",ext="eyJ0ZXh0IjoiIn0=">'
    await official.heard(f"<@!BOT0001> /状态 {face}")
    assert official.desk.heard[-1].text == "/状态"


async def test_a_message_whose_id_holds_any_sign_is_heard_and_answered(
    official: OfficialDoor,
) -> None:
    official.desk.answer = lambda _: "在"
    line = official.sim.chats.hear("private", OPENID, OPENID, "你好", id_="ROBOT1.0_a/b@c==!!")
    event = official.sim.event(line, {"user_openid": OPENID})
    await official.sim.gateway.tell("C2C_MESSAGE_CREATE", line.id, event)
    said = await official.sim.wait_for_line(OPENID, "在", SECONDS)
    assert said.answers == line.id
    assert official.desk.heard[-1].sender == PERSON


async def test_a_quote_whose_text_is_left_out_still_says_what_it_quotes(
    official: OfficialDoor,
) -> None:
    official.sim.chats.change_rules(tells_quoted_text=False)
    await official.heard()
    await official.qq.deliver(THERE, "🔔 待处理 37｜没有规则\n1 发货\n#a7")
    said = official.sim.lines("private", OPENID)[-1]
    await official.heard("1", quote=said)
    assert official.desk.heard[-1].quoted_text == said.text


# --- Longer than what may be said -----------------------------------------------------------------

LONG = "\n".join(f"{n:04d}" + "字" * 95 for n in range(150))


async def test_an_answer_that_is_too_long_says_where_the_rest_is(official: OfficialDoor) -> None:
    official.desk.answer = lambda _: LONG
    await official.heard("/历史 #a7 200")
    await official.sim.wait_for_line(OPENID, "后台", SECONDS)
    said = official.sim.lines("private", OPENID)
    assert len(said) == MOST_REPLIES
    assert said[0].text == LONG[: len(said[0].text)]
    assert [one for one in said if "后台" in one.text] == [said[-1]]


async def test_an_answer_that_nobody_may_hear_now_is_kept_for_later(
    official: OfficialDoor,
) -> None:
    def answer(_: Any) -> str:
        official.sim.chats.ahead = timedelta(minutes=61)
        return "做好了"

    official.desk.answer = answer
    await official.heard("/发货")
    peer, said, _ = await official.wait_late(SECONDS)
    assert isinstance(peer, ChatPeer)
    assert "/发货" in said
    assert said.endswith("做好了")


async def test_what_breaks_off_in_the_middle_goes_on_where_it_broke_off(
    official: OfficialDoor,
) -> None:
    await official.heard()
    since, text = official.credits.now(), "一" * 1_800 + "二" * 1_800
    official.sim.upset("none")
    official.sim.upset("throttle")
    with pytest.raises(Uncertain):
        await official.qq.deliver(THERE, text)
    assert await official.qq.find_delivered(THERE, text, since) is not None
    assert "".join(one.text for one in official.sim.lines("private", OPENID)) == text
