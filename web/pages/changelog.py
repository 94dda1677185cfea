"""What is new in this version and those before."""

from __future__ import annotations

from aiohttp import web

from hub.text import changelog
from web.render import render


async def show(request: web.Request) -> web.Response:
    return render(request, "changelog.html", releases=changelog())


ROUTES = (web.get("/changelog", show),)
