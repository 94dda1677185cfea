"""The shop at a glance, what is missing to get going, and the switch for the whole shop."""

from __future__ import annotations

from aiohttp import web

from hub.model import WHOLE_SHOP, TaskKind
from hub.text import nodes as words
from web.auth import operator
from web.pages.needs import stops_of
from web.render import render
from web.site import SITE

WAITING: dict[TaskKind, str] = {
    TaskKind.SEND: "要发给买家的消息",
    TaskKind.RECALL: "要撤回的消息",
    TaskKind.ANSWER: "要问 AI 的买家消息",
    TaskKind.READ: "要标为已读的会话",
    TaskKind.NOTICE: "要发到 QQ 的通知",
    TaskKind.RECEIPT: "要发到 QQ 的回执",
    TaskKind.DELIVER: "等着到时间再发的货",
    TaskKind.SHIP: "要标记发货的订单",
    TaskKind.FREE_SHIPPING: "要免拼的小刀订单",
    TaskKind.PRICE: "要改价的订单",
    TaskKind.SUPPLY: "要向供货方取的货",
    TaskKind.READ_ORDER: "要读取的订单",
    TaskKind.ITEM: "要读取的商品",
    TaskKind.MAIL: "要发的邮件",
}
ON_TIME = (TaskKind.REMIND, TaskKind.DRAFT, TaskKind.PING, TaskKind.SUMMARY, TaskKind.DIGEST)
"""Not waiting, but set for later: nothing is behind."""


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    view = await site.desk.system.overview(who)
    rules = await site.desk.rules.all(who)
    needs = await site.desk.needs.open(who)
    halts = await site.desk.emergency.standing(who)
    halted = {one.account.id if one.account is not None else None for one in halts}
    marks = await stops_of(request)
    template = "overview_part.html" if "part" in request.query else "overview.html"
    return render(
        request,
        template,
        view=view,
        bots=site.qq(),
        qq_wanted=site.settings.qq.enabled,
        has_rules=any(rule.enabled for rule in rules),
        delivers=any(rule.enabled for rule in await site.desk.delivery_rules.all(who)),
        has_pools=bool(await site.desk.stock.overview(who)),
        waiting=[
            (WAITING[kind], n) for kind, n in view.waiting.items() if n and kind not in ON_TIME
        ],
        needs=needs,
        nodes=words.node_lines(view.nodes, {one.id: one.name for one in view.accounts}),
        halts=halts,
        halted=halted,
        **{**marks, "stops": [one for one in marks["stops"] if one.account not in halted]},
        holds=[one for one in view.holds if not one.place.halted],
        shop_held=any(one.hold.scope == WHOLE_SHOP for one in view.holds),
    )


ROUTES = (web.get("/", show),)
