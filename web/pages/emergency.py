"""The buttons that stop everything automatic at once, and let it go on."""

from __future__ import annotations

from aiohttp import web

from hub.errors import NotConfirmed
from web.auth import operator, safe_next
from web.forms import Form
from web.pages.needs import account_named, ask_before_going_on
from web.render import see_other
from web.site import SITE


async def halt(request: web.Request) -> web.Response:
    form, who = await Form.sent(request), operator(request)
    account = await account_named(request, who, form)
    await request.app[SITE].desk.emergency.halt(who, account)
    raise see_other(safe_next(form["back"] or "/"), "halted")


async def go(request: web.Request) -> web.Response:
    form, who = await Form.sent(request), operator(request)
    account = await account_named(request, who, form)
    try:
        going = await request.app[SITE].desk.emergency.go(who, account, code=form["code"])
    except NotConfirmed as asked:
        return ask_before_going_on(request, form, asked)
    remains = bool(going.stops or going.held)
    raise see_other(safe_next(form["back"] or "/"), "going-partly" if remains else "going")


ROUTES = (web.post("/emergency/halt", halt), web.post("/emergency/go", go))
