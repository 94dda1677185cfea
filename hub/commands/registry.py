"""Every command: its names, what it does, who may use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.commands.actions import Action
from hub.model import Role


@dataclass(frozen=True, slots=True)
class Command:
    action: Action
    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: str
    role: Role
    """The least role that may use it."""
    details: str = ""


COMMANDS: tuple[Command, ...] = (
    Command(
        Action.HELP,
        "帮助",
        ("help", "h", "?", "？"),
        "/帮助 [命令]",
        "列出命令，或说明一条命令",
        Role.VIEWER,
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
        Action.ITEMS,
        "商品",
        ("items",),
        "/商品 [账号] [关键词]",
        "在售商品和价格",
        Role.VIEWER,
        "列出在售的商品；写上账号名只看那个账号，写上关键词只看标题里有它的。一天向闲鱼读一次，"
        "要马上更新请到后台「账号 → 商品」里刷新。",
    ),
    Command(
        Action.PAUSE,
        "暂停",
        ("pause",),
        "/暂停 [对象] [时长]",
        "停止自动回复",
        Role.AGENT,
        "对象：引用一条通知或写编号（如 #a7）是那个会话，再加「商品」或「账号」是它的商品、账号；"
        "也可以写账号名、商品 ID 或标题里的字；都没有就是整个店铺。"
        "时长：30分钟、2小时、到18:00、到明天9点；不写或写「一直」，就停到 /恢复。发货不受影响。",
    ),
    Command(
        Action.RESUME,
        "恢复",
        ("resume",),
        "/恢复 [对象]",
        "恢复自动回复",
        Role.AGENT,
        "对象和 /暂停 一样写；都没有就解除整个店铺的暂停。只解除那一层，别的还停着会告诉你。",
    ),
    Command(
        Action.TAKE_OVER,
        "接管",
        ("takeover",),
        "/接管 [#编号] [时长]",
        "这个会话先由人来，自动回复停一会儿",
        Role.AGENT,
        "引用一条通知，或写上编号。不写时长就按账号的人工接管分钟数。"
        "回复买家本身就会接管，这条命令用在还没想好怎么答的时候。",
    ),
    Command(
        Action.RECALL,
        "撤回",
        ("recall",),
        "/撤回 [#编号]",
        "撤回刚发给买家的话",
        Role.AGENT,
        "引用你自己写的那句、它的回执，或者买家的通知；也可以只写编号。"
        "引用自己的那句或回执时，只写一个「撤」字也行。"
        "引用通知或写编号时，撤回那个会话里最后一次回复。闲鱼只允许撤回 2 分钟内的消息。",
    ),
    Command(
        Action.FOCUS,
        "聊",
        ("chat",),
        "/聊 #编号|买家名",
        "专心和一位买家聊：之后写的话都发给他",
        Role.AGENT,
        "只在私聊里用。引用买家的通知写 /聊 也行；编号可以只写 a7 或者 7。"
        "每条回执前面都写着正在和谁聊；引用别的通知，那一句就发给别的买家，并告诉你。"
        "写 /退出 结束，10 分钟没有写话也会自己结束，都会告诉你。不写买家就说出现在和谁聊。",
    ),
    Command(
        Action.LEAVE,
        "退出",
        ("leave", "exit"),
        "/退出",
        "不再专心和一位买家聊",
        Role.VIEWER,
    ),
    Command(
        Action.HISTORY,
        "历史",
        ("history",),
        "/历史 [#编号] [条数]",
        "一个会话最近说过的话",
        Role.VIEWER,
        "引用一条通知，或写上编号；正在 /聊 的话可以都不写。不写条数就是 10 条，最多 30 条。"
        "发过的卡密在群里、给只读成员看时遮住。",
    ),
    Command(
        Action.NOTE,
        "备注",
        ("note",),
        "/备注 [#编号] [备注]",
        "给买家写一句备注，以后的通知里会看到",
        Role.AGENT,
        "引用买家的通知，或写上编号。再写一次就换成新的；不写备注就显示现在的。买家看不到。",
    ),
    Command(
        Action.TAG,
        "标签",
        ("tag",),
        "/标签 [#编号] [标签 …]",
        "给买家加标签",
        Role.AGENT,
        "几个标签用空格分开；前面写减号就去掉：/标签 #a7 老客 -爱砍价。买家看不到。",
    ),
    Command(
        Action.BLOCK,
        "拉黑",
        ("block",),
        "/拉黑 [#编号] [取消]",
        "不再自动回复这位买家，订单先问你",
        Role.AGENT,
        "引用买家的通知，或写上编号。他所有的会话都算；消息照样通知你，你也照样能回复。"
        "后悔了写 /拉黑 取消。",
    ),
    Command(
        Action.CLEAR,
        "清除",
        ("clear",),
        "/清除 [#编号] [备注|标签|拉黑]",
        "去掉买家的备注、标签和拉黑",
        Role.AGENT,
        "引用买家的通知，或写上编号。不写去掉哪样，就都去掉。",
    ),
    Command(
        Action.CANNED,
        "k",
        ("常用语", "常用"),
        "/k [短码]",
        "把存好的常用语发给买家",
        Role.AGENT,
        "引用买家的通知，或写上编号：/k #a7 地址。短码写开头几个字就行，不写就列出全部。",
    ),
    Command(
        Action.SAVE_CANNED,
        "存",
        ("存常用语", "save"),
        "/存 短码 [要说的话]",
        "存一条常用语",
        Role.AGENT,
        "引用你自己写的一句回复，只写短码就存下那句；也可以把要说的话写在短码后面。"
        "同一个短码再存一次就换成新的。",
    ),
    Command(
        Action.WHY,
        "为什么",
        ("why",),
        "/为什么 [#编号|订单号]",
        "为什么这样回复，或者没有回复",
        Role.VIEWER,
        "引用买家的通知，或写上编号：说出那句话是怎么决定的。写订单号就是那笔订单的经过。",
    ),
    Command(
        Action.TRY,
        "试",
        ("try",),
        "/试 [商品] 买家的话",
        "买家这样问会怎么回复，只看不发",
        Role.VIEWER,
        "商品写编号，或者标题里的几个字，空一格再写买家的话；不写商品也行。",
    ),
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
    Command(
        Action.HAND_OVER,
        "转",
        ("转交", "转给"),
        "/转 成员 [#编号]",
        "把这位买家转给另一位同事",
        Role.AGENT,
        "引用买家的通知写 /转 小李，或者 /转 小李 #a7。对方会收到最近的对话，接着由他回复。",
    ),
    Command(
        Action.LATER,
        "稍后",
        ("稍后提醒", "later"),
        "/稍后 [时长] [#编号]",
        "过一会儿还没人回复就提醒你",
        Role.AGENT,
        "引用买家的通知，或写上编号：/稍后 20m #a7。不写时长就是 20 分钟；有人回复了就不提醒。",
    ),
    Command(
        Action.SILENCE,
        "静音",
        ("免打扰", "mute"),
        "/静音 [时长|关]",
        "买家消息先不发给你",
        Role.VIEWER,
        "时长：2小时、到8:00、一直；不写就是 1 小时。待处理和账号异常照发。结束时给你一条小结。",
    ),
    Command(
        Action.DUTY,
        "值班",
        ("duty",),
        "/值班 [我|成员] [时长]",
        "谁在值班，或者临时接班",
        Role.VIEWER,
        "不写就看现在谁值班。/值班 我 到22:00 临时接班，/值班 结束 下班；排班在后台的「通知」里。"
        "有人值班时，买家消息只发给值班的人。",
    ),
    Command(
        Action.BIND,
        "绑定",
        ("bind",),
        "/绑定 绑定码",
        "把这个 QQ 绑定到你名下",
        Role.VIEWER,
        "绑定码在后台「成员 → 绑定 QQ」里取，10 分钟内有效，只能用一次。",
    ),
    Command(
        Action.UNBIND,
        "解绑",
        ("unbind",),
        "/解绑",
        "这个 QQ 不再是你的",
        Role.VIEWER,
        "解绑后这个 QQ 收不到通知，也不能再发命令，所以会先请你确认。",
    ),
)


BY_NAME = {name: c for c in COMMANDS for name in (c.name, *c.aliases)}


def find_command(name: str) -> Command | None:
    return BY_NAME.get(name.strip().lstrip("/／").lower())


def may(role: Role, least: Role) -> bool:
    order: Sequence[Role] = (Role.VIEWER, Role.AGENT, Role.OWNER)
    return order.index(role) >= order.index(least)
