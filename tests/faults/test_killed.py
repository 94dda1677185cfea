"""SIGKILL at the worst moments: nothing is lost and nothing is sent twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from hub.model import Message, MessageState, Origin, Text
from hub.sandbox.world import DEMO_SELLER
from tests.faults.rig import GREETING, Rig, open_rig
from tests.waiting import wait_until

BUYER = "3100444455556"
OTHER_BUYER = "3100444455557"


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as rig:
        yield rig


async def _until_stored(rig: Rig, met: Callable[[Message], bool]) -> None:
    """Wait until the hub's database holds such a message."""

    async def look() -> bool:
        return any(met(message) for message in await rig.stored(guest=True))

    await wait_until(look)


async def _until_all_stored(rig: Rig, texts: set[str]) -> None:
    async def look() -> bool:
        return texts <= {m.content.text for m in await rig.stored(guest=True)}

    await wait_until(look, 60)


async def _until_settled(rig: Rig) -> None:
    """Wait until no message of ours is on its way."""
    moving = (MessageState.QUEUED, MessageState.SENDING)

    async def look() -> bool:
        return not any(message.state in moving for message in await rig.stored(guest=True))

    await wait_until(look, 60)


async def test_killed_between_commit_and_acknowledgement_stores_and_tells_once(rig: Rig) -> None:
    """The platform never heard the acknowledgement and pushes again."""
    await rig.start()
    rig.wire.hold()
    await rig.buyer_says(BUYER, "键盘还在？")
    await _until_stored(rig, lambda m: m.content == Text("键盘还在？"))
    await rig.kill()
    rig.wire.drop()
    assert not any(push.acked_at for push in rig.sandbox.lines.log if any(push.about))

    await rig.start()

    await rig.buyer_says(BUYER, "还有一句")
    await rig.wait_for_notice("还有一句")
    assert await rig.stop() == 0
    await rig.check_invariants()
    assert len([line for line in rig.notices() if "键盘还在？" in line.text]) == 1


async def test_what_comes_while_no_hub_runs_is_answered_once(rig: Rig) -> None:
    """The platform is asked for what came after the newest message we have."""
    await rig.start()
    await rig.buyer_says(BUYER, "你好")
    await _until_stored(rig, lambda m: m.content == Text("你好"))
    await rig.kill()
    await rig.buyer_says(BUYER, "在吗")

    await rig.start()

    await rig.until(lambda: GREETING in rig.answers(BUYER), "the answer")
    assert await rig.stop() == 0
    assert rig.answers(BUYER) == [GREETING]
    await rig.check_invariants()


async def test_killed_after_the_wire_mark_finds_what_arrived_and_sends_nothing_again(
    rig: Rig,
) -> None:
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, "send_stored")
    await rig.buyer_says(BUYER, "在吗")
    await rig.until(lambda: GREETING in rig.answers(BUYER), "the answer to arrive")
    await rig.kill()

    await rig.start()
    await rig.buyer_says(OTHER_BUYER, "在吗")
    await rig.until(lambda: GREETING in rig.answers(OTHER_BUYER), "life to go on")
    await _until_settled(rig)

    assert await rig.stop() == 0
    assert rig.answers(BUYER) == [GREETING]
    ours = [m for m in await rig.stored() if m.origin is Origin.RULE]
    assert [m.state for m in ours] == [MessageState.ACCEPTED] * 2
    await rig.check_invariants()


async def test_killed_after_the_wire_mark_asks_a_human_about_what_got_lost(rig: Rig) -> None:
    """Not in the history: it may be on its way still, so a person decides."""
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, "send_lost")
    await rig.buyer_says(BUYER, "在吗")
    await _until_stored(rig, lambda m: m.state is MessageState.SENDING)
    await rig.kill()

    await rig.start()

    notice = await rig.wait_for_notice("不确定是否送达")
    assert "没有自动重发" in notice.text
    assert await rig.stop() == 0
    assert rig.answers(BUYER) == []
    ours = [m for m in await rig.stored() if m.origin is Origin.RULE]
    assert [m.state for m in ours] == [MessageState.UNCERTAIN]
    await rig.check_invariants()


@pytest.mark.timeout(180)
async def test_killed_in_the_middle_of_catching_up_handles_everything_once(rig: Rig) -> None:
    """One conversation is stored, the other's history has not been answered."""
    await rig.start()
    await rig.buyer_says(BUYER, "你好")
    await _until_stored(rig, lambda m: m.content == Text("你好"))
    await rig.kill()
    await rig.buyer_says(OTHER_BUYER, "离线先说的")
    await rig.buyer_says(BUYER, "在吗，离线后说的")
    order = await rig.sandbox.trade.place(rig.conversation(BUYER))
    await rig.sandbox.trade.step(order, "pay", told="nothing")
    rig.sandbox.lines.forget(DEMO_SELLER)
    history = "/r/MessageManager/listUserMessages"
    rig.sandbox.faults.add(DEMO_SELLER, "answer_drop", subject=history, after=1, times=None)
    await rig.start()
    await _until_stored(rig, lambda m: m.content == Text("离线先说的"))
    await rig.kill()
    rig.sandbox.faults.clear()

    await rig.start()

    back = await rig.wait_for_notice("已恢复连接")
    assert "2 条消息、1 笔付款已补处理" in back.text
    await rig.until(lambda: GREETING in rig.answers(BUYER), "the answer")
    await _until_settled(rig)
    assert await rig.stop() == 0
    assert rig.answers(BUYER) == [GREETING]
    for part in ("离线先说的", "在吗，离线后说的", "买家已付款，等待发货", "已恢复连接"):
        assert len([line for line in rig.notices() if part in line.text]) == 1, part
    await rig.check_invariants()


@pytest.mark.timeout(180)
async def test_killed_again_and_again_keeps_every_promise(rig: Rig) -> None:
    """Kills at moments that a seeded die chooses, in the midst of a stream of messages."""
    die = random.Random(20261123)
    await rig.start()
    await rig.buyer_says(BUYER, "你好")
    await _until_stored(rig, lambda m: m.content == Text("你好"))
    await rig.kill()
    told = 0
    for _ in range(5):
        await rig.start()
        speaking = asyncio.create_task(_speak(rig, told, 12))
        await asyncio.sleep(die.uniform(0.0, 0.5))
        await rig.kill()
        await speaking
        told += 12

    await rig.start()
    await _until_all_stored(rig, {f"在吗 {number}" for number in range(told)})
    await _until_settled(rig)
    assert await rig.stop() == 0
    await rig.check_invariants()
    answered = len(rig.answers(BUYER)) + len(rig.answers(OTHER_BUYER))
    uncertain = [m for m in await rig.stored() if m.state is MessageState.UNCERTAIN]
    assert answered + len(uncertain) >= told, "each question was answered, or a human was asked"


async def _speak(rig: Rig, first: int, count: int) -> None:
    for number in range(first, first + count):
        await rig.buyer_says(BUYER if number % 2 else OTHER_BUYER, f"在吗 {number}")
        await asyncio.sleep(0.01)


async def test_sigterm_ends_quickly_and_cleanly(rig: Rig) -> None:
    await rig.start()
    await rig.buyer_says(BUYER, "在吗")
    began = asyncio.get_running_loop().time()
    assert await rig.stop() == 0
    assert asyncio.get_running_loop().time() - began < 10


async def test_killed_while_an_answer_waits_for_the_end_of_a_burst_answers_once(rig: Rig) -> None:
    rig.debounce_seconds = 3
    await rig.start()
    await rig.buyer_says(BUYER, "在吗")
    await rig.buyer_says(BUYER, "在吗 在吗")
    await _until_stored(rig, lambda m: m.content == Text("在吗 在吗"))
    await rig.kill()
    assert rig.answers(BUYER) == []

    await rig.start()

    await rig.until(lambda: rig.answers(BUYER) != [], "the answer")
    await _until_settled(rig)
    await rig.stop()
    assert rig.answers(BUYER) == [GREETING]
    await rig.check_invariants()
