"""How the supplier of an API pool is asked, and a try."""

from __future__ import annotations

from aiohttp import web

from hub.desk import Trial, parse_headers
from hub.errors import Invalid
from hub.model import SupplierCall
from web.auth import operator
from web.forms import Form
from web.pages.stock import pool_id
from web.render import render, see_other
from web.site import SITE

NEVER_SHOWN = ("headers",)
SECONDS = "填 1 到 60 的整数"


async def show(request: web.Request) -> web.Response:
    call = await request.app[SITE].desk.suppliers.get(operator(request), pool_id(request))
    return await _page(request, _form(call or SupplierCall("")), call)


async def save(request: web.Request) -> web.Response:
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    old = await site.desk.suppliers.get(who, pool_id(request))
    keep = not form["headers"].strip() and not form["no_headers"]
    try:
        await site.desk.suppliers.configure(who, pool_id(request), _call(form), keep_headers=keep)
    except Invalid as refusal:
        return await _page(request, form.refused(refusal, secret=NEVER_SHOWN), old)
    raise see_other(f"/stock/{pool_id(request)}/supplier", "supplier-changed")


async def test(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    call = await site.desk.suppliers.get(who, pool_id(request))
    trial = await site.desk.suppliers.test(who, pool_id(request))
    return await _page(request, _form(call or SupplierCall("")), call, trial)


def _call(form: Form) -> SupplierCall:
    return SupplierCall(
        url=form["url"].strip(),
        method=form.choice("method", {"GET": "GET", "POST": "POST"}),
        headers=parse_headers(form["headers"]),
        body=form["body"].replace("\r\n", "\n"),
        content_path=form["content_path"].strip(),
        success_path=form["success_path"].strip(),
        success_values=tuple(form.several("success_values")),
        timeout_seconds=float(form.number("timeout", SECONDS)),
        repeatable=bool(form["repeatable"]),
        key_header=form["key_header"].strip(),
        allow_private=bool(form["allow_private"]),
    )


def _form(call: SupplierCall) -> Form:
    return Form(
        {
            "url": call.url,
            "method": call.method,
            "body": call.body,
            "content_path": call.content_path,
            "success_path": call.success_path,
            "success_values": " ".join(call.success_values),
            "timeout": str(int(call.timeout_seconds)),
            "repeatable": "1" if call.repeatable else "",
            "key_header": call.key_header,
            "allow_private": "1" if call.allow_private else "",
        }
    )


async def _page(
    request: web.Request, form: Form, call: SupplierCall | None, trial: Trial | None = None
) -> web.Response:
    line = await request.app[SITE].desk.stock.pool(operator(request), pool_id(request))
    return render(
        request,
        "supplier.html",
        status=400 if form.alert else 200,
        form=form,
        pool=line.pool,
        header_names=[name for name, _ in call.headers] if call is not None else [],
        known=call is not None,
        trial=trial,
        parts=trial.parts if trial is not None else (),
        why=trial.trouble if trial is not None else "",
    )


ROUTES = (
    web.get(r"/stock/{id:\d{1,15}}/supplier", show),
    web.post(r"/stock/{id:\d{1,15}}/supplier", save),
    web.post(r"/stock/{id:\d{1,15}}/supplier/test", test),
)
