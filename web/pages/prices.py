"""What an unpaid order costs, and how far the prices of items may fall."""

from __future__ import annotations

import re
import secrets

from aiohttp import web

from hub.errors import Forbidden, Invalid, NotConfirmed, NotFound, Refusal
from hub.model import AccountId, Role
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

_NONCE = re.compile(r"[\w\-]{16,64}")


async def ask(request: web.Request) -> web.Response:
    operator(request).require(Role.AGENT)
    return await _price(request, Form({"nonce": secrets.token_urlsafe(16)}))


async def change(request: web.Request) -> web.Response:
    """First with a price, then with the same price and the code that the question came with."""
    form, number = await Form.sent(request), request.match_info["number"]
    operator(request).require(Role.AGENT)
    try:
        if not _NONCE.fullmatch(form["nonce"]):
            raise Invalid("没有改价：这个页面已经过期，请刷新后再改")
        await request.app[SITE].desk.bargains.change_price(
            operator(request),
            number,
            form["price"],
            key=f"web:{form['nonce']}",
            code=form["code"],
        )
    except NotConfirmed as asked:
        return await _price(request, form, warning=asked.text, code=asked.confirm)
    except (Forbidden, NotFound):
        raise
    except Refusal as refusal:
        return await _price(request, form.refused(refusal, at="price"))
    raise see_other(f"/orders/{number}", "order-done")


async def _price(
    request: web.Request, form: Form, *, warning: str = "", code: str = ""
) -> web.Response:
    number = request.match_info["number"]
    view = await request.app[SITE].desk.orders.get(operator(request), number)
    return render(
        request,
        "price_change.html",
        status=400 if form.alert else 200,
        form=form,
        order=view.order,
        warning=warning,
        code=code,
    )


async def floors(request: web.Request) -> web.Response:
    return await _floors(request, Form())


async def set_floor(request: web.Request) -> web.Response:
    form, account = await Form.sent(request), _account(request)
    what, item = form["what"], form["item"] or None
    try:
        if what not in ("shop", "account", "item") or (what == "item") != (item is not None):
            raise Invalid("没有改动：这个页面已经过期，请刷新后再改")
        await request.app[SITE].desk.bargains.set_floor(
            operator(request),
            form["floor"],
            account=None if what == "shop" else account,
            item=item,
        )
    except (Forbidden, NotFound):
        raise
    except Refusal as refusal:
        return await _floors(request, form.refused(refusal))
    raise see_other(f"/accounts/{account}/floors", "floor-set")


async def _floors(request: web.Request, form: Form) -> web.Response:
    found = await request.app[SITE].desk.bargains.of_account(operator(request), _account(request))
    return render(
        request,
        "floors.html",
        status=400 if form.alert else 200,
        form=form,
        account=found.of,
        found=found,
    )


async def words(request: web.Request) -> web.Response:
    who = operator(request)
    kept = await request.app[SITE].desk.bargains.forbidden(who)
    return render(request, "forbidden.html", form=Form({"words": kept}))


async def forbid(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.bargains.forbid(operator(request), form["words"])
    except Invalid as refusal:
        return render(request, "forbidden.html", status=400, form=form.refused(refusal))
    raise see_other("/forbidden-words", "words-kept")


def _account(request: web.Request) -> AccountId:
    return AccountId(int(request.match_info["id"]))


ROUTES = (
    web.get(r"/orders/{number:\d{1,30}}/price", ask),
    web.post(r"/orders/{number:\d{1,30}}/price", change),
    web.get("/forbidden-words", words),
    web.post("/forbidden-words", forbid),
    web.get(r"/accounts/{id:\d{1,15}}/floors", floors),
    web.post(r"/accounts/{id:\d{1,15}}/floors", set_floor),
)
