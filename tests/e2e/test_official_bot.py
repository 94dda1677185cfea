"""A shop run through the official bot, which may only answer: real sockets, simulated platform."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiohttp

from hub.app import open_hub
from hub.model import AccountState, TaskKind
from hub.sandbox import Sandbox, SandboxOptions, start_sandbox
from hub.sandbox.official import OfficialLine
from hub.settings import OfficialSettings
from tests.e2e.stage import (
    BUYER,
    OTHER_BUYER,
    SECONDS,
    Stage,
    furnish,
    settings_for,
)
from tests.waiting import wait_until

OPENID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
GROUP = "G0A1B2C3D4E5F607"
PASSWORD = "a long password"


def official_settings(sandbox: Sandbox, **more: str) -> OfficialSettings:
    url = f"{sandbox.urls['official_url']}/official"
    usual = {
        "app_id": sandbox.official.app_id,
        "secret": sandbox.official.secret,
        "api_url": url,
        "auth_url": f"{url}/app/getAppAccessToken",
    }
    return OfficialSettings.model_validate(usual | more)


@asynccontextmanager
async def open_official(
    folder: Path, sandbox: Sandbox, before: Stage | None = None, **more: str
) -> AsyncIterator[Stage]:
    """A hub on that folder, with the official bot alone; `before`: it was there already."""
    settings = settings_for(sandbox, folder, qq={"official": official_settings(sandbox, **more)})
    async with open_hub(settings) as hub:
        if before is None:
            operator, account = await furnish(hub, sandbox.cookies(), qq="")
        else:
            operator, account = before.operator, before.account
        stage = Stage(hub, sandbox, operator, account)
        await stage.wait_state(AccountState.ONLINE)
        if not more:
            await sandbox.official.wait_online(SECONDS)
        yield stage


@asynccontextmanager
async def a_sandbox() -> AsyncIterator[Sandbox]:
    async with start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox:
        yield sandbox


async def bind(stage: Stage, openid: str = OPENID) -> None:
    member = stage.operator.member
    code = (await stage.hub.desk.binding.make_code(stage.operator, member.id)).code
    await stage.sandbox.official.say(openid, f"/绑定 {code}")
    await said(stage, f"你是「{member.name}」", openid=openid)
    address = f"official:{stage.sandbox.official.app_id}/{openid}"
    await wait_until(lambda: _true(stage.hub.desk.chat.is_operator(address)), SECONDS)


async def _true(value: bool) -> bool:
    return value


async def said(stage: Stage, part: str, count: int = 1, *, openid: str = OPENID) -> OfficialLine:
    return await stage.sandbox.official.wait_for_line(openid, part, SECONDS, count=count)


async def waiting_notices(stage: Stage) -> int:
    backlog = await stage.read(lambda tx: tx.outbox.backlog())
    return int(backlog.get(TaskKind.NOTICE, 0))


def spoken(stage: Stage) -> int:
    return len(stage.sandbox.official.lines("private", OPENID))


async def use_up(stage: Stage) -> None:
    """Three notices go out after the binding; the credit that is left is kept."""
    for number in range(1, 4):
        await stage.buyer_says(f"第{number}句")
        await said(stage, f"第{number}句")


async def test_a_shop_runs_through_the_official_bot_alone(tmp_path: Path) -> None:
    """Bound by a code, told, answered by a quote that tells only its text, then only its index."""
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox) as stage:
        await bind(stage)
        sandbox.official.chats.change_rules(tells_quotes=False)
        await stage.buyer_says("键帽还有备用的吗？")
        notice = await said(stage, "键帽还有备用的吗？")
        await sandbox.official.say(OPENID, "有的，送一套", quote=notice)
        await stage.wait_for_answer("有的，送一套")
        await said(stage, "✓ 已送达")

        sandbox.official.chats.change_rules(tells_quotes=True, tells_quoted_text=False)
        await stage.buyer_says("包邮吗？", buyer=OTHER_BUYER)
        other = await said(stage, "包邮吗？")
        await stage.settled()  # only the index tells what is quoted: it has to be kept first
        await sandbox.official.say(OPENID, "包邮的", quote=other)
        await stage.wait_for_answer("包邮的", OTHER_BUYER)
        assert "包邮的" not in stage.answers(BUYER)


async def test_what_no_credit_was_left_for_comes_as_one_when_the_operator_writes(
    tmp_path: Path,
) -> None:
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox) as stage:
        await bind(stage)
        await use_up(stage)
        assert "只能再主动说一次" in (await said(stage, "第3句")).text
        await stage.buyer_says("还在吗")
        await stage.buyer_says("多久发货？", buyer=OTHER_BUYER)
        await wait_until(lambda: _two_wait(stage), SECONDS)
        before = spoken(stage)

        await sandbox.official.say(OPENID, "/状态")
        digest = await said(stage, "2 个会话有新消息")
        await stage.settled()
        assert "还在吗" in digest.text
        assert "多久发货？" in digest.text
        assert spoken(stage) == before + 2  # the answer to /状态, and one for all
        ticket = next(
            word for word in digest.text.split() if word.startswith("#") and word[1:].isalnum()
        )
        await sandbox.official.say(OPENID, f"{ticket} 在的")
        await stage.wait_for_answer("在的")


async def _two_wait(stage: Stage) -> bool:
    return await waiting_notices(stage) == 2


async def test_a_restart_forgets_neither_what_waits_nor_what_was_used(tmp_path: Path) -> None:
    async with a_sandbox() as sandbox:
        async with open_official(tmp_path, sandbox) as stage:
            await bind(stage)
            await use_up(stage)
            await stage.buyer_says("还在吗")
            await wait_until(lambda: _waits(stage), SECONDS)
            before = spoken(stage)
        async with open_official(tmp_path, sandbox, stage) as later:
            await later.buyer_says("多久发货？", buyer=OTHER_BUYER)
            await wait_until(lambda: _two_wait(later), SECONDS)
            assert spoken(later) == before
        await sandbox.official.say(OPENID, "/状态")  # while the hub is away
        async with open_official(tmp_path, sandbox, stage) as latest:
            await said(latest, "2 个会话有新消息")
            assert (sandbox.official.gateway.identified, sandbox.official.gateway.resumed) == (1, 2)
            numbers = [
                (one.answers, one.number) for one in sandbox.official.lines("private", OPENID)
            ]
            assert len(set(numbers)) == len(numbers)
            assert not [one for one in sandbox.official.sends if one["outcome"] != "said"]


async def _waits(stage: Stage) -> bool:
    return await waiting_notices(stage) == 1


async def test_a_platform_whose_clock_is_ahead_costs_no_notice(tmp_path: Path) -> None:
    """It refuses what we thought good: the notice waits and comes with the next word."""
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox) as stage:
        await bind(stage)
        sandbox.official.chats.ahead = timedelta(minutes=61)
        await stage.buyer_says("还在吗")
        await stage.until(
            lambda: (
                bool(sandbox.official.sends) and sandbox.official.sends[-1]["outcome"] == 40034005
            ),
            "the platform to refuse",
        )
        await sandbox.official.say(OPENID, "/状态")
        await said(stage, "还在吗")


async def test_a_group_is_bound_by_itself_and_answers_when_it_is_meant(tmp_path: Path) -> None:
    """In a group the platform may know people by other ids; a code works there too."""
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox) as stage:
        member = stage.operator.member
        await sandbox.official.say_group(GROUP, "MEMBER", "你好")
        code = (await stage.hub.desk.binding.make_code(stage.operator, member.id)).code
        await sandbox.official.say_group(GROUP, "MEMBER", f"/绑定 {code}")
        bound = await sandbox.official.wait_for_line(GROUP, "绑定好了", SECONDS, scene="group")
        assert sandbox.official.lines("group", GROUP) == [bound]  # strangers hear nothing
        address = f"official:{sandbox.official.app_id}/MEMBER@{GROUP}"
        await wait_until(lambda: _true(stage.hub.desk.chat.is_operator(address)), SECONDS)
        await stage.buyer_says("包邮吗？")
        (line,) = await _one_conversation(stage)
        await sandbox.official.say_group(GROUP, "MEMBER", f"#{line} 包邮的")
        await stage.wait_for_answer("包邮的")
        await sandbox.official.wait_for_line(GROUP, "✓ 已送达", SECONDS, scene="group")


async def _one_conversation(stage: Stage) -> list[str]:
    await wait_until(lambda: _any_conversation(stage), SECONDS)
    return [one.conversation.ticket for one in await stage.recent()]


async def _any_conversation(stage: Stage) -> bool:
    return bool(await stage.recent())


async def test_the_login_code_comes_as_a_picture(tmp_path: Path) -> None:
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox) as stage:
        await bind(stage)
        await sandbox.official.say(OPENID, "/登录 小店")
        shown = await said(stage, "扫")
        assert shown.picture.startswith(b"\x89PNG")


async def test_a_wrong_secret_is_told_on_the_page_and_stops_nothing_else(tmp_path: Path) -> None:
    async with a_sandbox() as sandbox, open_official(tmp_path, sandbox, secret="wrong") as stage:
        base = f"http://127.0.0.1:{stage.hub.port}"
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as http:
            await log_in(http, base)
            await wait_until(lambda: page_says(http, base, "AppID 或 AppSecret 不对"), SECONDS)
        await stage.buyer_says("在吗")
        await stage.wait_for_answer("在的，直接拍就可以")


async def log_in(http: aiohttp.ClientSession, base: str) -> None:
    page = await (await http.get(f"{base}/login")).text()
    token = page.split('name="csrf" value="')[1].split('"')[0]
    form = {"name": "店主", "password": PASSWORD, "csrf": token}
    async with http.post(f"{base}/login", data=form) as answer:
        assert answer.status == 200


async def page_says(http: aiohttp.ClientSession, base: str, words: str) -> bool:
    async with http.get(f"{base}/qq") as answer:
        return words in await answer.text()
