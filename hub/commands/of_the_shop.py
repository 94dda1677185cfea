"""What is asked of the shop, its accounts and its items."""

from __future__ import annotations

from hub.commands.actions import Action
from hub.commands.command import Command
from hub.model import Role

SHOP: tuple[Command, ...] = (
    Command(
        Action.HELP,
        "帮助",
        ("help", "h", "?", "？"),
        "/帮助 [命令|组名|全部]",
        "列出命令，或说明一组、一条命令",
        Role.VIEWER,
        "什么都不写是一屏目录，一组一行；组名写开头就行：/帮助 订单。"
        "/帮助 全部 列出你能用的每一条。",
    ),
    Command(
        Action.STATUS,
        "状态",
        ("status",),
        "/状态",
        "账号、待发消息和暂停情况一览",
        Role.VIEWER,
    ),
    Command(
        Action.ACCOUNTS,
        "账号",
        ("accounts",),
        "/账号",
        "每个闲鱼账号现在的连接状态",
        Role.VIEWER,
    ),
    Command(
        Action.RECONNECT,
        "重连",
        ("重新连接", "reconnect"),
        "/重连 [账号名]",
        "让没有连上的账号马上再试一次",
        Role.OWNER,
        "账号名写一部分就行，也可以引用它的一条通知。"
        "账号在等待、已停下、登录失效或需要验证时用。只有一个账号没连上时可以不写名字。"
        "需要验证的账号，请先在闲鱼里把验证做完再发：程序只试一次，还要验证就又停下。",
    ),
    Command(
        Action.LOG_IN,
        "登录",
        ("扫码", "login"),
        "/登录 [账号名]",
        "发一个二维码，用闲鱼扫码重新登录",
        Role.OWNER,
        "只在私聊里用。过期会自动换一张，扫码、确认和需要验证都会告诉你。"
        "只有一个账号，或只有一个没连上时可以不写名字。登录失效的时候，二维码会自己发给店主一次。",
    ),
    Command(
        Action.SWITCH_ON,
        "启用",
        ("enable",),
        "/启用 账号名",
        "让停用的账号重新连上闲鱼",
        Role.OWNER,
        "设置和登录都还在。",
    ),
    Command(
        Action.SWITCH_OFF,
        "停用",
        ("disable",),
        "/停用 账号名",
        "账号断开，不收也不发",
        Role.OWNER,
        "买家的消息、订单都收不到了，也不会自动发货，直到 /启用。"
        "只想停自动回复用 /暂停，只想停发货用 /停发。",
    ),
    Command(
        Action.CHECK_UP,
        "体检",
        ("check",),
        "/体检 [商品]",
        "现在有人买，会不会自动发货",
        Role.VIEWER,
        "商品写编号，或者标题里的几个字：说出会按哪条规则、从哪个卡池发，不会发的话差在哪里。"
        "不写就查一遍账号、急停、每条规则的库存和没处理完的事。",
    ),
    Command(
        Action.BACKUP,
        "备份",
        ("backup",),
        "/备份",
        "马上备份一次",
        Role.OWNER,
        "做完会检查，再告诉你文件名。每天的自动备份照常。",
    ),
    Command(
        Action.ITEMS,
        "商品",
        ("items",),
        "/商品 [账号] [关键词]",
        "在售商品和价格",
        Role.VIEWER,
        "列出在售的商品；写上账号名只看那个账号，写上关键词只看标题里有它的。一天向闲鱼读一次，"
        "要马上更新请到后台「账号 → 商品」里刷新。",
    ),
)
