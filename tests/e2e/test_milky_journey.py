"""The whole hub with a bot that speaks Milky instead of OneBot."""

from __future__ import annotations

from pathlib import Path

from hub.app import open_hub
from hub.model import AccountState
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.milky import MilkySim
from tests.e2e.stage import OWNER_QQ, SECONDS, TOKEN, Stage, furnish, settings_for


async def test_a_notice_whose_answer_is_lost_is_not_repeated_and_its_quote_finds_the_buyer(
    tmp_path: Path,
) -> None:
    bot = MilkySim(token=TOKEN)
    async with (
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox,
        bot.serve() as url,
    ):
        settings = settings_for(sandbox, tmp_path, qq={"milky_urls": (url,)})
        async with open_hub(settings) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            bot.swallow("send_private_message")
            await stage.buyer_says("包邮吗？")
            notice = await bot.wait_for_line("private", OWNER_QQ, "包邮吗？", SECONDS)
            await stage.settled()
            assert "get_history_messages" in [action for action, _ in bot.calls]
        async with open_hub(settings) as hub:
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            await hub.qq.wait_connected()

            asked = await bot.say_private(OWNER_QQ, "包邮", quote=notice.id)

            await stage.wait_for_answer("包邮")
            receipt = await bot.wait_for_line("private", OWNER_QQ, "✓ 已送达", SECONDS)
            assert receipt.quoted == asked
            await bot.repeat("private", OWNER_QQ, asked)
            await bot.say_private(OWNER_QQ, "今天发货", quote=notice.id)
            await stage.wait_for_answer("今天发货")
            assert stage.answers() == ["包邮", "今天发货"]
            said = [line.text for line in bot.bot_lines("private", OWNER_QQ)]
            assert sum("包邮吗？" in text for text in said) == 1
