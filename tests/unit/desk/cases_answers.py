"""What is said to buyers, by people and by the program."""

from __future__ import annotations

from command_case import NO_ACCOUNT, NO_TALK, Case

from hub.commands import Action

ANSWERS: dict[Action, Case] = {
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
        ("/开", "全店没有单独停着，自动回复和发货都正常"),
        unknown=("/开 谁", NO_ACCOUNT),
        wrong=[("/停", "⛔"), ("/开 小店", "【小店】没有单独停着")],
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
}
