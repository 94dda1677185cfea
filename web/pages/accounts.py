"""Accounts: add by pasted cookie, log in anew, name them, give them a proxy, switch them.

A pasted cookie is a login, and the address of a proxy holds a password. Neither is ever put back
into a page, not even when it was refused.
"""

from __future__ import annotations

from aiohttp import web

from hub.commands import may
from hub.errors import Invalid, NotFound
from hub.model import WHOLE_SHOP, Account, AccountId, Role, Scope
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

SECRET = ("cookies", "proxy")
NO_PROXY_WRITTEN = "请写上代理地址；不用代理的话，点“改为直连”"


async def listing(request: web.Request) -> web.Response:
    accounts = await request.app[SITE].desk.accounts.all(operator(request))
    part = "part" in request.query
    return render(request, "accounts_part.html" if part else "accounts.html", accounts=accounts)


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "account_new.html")


async def add(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        account = await request.app[SITE].desk.accounts.add(
            operator(request), form["name"], form["cookies"], proxy=form["proxy"]
        )
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET, at="cookies")
        return render(request, "account_new.html", status=400, form=form)
    raise see_other(f"/accounts/{account.id}", "account-added")


async def show(request: web.Request) -> web.Response:
    account = await _account(request)
    if "part" in request.query:
        return render(request, "account_part.html", account=account)
    return await _page(request, account)


async def _page(request: web.Request, account: Account, **forms: Form) -> web.Response:
    """`settings`, `way_out` and `renewal`: the forms of the page that were refused."""
    who = operator(request)
    owner = may(who.member.role, Role.OWNER)
    proxy = await request.app[SITE].desk.accounts.proxy(who, account.id) if owner else ""
    held, scope = await request.app[SITE].desk.holds.all(who), Scope(account=account.id)
    current = Form({"name": account.name, "takeover_minutes": str(account.takeover_minutes)})
    return render(
        request,
        "account.html",
        status=400 if forms else 200,
        account=account,
        holds=[one for one in held if one.hold.scope in (WHOLE_SHOP, scope)],
        proxy=proxy,
        way_out=forms.get("way_out", Form()),
        settings=forms.get("settings", current),
        renewal=forms.get("renewal", Form()),
    )


async def configure(request: web.Request) -> web.Response:
    form, account = await Form.sent(request), await _account(request)
    try:
        await request.app[SITE].desk.accounts.configure(
            operator(request),
            account.id,
            name=form["name"],
            takeover_minutes=form.number("takeover_minutes", "写 0 到 1440 之间的整数"),
        )
    except Invalid as refusal:
        return await _page(request, account, settings=form.refused(refusal))
    raise see_other(f"/accounts/{account.id}", "account-changed")


async def renew(request: web.Request) -> web.Response:
    form, account = await Form.sent(request), await _account(request)
    try:
        await request.app[SITE].desk.accounts.log_in(operator(request), account.id, form["cookies"])
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET, at="cookies")
        return await _page(request, account, renewal=form)
    raise see_other(f"/accounts/{account.id}", "account-renewed")


async def set_proxy(request: web.Request) -> web.Response:
    """An empty field would be too easy a way to lose a proxy: leaving directly has its button."""
    operator(request).require(Role.OWNER)
    form, account = await Form.sent(request), await _account(request)
    direct = form["direct"] == "1"
    try:
        if not direct and not form["proxy"].strip():
            raise Invalid(NO_PROXY_WRITTEN, {"proxy": NO_PROXY_WRITTEN})
        await request.app[SITE].desk.accounts.set_proxy(
            operator(request), account.id, "" if direct else form["proxy"]
        )
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET, at="proxy")
        return await _page(request, account, way_out=form)
    raise see_other(f"/accounts/{account.id}", "account-direct" if direct else "account-proxy")


async def switch(request: web.Request) -> web.Response:
    form, account = await Form.sent(request), await _account(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.accounts.switch(operator(request), account.id, on=on)
    raise see_other(f"/accounts/{account.id}", "account-on" if on else "account-off")


async def reconnect(request: web.Request) -> web.Response:
    account = await _account(request)
    done = await request.app[SITE].desk.accounts.reconnect(operator(request), account.id)
    key = "account-reconnecting" if done else "account-no-need"
    raise see_other(f"/accounts/{account.id}", key)


async def _account(request: web.Request) -> Account:
    wanted = AccountId(int(request.match_info["id"]))
    accounts = await request.app[SITE].desk.accounts.all(operator(request))
    account = next((a for a in accounts if a.id == wanted), None)
    if account is None:
        raise NotFound("这个账号不存在，可能已经被删除")
    return account


ROUTES = (
    web.get("/accounts", listing),
    web.get("/accounts/new", add_form),
    web.post("/accounts/new", add),
    web.get(r"/accounts/{id:\d{1,15}}", show),
    web.post(r"/accounts/{id:\d{1,15}}", configure),
    web.post(r"/accounts/{id:\d{1,15}}/login", renew),
    web.post(r"/accounts/{id:\d{1,15}}/proxy", set_proxy),
    web.post(r"/accounts/{id:\d{1,15}}/switch", switch),
    web.post(r"/accounts/{id:\d{1,15}}/reconnect", reconnect),
)
