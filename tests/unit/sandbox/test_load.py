"""The load generator measures what it claims to measure."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from .client import SELLER, SEND, Browser, Rig, Wire

Reply = Callable[[str, str], list[tuple[str, str]]]
"""From conversation and text to the answers: conversation and text each."""


@asynccontextmanager
async def shop(rig: Rig, reply: Reply) -> AsyncIterator[Wire]:
    """A hub of the simplest kind: answers every buyer message at once."""
    async with rig.online() as wire, asyncio.TaskGroup() as tasks:
        answering = tasks.create_task(_answer(wire, reply))
        yield wire
        answering.cancel()


async def _answer(wire: Wire, reply: Reply) -> None:
    done = 0

    def more() -> bool:
        return len(wire.payloads()) > done

    while True:
        await wire.until(more)
        payloads = wire.payloads()
        for payload in payloads[done:]:
            message = payload[1]
            if message[10]["senderUserId"] != SELLER:
                buyer, cid = message[1][1], message[2].removesuffix("@goofish")
                for where, text in reply(cid, message[6][3][2]):
                    await wire.post(SEND, _body(where, text, buyer))
        done = len(payloads)


def _body(conversation: str, text: str, buyer: str) -> list[Any]:
    content = json.dumps({"contentType": 1, "text": {"text": text}})
    data = base64.b64encode(content.encode()).decode()
    return [
        {
            "uuid": f"-{conversation}{text}",
            "cid": f"{conversation}@goofish",
            "content": {"contentType": 101, "custom": {"type": 1, "data": data}},
        },
        {"actualReceivers": [buyer, f"{SELLER}@goofish"]},
    ]


async def test_a_closed_run_counts_every_answer_once(rig: Rig) -> None:
    async with shop(rig, lambda cid, _text: [(cid, "在的")]):
        plan = {"mode": "closed", "messages": 40, "outstanding": 4}
        figures = await rig.admin("POST", "/load", plan)
    assert (figures["messages"], figures["answered"]) == (40, 40)
    assert figures["missing"] == figures["duplicates"] == figures["wrong_conversation"] == 0
    assert 0 < figures["p50_ms"] <= figures["p95_ms"] <= figures["p99_ms"] <= figures["max_ms"]
    assert figures["messages_per_second"] > 0
    texts = [one["text"] for one in await rig.admin("GET", "/sends")]
    assert texts == ["在的"] * 40


async def test_a_closed_run_keeps_no_more_unanswered_than_allowed(rig: Rig) -> None:
    async with shop(rig, lambda _cid, _text: []):
        plan = {"messages": 12, "outstanding": 3, "conversations": 6, "patience": 0.2}
        figures = await rig.admin("POST", "/load", plan)
    assert (figures["messages"], figures["missing"]) == (3, 3)


async def test_a_closed_run_goes_round_all_its_conversations(rig: Rig) -> None:
    said_in: list[str] = []

    def note(cid: str, _text: str) -> list[tuple[str, str]]:
        said_in.append(cid)
        return [(cid, "在的")]

    async with shop(rig, note):
        plan = {"messages": 12, "outstanding": 3, "conversations": 6}
        await rig.admin("POST", "/load", plan)
    assert {said_in.count(cid) for cid in said_in} == {2}
    assert len(set(said_in)) == 6


async def test_an_open_run_sends_at_its_rate_and_matches_by_tag(rig: Rig) -> None:
    async with shop(rig, lambda cid, text: [(cid, f"收到：{text}")]):
        plan = {"mode": "open", "rate": 100, "seconds": 0.3, "conversations": 2}
        figures = await rig.admin("POST", "/load", plan)
    assert figures["answered"] == 30
    assert 0.2 < figures["seconds"] < 2


async def test_missing_surplus_and_misplaced_answers_are_told_apart(rig: Rig) -> None:
    seen: list[str] = []

    def muddle(cid: str, text: str) -> list[tuple[str, str]]:
        seen.append(cid)
        match len(seen):
            case 1:
                return []
            case 2:
                return [(cid, text), (cid, text)]
            case 3:
                return [(seen[0], text)]
            case _:
                return [(cid, text)]

    async with shop(rig, muddle):
        plan = {"mode": "open", "rate": 200, "seconds": 0.02, "conversations": 4, "patience": 0.2}
        figures = await rig.admin("POST", "/load", plan)
    assert figures["messages"] == 4
    assert figures["missing"] == 2
    assert figures["duplicates"] == 1
    assert figures["wrong_conversation"] == 1


async def test_the_messages_of_a_run_are_unique_and_hold_the_keyword(rig: Rig) -> None:
    said: list[str] = []

    def note(cid: str, text: str) -> list[tuple[str, str]]:
        said.append(text)
        return [(cid, "在的")]

    async with shop(rig, note):
        plan = {"messages": 10, "outstanding": 2, "keyword": "还有货吗"}
        await rig.admin("POST", "/load", plan)
        await rig.admin("POST", "/load", plan)
    assert len(set(said)) == 20
    assert all("还有货吗" in text for text in said)


@pytest.mark.parametrize("mode", ["closed", "open"])
async def test_a_run_without_a_hub_is_refused(rig: Rig, mode: str) -> None:
    answer = await rig.admin("POST", "/load", {"mode": mode}, status=400)
    assert answer["error"] == "no hub is connected for this seller"


async def test_every_push_of_a_run_is_acknowledged_like_any_other(rig: Rig) -> None:
    async with shop(rig, lambda cid, _text: [(cid, "在的")]):
        await rig.admin("POST", "/load", {"messages": 5, "outstanding": 1})
        answer = await rig.admin("GET", f"/pushes/wait?user={SELLER}&count=10")
    assert answer["met"] is True


async def test_a_run_over_all_sellers_takes_them_in_turn(rig: Rig) -> None:
    other = await rig.admin("POST", "/sellers", {}, status=201)
    async with shop(rig, lambda cid, _text: [(cid, "在的")]), second(rig, other) as neighbour:
        plan = {"mode": "open", "user": "*", "rate": 100, "seconds": 0.1, "patience": 0.2}
        figures = await rig.admin("POST", "/load", {**plan, "conversations": 4})
    assert (figures["messages"], figures["answered"]) == (10, 5), "the neighbour answers nothing"
    assert len(neighbour.texts()) == 5
    assert (await rig.admin("POST", "/load", {}, status=400))["error"]


@asynccontextmanager
async def second(rig: Rig, seller: dict[str, str]) -> AsyncIterator[Wire]:
    """The connection of another seller."""
    browser = Browser(rig.http, rig.sandbox.urls["mtop_url"], seller["cookies"])
    async with rig.dial() as wire:
        await wire.register(await browser.token("device-2"), "device-2")
        yield wire
