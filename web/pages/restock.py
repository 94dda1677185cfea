"""Restocking: a paste or a file, looked at, then added."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aiohttp import web

from hub import text
from hub.desk import Restocking
from hub.errors import Invalid
from hub.model import Role
from web.auth import operator
from web.forms import Form
from web.pages.stock import pool_id
from web.render import render, see_other
from web.site import SITE

LARGEST_PASTE = 24 * 1024 * 1024
"""Bytes: as many codes as may be added in one go, with a hundred for each."""


async def form_page(request: web.Request) -> web.Response:
    operator(request).require(Role.AGENT)
    return await _form(request, Form())


async def look(request: web.Request) -> web.Response:
    """What adding would do, with a button that does it."""
    form, site = await Form.sent(request), request.app[SITE]
    file = (await request.post()).get("file")
    codes: str | bytes = form["codes"]
    try:
        _end(form["expires"], site.zone)
        if isinstance(file, web.FileField) and file.filename:
            if form["codes"].strip():
                raise Invalid("粘贴和文件只要一种", {"file": "清空上面的卡密，或者不选文件"})
            codes = file.file.read()
        seen = await site.desk.restock.preview(operator(request), pool_id(request), codes)
    except Invalid as refusal:
        return await _form(request, form.refused(refusal))
    return render(request, "restock_look.html", seen=seen, form=form, left_out=_left_out(seen))


async def add(request: web.Request) -> web.Response:
    form, site = await Form.sent(request), request.app[SITE]
    try:
        await site.desk.restock.add(
            operator(request),
            pool_id(request),
            form["codes"],
            label=form["label"],
            expires_at=_end(form["expires"], site.zone),
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal))
    raise see_other(f"/stock/{pool_id(request)}", "stock-added")


async def _form(request: web.Request, form: Form) -> web.Response:
    line = await request.app[SITE].desk.stock.pool(operator(request), pool_id(request))
    status = 400 if form.alert else 200
    return render(request, "restock.html", status=status, form=form, pool=line.pool)


def _left_out(seen: Restocking) -> list[str]:
    read = seen.read
    return text.left_out(seen.known, read.repeated, read.too_long, read.unreadable)


def _end(day: str, zone: ZoneInfo) -> datetime | None:
    """The end of a day that somebody picked. Raises Invalid."""
    if not day.strip():
        return None
    try:
        last = date.fromisoformat(day.strip())
        return datetime.combine(last + timedelta(days=1), time(), zone)
    except (ValueError, OverflowError):
        raise Invalid("日期看不懂", {"expires": "写成 2026-12-31 的样子"}) from None


ROUTES = (
    web.get(r"/stock/{id:\d{1,15}}/restock", form_page),
    web.post(r"/stock/{id:\d{1,15}}/restock", look),
    web.post(r"/stock/{id:\d{1,15}}/restock/add", add),
)
