"""What waits for a person, and the emergency stops."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.desk import Operator
from hub.errors import Forbidden, Invalid, NotConfirmed, Refusal
from hub.model import Account, AccountId, Choice, Role
from web.auth import operator, safe_next
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

MOST_SHOWN = 100
CHOICES = {choice.value: choice for choice in Choice}


async def listing(request: web.Request) -> web.Response:
    return await _listing(request, Form())


async def _listing(request: web.Request, form: Form) -> web.Response:
    site, who = request.app[SITE], operator(request)
    accounts = await site.desk.accounts.all(who)
    lines = await site.desk.needs.open(who)
    return render(
        request,
        "needs_part.html" if "part" in request.query else "needs.html",
        status=400 if form.alert else 200,
        form=form,
        lines=lines[:MOST_SHOWN],
        hidden=max(len(lines) - MOST_SHOWN, 0),
        accounts=accounts,
        **await stops_of(request),
    )


async def stops_of(request: web.Request) -> dict[str, Any]:
    """What the pages need that show where deliveries are stopped."""
    site, who = request.app[SITE], operator(request)
    stops = await site.desk.needs.stops(who)
    names = {one.id: one.name for one in await site.desk.accounts.all(who)}
    return {
        "stops": stops,
        "stopped": {stop.account for stop in stops},
        "account_names": names,
    }


async def badge(request: web.Request) -> web.Response:
    """The number in the navigation."""
    count = await request.app[SITE].desk.needs.count(operator(request))
    return render(request, "needs_badge.html", open_needs=count)


async def answer(request: web.Request) -> web.Response:
    form, who = await Form.sent(request), operator(request)
    number = int(request.match_info["number"])
    needs = request.app[SITE].desk.needs
    line = await needs.get(who, number)
    try:
        choice = form.choice("choice", CHOICES)
    except Invalid as refusal:
        return await _listing(request, form.refused(refusal))
    try:
        await needs.answer(who, number, choice, code=form["code"], price=form["price"])
    except NotConfirmed as asked:
        return render(
            request,
            "need_confirm.html",
            need=line.need,
            order=line.order,
            choice=choice,
            warning=asked.text,
            code=asked.confirm,
        )
    except Forbidden:
        raise
    except Refusal as refusal:
        return await _listing(request, form.refused(refusal))
    raise see_other("/needs", "need-done")


async def stop(request: web.Request) -> web.Response:
    form, who = await Form.sent(request), operator(request)
    account = await account_named(request, who, form)
    await request.app[SITE].desk.needs.stop(who, account, form["reason"])
    raise see_other(safe_next(form["back"] or "/needs"), "delivery-stopped")


async def resume(request: web.Request) -> web.Response:
    form, who = await Form.sent(request), operator(request)
    needs, account = request.app[SITE].desk.needs, await account_named(request, who, form)
    who.require(Role.OWNER)
    if account in {stop.account for stop in await needs.stops(who)}:
        try:
            await needs.resume(who, account, code=form["code"])
        except NotConfirmed as asked:
            return ask_before_going_on(request, form, asked)
    partly = bool(await needs.stops(who))
    done = "delivery-resumed-partly" if partly else "delivery-resumed"
    raise see_other(safe_next(form["back"] or "/needs"), done)


def ask_before_going_on(request: web.Request, form: Form, asked: NotConfirmed) -> web.Response:
    """The page with what then goes out; its button sends the form again to where it came."""
    return render(
        request,
        "resume_confirm.html",
        form=form,
        address=request.path,
        warning=asked.text,
        code=asked.confirm,
    )


async def account_named(request: web.Request, who: Operator, form: Form) -> AccountId | None:
    """The account that a form says; None: the whole shop. Raises Invalid."""
    accounts: list[Account] = list(await request.app[SITE].desk.accounts.all(who))
    scopes: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
    if form["account"] not in scopes:
        raise Invalid("没有改动：这个账号不存在，可能已经被删除")
    return scopes[form["account"]]


ROUTES = (
    web.get("/needs", listing),
    web.get("/needs/badge", badge),
    web.post(r"/needs/{number:\d{1,9}}", answer),
    web.post("/delivery/stop", stop),
    web.post("/delivery/resume", resume),
)
