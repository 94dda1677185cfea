"""Try what a buyer would be told, without a word to anybody."""

from __future__ import annotations

from aiohttp import web

from hub import text
from hub.errors import Refusal
from hub.model import AccountId
from web.auth import operator
from web.forms import Form
from web.render import render
from web.site import SITE


async def show(request: web.Request) -> web.Response:
    """Asked by address, so that a trial can be shared and reloaded."""
    site, who = request.app[SITE], operator(request)
    form = Form(dict(request.query))
    accounts = await site.desk.accounts.all(who)
    trial, status = None, 200
    if "text" in request.query:
        scopes: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
        try:
            trial = await site.desk.rehearsal.try_out(
                who, form["text"], account=form.choice("account", scopes), item=form["item"]
            )
        except Refusal as refusal:
            form, status = form.refused(refusal, at="text"), 400
    return render(
        request,
        "rehearsal.html",
        status=status,
        form=form,
        accounts=accounts,
        trial=trial,
        outcome=text.outcome(trial.outcome) if trial is not None else "",
    )


ROUTES = (web.get("/rules/try", show),)
