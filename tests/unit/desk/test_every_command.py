"""Every command: done, without its argument, without the right, about nothing known, at a wrong
time. Whatever is refused says what to do next."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from delivery_stage import FIRST, SECOND, DeliveryStage, open_delivery_stage

from hub.commands import COMMANDS, Action, Command
from hub.model import OrderStatus, Role
from tests.unit import manual

UNPAID = "4400112233441110001"
Said = tuple[str, str]
"""What is written, and what the answer holds."""
NOT_HERE = "needs a phone or the platform: a journey over sockets"


@dataclass(frozen=True, slots=True)
class Case:
    happy: Said | str
    """A sentence instead of an example says where it is proved."""
    missing: Said | None = None
    """None: it needs no argument."""
    unknown: Said | None = None
    """None: it names nothing."""
    wrong: Sequence[Said] = ()
    """The last answer is a refusal; those before lead to it. Empty: it can be used at any time."""


ORDER = "写上订单号（末尾几位也行）或 #编号"
NO_ORDER = "没有订单号是 0000 的订单"
NO_TALK = "没有编号是 #z9 的会话"
NO_ACCOUNT = "没有叫「谁」的账号，现在有「小店」"
NO_MEMBER = "没有叫「谁」的成员，现有："
NO_POOL = "没有叫「谁」的卡池，现有：月卡"

CASES: dict[Action, Case] = {
    Action.HELP: Case(("/帮助 聊", "专心和一位买家聊"), unknown=("/帮助 暂挺", "/暂停")),
    Action.STATUS: Case(("/状态", "账号 0/1 在线")),
    Action.ACCOUNTS: Case(("/账号", "小店 准备连接")),
    Action.RECONNECT: Case(
        ("/重连 小店", "不需要重新连接"),
        unknown=("/重连 谁", NO_ACCOUNT),
        wrong=[("/停用 小店", "⏹"), ("/重连 小店", "先发 /启用 小店")],
    ),
    Action.LOG_IN: Case(NOT_HERE, unknown=("/登录 谁", NO_ACCOUNT)),
    Action.SWITCH_ON: Case(
        ("/启用 小店", "▶ 已启用"), ("/启用", "写上账号名"), ("/启用 谁", NO_ACCOUNT)
    ),
    Action.SWITCH_OFF: Case(
        ("/停用 小店", "⏹ 已停用"), ("/停用", "写上账号名"), ("/停用 谁", NO_ACCOUNT)
    ),
    Action.CHECK_UP: Case(("/体检", "✅ 发货没有停"), unknown=("/体检 谁", "没有标题里有「谁」")),
    Action.ITEMS: Case(NOT_HERE, wrong=[("/商品", "连上以后再读商品")]),
    Action.PAUSE: Case(("/暂停 #a1 30分", "⏸ 已暂停"), unknown=("/暂停 #z9", NO_TALK)),
    Action.RESUME: Case(
        ("/恢复", "本来就没有暂停"), unknown=("/恢复 #z9", NO_TALK), wrong=[("/恢复 明天", "例如")]
    ),
    Action.TAKE_OVER: Case(
        ("/接管 #a1", "⏸ 你接管了"),
        ("/接管", "没有接管"),
        ("/接管 #z9", NO_TALK),
        [("/接管 #a1 一直", "请用 /暂停")],
    ),
    Action.HALT: Case(
        ("/停", "全店已全部停下"),
        unknown=("/停 谁", NO_ACCOUNT),
        wrong=[("/停", "⛔"), ("/停", "本来就全停着")],
    ),
    Action.GO: Case(
        ("/开", "全店本来就没有停"),
        unknown=("/开 谁", NO_ACCOUNT),
        wrong=[("/停", "⛔"), ("/开 小店", "本来就没有停")],
    ),
    Action.AI: Case(
        ("/ai 关", "整个店铺的 AI 改为关"),
        unknown=("/ai 关 谁", "没有叫「谁」的账号、商品或买家"),
        wrong=[("/ai 关 #a1", "不知道这个会话在问哪个商品")],
    ),
    Action.RECALL: Case(
        ("/撤回 #b1", "↩ 还没有发出"),
        ("/撤回", "没有撤回：引用"),
        ("/撤回 #z9", NO_TALK),
        [("/撤回 #a1", "没有可以撤回的回复")],
    ),
    Action.FOCUS: Case(
        ("/聊 #a1", "💬 正在聊 小林"), ("/聊", "要和哪位买家聊"), ("/聊 谁", "没有编号或买家名")
    ),
    Action.LEAVE: Case(("/退出", "现在没有专心")),
    Action.HISTORY: Case(
        ("/历史 #b1", "我们：在的"),
        ("/历史", "要看哪个会话"),
        ("/历史 #z9", NO_TALK),
        [("/历史 #a1 99", "条数写 1 到 30")],
    ),
    Action.NOTE: Case(
        ("/备注 #a1 老客", "已备注 小林"), ("/备注", "没有备注：引用"), ("/备注 #z9 x", NO_TALK)
    ),
    Action.TAG: Case(
        ("/标签 #a1 老客", "标签：老客"), ("/标签", "没有加标签：引用"), ("/标签 #z9 x", NO_TALK)
    ),
    Action.BLOCK: Case(
        ("/拉黑 #a1", "⛔ 已拉黑"),
        ("/拉黑", "没有拉黑：引用"),
        ("/拉黑 #z9", NO_TALK),
        [("/拉黑 #a1 吧", "看不懂「吧」")],
    ),
    Action.CLEAR: Case(
        ("/清除 #a1", "没有备注、标签"),
        ("/清除", "没有清除：引用"),
        ("/清除 #z9", NO_TALK),
        [("/清除 #a1 吧", "看不懂「吧」")],
    ),
    Action.CANNED: Case(
        ("/k #a1 地", "已收下"),
        ("/k 地", "引用买家的通知再写 /k 地"),
        ("/k #a1 没有", "现有：地址"),
    ),
    Action.SAVE_CANNED: Case(("/存 短 在的", "已存为「短」"), ("/存 短", "没有存：引用")),
    Action.WHY: Case(
        ("/为什么 #a1", "还没有决定过什么"),
        ("/为什么", "引用买家的通知"),
        ("/为什么 #z9", NO_TALK),
    ),
    Action.TRY: Case(("/试 在吗", "没有发给任何人"), ("/试", "写上买家的话")),
    Action.STOCK: Case(("/库存", "月卡 剩 3"), unknown=("/库存 谁", NO_POOL)),
    Action.RESTOCK: Case(
        ("/补货 月卡\nAAAA-0001", "入库 1 张"),
        ("/补货", "请写上卡池名"),
        ("/补货 谁\nAAAA", NO_POOL),
        [("/补货 月卡", "下面一行写一张卡密")],
    ),
    Action.VOID: Case(
        ("/作废 CODE-1111 坏了", "确定的话"),
        ("/作废", "写法：/作废"),
        ("/作废 没有这张 坏了", "没有找到这张卡密"),
        [("/作废 CODE-1111", "要写原因")],
    ),
    Action.NEEDS: Case(("/待处理", "待处理 1｜库存不足")),
    Action.SETTLE: Case(
        ("/处理 1 2", "在别处发货"),
        ("/处理", "写上编号和做法"),
        ("/处理 99 1", "没有编号是 99"),
        [("/处理 1 9", "可以选")],
    ),
    Action.ORDER: Case((f"/单 {FIRST}", "｜待发货"), unknown=("/单 0000", NO_ORDER)),
    Action.DELIVER: Case(
        ("/发货 6778", "🚚 开始发货"),
        ("/发货", ORDER),
        ("/发货 0000", NO_ORDER),
        [("/发货 6778", "🚚"), ("/发货 6778", "已经发过")],
    ),
    Action.RESEND: Case(
        "test_delivery_chat.py",
        ("/补发", ORDER),
        ("/补发 0000", NO_ORDER),
        [("/补发 9123", "没有发过")],
    ),
    Action.OUTSIDE: Case(
        ("/发货完成 9123", "已记为在别处发货"),
        ("/发货完成", ORDER),
        ("/发货完成 0000", NO_ORDER),
        [("/发货完成 9123", "已记为"), ("/发货完成 9123", "没有改动")],
    ),
    Action.SHIP: Case(
        ("/标记发货 9123", "确定的话"), ("/标记发货", ORDER), ("/标记发货 0000", NO_ORDER)
    ),
    Action.FREE: Case(
        "below",
        ("/免拼", ORDER),
        ("/免拼 0000", NO_ORDER),
        [("/免拼 6778", "现在是待发货，只有待刀成的能免拼")],
    ),
    Action.PRICE: Case(
        (f"/改价 {UNPAID} 5", "确定的话"),
        ("/改价", ORDER),
        ("/改价 0000 5", NO_ORDER),
        [("/改价 6778 5", "只有待付款的能改价")],
    ),
    Action.FLOOR: Case(("/底价 全店 10%", "10%"), unknown=("/底价 谁 5", "没有标题里有「谁」")),
    Action.RELEASE: Case(
        "test_delivery_chat.py",
        ("/退回", ORDER),
        ("/退回 0000", NO_ORDER),
        [("/退回 9123", "没有")],
    ),
    Action.REFUSE: Case(("/不发 9123", "已记为不发"), ("/不发", ORDER), ("/不发 0000", NO_ORDER)),
    Action.STOP: Case(
        ("/停发", "已停止发货"),
        unknown=("/停发 谁", NO_ACCOUNT),
        wrong=[("/停发", "⛔"), ("/停发", "本来就停着")],
    ),
    Action.GO_ON: Case(
        ("/开发", "没有急停"),
        unknown=("/开发 谁", NO_ACCOUNT),
        wrong=[("/开发 小店", "没有急停")],
    ),
    Action.DELIVERY_RULES: Case(("/发货规则", "发「月卡」")),
    Action.HAND_OVER: Case(
        ("/转 小客 #a1", "已经转给 小客"),
        ("/转", "没有转：引用"),
        ("/转 谁 #a1", NO_MEMBER),
        [("/转 店主 #a1", "不用转给自己")],
    ),
    Action.LATER: Case(
        "test_people_chat.py",
        ("/稍后", "没有设提醒：引用"),
        ("/稍后 20m #z9", NO_TALK),
        [("/稍后 20m #a1", "已经回复过了")],
    ),
    Action.SILENCE: Case(
        ("/静音 2小时", "买家消息先不发给你"),
        unknown=("/静音 那天", "看不懂「那天」"),
        wrong=[("/静音 关", "你没有静音")],
    ),
    Action.DUTY: Case(
        ("/值班", "现在没有人值班"),
        unknown=("/值班 谁", NO_MEMBER),
        wrong=[("/值班 结束", "没有临时接班")],
    ),
    Action.BIND: Case(("/绑定 483920", "不用再绑定")),
    Action.UNBIND: Case(("/解绑", "确定的话")),
}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        await stage.order()
        await stage.order(UNPAID, stage.qi, status=OrderStatus.UNPAID)
        order = await stage.order(SECOND, stage.qi)
        await stage.served("CODE-1111", "CODE-2222", "CODE-3333")
        await stage.need(order)
        await stage.write("/存 地址 本店在上海")
        await stage.write(f"#{stage.qi.ticket} 在的")
        yield stage


def test_every_command_is_in_the_table() -> None:
    assert set(CASES) == {command.action for command in COMMANDS}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
async def test_it_does_what_it_says(stage: DeliveryStage, command: Command) -> None:
    happy = CASES[command.action].happy
    if not isinstance(happy, str):
        assert happy[1] in await stage.write(happy[0])


async def test_without_what_they_need_they_say_what_to_write(stage: DeliveryStage) -> None:
    for case in CASES.values():
        if case.missing is not None:
            assert case.missing[1] in await stage.write(case.missing[0]), case.missing


async def test_what_is_not_known_is_named(stage: DeliveryStage) -> None:
    for case in CASES.values():
        if case.unknown is not None:
            assert case.unknown[1] in await stage.write(case.unknown[0]), case.unknown


@pytest.mark.parametrize(
    "action", [action for action, case in CASES.items() if case.wrong], ids=lambda one: one.value
)
async def test_at_a_wrong_time_they_say_why(stage: DeliveryStage, action: Action) -> None:
    for line, said in CASES[action].wrong:
        assert said in await stage.write(line), line


async def test_whoever_may_not_is_told_who_may(stage: DeliveryStage) -> None:
    """Before anything else: nobody learns what exists from a refusal."""
    for command in COMMANDS:
        lesser = {Role.OWNER: Role.AGENT, Role.AGENT: Role.VIEWER}.get(command.role)
        if lesser is not None:
            said = await stage.write(f"/{command.name} #z9 谁", as_=lesser)
            assert "你的身份是" in said, command.name


async def test_help_of_every_command_says_how_it_is_written(stage: DeliveryStage) -> None:
    for command in COMMANDS:
        said = await stage.write(f"/帮助 {command.name}", as_=Role.VIEWER)
        assert said.startswith(f"{command.usage}\n{command.summary}"), command.name


def test_the_manual_in_the_docs_is_the_one_of_the_registry() -> None:
    assert manual.written() == manual.made(), "run: python -m tests.unit.manual"
