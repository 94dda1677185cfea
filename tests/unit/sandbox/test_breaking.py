"""Faults of a connection: cut after so many frames, half open, gaps, missing acknowledgements."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from .client import CONVERSATION, SELLER, SEND, Rig

GET_STATE = "/r/SyncStatus/getState"
ACK_DIFF = "/r/SyncStatus/ackDiff"


async def buyer_saw(rig: Rig) -> list[str]:
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    return [one["text"] for one in view["messages"]]


@pytest.mark.parametrize(("kind", "seen"), [("cut_on_request", []), ("cut_on_answer", ["好的"])])
async def test_a_send_whose_line_is_cut_is_either_done_or_not(
    rig: Rig, kind: str, seen: list[str]
) -> None:
    await rig.fault(kind, subject=SEND)
    async with rig.online() as wire:
        assert (await wire.ask("/!"))["code"] == 200
        mid = await wire.send("好的")
        await wire.until(wire.closed.is_set)
        assert wire.answers(mid) == []
    assert await buyer_saw(rig) == seen


async def test_a_fault_can_let_so_many_chances_pass(rig: Rig) -> None:
    await rig.fault("cut_on_push", after=2, subject="/s/sync")
    async with rig.online() as wire:
        for text in ("一", "二", "三"):
            await rig.say(text)
        await wire.until(wire.closed.is_set)
        assert wire.texts() == ["一", "二"]
    async with rig.online() as wire:
        await wire.until(wire.texts)
        assert wire.texts() == ["三"]


async def test_a_push_whose_acknowledgement_is_cut_off_comes_again(rig: Rig) -> None:
    await rig.fault("cut_after_push", subject="/s/sync")
    async with rig.online() as wire:
        wire.acking = False
        await rig.say("在吗")
        await wire.until(wire.closed.is_set)
        assert wire.texts() == ["在吗"]
        assert wire.ws.close_code == 1006
    async with rig.online() as wire:
        await wire.until(wire.texts)
        assert wire.texts() == ["在吗"]


async def test_a_half_open_line_takes_everything_and_answers_nothing(rig: Rig) -> None:
    async with rig.online() as wire:
        await rig.admin("POST", "/connections/cut", {"user": SELLER, "how": "half_open"})
        before = len(wire.frames)
        await wire.post("/!")
        await wire.send("进了黑洞")
        await wire.ws.ping()
        await rig.say("听不见")
        (line,) = await rig.admin("GET", "/connections")
        assert line["half_open"] is True
        assert not wire.closed.is_set()
        assert len(wire.frames) == before
        assert await buyer_saw(rig) == ["听不见"]
        await rig.admin("POST", "/connections/cut", {"user": SELLER, "how": "abnormal"})
        await wire.until(wire.closed.is_set)
    async with rig.online() as wire:
        await wire.until(wire.texts)
        assert wire.texts() == ["听不见"]


async def test_a_line_can_fall_silent_at_a_heartbeat(rig: Rig) -> None:
    await rig.fault("half_open", subject="/!", after=1)
    async with rig.online() as wire:
        assert (await wire.ask("/!"))["code"] == 200
        mid = await wire.post("/!")
        await rig.say("听不见")
        await rig.admin("POST", "/connections/cut", {"user": SELLER})
        await wire.until(wire.closed.is_set)
        assert wire.answers(mid) == []
        assert wire.texts() == []


async def test_acknowledgements_that_stay_away_close_the_line(rig: Rig) -> None:
    await rig.manners(unacked_limit=3)
    async with rig.online() as wire:
        for number in range(9):  # acknowledged ones do not count
            (id,) = await rig.say(str(number))
            await rig.admin("GET", f"/pushes/wait?message={id}")
        assert not wire.closed.is_set()
        wire.acking = False
        for number in range(3):
            await rig.say(f"没人理{number}")
        await wire.until(wire.closed.is_set)
        assert wire.ws.close_code == 1000


async def test_a_gap_is_announced_and_closed_by_get_state_and_ack_diff(rig: Rig) -> None:
    async with rig.online() as wire:
        await rig.say("之前")
        await wire.until(wire.texts)
        await rig.fault("push_gap", times=2, reason="2")
        await rig.say("缺一")
        await rig.say("缺二")
        await wire.until(lambda: len(wire.pushes()) == 3)
        gap = wire.pushes()[1]["body"]
        assert gap["syncExtraType"] == {"type": 2}
        assert gap["syncPushPackage"]["data"] == []
        state = (await wire.ask(GET_STATE, [{"topic": "sync"}]))["body"]
        await wire.ask(ACK_DIFF, [state])
        await wire.until(lambda: len(wire.texts()) == 3)
        assert wire.texts() == ["之前", "缺一", "缺二"]
        again = (await wire.ask(GET_STATE, [{"topic": "sync"}]))["body"]
        assert again["pts"] > state["pts"]


async def test_a_restart_ends_every_line_and_takes_none_for_a_while(rig: Rig) -> None:
    sellers = await rig.admin("POST", "/sellers/many", {"count": 3, "items": 0})
    async with rig.online() as wire, asyncio.TaskGroup() as tasks:
        ended = await rig.admin("POST", "/restart", {"seconds": 30})
        assert ended == {"connections": 1}
        tasks.create_task(wire.until(wire.closed.is_set))
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with rig.dial():
            pass
    with pytest.raises(ValueError, match="Expecting value"):
        await rig.browser.once("mtop.taobao.idlemessage.pc.loginuser.get")
    await rig.admin("POST", "/restart", {"how": "normal", "tokens": True})
    async with rig.dial() as wire:
        assert (await wire.ask("/!"))["code"] == 200
    assert rig.sandbox.world.tokens == {}
    assert len(sellers) == 3


async def test_every_line_of_everybody_can_be_cut_at_once(rig: Rig) -> None:
    async with rig.online("DID-1") as one, rig.online("DID-2") as two:
        cut = await rig.admin("POST", "/connections/cut", {"user": "*"})
        assert cut == {"connections": 2}
        await one.until(one.closed.is_set)
        await two.until(two.closed.is_set)


async def test_two_hundred_sellers_are_made_and_pushed_to(rig: Rig) -> None:
    sellers: list[dict[str, Any]] = await rig.admin("POST", "/sellers/many", {"count": 200})
    assert len({one["user"] for one in sellers}) == 200
    assert all(one["cookies"].count("unb=") == 1 for one in sellers)
    for one in sellers:
        conversation = rig.sandbox.world.conversations_of(one["user"])[0]
        await rig.sandbox.stage.say(conversation, [{"text": "在吗"}])
        assert len(conversation.messages) == 1
