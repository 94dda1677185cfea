"""Backups, for owners: which there are, one more now, and taking one away."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Refusal
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

PAGE = "/backups"


async def show(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def _page(request: web.Request, form: Form) -> web.Response:
    site = request.app[SITE]
    return render(
        request,
        "backups.html",
        status=400 if form.alert else 200,
        view=await site.desk.backups.overview(operator(request)),
        settings=site.settings.backup,
        form=form,
    )


async def make(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.backups.make(operator(request))
    except Refusal as refusal:
        return await _page(request, form.refused(refusal))
    raise see_other(PAGE, "backup-made")


async def take(request: web.Request) -> web.StreamResponse:
    """By a form, so that nothing but a person's click is written down as one."""
    form = await Form.sent(request)
    path = await request.app[SITE].desk.backups.take(operator(request), form["name"])
    return web.FileResponse(
        path,
        headers={
            "Content-Disposition": f'attachment; filename="{path.name}"',
            "Content-Type": "application/zip",
        },
    )


ROUTES = (
    web.get(PAGE, show),
    web.post(PAGE, make),
    web.post(f"{PAGE}/take", take),
)
