"""Live updates: what is committed reaches open pages, and nobody else."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import aiohttp
import pytest
from web_stage import Stage, Visitor

from hub.desk import Operator
from web.pages import live

SOON = 5


async def _open(visitor: Visitor) -> aiohttp.ClientResponse:
    response = await visitor.http.get(visitor.url + "/events")
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    async with asyncio.timeout(SOON):
        while await response.content.readline() != b"\n":
            pass
    return response


async def _next_event(response: aiohttp.ClientResponse) -> dict[str, object]:
    async with asyncio.timeout(SOON):
        while line := await response.content.readline():
            if line.startswith(b"data: "):
                event: dict[str, object] = json.loads(line[6:])
                return event
    raise AssertionError("the stream ended")


async def test_a_buyers_message_reaches_an_open_page(
    stage: Stage, owner: Operator, boss: Visitor
) -> None:
    conversation = await stage.conversation(await stage.account(owner))
    async with await _open(boss) as stream:
        await stage.says(conversation, "在吗")
        assert await _next_event(stream) == {"noun": "conversation", "id": conversation.id}
    page = await boss.get(f"/conversations/{conversation.id}?part=1")
    assert "在吗" in page.text
    assert "<html" not in page.text


async def test_a_bot_that_connects_or_is_refused_reaches_an_open_page(
    stage: Stage, boss: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK", 0.01)
    async with await _open(boss) as stream:
        stage.bots.append("10001")
        assert (await _next_event(stream))["noun"] == "qq"
        stage.refusals.append((datetime.now(UTC), "access token 不对"))
        assert (await _next_event(stream))["noun"] == "qq"


async def test_a_silent_stream_has_heartbeats_and_ends_with_the_session(
    stage: Stage, owner: Operator, boss: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "TICK", 0.01)
    async with await _open(boss) as stream, asyncio.timeout(SOON):
        while await stream.content.readline() != b": beat\n":
            pass
        await stage.desk.members.log_out(boss.cookie("yuqiao_session"))
        await stream.content.read()


async def test_streams_and_parts_are_for_people_who_are_logged_in(
    visitor: Visitor, owner: Operator
) -> None:
    for path in ("/events", "/?part=1", "/conversations?part=1"):
        assert (await visitor.get(path)).status == 401


async def test_shutdown_ends_streams_without_waiting_for_browsers(
    stage: Stage, boss: Visitor
) -> None:
    async with await _open(boss) as stream, asyncio.timeout(SOON):
        started = asyncio.get_running_loop().time()
        await stage.runner.cleanup()
        await stream.content.read()
        assert asyncio.get_running_loop().time() - started < 0.9


async def test_there_is_a_limit_of_open_streams(
    boss: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MOST_STREAMS", 1)
    async with await _open(boss):
        assert (await boss.get("/events")).status == 503
