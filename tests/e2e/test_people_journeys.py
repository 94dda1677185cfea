"""Several people at one shop, over real sockets: codes, groups, rules, claims, restarts."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.app import open_hub
from hub.model import AccountState, ConversationId, Group, Hours, Member, NoticeKind, Role, Route
from hub.sandbox import SandboxOptions, start_sandbox
from tests.e2e.stage import (
    OWNER_QQ,
    SECONDS,
    TOKEN,
    Stage,
    furnish,
    settings_for,
)
from tests.waiting import wait_until

LI_QQ, LI_OTHER_QQ, GROUP = "20001", "20002", "777001"


async def hire(stage: Stage, name: str, qq: str = "") -> Member:
    people = stage.hub.desk.members
    return await people.add(stage.operator, name=name, role=Role.AGENT, qq=[qq] if qq else [])


async def bind(stage: Stage, member: Member, qq: str) -> None:
    code = (await stage.hub.desk.binding.make_code(stage.operator, member.id)).code
    await stage.sandbox.qq.say_private(qq, f"/绑定 {code}")
    await stage.wait_for_notice(f"你是「{member.name}」", qq)
    await wait_until(lambda: _true(stage.hub.desk.chat.is_operator(qq)), SECONDS)


async def _true(value: bool) -> bool:
    return value


async def everybody_is_told(stage: Stage, *groups: str) -> None:
    people = stage.hub.desk.people
    for group in groups:
        await people.add_group(stage.operator, Group(group))
    route = Route((NoticeKind.MESSAGE,), roles=(Role.OWNER, Role.AGENT), groups=groups)
    await people.add_route(stage.operator, route)


async def test_a_stranger_becomes_a_member_by_a_code_and_answers_from_two_ids(
    stage: Stage,
) -> None:
    li = await hire(stage, "小李")
    for qq in (LI_QQ, LI_OTHER_QQ):
        await bind(stage, li, qq)
        await stage.wait_for_notice(f"「小李」绑定了 QQ {qq}")
    await everybody_is_told(stage)
    await stage.buyer_says("包邮吗？")
    await stage.wait_for_notice("包邮吗？", LI_QQ)
    notice = await stage.wait_for_notice("包邮吗？", LI_OTHER_QQ)

    await stage.sandbox.qq.say_private(LI_OTHER_QQ, "包邮的", quote=notice.id)

    await stage.wait_for_answer("包邮的")
    await stage.wait_for_notice("小李 正在回复")


async def test_a_group_on_the_list_gets_messages_and_answers_by_quoting(stage: Stage) -> None:
    await hire(stage, "小李", LI_QQ)
    await everybody_is_told(stage, GROUP)
    await stage.buyer_says("包邮吗？")
    told = await stage.sandbox.qq.wait_for_line(
        "group", GROUP, lambda line: "包邮吗？" in line.text, SECONDS
    )

    await stage.sandbox.qq.say_group(GROUP, LI_QQ, "包邮的", quote=told.id, at_bot=True)

    await stage.wait_for_answer("包邮的")
    await stage.wait_for_notice("小李 正在回复")


async def test_at_night_a_buyer_is_told_once_that_nobody_is_there(stage: Stage) -> None:
    people, now = stage.hub.desk.people, datetime.now(ZoneInfo("Asia/Shanghai"))
    around = [(now + timedelta(hours=n)).time().replace(second=0, microsecond=0) for n in (-2, 2)]
    await people.set_habits(
        stage.operator,
        quiet=Hours(*around),
        unanswered=None,
        claimed_only=False,
        digest_at=None,
    )
    await people.set_away(stage.operator, None, "夜里不在，明早回复你")
    await stage.buyer_says("能用多久？")
    await stage.wait_for_answer("夜里不在，明早回复你")
    await stage.buyer_says("人呢？")
    await stage.settled()
    assert stage.answers().count("夜里不在，明早回复你") == 1
    ticket = (await stage.recent())[0].conversation.ticket

    assert not any("能用多久？" in line.text for line in stage.notices())
    await stage.operator_writes(f"/为什么 #{ticket}")

    why = await stage.wait_for_notice("说：人呢？\n")
    assert "安静时段的自动答复：这个会话里已经说过，不说" in why.text


async def test_rules_bindings_claims_and_reminders_survive_a_restart(tmp_path: Path) -> None:
    options = SandboxOptions(list_quiet_seconds=0, onebot_reconnect_seconds=0.05)
    async with start_sandbox(options) as sandbox:
        settings = settings_for(sandbox, tmp_path)
        async with open_hub(settings) as hub:
            operator, account = await furnish(hub, sandbox.cookies())
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            li = await hire(stage, "小李")
            await everybody_is_told(stage)
            code = (await hub.desk.binding.make_code(operator, li.id)).code
        async with open_hub(settings) as hub:
            assert hub.desk.chat.is_operator(OWNER_QQ)  # from the first line on, in groups too
            stage = Stage(hub, sandbox, operator, account)
            await stage.wait_state(AccountState.ONLINE)
            sandbox.dial_qq(f"ws://127.0.0.1:{hub.port}/onebot/v11/ws", TOKEN)
            await sandbox.qq.wait_online(SECONDS)
            await sandbox.qq.say_private(LI_QQ, f"/绑定 {code}")
            await stage.wait_for_notice("你是「小李」", LI_QQ)
            await wait_until(lambda: _true(hub.desk.chat.is_operator(LI_QQ)), SECONDS)
            await stage.buyer_says("能便宜吗？")
            notice = await stage.wait_for_notice("能便宜吗？", OWNER_QQ)
            await stage.operator_writes("/转 小李", quote=notice)
            await stage.wait_for_notice("把这位买家转给你", LI_QQ)
        async with open_hub(settings) as hub:
            stage = Stage(hub, sandbox, operator, account)
            waiting = await stage.read(lambda tx: tx.outbox.backlog())
            conversation = await _conversation(stage)
            claim = await stage.read(lambda tx: tx.attention.claim_of(operator.shop, conversation))
            assert claim.member == li.id
            assert waiting.get("ping") == 1


async def _conversation(stage: Stage) -> ConversationId:
    return (await stage.recent())[0].conversation.id
