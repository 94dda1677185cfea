"""What happened while the line was down, or deaf, is found and handled once."""

from __future__ import annotations

from pathlib import Path

from hub.app import open_hub
from hub.model import AccountState, Message, PlatformConversation
from hub.sandbox import SandboxOptions, start_sandbox
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.stage import (
    GREETING,
    OTHER_BUYER,
    TOKEN,
    Stage,
    furnish,
    open_stage,
    settings_for,
)
from tests.waiting import wait_until


async def stored(stage: Stage, conversation: str) -> list[Message]:
    """What the hub has stored of one conversation, oldest first."""
    account, name = stage.account, PlatformConversation(conversation)
    found: list[Message] = await stage.read(
        lambda tx: tx.messages.of_conversation(
            account.shop,
            tx.conversations.by_platform(account.shop, account.id, name).id,
            limit=1000,
        )
    )
    return found


async def compared(stage: Stage) -> None:
    """Wait until the line that stands has been compared once with the platform's lists."""
    account = stage.account

    async def looked_at_orders() -> bool:
        marker = f"orders known:{account.id}"
        return bool(await stage.read(lambda tx: tx.inputs.known(account.shop, [marker])))

    await wait_until(looked_at_orders)


async def test_what_happened_while_the_hub_was_stopped_is_handled_once(tmp_path: Path) -> None:
    options = SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    async with start_sandbox(options) as sandbox:
        settings = settings_for(sandbox, tmp_path)
        async with open_hub(settings) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            await stage.buyer_says("在吗")
            await stage.wait_for_answer(GREETING)
        first = stage.conversation()
        third = sandbox.world.conversation("60010020032")
        await stage.buyer_says("离线第一句", "离线第二句")
        await stage.buyer_says("在吗，离线", buyer=OTHER_BUYER)
        await sandbox.stage.say(third, [{"text": "第三个会话"}, {"text": "还在吗"}])

        async with open_hub(settings) as hub:
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await stage.wait_for_notice("离线第一句")
            await stage.wait_for_notice("第三个会话")
            back = await stage.wait_for_notice("已恢复连接")
            await stage.wait_for_answer(GREETING, OTHER_BUYER)
            await stage.settled()

            assert "5 条消息已补处理" in back.text
            for part in ("离线第一句", "离线第二句", "在吗，离线", "第三个会话", "还在吗"):
                told = [line for line in stage.notices() if part in line.text.splitlines()]
                assert len(told) == 1, part
            texts = [m.content.text for m in await stored(stage, first.id)]
            assert texts == ["在吗", GREETING, "离线第一句", "离线第二句"]
            assert stage.answers(OTHER_BUYER) == [GREETING]


async def test_a_line_that_hears_nothing_is_found_out_and_replaced(tmp_path: Path) -> None:
    async with open_stage(tmp_path, compare_minutes=0.02) as stage:
        line = stage.sandbox.lines.of(DEMO_SELLER)[-1]
        await compared(stage)
        stage.sandbox.faults.add(DEMO_SELLER, "push_lost")
        await stage.buyer_says("没人听见的一句")

        await stage.wait_for_notice("没人听见的一句")
        await stage.wait_for_notice("连接看似正常却漏了 1 条消息")
        await stage.until(
            lambda: any(one.id != line.id for one in stage.sandbox.lines.of(DEMO_SELLER)),
            "another line",
        )


async def test_a_dead_login_is_told_once_with_what_to_do(stage: Stage) -> None:
    stage.sandbox.faults.add(DEMO_SELLER, "reg_refused", times=None, reason="token is not found")
    stage.sandbox.faults.add(DEMO_SELLER, "mtop_session_expired", times=None)
    stage.sandbox.lines.of(DEMO_SELLER)[-1].abort()

    notice = await stage.wait_for_notice("🔴【小店】")

    assert "在后台「账号」页" in notice.text
    await stage.settled()
    assert len([line for line in stage.notices() if "🔴" in line.text]) == 1
