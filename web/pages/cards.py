"""One card: its history, its note, its end."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid
from hub.model import CardId, Role
from web.auth import operator
from web.forms import Form
from web.pages.audit import DOORS
from web.render import render, see_other
from web.site import SITE


async def show(request: web.Request) -> web.Response:
    return await _page(request)


async def note(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.cards.set_note(operator(request), _id(request), form["note"])
    except Invalid as refusal:
        return await _page(request, form.refused(refusal))
    raise see_other(f"/cards/{_id(request)}", "card-changed")


async def ask_void(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return await _page(request, template="card_void.html")


async def void(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.cards.void(operator(request), _id(request), form["reason"])
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), template="card_void.html")
    raise see_other(f"/cards/{_id(request)}", "card-void")


async def _page(
    request: web.Request, form: Form | None = None, *, template: str = "card.html"
) -> web.Response:
    view = await request.app[SITE].desk.cards.get(operator(request), _id(request))
    return render(
        request,
        template,
        status=400 if form is not None else 200,
        view=view,
        card=view.card,
        form=form or Form({"note": view.card.note}),
        doors={**DOORS, "hub": "自动"},
    )


def _id(request: web.Request) -> CardId:
    return CardId(int(request.match_info["id"]))


ROUTES = (
    web.get(r"/cards/{id:\d{1,15}}", show),
    web.post(r"/cards/{id:\d{1,15}}/note", note),
    web.get(r"/cards/{id:\d{1,15}}/void", ask_void),
    web.post(r"/cards/{id:\d{1,15}}/void", void),
)
