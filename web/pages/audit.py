"""Who did what, through which door, for owners."""

from __future__ import annotations

from aiohttp import web

from hub import text
from web.auth import operator
from web.render import render
from web.site import SITE

MOST_ENTRIES = 200

DOORS = {"qq": "QQ", "web": "网页", "cli": "命令行", "phone": "手机"}
ACTIONS = {
    "account.add": "添加账号",
    "account.log_in": "更新账号登录",
    "account.scan": "发起扫码登录",
    "account.reconnect": "重新连接账号",
    "account.enable": "启用账号",
    "account.disable": "停用账号",
    "account.configure": "修改账号设置",
    "account.proxy": "更换账号代理",
    "account.proxy_off": "账号改为直连",
    "answer": "回复买家",
    "recall": "撤回",
    "draft.send": "发出 AI 草稿",
    "draft.another": "让 AI 换一份草稿",
    "draft.drop": "不要 AI 草稿",
    "canned.save": "存常用语",
    "canned.remove": "删除常用语",
    "offer.answer": "答复买家还价",
    "floor.set": "设底价",
    "words.forbid": "修改禁用词",
    "order.price": "改价",
    "pause": "暂停自动回复",
    "resume": "恢复自动回复",
    "take_over": "接管会话",
    "mail.test": "发测试邮件",
    "backup.make": "备份",
    "backup.take": "下载备份",
    "backup.restore": "从备份恢复",
    "focus": "专心和买家聊",
    "buyer.note": "修改买家备注",
    "buyer.block": "拉黑买家",
    "buyer.unblock": "取消拉黑",
    "member.add": "添加成员",
    "member.change": "修改成员",
    "member.found_shop": "建立店铺",
    "member.code": "取绑定码",
    "member.bind": "绑定 QQ",
    "member.unbind": "解绑 QQ",
    "people.route": "添加通知规则",
    "people.route_removed": "删除通知规则",
    "people.route_raised": "上移通知规则",
    "people.group": "添加 QQ 群",
    "people.group_removed": "移出 QQ 群",
    "people.shift": "添加班次",
    "people.shift_removed": "删除班次",
    "people.habits": "修改安静时段、提醒和日报",
    "people.away": "修改安静时段的自动答复",
    "handing.needs_nothing": "不再提醒",
    "people.silence": "静音",
    "people.silence_over": "结束静音",
    "people.duty": "接班",
    "people.duty_over": "下班",
    "handing.over": "转交会话",
    "handing.later": "稍后提醒",
    "pool.add": "添加卡池",
    "pool.change": "修改卡池",
    "pool.picture": "修改卡池图片",
    "pool.supplier": "修改供货接口",
    "pool.test": "试取供货接口",
    "pool.remove": "删除卡池",
    "stock.add": "补货",
    "card.void": "作废卡密",
    "card.note": "备注卡密",
    "order.deliver": "人工发货",
    "order.deliver_anyway": "确认后人工发货",
    "order.resend": "再发一次",
    "order.arrived": "确认买家已收到",
    "order.outside": "记为在别处发货",
    "order.release": "卡密退回库存",
    "order.release_anyway": "确认后把卡密退回库存",
    "order.refuse": "决定不发",
    "order.ship": "标记发货",
    "order.ship_anyway": "确认后标记发货",
    "order.free": "免拼",
    "emergency.halt": "全部急停",
    "emergency.go": "全部恢复",
    "ai.mode": "改 AI 的程度",
    "order.read": "重新读订单",
    "need.close": "处理待处理",
    "delivery.stop": "发货急停",
    "delivery.resume": "恢复发货",
    "delivery.guards": "修改发货防护",
    "delivery_rule.add": "添加发货规则",
    "delivery_rule.change": "修改发货规则",
    "delivery_rule.remove": "删除发货规则",
    "ai.profile.add": "添加 AI",
    "ai.profile.change": "修改 AI",
    "ai.profile.on": "启用 AI",
    "ai.profile.off": "停用 AI",
    "ai.profile.remove": "删除 AI",
    "ai.profile.test": "试答",
    "ai.configure": "修改 AI 设置",
    "ai.replay": "重新问 AI",
    "rule.add": "添加规则",
    "rule.change": "修改规则",
    "rule.remove": "删除规则",
    "rule.import": "导入规则",
    "import": "从原系统导入",
    "import.upload": "上传原系统的数据库",
    "import.start": "开始从原系统导入",
    "import.drop": "删掉上传的数据库",
}
CONVERSATION_ACTIONS = (
    "answer",
    "recall",
    "draft.send",
    "draft.another",
    "draft.drop",
    "pause",
    "resume",
    "take_over",
    "pause",
    "resume",
    "take_over",
    "focus",
    "buyer.note",
    "buyer.block",
    "buyer.unblock",
)
"""Their target is a ticket, an item, an account, or `shop` for all conversations."""

AI_WORDS = {**{mode.value: said for mode, said in text.AI_MODES.items()}, "default": "默认"}
HELD = {"item": "商品", "account": "账号"}


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    entries = await site.desk.system.audit(who, MOST_ENTRIES)
    members = await site.desk.members.all(who)
    return render(
        request,
        "audit.html",
        entries=entries,
        names={member.id: member.name for member in members},
        doors={**DOORS, "hub": "自动"},
        actions=ACTIONS,
        target=_target,
    )


def _target(action: str, target: str) -> str:
    if action in CONVERSATION_ACTIONS:
        what, _, name = target.partition(" ")
        if name:
            return f"{HELD.get(what, what)} {name}"
        return "整个店铺" if target == "shop" else f"#{target}"
    if action == "floor.set":
        what, _, name = target.partition(" ")
        return f"{HELD.get(what, what)} {name}" if name else "全店"
    if action == "words.forbid":
        return f"{target} 个词"
    if action == "card.note":
        return f"卡密 {target}"
    if action in ("delivery.stop", "delivery.resume", "emergency.halt", "emergency.go"):
        return "全店" if target == "shop" else target.replace("account", "账号")
    if action == "ai.mode":
        name, _, mode = target.rpartition(" ")
        return f"{'全店' if name == 'shop' else name} {AI_WORDS.get(mode, mode)}"
    if action == "ai.configure":
        return "全店" if target == "shop" else target
    if action.startswith("order."):
        return f"订单 {target}"
    if action in ("need.close", "offer.answer"):
        return f"待处理 {target}"
    if action.startswith("delivery_rule."):
        return f"发货规则 {target}"
    if action == "rule.import":
        return target
    return f"规则 {target}" if action.startswith("rule.") else target


ROUTES = (web.get("/audit", show),)
