"""AI: profiles with a try, and how far AI may go in the shop, at an account, at an item."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from hub import text
from hub.desk import (
    MOST_QUESTIONS,
    TRIED_WORDS,
    AiPlace,
    AiTrial,
    AskedAgain,
    ProfileLine,
    parse_hours,
)
from hub.errors import Invalid
from hub.model import (
    AccountId,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    Intent,
    Role,
)
from hub.policy import SENSITIVE, mode_for
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

NEVER_SHOWN = ("api_key",)
MODES: dict[str, AiMode | None] = {"": None, **{mode.value: mode for mode in AiMode}}
ASKED_FOR = tuple(intent for intent in Intent if intent is not Intent.NONE)
"""Intents that people can say something about."""
NEW = {"timeout": "30", "position": "1"}
LIMITS = (
    "calls_per_day",
    "tokens_per_day",
    "calls_per_conversation",
    "tokens_per_conversation",
    "confidence",
    "history",
    "draft_minutes",
)
NUMBER = "填 0 或更大的整数"


async def show(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    overview = await site.desk.ai.overview(who)
    accounts = await site.desk.accounts.all(who)
    return render(
        request,
        "assist.html",
        overview=overview,
        accounts=accounts,
        account_names={account.id: account.name for account in accounts},
        replies_on=site.settings.replies.enabled,
    )


# --- Profiles ---


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return await _profile_page(request, Form(NEW))


async def add(request: web.Request) -> web.Response:
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    try:
        added = await site.desk.ai.add(who, await _profile(request, form))
    except Invalid as refusal:
        return await _profile_page(request, form.refused(refusal, secret=NEVER_SHOWN))
    raise see_other(f"/ai/profiles/{added.id}", "ai-profile-added")


async def profile(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    line = await _line(request)
    return await _profile_page(request, _form(line.profile), line)


async def change(request: web.Request) -> web.Response:
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    line = await _line(request)
    keep = not form["api_key"].strip() and not form["no_key"]
    try:
        await site.desk.ai.change(
            who, line.profile.id, await _profile(request, form, line), keep_key=keep
        )
    except Invalid as refusal:
        return await _profile_page(request, form.refused(refusal, secret=NEVER_SHOWN), line)
    raise see_other(f"/ai/profiles/{line.profile.id}", "ai-profile-changed")


async def switch(request: web.Request) -> web.Response:
    form, line = await Form.sent(request), await _line(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.ai.switch(operator(request), line.profile.id, enabled=on)
    raise see_other("/ai", "ai-profile-changed")


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "assist_profile_remove.html", line=await _line(request))


async def remove(request: web.Request) -> web.Response:
    await request.app[SITE].desk.ai.remove(operator(request), _profile_id(request))
    raise see_other("/ai", "ai-profile-removed")


async def test(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    sent, line = await Form.sent(request), await _line(request)
    form = _form(line.profile, words=sent["words"], item=sent["item"])
    try:
        trial = await request.app[SITE].desk.ai.test(
            operator(request), line.profile.id, sent["words"], sent["item"].strip()
        )
    except Invalid as refusal:
        return await _profile_page(request, form.refused(refusal), line)
    return await _profile_page(request, form, line, trial)


async def _line(request: web.Request) -> ProfileLine:
    return await request.app[SITE].desk.ai.profile(operator(request), _profile_id(request))


def _profile_id(request: web.Request) -> AiProfileId:
    return AiProfileId(int(request.match_info["id"]))


async def _profile(request: web.Request, form: Form, line: ProfileLine | None = None) -> AiProfile:
    who = operator(request)
    accounts = await request.app[SITE].desk.accounts.all(who)
    places: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
    return AiProfile(
        id=AiProfileId(0),
        shop=who.shop,
        name=form["name"].strip(),
        base_url=form["base_url"].strip().rstrip("/"),
        model=form["model"].strip(),
        api_key=form["api_key"].strip(),
        account=form.choice("account", places),
        position=form.number("position", NUMBER),
        timeout_seconds=float(form.number("timeout", "填 1 到 120 的整数")),
        sees_pictures=bool(form["sees_pictures"]),
        allow_private=bool(form["allow_private"]),
        enabled=line is None or line.profile.enabled,
    )


def _form(profile: AiProfile, **more: str) -> Form:
    return Form(
        {
            "name": profile.name,
            "base_url": profile.base_url,
            "model": profile.model,
            "account": str(profile.account or ""),
            "position": str(profile.position),
            "timeout": str(int(profile.timeout_seconds)),
            "sees_pictures": "1" if profile.sees_pictures else "",
            "allow_private": "1" if profile.allow_private else "",
            "words": TRIED_WORDS,
            **more,
        }
    )


async def _profile_page(
    request: web.Request, form: Form, line: ProfileLine | None = None, trial: AiTrial | None = None
) -> web.Response:
    return render(
        request,
        "assist_profile.html",
        status=400 if form.alert else 200,
        form=form,
        line=line,
        trial=trial,
        outcome=None if trial is None else trial.outcome,
        accounts=await request.app[SITE].desk.accounts.all(operator(request)),
    )


# --- Places ---


async def place(request: web.Request) -> web.Response:
    return await _place_page(request)


async def find_item(request: web.Request) -> web.Response:
    """The field on the overview leads here."""
    item = request.query.get("item", "").strip()
    await request.app[SITE].desk.ai.scope(operator(request), AiPlace(item=item))
    raise web.HTTPSeeOther(f"/ai/items/{item}")


async def save_place(request: web.Request) -> web.Response:
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    where = _place(request)
    try:
        if where == AiPlace():
            await site.desk.ai.set_shop(who, _scope(form, whole_day=True), _limits(form))
        else:
            await site.desk.ai.set_scope(who, where, _scope(form, whole_day=False))
    except Invalid as refusal:
        return await _place_page(request, form.refused(refusal))
    raise see_other(request.path, "ai-changed")


async def ask_again(request: web.Request) -> web.Response:
    """What AI would say to the last questions if this were said here; nothing is kept."""
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    where, asked = _place(request), None
    try:
        scope = _scope(form, whole_day=where == AiPlace())
        asked = await site.desk.ai_replays.ask_again(who, where, scope)
    except Invalid as refusal:
        form = form.refused(refusal)
    return await _place_page(request, form, asked)


def _place(request: web.Request) -> AiPlace:
    found = request.match_info
    if "account" in found:
        return AiPlace(account=AccountId(int(found["account"])))
    return AiPlace(item=found.get("item"))


def _scope(form: Form, *, whole_day: bool) -> AiScope:
    """`whole_day`: no hours mean always, not as elsewhere."""
    written = form["hours"].strip()
    said = [(intent, form.choice(f"intent_{intent.value}", MODES)) for intent in ASKED_FOR]
    return AiScope(
        mode=form.choice("mode", MODES),
        intents=tuple((intent, mode) for intent, mode in said if mode is not None),
        hours=parse_hours(written) if written or whole_day else None,
        knowledge=form["knowledge"].replace("\r\n", "\n").strip(),
        prompt=form["prompt"].replace("\r\n", "\n").strip(),
    )


def _limits(form: Form) -> AiLimits:
    numbers = {name: form.number(name, NUMBER) for name in LIMITS}
    return AiLimits(**numbers, draft_sends=form["draft_sends"] == "1")


async def _place_page(
    request: web.Request, form: Form | None = None, asked: Sequence[AskedAgain] | None = None
) -> web.Response:
    who, where = operator(request), _place(request)
    scope, settings, name = await request.app[SITE].desk.ai.scope(who, where)
    if form is None:
        form = Form(
            {
                "mode": scope.mode or "",
                **{f"intent_{intent.value}": mode for intent, mode in scope.intents},
                "hours": text.ai_hours(scope.hours or ()),
                "knowledge": scope.knowledge,
                "prompt": scope.prompt,
                "draft_sends": "1" if settings.limits.draft_sends else "",
                **{limit: str(getattr(settings.limits, limit)) for limit in LIMITS},
            }
        )
    return render(
        request,
        "assist_place.html",
        status=400 if form.alert else 200,
        form=form,
        place=where,
        name=name,
        whole_shop=where == AiPlace(),
        holds=mode_for(settings),
        asked_for=ASKED_FOR,
        apart=any(form[f"intent_{intent.value}"] for intent in ASKED_FOR),
        sensitive=SENSITIVE,
        asked=asked,
        most_asked=MOST_QUESTIONS,
        here=request.path.removesuffix("/replay"),
    )


ROUTES = (
    web.get("/ai", show),
    web.get("/ai/profiles/new", add_form),
    web.post("/ai/profiles/new", add),
    web.get(r"/ai/profiles/{id:\d{1,15}}", profile),
    web.post(r"/ai/profiles/{id:\d{1,15}}", change),
    web.post(r"/ai/profiles/{id:\d{1,15}}/switch", switch),
    web.post(r"/ai/profiles/{id:\d{1,15}}/test", test),
    web.get(r"/ai/profiles/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/ai/profiles/{id:\d{1,15}}/remove", remove),
    web.get("/ai/shop", place),
    web.post("/ai/shop", save_place),
    web.post("/ai/shop/replay", ask_again),
    web.get(r"/ai/accounts/{account:\d{1,15}}", place),
    web.post(r"/ai/accounts/{account:\d{1,15}}", save_place),
    web.post(r"/ai/accounts/{account:\d{1,15}}/replay", ask_again),
    web.get("/ai/items", find_item),
    web.get(r"/ai/items/{item:\d{6,24}}", place),
    web.post(r"/ai/items/{item:\d{6,24}}", save_place),
    web.post(r"/ai/items/{item:\d{6,24}}/replay", ask_again),
)
