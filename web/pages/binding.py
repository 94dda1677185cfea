"""The QQ ids of a member: bind one by a code, see them, take one away."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid, TooOften
from hub.model import MemberId
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE


async def show(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def make_code(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.binding.make_code(operator(request), _member(request))
    except (Invalid, TooOften) as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(f"/members/{_member(request)}/qq")


async def unbind(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.binding.unbind(operator(request), _member(request), form["qq"])
    raise see_other(f"/members/{_member(request)}/qq", "qq-unbound")


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    binding, who = request.app[SITE].desk.binding, operator(request)
    found = await binding.member(who, _member(request))
    code = await binding.code(who, found.id)
    return render(request, "binding.html", status=status, found=found, code=code, form=form)


def _member(request: web.Request) -> MemberId:
    return MemberId(int(request.match_info["id"]))


ROUTES = (
    web.get(r"/members/{id:\d{1,15}}/qq", show),
    web.post(r"/members/{id:\d{1,15}}/qq/code", make_code),
    web.post(r"/members/{id:\d{1,15}}/qq/unbind", unbind),
)
