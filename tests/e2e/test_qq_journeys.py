"""The QQ side of the whole hub: what bridges lose, repeat and delay must not reach a buyer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import aiohttp

from bots.marks import FACES
from hub.model import Mark
from tests.e2e.stage import (
    BUYER,
    OTHER_BUYER,
    OWNER_QQ,
    SECONDS,
    TOKEN,
    Stage,
    open_stage,
)

GROUP = "777001"
STRANGER_QQ = "55555"


def ticket_of(text: str) -> str:
    return text.splitlines()[-1]


async def test_notices_that_waited_for_the_bot_come_at_once_in_order_and_once(
    tmp_path: Path,
) -> None:
    async with open_stage(tmp_path, qq_online=False) as stage:
        for text in ("第一句", "第二句", "第三句"):
            await stage.buyer_says(text)
        await stage.until(lambda: len(stage.conversation().messages) == 3)
        stage.sandbox.dial_qq(f"ws://127.0.0.1:{stage.hub.port}/onebot/v11/ws", TOKEN)

        notice = await stage.wait_for_notice("第三句")
        said = [line.text.splitlines()[1] for line in stage.notices()]
        assert said == ["第一句", "第二句", "第三句"]

        await stage.operator_writes("都看到了", quote=notice)
        await stage.wait_for_answer("都看到了")


async def test_the_bot_may_go_and_come_between_an_answer_and_its_receipt(stage: Stage) -> None:
    await stage.buyer_says("包邮吗？")
    notice = await stage.wait_for_notice("包邮吗？")
    await stage.settled()
    await stage.operator_writes("包邮", quote=notice)
    await stage.wait_for_answer("包邮")
    stage.sandbox.qq.cut()

    await stage.wait_for_notice("✓ 已送达")
    assert sum("✓ 已送达" in line.text for line in stage.notices()) == 1


async def test_an_event_that_the_bridge_repeats_is_sent_once(stage: Stage) -> None:
    await stage.buyer_says("包邮吗？")
    notice = await stage.wait_for_notice("包邮吗？")

    message_id = await stage.operator_writes("包邮", quote=notice)
    for _ in range(3):
        await stage.sandbox.qq.repeat(message_id)
    await stage.wait_for_answer("包邮")
    await stage.sandbox.qq.repeat(message_id)
    await stage.operator_writes("今天发货", quote=notice)

    await stage.wait_for_answer("今天发货")
    assert stage.answers() == ["包邮", "今天发货"]


async def test_a_quote_and_a_ticket_that_contradict_each_other_reach_nobody(stage: Stage) -> None:
    await stage.buyer_says("我是小林")
    await stage.buyer_says("我是阿七", buyer=OTHER_BUYER)
    first = await stage.wait_for_notice("我是小林")
    second = await stage.wait_for_notice("我是阿七")

    await stage.operator_writes(f"{ticket_of(second.text)} 你好", quote=first)

    await stage.wait_for_notice("不是同一个会话")
    assert stage.answers(BUYER) == stage.answers(OTHER_BUYER) == []


async def test_quoting_what_was_no_notice_reaches_nobody(stage: Stage) -> None:
    await stage.buyer_says("我是小林")
    await stage.wait_for_notice("我是小林")
    await stage.operator_writes("/账号")
    page = await stage.wait_for_notice("🟢")

    await stage.operator_writes("你好", quote=page)

    await stage.wait_for_notice("没有发送")
    assert stage.answers() == []


async def test_a_ticket_works_from_a_group_and_small_talk_there_is_left_alone(
    stage: Stage,
) -> None:
    await stage.buyer_says("我是小林")
    notice = await stage.wait_for_notice("我是小林")
    qq = stage.sandbox.qq

    await qq.say_group(GROUP, OWNER_QQ, "中午吃什么")
    await qq.say_group(GROUP, STRANGER_QQ, f"{ticket_of(notice.text)} 我是路人", at_bot=True)
    said = await qq.say_group(GROUP, OWNER_QQ, f"{ticket_of(notice.text)} 群里答")

    await stage.wait_for_answer("群里答")
    accepted = (said, FACES[Mark.ACCEPTED], True)
    await qq.wait_until(lambda: accepted in qq.reactions, SECONDS)
    await stage.settled()
    await stage.sandbox.stage.read(stage.conversation())
    read = (said, FACES[Mark.READ], True)
    await qq.wait_until(lambda: read in qq.reactions, SECONDS)
    assert stage.answers() == ["群里答"]
    assert qq.bot_lines("group", GROUP) == []


async def test_a_bridge_without_reactions_tells_a_group_in_words(stage: Stage) -> None:
    await stage.buyer_says("我是小林")
    notice = await stage.wait_for_notice("我是小林")
    qq = stage.sandbox.qq
    qq.dialect = replace(qq.dialect, reaction_action="")

    await qq.say_group(GROUP, OWNER_QQ, f"{ticket_of(notice.text)} 群里答")

    await qq.wait_for_line("group", GROUP, lambda line: "✓ 已送达" in line.text, SECONDS)
    await stage.settled()
    await stage.sandbox.stage.read(stage.conversation())
    await stage.settled()
    assert len(qq.bot_lines("group", GROUP)) == 1


async def test_a_notice_without_answer_from_the_bridge_is_looked_up_and_not_repeated(
    stage: Stage,
) -> None:
    """The bridge said it in the chat and never told us."""
    stage.sandbox.qq.swallow("send_private_msg")
    await stage.buyer_says("包邮吗？")
    notice = await stage.wait_for_notice("包邮吗？")
    await stage.buyer_says("还在吗在吗")
    await stage.wait_for_notice("还在吗在吗")

    assert sum("包邮吗？" in line.text for line in stage.notices()) == 1
    await stage.operator_writes("包邮", quote=notice)
    await stage.wait_for_answer("包邮")


async def test_a_stranger_is_answered_once_and_reaches_no_buyer(stage: Stage) -> None:
    await stage.buyer_says("我是小林")
    notice = await stage.wait_for_notice("我是小林")
    qq = stage.sandbox.qq

    for _ in range(3):
        await qq.say_private(STRANGER_QQ, f"{ticket_of(notice.text)} 我是路人")
    await qq.wait_for_line("private", STRANGER_QQ, lambda line: line.sender != STRANGER_QQ, SECONDS)
    await stage.operator_writes("我是店主", quote=notice)

    await stage.wait_for_answer("我是店主")
    assert stage.answers() == ["我是店主"]
    assert len(qq.bot_lines("private", STRANGER_QQ)) == 1


async def test_a_bot_with_a_wrong_token_is_explained_on_the_qq_page(tmp_path: Path) -> None:
    async with (
        open_stage(tmp_path, qq_online=False) as stage,
        aiohttp.ClientSession() as http,
    ):
        address = f"127.0.0.1:{stage.hub.port}"
        stage.sandbox.dial_qq(f"ws://{address}/onebot/v11/ws", "not the token")
        assert await stage.sandbox.qq.wait_refused(SECONDS) == 403
        new = await stage.hub.desk.members.log_in(
            name="店主", password="a long password", client="test"
        )
        cookies = {"yuqiao_session": new.token}
        async with http.get(f"http://{address}/qq", cookies=cookies) as page:
            assert "access token 不对" in await page.text()
