"""Logging in with a QR code: the picture, what the phone did, and what to do next.

The picture is a login for whoever scans it, so it is drawn here and shown to owners only.
"""

from __future__ import annotations

import io

import segno
from aiohttp import web

from hub.desk import QrView
from hub.errors import NotFound, Refusal, TooOften
from hub.model import AccountId
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

QUIET_ZONE = 4
"""Empty modules around the code; scanners need them."""
PICTURES = {"svg": ("image/svg+xml", 1), "png": ("image/png", 12)}
"""Kind of picture -> its content type and pixels per module."""

_KEY = r"{key:[\w-]{16}}"


async def begin_form(request: web.Request) -> web.Response:
    return _begin(request, Form())


async def begin(request: web.Request) -> web.Response:
    """Ask for a code for a new account."""
    form = await Form.sent(request)
    try:
        view = await request.app[SITE].desk.logins.start(
            operator(request), name=form["name"], proxy=form["proxy"]
        )
    except Refusal as refusal:
        return _begin(request, form.refused(refusal, secret=("proxy",)))
    raise _to(view)


async def renew(request: web.Request) -> web.Response:
    """Ask for a code for an account that exists."""
    account = AccountId(int(request.match_info["id"]))
    try:
        view = await request.app[SITE].desk.logins.start(operator(request), account)
    except TooOften as refusal:
        return _begin(request, Form().refused(refusal))
    raise _to(view)


async def show(request: web.Request) -> web.Response:
    if "part" in request.query:
        try:
            view = _view(request)
        except NotFound as refusal:
            # The program has started anew: the page must not go on showing a dead picture.
            return render(request, "qr_login_gone.html", sentence=refusal.text)
        return render(request, "qr_login_part.html", view=view, left=_spoken(view.seconds_left))
    view = _view(request)
    return render(request, "qr_login.html", view=view, left=_spoken(view.seconds_left))


async def picture(request: web.Request) -> web.Response:
    view = _view(request)
    if not view.image_text:
        raise NotFound("这个二维码已经失效，请回到扫码页面重新获取")
    kind = request.match_info["kind"]
    content_type, scale = PICTURES[kind]
    drawn = io.BytesIO()
    code = segno.make(view.image_text, error="m", micro=False)
    code.save(drawn, kind=kind, scale=scale, border=QUIET_ZONE, light="#ffffff")
    return web.Response(body=drawn.getvalue(), content_type=content_type)


async def cancel(request: web.Request) -> web.Response:
    view = request.app[SITE].desk.logins.cancel(operator(request), request.match_info["key"])
    raise _to(view)


async def retry(request: web.Request) -> web.Response:
    view = await request.app[SITE].desk.logins.retry(operator(request), request.match_info["key"])
    raise _to(view)


def _begin(request: web.Request, form: Form) -> web.Response:
    waiting = request.app[SITE].desk.logins.pending(operator(request))
    status = 400 if form.alert else 200
    return render(request, "qr_login_new.html", status=status, form=form, waiting=waiting)


def _view(request: web.Request) -> QrView:
    return request.app[SITE].desk.logins.state(operator(request), request.match_info["key"])


def _to(view: QrView) -> web.HTTPSeeOther:
    return see_other(f"/accounts/scan/{view.id}")


def _spoken(seconds: int) -> str:
    return f"{seconds // 60} 分 {seconds % 60} 秒"


ROUTES = (
    web.get("/accounts/scan", begin_form),
    web.post("/accounts/scan", begin),
    web.post(r"/accounts/{id:\d{1,15}}/scan", renew),
    web.get(f"/accounts/scan/{_KEY}", show),
    web.get(f"/accounts/scan/{_KEY}/code.{{kind:svg|png}}", picture),
    web.post(f"/accounts/scan/{_KEY}/cancel", cancel),
    web.post(f"/accounts/scan/{_KEY}/retry", retry),
)
