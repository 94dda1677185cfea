"""Canned answers: kept under short codes, put into the reply box of any conversation."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid, NotFound
from hub.model import CannedAnswer, CannedId, Role
from hub.policy import cut
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE


async def listing(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def _page(request: web.Request, form: Form, *, editing: bool = False) -> web.Response:
    known = await request.app[SITE].desk.canned.all(operator(request))
    status = 400 if form.alert else 200
    return render(
        request, "canned.html", status=status, known=known, form=form, editing=editing, cut=cut
    )


async def save(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.canned.save(operator(request), form["code"], form["text"])
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), editing=form["editing"] == "1")
    raise see_other("/canned", "canned-saved")


async def edit(request: web.Request) -> web.Response:
    found = await _canned(request)
    operator(request).require(Role.AGENT)
    return await _page(request, Form({"code": found.code, "text": found.text}), editing=True)


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.AGENT)
    return render(request, "canned_remove.html", canned=await _canned(request))


async def remove(request: web.Request) -> web.Response:
    wanted = CannedId(int(request.match_info["id"]))
    await request.app[SITE].desk.canned.remove(operator(request), wanted)
    raise see_other("/canned", "canned-removed")


async def _canned(request: web.Request) -> CannedAnswer:
    wanted = CannedId(int(request.match_info["id"]))
    known = await request.app[SITE].desk.canned.all(operator(request))
    found = next((one for one in known if one.id == wanted), None)
    if found is None:
        raise NotFound("这条常用语已经不在了")
    return found


ROUTES = (
    web.get("/canned", listing),
    web.post("/canned", save),
    web.get(r"/canned/{id:\d{1,15}}", edit),
    web.get(r"/canned/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/canned/{id:\d{1,15}}/remove", remove),
)
