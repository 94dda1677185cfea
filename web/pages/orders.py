"""Orders: the list, one order with its story, and what people do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlencode

from aiohttp import web

from hub.desk import Operator, Orders, OrderView
from hub.errors import Forbidden, NotConfirmed, NotFound, Refusal
from hub.model import Choice, OrderStatus, Pool, PoolId, Role
from web.auth import operator
from web.forms import Form
from web.pages.audit import DOORS
from web.render import render, see_other
from web.site import SITE

ON_A_PAGE = 30
STATUSES: dict[str, OrderStatus | None] = {"": None} | {one.value: one for one in OrderStatus}
ACTS: dict[str, tuple[str, str]] = {
    Choice.DELIVER: ("发货", "从卡池里取货，现在就发给买家。"),
    Choice.ARRIVED: (
        "买家已经收到",
        "你在闲鱼的聊天里看到买家已经收到了内容。卡密记为已发出，接着标记发货。",
    ),
    Choice.RESEND: ("再发一次", "发的是同样的内容、同一张卡密，不会用掉新的。"),
    Choice.OUTSIDE: (
        "已在别处发货",
        "记为你自己发过了，鱼桥不会再自动发。还没有发出的卡密退回库存。",
    ),
    Choice.SHIP: ("只标记发货", "在闲鱼里把这笔订单标记为已发货，不发任何内容。"),
    Choice.FREE: ("免拼", "小刀订单不等人砍，马上按小刀价成交。"),
    Choice.RELEASE: ("卡密退回库存", "给这笔订单预留的卡密退回卡池，以后会卖给别人。"),
    Choice.REFUSE: ("不发了", "这笔订单不再发货，预留的卡密退回库存。退款请在闲鱼里处理。"),
    Choice.READ: ("重新读订单", "向闲鱼再问一次这笔订单现在的状态。"),
}
"""What each act is called and does, for the page that asks before it is done."""
PIECES = "份数是 1 到 100 的整数；不填就按订单上的件数"
_Do = Callable[[Orders, Operator, str, str], Awaitable[OrderView]]
_DO: dict[str, _Do] = {
    Choice.ARRIVED: lambda orders, who, number, _: orders.arrived(who, number),
    Choice.OUTSIDE: lambda orders, who, number, _: orders.outside(who, number),
    Choice.SHIP: lambda orders, who, number, code: orders.ship(who, number, code=code),
    Choice.FREE: lambda orders, who, number, code: orders.free(who, number, code=code),
    Choice.RELEASE: lambda orders, who, number, code: orders.release(who, number, code=code),
    Choice.REFUSE: lambda orders, who, number, _: orders.refuse(who, number),
    Choice.READ: lambda orders, who, number, _: orders.read(who, number),
}


async def listing(request: web.Request) -> web.Response:
    site, who, query = request.app[SITE], operator(request), request.query
    account, words = query.get("account", ""), query.get("q", "")[:100]
    accounts = await site.desk.accounts.all(who)
    status = STATUSES.get(query.get("state", ""))
    known = {str(one.id): one.id for one in accounts}
    before = query.get("before", "")[:30]
    lines = await site.desk.orders.page(
        who,
        words,
        account=known.get(account),
        status=status,
        before=before,
        limit=ON_A_PAGE + 1,
    )
    filters = {"q": words.strip(), "state": status or "", "account": known.get(account) or ""}
    kept = {name: value for name, value in filters.items() if value}
    return render(
        request,
        "orders_part.html" if "part" in query else "orders.html",
        lines=lines[:ON_A_PAGE],
        older=urlencode({**kept, "before": lines[ON_A_PAGE - 1].order.id})
        if len(lines) > ON_A_PAGE
        else "",
        newest=urlencode(kept),
        paged=bool(before),
        accounts=accounts,
        account_names={one.id: one.name for one in accounts},
        account=known.get(account),
        state=status,
        words=words,
        filtered=bool(kept),
    )


async def show(request: web.Request) -> web.Response:
    view = await request.app[SITE].desk.orders.get(operator(request), _number(request))
    template = "order_part.html" if "part" in request.query else "order.html"
    return render(
        request,
        template,
        view=view,
        order=view.order,
        acts=[(act, ACTS[act][0]) for act in view.acts],
        doors={**DOORS, "hub": "自动"},
    )


async def ask(request: web.Request) -> web.Response:
    """Before an act: what it does, and what speaks against it."""
    operator(request).require(Role.AGENT)
    return await _ask(request, _act(request), Form())


async def do(request: web.Request) -> web.Response:
    form, act = await Form.sent(request), _act(request)
    site, who, number = request.app[SITE], operator(request), _number(request)
    await site.desk.orders.get(who, number)
    try:
        if act == Choice.DELIVER:
            await _deliver(request, form, number)
        elif act == Choice.RESEND:
            written = form.number("written", "这个页面过期了，请返回再点一次")
            await site.desk.orders.resend(who, number, code=form["code"], written=written)
        else:
            await _DO[act](site.desk.orders, who, number, form["code"])
    except Forbidden:
        raise
    except NotConfirmed as asked:
        return await _ask(request, act, form, asked)
    except Refusal as refusal:
        # Said on the page that asks: what stands in the way has changed, or can be mended there.
        return await _ask(request, act, form.refused(refusal))
    raise see_other(f"/orders/{number}", "order-done")


async def _deliver(request: web.Request, form: Form, number: str) -> None:
    who, desk = operator(request), request.app[SITE].desk
    pools: dict[str, PoolId | None] = {"": None}
    pools |= {str(pool.id): pool.id for pool in await _pools(request)}
    await desk.orders.deliver(
        who,
        number,
        pool=form.choice("pool", pools),
        units=form.number("units", PIECES) if form["units"].strip() else None,
        code=form["code"],
    )


async def _ask(
    request: web.Request, act: str, form: Form, asked: NotConfirmed | None = None
) -> web.Response:
    """`asked`: what the form that was sent has to be sent again for."""
    view = await request.app[SITE].desk.orders.get(operator(request), _number(request))
    title, says = ACTS[act]
    warning = asked.text if asked is not None else view.warning(Choice(act))
    return render(
        request,
        "order_act.html",
        status=400 if form.alert or asked is not None else 200,
        form=form,
        view=view,
        order=view.order,
        act=act,
        title=title,
        says=says,
        likely=Choice(act) in view.acts,
        warning=warning,
        code=view.order.id[-4:] if warning else "",
        pools=await _pools(request) if act == Choice.DELIVER else (),
    )


async def _pools(request: web.Request) -> Sequence[Pool]:
    lines = await request.app[SITE].desk.stock.overview(operator(request))
    return [line.pool for line in lines if line.pool.enabled]


def _number(request: web.Request) -> str:
    return request.match_info["number"]


def _act(request: web.Request) -> str:
    act = request.match_info["act"]
    if act not in ACTS:
        raise NotFound("没有这个操作")
    return act


ROUTES = (
    web.get("/orders", listing),
    web.get(r"/orders/{number:\d{1,30}}", show),
    web.get(r"/orders/{number:\d{1,30}}/{act:[a-z]+}", ask),
    web.post(r"/orders/{number:\d{1,30}}/{act:[a-z]+}", do),
)
