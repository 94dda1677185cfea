"""The bot may sit in busy groups; that must not cost the operators or the memory."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import psutil
from qq_stage import GROUP, OPERATOR, STRANGER, TOKEN, Door

from bots.inbox import MOST_STRANGERS
from hub.model import OperatorMessage

HEADERS = {"Authorization": f"Bearer {TOKEN}", "X-Self-ID": "10001"}


def group_frame(number: int, sender: str, text: str) -> str:
    return json.dumps(
        {
            "time": 1,
            "self_id": 10001,
            "post_type": "message",
            "message_type": "group",
            "sub_type": "normal",
            "message_id": number,
            "group_id": int(GROUP),
            "user_id": int(sender),
            "message": [{"type": "text", "data": {"text": text}}],
            "raw_message": text,
            "font": 14,
            "sender": {"user_id": int(sender), "nickname": "路人", "card": ""},
        }
    )


async def test_20000_strangers_in_a_group_leave_operators_served_and_memory_bounded(door: Door):
    us = psutil.Process()
    before = us.memory_info().rss
    async with aiohttp.ClientSession() as http, http.ws_connect(door.url, headers=HEADERS) as peer:
        for number in range(1, 20_001):
            await peer.send_str(group_frame(number, STRANGER, "闲聊" * 50))
            if number % 1000 == 0:
                await peer.send_str(group_frame(number + 50_000, OPERATOR, f"第 {number}"))
        heard = await door.desk.wait_for(20, seconds=30)
    assert [message.text for message in heard] == [f"第 {n}" for n in range(1000, 20_001, 1000)]
    assert us.memory_info().rss - before < 60 * 1024 * 1024


async def test_answers_overtake_events_that_wait(door: Door):
    """Stopping to read while work is busy would wait for ever: the work awaits an answer."""

    async def answer(message: OperatorMessage) -> str:
        delivered = await door.qq.deliver(message.peer, "处理中")
        return f"完成 {delivered.message_ids[0]}"

    door.desk.answer = answer
    async with door.bridge() as bridge:
        for number in range(200):
            await bridge.say_private(OPERATOR, str(number))
        await bridge.wait_until(
            lambda: (
                sum("完成" in line.text for line in bridge.bot_lines("private", OPERATOR)) == 200
            ),
            timeout=30,
        )


async def test_strangers_who_write_in_private_wait_in_a_short_line_of_their_own(door: Door):
    gate = asyncio.Event()

    async def answer(message: OperatorMessage) -> None:
        if message.sender != OPERATOR:
            await gate.wait()

    door.desk.answer = answer
    async with door.bridge() as bridge:
        for number in range(MOST_STRANGERS * 3):
            await bridge.say_private(str(60_000 + number), "你好")
        await bridge.say_private(OPERATOR, "在的")
        await door.desk.wait_for(2)  # one stranger at work, and the operator past all others
        assert door.desk.heard[-1].sender == OPERATOR
        gate.set()
        await door.desk.wait_for(MOST_STRANGERS + 1)
        await bridge.say_private(OPERATOR, "完")
        await door.desk.wait_for(MOST_STRANGERS + 2)
    assert len(door.desk.heard) == MOST_STRANGERS + 2
