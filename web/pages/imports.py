"""Bringing over what a shop had in xianyu-auto-reply: uploaded, looked at, then done."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid, OnHold, Unavailable
from hub.text import imports as words
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE
from web.uploads import sent_files

PAGE = "/imports"
A_FORM_AROUND_IT = 64 * 1024
_ID = r"{id:[0-9a-f]{16}}"


async def show(request: web.Request) -> web.Response:
    return _page(request, Form())


def _page(request: web.Request, form: Form) -> web.Response:
    who, desk = operator(request), request.app[SITE].desk.imports
    return render(
        request,
        "imports.html",
        status=400 if form.alert else 200,
        form=form,
        job=desk.current(who),
        most=desk.largest(who) // 1024 // 1024,
    )


async def upload(request: web.Request) -> web.Response:
    """The files go to the disk while they arrive."""
    who, desk = operator(request), request.app[SITE].desk.imports
    most = desk.largest(who)
    try:
        if (request.content_length or 0) > most + A_FORM_AROUND_IT:
            raise Invalid(words.too_much(most))
        job = await desk.receive(who, sent_files(request))
    except (Invalid, OnHold, Unavailable) as refusal:
        return _page(request, Form().refused(refusal))
    raise see_other(f"{PAGE}/{job.id}")


async def follow(request: web.Request) -> web.Response:
    """What would come over, how far it is, what came."""
    job = request.app[SITE].desk.imports.get(operator(request), request.match_info["id"])
    return render(request, "import.html", job=job)


async def start(request: web.Request) -> web.Response:
    id_ = request.match_info["id"]
    await request.app[SITE].desk.imports.start(operator(request), id_)
    raise see_other(f"{PAGE}/{id_}")


async def drop(request: web.Request) -> web.Response:
    await request.app[SITE].desk.imports.drop(operator(request), request.match_info["id"])
    raise see_other(PAGE, "import-dropped")


async def written(request: web.Request) -> web.Response:
    """The report, to be kept."""
    said = request.app[SITE].desk.imports.written(operator(request), request.match_info["id"])
    return web.Response(
        text=said + "\n",
        headers={"Content-Disposition": 'attachment; filename="yuqiao-import.txt"'},
    )


ROUTES = (
    web.get(PAGE, show),
    web.post(PAGE, upload),
    web.get(f"{PAGE}/{_ID}", follow),
    web.post(f"{PAGE}/{_ID}/start", start),
    web.post(f"{PAGE}/{_ID}/drop", drop),
    web.get(f"{PAGE}/{_ID}/report", written),
)
