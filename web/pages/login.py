"""Log in and out."""

from __future__ import annotations

import asyncio

from aiohttp import web

from hub.errors import Refusal, TooOften
from web.auth import LOGIN_PAGE, SESSION_COOKIE, end_session, safe_next, start_session
from web.forms import Form
from web.proxies import client_address
from web.render import render, see_other
from web.site import SITE

LOGINS = web.AppKey("logins", asyncio.Lock)
"""One password is checked at a time: guesses that arrive together are counted one after the other,
and a check costs 64 MB."""
LONGEST_NAME = 100
"""What is cut off here belongs to no name, and would only fill the list of failures."""


async def show(request: web.Request) -> web.Response:
    return render(request, "login.html", next=safe_next(request.query.get("next", "")))


async def log_in(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    target = safe_next(form["next"])
    site = request.app[SITE]
    try:
        async with request.app[LOGINS]:
            new = await site.desk.members.log_in(
                name=form["name"].strip()[:LONGEST_NAME],
                password=form["password"],
                client=client_address(request, site.settings.web.trusted_proxies),
            )
    except Refusal as refusal:
        status = 429 if isinstance(refusal, TooOften) else 403
        form = form.refused(refusal, secret=("password",))
        return render(request, "login.html", status=status, form=form, next=target)
    response = see_other(target)
    start_session(response, request, new)
    raise response


async def log_out(request: web.Request) -> web.Response:
    await request.app[SITE].desk.members.log_out(request.cookies[SESSION_COOKIE])
    response = see_other(LOGIN_PAGE, "logged-out")
    end_session(response)
    raise response


ROUTES = (
    web.get(LOGIN_PAGE, show),
    web.post(LOGIN_PAGE, log_in),
    web.post("/logout", log_out),
)
