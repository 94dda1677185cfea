"""The shop at a glance, what is missing to get going, and the switch for the whole shop."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from hub.model import TaskKind
from web.auth import operator, safe_next
from web.forms import Form
from web.pages.needs import stops_of
from web.render import render, see_other
from web.site import SITE

PAUSES: dict[str, timedelta | None] = {
    "30": timedelta(minutes=30),
    "120": timedelta(hours=2),
    "1440": timedelta(days=1),
    "": None,
}
"""Offered lengths of a pause by form value; None lasts until somebody resumes."""

WAITING: dict[TaskKind, str] = {
    TaskKind.SEND: "要发给买家的消息",
    TaskKind.NOTICE: "要发到 QQ 的通知",
    TaskKind.RECEIPT: "要发到 QQ 的回执",
    TaskKind.DELIVER: "等着到时间再发的货",
    TaskKind.SHIP: "要标记发货的订单",
    TaskKind.FREE_SHIPPING: "要免拼的小刀订单",
    TaskKind.READ_ORDER: "要读的订单",
}
ON_TIME = (TaskKind.REMIND,)
"""Not waiting, but set for later: nothing is behind."""


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    view = await site.desk.system.overview(who)
    rules = await site.desk.rules.all(who)
    needs = await site.desk.needs.open(who)
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
            (WAITING.get(kind, kind), n)
            for kind, n in view.waiting.items()
            if n and kind not in ON_TIME
        ],
        needs=needs,
        **await stops_of(request),
        shop_held=any(conversation is None for _, conversation in view.holds),
    )


async def pause_shop(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.inbox.pause(
        operator(request), None, length=form.choice("length", PAUSES)
    )
    raise see_other("/", "paused")


async def resume_shop(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.inbox.resume(operator(request), None)
    raise see_other(safe_next(form["back"]), "resumed")


ROUTES = (
    web.get("/", show),
    web.post("/shop/pause", pause_shop),
    web.post("/shop/resume", resume_shop),
)
