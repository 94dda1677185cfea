"""A whole hub whose bot lives in somebody's own NoneBot, a process apart, linked by the plugin."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from hub.app import Hub, open_hub
from hub.model import AccountState
from hub.sandbox import SandboxOptions, start_sandbox
from tests.e2e.stage import SECONDS, Stage, furnish, settings_for
from tests.own_nonebot import own_bot

LINK_TOKEN = "a-token-of-plugins"
BOT_STARTS = 60.0
"""Seconds; a fresh Python that imports NoneBot on a busy machine."""


GROUP = "777001"
STRANGER = "55555"


def bot_settings(bridge: str, port: int) -> dict[str, Any]:
    return {
        "onebot_ws_urls": [bridge],
        "onebot_access_token": "bridge",
        "yuqiao_hub_url": f"http://127.0.0.1:{port}",
        "yuqiao_token": LINK_TOKEN,
    }


async def linked(hub: Hub) -> None:
    async with asyncio.timeout(BOT_STARTS):
        await hub.qq.wait_connected()


async def gone(hub: Hub) -> None:
    async with asyncio.timeout(SECONDS):
        while hub.qq.bots():  # noqa: ASYNC110 - the condition belongs to production code
            await asyncio.sleep(0.01)


async def parrot(stage: Stage, scene: str, peer: str, part: str) -> None:
    """The other plugin repeated this."""
    await stage.sandbox.qq.wait_for_line(
        scene, peer, lambda line: line.text == f"鹦鹉：{part}", SECONDS
    )


async def test_the_shop_runs_from_somebodys_own_nonebot_through_kills_of_either_side(
    tmp_path: Path,
) -> None:
    async with (
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox,
        sandbox.qq.serve_forward(token="bridge") as bridge,
        AsyncExitStack() as bots,
    ):
        settings = settings_for(sandbox, tmp_path, qq={"link_token": LINK_TOKEN})
        async with open_hub(settings) as hub:
            port = hub.port
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            bot = bots.enter_context(own_bot(tmp_path, **bot_settings(bridge, port)))
            await linked(hub)

            await stage.buyer_says("第一问")
            notice = await stage.wait_for_notice("第一问")
            asked = await stage.operator_writes("第一答", quote=notice)
            await stage.wait_for_answer("第一答")
            receipt = await stage.wait_for_notice("✓ 已送达")
            assert receipt.quoted == asked

            bot.kill()
            await gone(hub)
            await stage.buyer_says("第二问")
            bot.start()
            notice = await stage.wait_for_notice("第二问")
            await stage.settled()

        await stage.operator_writes("第二答", quote=notice)
        again = settings.web.model_copy(update={"port": port})
        async with open_hub(settings.model_copy(update={"web": again})) as hub:
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_for_answer("第二答")
            await stage.buyer_says("第三问")
            notice = await stage.wait_for_notice("第三问")
            await stage.operator_writes("第三答", quote=notice)
            await stage.wait_for_answer("第三答")
            await stage.settled()

        assert stage.answers() == ["第一答", "第二答", "第三答"]
        told = [line.text for line in stage.notices()]
        for words in ("第一问", "第二问", "第三问"):
            assert sum(words in text for text in told) == 1, told
        assert sum("✓ 已送达" in text for text in told) == 3, told
        assert not any(text.startswith("鹦鹉") for text in told), "quotes of ours are ours"
