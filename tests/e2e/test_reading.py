"""Buyers see that they were read when a person read them, and not before."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest

from hub.model import Role, TaskKind
from tests.e2e.stage import GREETING, Stage, open_stage


def read_by_seller(stage: Stage) -> list[bool]:
    return [m.read for m in stage.conversation().messages if not m.own]


async def test_an_answer_of_an_operator_marks_the_conversation_as_read(stage: Stage) -> None:
    await stage.buyer_says("第一句", "第二句")
    notice = await stage.wait_for_notice("第二句")
    assert read_by_seller(stage) == [False, False]
    await stage.operator_writes("在的", quote=notice)
    await stage.until(lambda: read_by_seller(stage) == [True, True])


async def test_an_automatic_answer_marks_nothing(stage: Stage) -> None:
    await stage.buyer_says("在吗")
    await stage.wait_for_answer(GREETING)
    await stage.settled()
    assert read_by_seller(stage) == [False]


@pytest.mark.parametrize(("mark_read", "read"), [("always", True), ("never", False)])
async def test_the_setting_decides(tmp_path: Path, mark_read: str, read: bool) -> None:
    async with open_stage(tmp_path, mark_read=mark_read) as stage:
        await stage.buyer_says("在吗")
        await stage.wait_for_answer(GREETING)
        notice = await stage.wait_for_notice("在吗")
        if not read:
            await stage.operator_writes("我来了", quote=notice)
            await stage.wait_for_answer("我来了")
        await stage.settled()
        assert read_by_seller(stage) == [read]


async def test_opening_the_conversation_marks_it_for_whoever_may_answer(stage: Stage) -> None:
    for name, role in (("看客", Role.VIEWER), ("客服", Role.AGENT)):
        await stage.hub.desk.members.add(
            stage.operator, name=name, role=role, password="a long password"
        )
    await stage.buyer_says("有人吗")
    await stage.wait_for_notice("有人吗")
    (line,) = await stage.recent()
    path = f"/conversations/{line.conversation.id}"

    await _look(stage, "看客", path)
    assert TaskKind.READ not in await stage.read(lambda tx: tx.outbox.backlog())
    await stage.settled()
    assert read_by_seller(stage) == [False]
    await _look(stage, "客服", path)
    await stage.until(lambda: read_by_seller(stage) == [True])


async def test_a_mark_that_the_platform_refuses_costs_nothing(stage: Stage) -> None:
    await stage.buyer_says("第一句")
    notice = await stage.wait_for_notice("第一句")
    lwp = "/r/MessageStatus/read"
    stage.sandbox.faults.add(stage.account.user, "answer_drop", subject=lwp)
    await stage.operator_writes("在的", quote=notice)
    await stage.wait_for_answer("在的")
    await stage.settled()


async def _look(stage: Stage, name: str, path: str) -> None:
    base = f"http://127.0.0.1:{stage.hub.port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(f"{base}/login") as page:
            csrf = (await page.text()).partition('name="csrf" value="')[2].partition('"')[0]
        form = {"csrf": csrf, "name": name, "password": "a long password"}
        async with http.post(f"{base}/login", data=form) as page:
            assert page.status == 200
        async with http.get(base + path) as page:
            assert page.status == 200
