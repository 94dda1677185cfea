"""The shop, its accounts and its items."""

from __future__ import annotations

from command_case import NO_ACCOUNT, NOT_HERE, Case

from hub.commands import Action

SHOP: dict[Action, Case] = {
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
    Action.BACKUP: Case("test_backup_journey.py"),
    Action.ITEMS: Case(NOT_HERE, wrong=[("/商品", "连上以后再读商品")]),
}
