"""What the implementations of OneBot say differently, asked over a socket as a hub would."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from hub.sandbox.onebot import Dialect, OneBotSim
from hub.sandbox.onebot_chats import LAGRANGE, NAPCAT

FAILED = {"status": "failed", "data": None}
UNKNOWN = {"action": "fly", "params": {}}
NOBODY = {"action": "send_msg", "params": {"message_type": "private", "message": "在"}}
GONE = {"action": "get_msg", "params": {"message_id": 1}}


async def answers_to(sim: OneBotSim, *asked: str) -> list[dict[str, Any]]:
    """Everything that is answered to these and to a last question that always is."""
    async with (
        sim.serve_forward() as url,
        aiohttp.ClientSession() as http,
        http.ws_connect(url) as ws,
    ):
        for one in (*asked, json.dumps({"action": "get_status", "echo": "last"})):
            await ws.send_str(one)
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            while True:
                frame = await ws.receive_json()
                if frame.get("echo") == "last":
                    return found
                if "post_type" not in frame:
                    found.append(frame)


@pytest.mark.parametrize(
    ("dialect", "retcodes", "talks"),
    [(NAPCAT, [1404, 1400, 1200], True), (LAGRANGE, [404, 200, 200], False)],
)
async def test_each_refuses_in_its_own_numbers_and_words(
    dialect: Dialect, retcodes: list[int], talks: bool
) -> None:
    asked = [json.dumps({**one, "echo": "1"}) for one in (UNKNOWN, NOBODY, GONE)]
    answers = await answers_to(OneBotSim(dialect=dialect), *asked)
    assert [one["retcode"] for one in answers] == retcodes
    assert all(one.items() >= FAILED.items() for one in answers)
    assert all(("wording" in one) is talks for one in answers)


@pytest.mark.parametrize(("dialect", "answered"), [(NAPCAT, [1400]), (LAGRANGE, [])])
async def test_what_is_no_json_is_refused_or_not_answered_at_all(
    dialect: Dialect, answered: list[int]
) -> None:
    found = await answers_to(OneBotSim(dialect=dialect), "{")
    assert [one["retcode"] for one in found] == answered


async def test_lagrange_knows_its_ids_after_a_restart_and_napcat_does_not() -> None:
    for dialect, known in ((NAPCAT, False), (LAGRANGE, True)):
        sim = OneBotSim(dialect=dialect)
        said = await sim.say_private("10002", "在吗")
        sim.forget()
        ask = json.dumps({"action": "get_msg", "params": {"message_id": int(said)}, "echo": "1"})
        (answer,) = await answers_to(sim, ask)
        assert (answer["status"] == "ok") is known
        assert (int(said) < 0) is known


async def test_lagrange_says_that_it_is_online_whatever_became_of_the_account() -> None:
    for dialect, online in ((NAPCAT, False), (LAGRANGE, True)):
        sim = OneBotSim(dialect=dialect)
        async with (
            sim.serve_forward() as url,
            aiohttp.ClientSession() as http,
            http.ws_connect(url) as ws,
        ):
            await ws.receive_json()
            await sim.wait_online()
            await sim.set_account_online(False)
            beat = await ws.receive_json()
        assert beat["status"]["online"] is online
