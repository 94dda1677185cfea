"""First run: somebody becomes the owner."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid
from web.auth import FIRST_RUN, start_session
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

SECRET = ("password", "again")


async def show(request: web.Request) -> web.Response:
    return render(request, "first_run.html")


async def found(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        if form["password"] != form["again"]:
            raise Invalid("两次输入的密码不一样", {"again": "和上面的密码不一样"})
        new = await request.app[SITE].desk.members.found_shop(
            name=form["name"], password=form["password"], qq=form.several("qq")
        )
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET)
        return render(request, "first_run.html", status=400, form=form)
    response = see_other("/", "welcome")
    start_session(response, request, new)
    raise response


ROUTES = (web.get(FIRST_RUN, show), web.post(FIRST_RUN, found))
