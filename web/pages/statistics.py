"""Figures of the shop by day and account."""

from __future__ import annotations

from aiohttp import web

from hub.model import AccountId
from web.auth import operator
from web.render import render
from web.site import SITE

SPANS = (7, 30, 90)


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    days = _number(request.query.get("days", ""))
    days = days if days in SPANS else SPANS[1]
    accounts = await site.desk.accounts.all(who)
    wanted = _number(request.query.get("account", ""))
    account = next((one.id for one in accounts if one.id == wanted), None)
    found = await site.desk.statistics.figures(who, days=days, account=account)
    return render(
        request,
        "statistics.html",
        found=found,
        days=days,
        spans=SPANS,
        accounts=accounts,
        account=account,
    )


def _number(text: str) -> AccountId | int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


ROUTES = (web.get("/statistics", show),)
