"""The buttons that stop and resume automatic answers: of a conversation, an item, an account, the
shop."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web

from hub.model import WHOLE_SHOP, AccountId, ConversationId, Scope
from web.auth import operator, safe_next
from web.forms import Form
from web.render import see_other
from web.site import SITE

PAUSES: dict[str, timedelta | None] = {
    "30": timedelta(minutes=30),
    "120": timedelta(hours=2),
    "480": timedelta(hours=8),
    "1440": timedelta(days=1),
    "": None,
}
"""Offered lengths of a pause by form value; None lasts until somebody resumes."""


async def pause(request: web.Request) -> web.Response:
    form, (scope, here) = await Form.sent(request), _scope(request)
    await request.app[SITE].desk.holds.pause(
        operator(request), scope, end=form.choice("length", PAUSES)
    )
    raise see_other(safe_next(form["back"] or here), "paused")


async def resume(request: web.Request) -> web.Response:
    form, (scope, here) = await Form.sent(request), _scope(request)
    done = await request.app[SITE].desk.holds.resume(operator(request), scope)
    raise see_other(safe_next(form["back"] or here), "resumed-partly" if done.above else "resumed")


async def take_over(request: web.Request) -> web.Response:
    await Form.sent(request)
    conversation = ConversationId(int(request.match_info["id"]))
    await request.app[SITE].desk.holds.take_over(operator(request), conversation)
    raise see_other(f"/conversations/{conversation}", "taken-over")


def _scope(request: web.Request) -> tuple[Scope, str]:
    """What the address names, and the page to go back to."""
    id_ = request.match_info.get("id", "")
    match request.match_info.get("what"):
        case "conversations":
            return Scope(conversation=ConversationId(int(id_))), f"/conversations/{id_}"
        case "accounts":
            return Scope(account=AccountId(int(id_))), f"/accounts/{id_}"
        case "items":
            return Scope(item=id_), "/"
        case _:
            return WHOLE_SHOP, "/"


_ONE = r"/{what:conversations|accounts}/{id:\d{1,15}}"
_ITEM = r"/{what:items}/{id:\d{1,30}}"

ROUTES = (
    web.post("/shop/pause", pause),
    web.post("/shop/resume", resume),
    web.post(f"{_ONE}/pause", pause),
    web.post(f"{_ONE}/resume", resume),
    web.post(f"{_ITEM}/pause", pause),
    web.post(f"{_ITEM}/resume", resume),
    web.post(r"/conversations/{id:\d{1,15}}/take-over", take_over),
)
