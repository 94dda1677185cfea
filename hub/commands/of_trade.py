"""Stock, orders and deliveries."""

from __future__ import annotations

from hub.commands.actions import Action
from hub.commands.command import Command
from hub.model import Role

TRADE: tuple[Command, ...] = (
    Command(
        Action.STOCK,
        "库存",
        ("stock",),
        "/库存 [卡池名]",
        "每个卡池还剩多少、够卖几天",
        Role.VIEWER,
    ),
    Command(
        Action.RESTOCK,
        "补货",
        ("入库", "restock"),
        "/补货 卡池名",
        "往卡池里加卡密，下面一行一张",
        Role.AGENT,
        "只在私聊里用。第一行写卡池名，从第二行起一行一张卡密。"
        "重复的和店里有过的会跳过并告诉你是哪几行。",
    ),
    Command(
        Action.VOID,
        "作废",
        ("void",),
        "/作废 卡密 原因",
        "让一张卡密不再发出",
        Role.OWNER,
        "只在私聊里用。要写完整的卡密，空一格再写原因；发出过的也能作废，记录会留下。"
        "不能恢复，所以会先请你确认。",
    ),
    Command(
        Action.NEEDS,
        "待处理",
        ("needs", "待办"),
        "/待处理",
        "等你决定的订单，和可以选的做法",
        Role.VIEWER,
        "付了款却没有自动发出的订单都在这里，带编号和可选的做法，处理完才消失。"
        "用 /处理 37 1 选第 1 个做法；引用那条通知只回一个数字也行。",
    ),
    Command(
        Action.SETTLE,
        "处理",
        ("settle",),
        "/处理 编号 [做法]",
        "选一个做法，例如 /处理 37 1",
        Role.AGENT,
        "做法可以写数字，也可以写字：/处理 37 补发。不写做法就列出来让你选。"
        "没有规则的订单，写上卡池：/处理 37 1 月卡。"
        "买家可能已经收到过的，会先请你确认。",
    ),
    Command(
        Action.ORDER,
        "单",
        ("订单", "order"),
        "/单 [订单号|#编号|买家名]",
        "一笔订单和它的发货经过",
        Role.VIEWER,
        "订单号写末尾几位就行；也可以写买家名、商品标题里的字，或者引用一条通知。"
        "什么都不写就列出最近的订单。卡密只在私聊里给客服和店主看全，群里遮住。",
    ),
    Command(
        Action.DELIVER,
        "发货",
        ("deliver",),
        "/发货 订单号|#编号 [卡池] [2份]",
        "现在就给这笔订单发货",
        Role.AGENT,
        "按发货规则的卡池发；写上卡池名就从那个卡池发。订单上看不出件数时写上份数。"
        "防护规则不再拦它，急停和退款会拦。发过的不会再发，那要用 /补发。",
    ),
    Command(
        Action.RESEND,
        "补发",
        ("resend",),
        "/补发 订单号|#编号",
        "把同样的卡密再发一次",
        Role.AGENT,
        "发的是同一张卡密，不会用掉新的。每次都要确认。",
    ),
    Command(
        Action.OUTSIDE,
        "发货完成",
        ("outside",),
        "/发货完成 订单号|#编号",
        "你已经在别处发了，别再自动发",
        Role.AGENT,
        "预留的卡密退回库存。要在闲鱼里标记发货，用 /标记发货。",
    ),
    Command(
        Action.SHIP,
        "标记发货",
        ("ship",),
        "/标记发货 订单号|#编号",
        "只在闲鱼里标记发货，不发卡密",
        Role.AGENT,
        "还没有给买家发过内容的，会先请你确认。",
    ),
    Command(
        Action.PRICE,
        "改价",
        ("price",),
        "/改价 订单号|#编号 金额",
        "改一笔待付款订单的价格",
        Role.AGENT,
        "金额是买家一共要付的钱，邮费算 0 元，例如 /改价 4556 15 或 /改价 #a7 15。"
        "每次都要确认；改没改成会再告诉你。买家付了款就不能改了。",
    ),
    Command(
        Action.FLOOR,
        "底价",
        ("floor",),
        "/底价 [商品|全店|账号] [底价]",
        "商品最多能让到多少",
        Role.OWNER,
        "底价可以写最低价（18）、最多降百分之几（10%）、最多降几元（减5）或不降价；写默认就跟着账号和全店。"
        "商品写编号或标题里的字，也可以引用买家的通知只写底价。什么都不写就列出设过的。"
        "没有设底价的商品一分不降；买家出价低于底价时由你决定。",
    ),
    Command(
        Action.RELEASE,
        "退回",
        ("release",),
        "/退回 订单号|#编号",
        "预留的卡密退回库存",
        Role.AGENT,
        "买家可能已经看到的，会先请你确认：退回以后会卖给别人。",
    ),
    Command(
        Action.REFUSE,
        "不发",
        ("refuse",),
        "/不发 订单号|#编号",
        "这笔订单不发货",
        Role.AGENT,
        "预留的卡密退回库存。退款请在闲鱼里处理。",
    ),
    Command(
        Action.STOP,
        "停发",
        ("急停", "停止发货"),
        "/停发 [账号]",
        "马上停止发货：一个账号或全店",
        Role.AGENT,
        "从下一条消息起就不发了，重启也不会自己恢复。自动回复不受影响（那是 /暂停）。",
    ),
    Command(
        Action.GO_ON,
        "开发",
        ("恢复发货", "续发"),
        "/开发 [账号]",
        "停发以后恢复发货",
        Role.OWNER,
        "停发期间留下来的订单会接着发。全店和单个账号的停发要分别恢复。",
    ),
    Command(
        Action.DELIVERY_RULES,
        "发货规则",
        (),
        "/发货规则",
        "每条发货规则做什么",
        Role.VIEWER,
        "添加和修改在后台的「发货规则」里。",
    ),
)
