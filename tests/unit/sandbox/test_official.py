"""The simulated platform of official bots refuses what the real one refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from hub.sandbox import Sandbox, SandboxOptions, start_sandbox

OPENID = "0A1B2C3D4E5F60718293A4B5C6D7E8F9"
SECONDS = 30.0


@asynccontextmanager
async def platform() -> AsyncIterator[tuple[Sandbox, aiohttp.ClientSession]]:
    """With an access token in the session's headers."""
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        base = f"{sandbox.urls['official_url']}/official/"
        who = {"appId": sandbox.official.app_id, "clientSecret": sandbox.official.secret}
        async with aiohttp.ClientSession(base) as http:
            async with http.post("app/getAppAccessToken", json=who) as answer:
                token = (await answer.json())["access_token"]
            http.headers["Authorization"] = f"QQBot {token}"
            yield sandbox, http


async def say(http: aiohttp.ClientSession, **body: Any) -> int:
    """The code of the refusal; 0: it was said."""
    body = {"msg_type": 0, "content": "在", **body}
    async with http.post(f"v2/users/{OPENID}/messages", json=body) as answer:
        return int((await answer.json()).get("code", 0))


async def test_messages_answer_somebody_in_time_five_times_and_never_twice_the_same() -> None:
    async with platform() as (sandbox, http):
        assert await say(http) == 40034102
        assert await say(http, msg_id="unknown", msg_seq=1) == 40034024
        elsewhere = await sandbox.official.say("SOMEBODY", "你好")
        assert await say(http, msg_id=elsewhere.id, msg_seq=1) == 40034024
        heard = await sandbox.official.say(OPENID, "你好")
        assert await say(http, msg_id=heard.id, msg_seq=1, content="看 https://x.cn") == 40034028
        assert [await say(http, msg_id=heard.id, msg_seq=n) for n in (1, 2, 2)] == [0, 0, 40054005]
        assert [await say(http, msg_id=heard.id, msg_seq=n) for n in (3, 4, 5, 6)] == [
            0,
            0,
            0,
            40034128,
        ]
        later = await sandbox.official.say(OPENID, "还在吗")
        sandbox.official.chats.ahead = timedelta(minutes=61)
        assert await say(http, msg_id=later.id, msg_seq=1) == 40034005
        http.headers["Authorization"] = "QQBot nonsense"
        assert await say(http, msg_id=later.id, msg_seq=1) == 11244


async def test_the_gateway_wants_a_token_and_tells_a_resumed_session_what_it_missed() -> None:
    async with platform() as (sandbox, http):
        gateway = sandbox.official.gateway
        token = http.headers["Authorization"]
        async with http.ws_connect("gateway") as ws:
            assert (await ws.receive_json())["op"] == 10
            await ws.send_json({"op": 2, "d": {"token": "QQBot no", "intents": 1 << 25}})
            assert (await ws.receive_json())["op"] == 9
            await ws.send_json({"op": 2, "d": {"token": token, "intents": 1 << 25}})
            ready = await ws.receive_json()
            await ws.send_json({"op": 1, "d": 1})
            assert (await ws.receive_json())["op"] == 11
        await sandbox.world.bell.until(lambda: not gateway.online, SECONDS)
        await sandbox.official.say(OPENID, "在吗")
        session = ready["d"]["session_id"]
        async with http.ws_connect("gateway") as ws:
            await ws.receive_json()
            resume = {"token": token, "session_id": session, "seq": ready["s"]}
            await ws.send_json({"op": 6, "d": resume})
            told = [await ws.receive_json(), await ws.receive_json()]
            assert [one["t"] for one in told] == ["C2C_MESSAGE_CREATE", "RESUMED"]


@pytest.mark.parametrize("wrong", [{"kind": "nonsense"}, {}])
async def test_the_door_lets_people_speak_and_says_what_it_does_not_know(
    wrong: dict[str, str],
) -> None:
    async with (
        start_sandbox(SandboxOptions(furnished=False)) as sandbox,
        aiohttp.ClientSession(f"{sandbox.urls['admin_url']}/") as door,
    ):
        async with door.post("official/say", json={"text": "在吗"}) as answer:
            line = await answer.json()
        async with door.get("official/chat") as answer:
            assert await answer.json() == [line]
        async with door.post("official/upset", json=wrong) as answer:
            assert answer.status == 400
        async with door.get("official/wait", params={"timeout": "0.01"}) as answer:
            assert answer.status == 408
        async with door.patch("official/rules", json={"buttons": True}) as answer:
            assert (await answer.json())["buttons"] is True
        async with door.get("official/status") as answer:
            assert (await answer.json())["online"] is False
