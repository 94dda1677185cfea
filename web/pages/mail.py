"""Mail as the second channel: whether it works, who gets it, and a test."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Refusal
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE


async def show(request: web.Request) -> web.Response:
    return await _page(request, Form({"email": operator(request).member.email or ""}))


async def _page(request: web.Request, form: Form) -> web.Response:
    site = request.app[SITE]
    overview = await site.desk.mail.overview(operator(request))
    return render(
        request,
        "mail.html",
        status=400 if form.alert else 200,
        mail=overview,
        server=site.settings.mail,
        minutes=round(site.settings.mail.untold_minutes),
        silent_minutes=round(site.settings.mail.silent_chat_minutes),
        public_url=site.settings.web.public_url,
        form=form,
    )


async def test(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.mail.test(operator(request), form["email"])
    except Refusal as refusal:
        return await _page(request, form.refused(refusal))
    raise see_other("/mail", "mail-tested")


ROUTES = (web.get("/mail", show), web.post("/mail", test))
