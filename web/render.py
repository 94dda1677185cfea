"""Templates and what they may use; how a page, a redirect and a refusal look as responses."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

import aiohttp_jinja2
import jinja2
from aiohttp import web

from hub import text
from hub.commands import may
from hub.desk import ROLES
from hub.model import RESTING, AccountState, MessageState, NeedKind, Origin, Role
from hub.text import gathered as qq_words
from hub.text import people as people_words
from web.auth import LOGIN, OPEN_NEEDS, form_token, remember_form_token
from web.forms import Form
from web.site import SITE

ASSETS = web.AppKey("assets", str)
"""Short hash of all static files, part of their addresses so that browsers may keep them."""

DONE: dict[str, str] = {
    "account-added": "账号已添加，正在连接闲鱼。",
    "account-changed": "已保存。",
    "account-renewed": "新的登录已收下，正在重新连接。",
    "account-reconnecting": "正在重新连接，结果会显示在这里。",
    "account-no-need": "这个账号已经连上或正在连接，不需要重新连接。",
    "account-proxy": "代理已保存，账号正在用它重新连接。",
    "account-direct": "已改为直连，账号正在重新连接。",
    "account-on": "账号已启用，正在连接闲鱼。",
    "account-off": "账号已停用，不再收发消息。",
    "answer-queued": "已收下，正在发送。",
    "draft-queued": "草稿已收下，正在发送。",
    "items-read": "商品已经从闲鱼读取。",
    "recalling": "正在撤回。",
    "recall-cancelled": "还没有发出，已经取消。",
    "words-kept": "禁用词已保存，马上生效。",
    "import-dropped": "文件已经从服务器上删掉。",
    "backup-made": "备份做好了，也检查过了。",
    "floor-set": "底价已保存，马上生效。",
    "order-done": "已收下，结果会显示在经过里。",
    "need-done": "已处理。",
    "delivery-stopped": "已停止发货，马上生效。",
    "delivery-resumed": "已恢复发货，停发期间留下的订单会接着发。",
    "delivery-resumed-partly": "这里恢复了发货，但还有别的停着，见页面上的说明。",
    "halted": "已全部停下，马上生效。",
    "going": "自动回复和发货都恢复了，停着时留下的订单会接着发。",
    "going-partly": "这里的急停解除了，但还有别的停着，见页面上的说明。",
    "guards-changed": "防护已保存。",
    "paused": "自动回复已暂停。",
    "resumed": "自动回复已恢复。",
    "resumed-partly": "这一层已恢复，但还有别的暂停没有解除，见页面上的说明。",
    "taken-over": "已接管这个会话。",
    "mail-tested": "测试邮件已经交给邮件服务器，去收件箱看看；没有就找找垃圾箱。",
    "notices-changed": "已保存，从下一条通知开始用。",
    "qq-unbound": "已移除，机器人不再理这个 QQ。",
    "member-added": "成员已添加。",
    "member-changed": "成员已保存。",
    "password-changed": "密码已更新，请用新密码登录。",
    "pool-added": "卡池已添加。",
    "pool-changed": "卡池已保存。",
    "pool-removed": "卡池已删除。",
    "stock-added": "已入库。",
    "supplier-changed": "供货接口已保存，可以在下面试取一张。",
    "card-changed": "备注已保存。",
    "card-void": "卡密已作废。",
    "canned-saved": "常用语已保存。",
    "canned-removed": "常用语已删除。",
    "draft-again": "AI 正在换一份草稿，写好就出现在这里。",
    "buyer-saved": "买家的备注和标签已保存。",
    "draft-dropped": "草稿不要了，买家什么也不会收到。",
    "ai-profile-added": "AI 已添加，可以在下面试答一次。",
    "ai-profile-changed": "AI 已保存。",
    "ai-profile-removed": "AI 已删除。",
    "ai-changed": "已保存，马上生效。",
    "rule-added": "规则已添加。",
    "rule-changed": "规则已保存。",
    "rule-removed": "规则已删除。",
    "rules-imported": "规则已导入，从下一句话开始用。",
    "logged-out": "你已退出登录。",
    "welcome": "店铺已经建好，你现在是店主。",
}
"""What a page says after something was done; the address carries the key only."""

MESSAGE_STATES: dict[MessageState, str] = {
    MessageState.RECEIVED: "",
    MessageState.DRAFT: "草稿",
    MessageState.QUEUED: "排队中",
    MessageState.SENDING: "发送中",
    MessageState.ACCEPTED: "已送达",
    MessageState.READ: "已读",
    MessageState.REJECTED: "被闲鱼拒绝",
    MessageState.UNCERTAIN: "不确定是否送达",
    MessageState.DROPPED: "没有发出",
    MessageState.RECALLED: "已撤回",
}

ORIGINS: dict[Origin, str] = {
    Origin.BUYER: "买家",
    Origin.PLATFORM: "闲鱼",
    Origin.PHONE: "手机上回复",
    Origin.OPERATOR: "客服",
    Origin.RULE: "自动回复",
    Origin.AI: "AI 回复",
    Origin.DELIVERY: "自动发货",
    Origin.TOGGLE: "手机上暂停/恢复",
}


NEED_HINTS: dict[NeedKind, str] = {
    NeedKind.OUT_OF_STOCK: "先补货，再点「发货」；也可以在订单里从别的卡池发。",
    NeedKind.NO_RULE: "点「发货」选一个卡池；以后要自动发，就给这个商品加一条发货规则。",
    NeedKind.UNKNOWN_SPEC: "点「发货」选一个卡池；以后要自动发，就给这个规格加一条发货规则。",
    NeedKind.UNCERTAIN: "先到聊天里看一眼买家收到没有，再选。",
}
"""What to do about a need, where the buttons alone do not say it."""


def setup_templates(app: web.Application) -> None:
    environment = aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        bot_name=qq_words.bot_name,
        plain=text.plain,
        place=text.place_name,
        shorten=text.shorten,
        shown_url=shown_url,
        voice=text.voice,
        price=text.price,
        qq_name=qq_words.address_name,
    )
    environment.globals.update(
        account_states=text.ACCOUNT_STATES,
        message_states=MESSAGE_STATES,
        origins=ORIGINS,
        outcome=text.outcome,
        pool_kinds=text.POOL_KINDS,
        card_states=text.CARD_STATES,
        card_steps=text.CARD_STEPS,
        lasts=text.lasts,
        ai_hours=text.ai_hours,
        ai_modes=text.AI_MODES,
        choices=text.CHOICES,
        delivery_states=text.DELIVERY_STATES,
        intents=text.INTENTS,
        need_kinds=text.NEED_KINDS,
        need_hints=NEED_HINTS,
        order_statuses=text.ORDER_STATUSES,
        step_orders=text.STEP_ORDERS,
        steps=text.STEPS,
        order_status=text.order_status,
        bought=text.bought,
        floor_words=text.floor_words,
        money=text.money,
        size=text.backups.size,
        delivered_so_far=text.delivered_so_far,
        stop_line=text.stop_line,
        roles=ROLES,
        notice_kinds=people_words.NOTICE_KINDS,
        role_words=people_words.ROLE_WORDS,
        weekdays=people_words.WEEKDAYS,
        may_reconnect=(AccountState.WAITING, *RESTING),
    )


def render(
    request: web.Request, template: str, *, status: int = 200, **context: Any
) -> web.Response:
    """A page made from a template; `context` is added to what every page has."""
    site = request.app[SITE]
    login = request.get(LOGIN)
    role = login.operator.member.role if login is not None else None
    now = site.now()
    token = form_token(request)
    context = {
        "member": login.operator.member if login is not None else None,
        "may_answer": role is not None and may(role, Role.AGENT),
        "may_configure": role is not None and may(role, Role.OWNER),
        "csrf": token,
        "path": request.path,
        "address": request.path_qs,
        "open_needs": request.get(OPEN_NEEDS, 0),
        "version": site.version,
        "assets": request.app[ASSETS],
        "done": DONE.get(request.query.get("done", ""), ""),
        "form": Form(),
        "clock": lambda at: text.clock(at, site.zone, now),
        "since": lambda at: text.since(at, now),
        "next_try": lambda account: text.next_try(account, site.zone, now),
        **context,
    }
    response = aiohttp_jinja2.render_template(template, request, context, status=status)
    if login is None:
        remember_form_token(response, request, token)
    return response


def see_other(path: str, done: str = "") -> web.HTTPSeeOther:
    """After something was done: where the browser goes next, and what it says there."""
    if not done:
        return web.HTTPSeeOther(path)
    separator = "&" if "?" in path else "?"
    return web.HTTPSeeOther(f"{path}{separator}{urlencode({'done': done})}")


def shown_url(url: str) -> str:
    """An address that a page may show or link to, empty for anything that is not http(s).

    The platform writes some without scheme or with http; its hosts all speak https.
    """
    if url.startswith("//"):
        url = f"https:{url}"
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme == "http" and not _is_local(parts.hostname or ""):
        return "https" + url[4:]
    return url if parts.scheme in ("http", "https") else ""


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")
