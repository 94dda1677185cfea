"""Who is told what: rules, groups, the roster, quiet hours and reminders."""

from __future__ import annotations

import re
from datetime import time

from aiohttp import web

from hub.desk import parse_hours
from hub.errors import Invalid
from hub.model import AccountId, Group, Hours, MemberId, NoticeKind, PeoplePlan, Role, Route, Shift
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

PAGE = "/notices"
SEVERAL = ("kind", "to", "day")
WAITS = {"default": "default", "never": "never", "own": "own"}
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)")


async def show(request: web.Request) -> web.Response:
    return await _page(request, Form())


async def add_route(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    sent = await request.post()
    account = form["account"]
    try:
        to = [str(one) for one in sent.getall("to", [])]
        route = Route(
            kinds=tuple(NoticeKind(one) for one in sent.getall("kind", []) if one in _KINDS),
            account=AccountId(_id(account)) if account else None,
            item=form["item"].strip() or None,
            tag=form["tag"].strip().lstrip("#＃") or None,
            roles=tuple(Role(one[5:]) for one in to if one in _ROLES),
            members=tuple(MemberId(_id(one[7:])) for one in to if one.startswith("member:")),
            groups=tuple(one[6:] for one in to if one.startswith("group:")),
            mailed=tuple(MemberId(_id(one[5:])) for one in to if one.startswith("mail:")),
        )
        await request.app[SITE].desk.people.add_route(operator(request), route)
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(PAGE, "notices-changed")


async def change_route(request: web.Request) -> web.Response:
    form, people = await Form.sent(request), request.app[SITE].desk.people
    act = form.choice("act", {"remove": people.remove_route, "raise": people.raise_route})
    await act(operator(request), form["id"])
    raise see_other(PAGE, "notices-changed")


async def add_group(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    group = Group(form["number"], form["name"], addressed=form["addressed"] == "1")
    try:
        await request.app[SITE].desk.people.add_group(operator(request), group)
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(PAGE, "notices-changed")


async def remove_group(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.people.remove_group(operator(request), form["id"])
    raise see_other(PAGE, "notices-changed")


async def add_shift(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    sent = await request.post()
    try:
        hours = parse_hours(form["hours"])
        if len(hours) != 1:
            sentence = "写一段时间，例如 9:00-18:00"
            raise Invalid(sentence, {"hours": sentence})
        days = {int(str(one)) for one in sent.getall("day", []) if str(one) in "0123456"}
        weekdays = tuple(sorted(days)) if len(days) < 7 else ()
        shift = Shift(MemberId(_id(form["member"])), hours[0], weekdays)
        await request.app[SITE].desk.people.add_shift(operator(request), shift)
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(PAGE, "notices-changed")


async def remove_shift(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.people.remove_shift(operator(request), form["id"])
    raise see_other(PAGE, "notices-changed")


async def habits(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.people.set_habits(
            operator(request),
            quiet=_quiet(form),
            unanswered=_unanswered(form),
            claimed_only=form["claimed_only"] == "1",
            mail_unanswered=form["mail_unanswered"] == "1",
            digest_at=_digest_at(form),
        )
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(PAGE, "notices-changed")


async def away(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    account = form["away_account"]
    try:
        of = AccountId(_id(account)) if account else None
        await request.app[SITE].desk.people.set_away(operator(request), of, form["away"])
    except Invalid as refusal:
        return await _page(request, form.refused(refusal), status=400)
    raise see_other(PAGE, "notices-changed")


_KINDS = frozenset(kind.value for kind in NoticeKind)
_ROLES = frozenset(f"role:{role.value}" for role in Role)


async def _page(request: web.Request, form: Form, *, status: int = 200) -> web.Response:
    site = request.app[SITE]
    view = await site.desk.people.view(operator(request))
    if not form.values:
        form = Form(_habits_of(view.plan))
    else:
        form = Form({**_habits_of(view.plan), **form.values}, form.alert, form.errors)
    chosen = await _chosen(request)
    return render(request, "notices.html", status=status, view=view, form=form, chosen=chosen)


async def _chosen(request: web.Request) -> frozenset[str]:
    """What was ticked of several, so that a form that was refused comes back as it was."""
    sent = await request.post()
    return frozenset(
        f"{name}={one}" for name in SEVERAL for one in sent.getall(name, []) if isinstance(one, str)
    )


def _habits_of(plan: PeoplePlan) -> dict[str, str]:
    quiet, minutes, at = plan.quiet, plan.unanswered, plan.digest_at
    return {
        "quiet": f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet is not None else "",
        "waits": "default" if minutes is None else "own" if minutes else "never",
        "unanswered": "、".join(map(str, minutes or (5, 15, 30))),
        "claimed_only": "1" if plan.claimed_only else "",
        "mail_unanswered": "1" if plan.mail_unanswered else "",
        "digest_at": f"{at:%H:%M}" if at is not None else "",
        "addressed": "1",
    }


def _quiet(form: Form) -> Hours | None:
    if not form["quiet"].strip():
        return None
    try:
        hours = parse_hours(form["quiet"])
    except Invalid as refusal:
        raise Invalid(refusal.text, {"quiet": refusal.text}) from None
    if len(hours) != 1:
        sentence = "写一段时间，例如 23:00-8:00"
        raise Invalid(sentence, {"quiet": sentence})
    return hours[0]


def _unanswered(form: Form) -> tuple[int, ...] | None:
    chosen = form.choice("waits", WAITS)
    if chosen != "own":
        return None if chosen == "default" else ()
    sentence = "写分钟数，例如 5、15、30"
    words = form.several("unanswered")
    if not words or not all(one.isascii() and one.isdigit() and len(one) < 6 for one in words):
        raise Invalid(sentence, {"unanswered": sentence})
    return tuple(map(int, words))


def _digest_at(form: Form) -> time | None:
    words = form["digest_at"].strip()
    if not words:
        return None
    found = _CLOCK.fullmatch(words)
    if found is None:
        sentence = "写成 22:00 的样子；不要日报就留空"
        raise Invalid(sentence, {"digest_at": sentence})
    return time(int(found[1]), int(found[2]))


def _id(words: str) -> int:
    if not (words.isascii() and words.isdigit() and len(words) <= 15):
        raise Invalid("没有保存：请从给出的选项里选")
    return int(words)


ROUTES = (
    web.get(PAGE, show),
    web.post(f"{PAGE}/routes", add_route),
    web.post(f"{PAGE}/routes/change", change_route),
    web.post(f"{PAGE}/groups", add_group),
    web.post(f"{PAGE}/groups/remove", remove_group),
    web.post(f"{PAGE}/shifts", add_shift),
    web.post(f"{PAGE}/shifts/remove", remove_shift),
    web.post(f"{PAGE}/habits", habits),
    web.post(f"{PAGE}/away", away),
)
