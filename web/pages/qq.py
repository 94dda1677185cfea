"""How to connect a QQ bot, and which are connected."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from hub.commands import COMMANDS, may
from hub.model import Role
from web.auth import operator
from web.render import render
from web.site import SITE, Site

ONEBOT_PATH = "/onebot/v11/ws"
RECENT = timedelta(minutes=10)


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    if "part" in request.query:
        return render(request, "qq_part.html", **_bots(site))
    return render(
        request,
        "qq.html",
        **_bots(site),
        enabled=site.settings.qq.enabled,
        ws_address=_address(request, site),
        token=site.qq_token if who.member.role is Role.OWNER else "",
        link_address=_address(request, site, secure="https", plain="http", path=""),
        link_token=site.link_token if who.member.role is Role.OWNER else "",
        dialled=[urlsplit(url).netloc for url in site.settings.qq.onebot_ws_urls],
        milky=[urlsplit(url).netloc for url in site.settings.qq.milky_urls],
        commands=[c for c in COMMANDS if may(who.member.role, c.role)],
    )


def _bots(site: Site) -> dict[str, Any]:
    official = site.official()
    bots = [bot for bot in site.qq() if official is None or bot != official.bot]
    return {"bots": bots, "refusals": _refusals(site), "official": official}


def _refusals(site: Site) -> list[tuple[datetime, str]]:
    """Beside a bot that is connected only what happened just now: another may be in trouble.
    That of the official bot is told beside it."""
    official, since = site.official(), site.now() - RECENT
    told = None if official is None else official.refusal
    recent = [one for one in site.qq_refusals() if one[0] >= since or not site.qq()]
    return [one for one in recent if one != told]


def _address(
    request: web.Request,
    site: Site,
    *,
    secure: str = "wss",
    plain: str = "ws",
    path: str = ONEBOT_PATH,
) -> str:
    """An address of the hub as seen from where this page is read."""
    public = urlsplit(site.settings.web.public_url)
    scheme = public.scheme if public.netloc else request.scheme
    host = public.netloc or request.host
    return f"{secure if scheme == 'https' else plain}://{host}{path}"


ROUTES = (web.get("/qq", show),)
