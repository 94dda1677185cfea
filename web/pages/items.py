"""The items of an account: what is for sale, and for how much."""

from __future__ import annotations

from aiohttp import web

from hub.desk import ItemList
from hub.errors import TooOften, Unavailable
from hub.model import AccountId
from web.auth import operator
from web.forms import Form
from web.pages.conversations import KEEP
from web.render import render, see_other
from web.site import SITE


async def listing(request: web.Request) -> web.Response:
    found = await request.app[SITE].desk.items.of_account(operator(request), _account(request))
    return await _page(request, found)


async def _page(request: web.Request, found: ItemList, form: Form | None = None) -> web.Response:
    held = await request.app[SITE].desk.holds.all(operator(request))
    return render(
        request,
        "items.html",
        status=503 if form else 200,
        found=found,
        form=form or Form(),
        held={one.hold.scope.item: one for one in held if one.hold.scope.item is not None},
    )


async def refresh(request: web.Request) -> web.Response:
    items, who, account = request.app[SITE].desk.items, operator(request), _account(request)
    try:
        await items.refresh(who, account)
    except (Unavailable, TooOften) as refusal:
        return await _page(request, await items.of_account(who, account), Form().refused(refusal))
    raise see_other(f"/accounts/{account}/items", "items-read")


async def picture(request: web.Request) -> web.Response:
    shown = await request.app[SITE].desk.pictures.of_item(
        operator(request), request.match_info["item"]
    )
    return web.Response(body=shown.data, content_type=shown.media_type, headers=KEEP)


def _account(request: web.Request) -> AccountId:
    return AccountId(int(request.match_info["id"]))


ROUTES = (
    web.get(r"/accounts/{id:\d{1,15}}/items", listing),
    web.post(r"/accounts/{id:\d{1,15}}/items", refresh),
    web.get(r"/items/{item:\d{1,30}}/picture", picture),
)
