"""Stock, orders and deliveries."""

from __future__ import annotations

from command_case import (
    BARGAIN,
    FIRST,
    NO_ACCOUNT,
    NO_ORDER,
    NO_POOL,
    ORDER,
    REVIEWED,
    UNPAID,
    Case,
)

from hub.commands import Action

TRADE: dict[Action, Case] = {
    Action.STOCK: Case(("/库存", "月卡 剩 3"), unknown=("/库存 谁", NO_POOL)),
    Action.RESTOCK: Case(
        ("/补货 月卡\nAAAA-0001", "入库 1 张"),
        ("/补货", "请写上卡池名"),
        ("/补货 谁\nAAAA", NO_POOL),
        [("/补货 月卡", "下面一行写一张卡密")],
    ),
    Action.VOID: Case(
        ("/作废 CODE-1111 坏了", "确定的话"),
        ("/作废", "没有作废：写上完整的卡密"),
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
        (f"/补发 {REVIEWED}", "确定的话"),
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
        (f"/免拼 {BARGAIN}", "免拼以后订单就按小刀价成交，不能撤回"),
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
        (f"/退回 {REVIEWED}", "确定的话"),
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
}
