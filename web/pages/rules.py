"""Keyword rules and default replies."""

from __future__ import annotations

from aiohttp import web

from hub.desk import split_keywords
from hub.errors import Invalid, NotFound
from hub.model import AccountId, Role, Rule, RuleId, RuleKind
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE


async def listing(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    rules = await site.desk.rules.all(who)
    accounts = await site.desk.accounts.all(who)
    return render(
        request,
        "rules.html",
        keyword_rules=[r for r in rules if r.kind is RuleKind.KEYWORD],
        default_rules=[r for r in rules if r.kind is RuleKind.DEFAULT],
        account_names={a.id: a.name for a in accounts},
        replies_on=site.settings.replies.enabled,
    )


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return await _form(request, Form({"kind": request.query.get("kind", "")}))


async def _form(request: web.Request, form: Form, rule: Rule | None = None) -> web.Response:
    accounts = await request.app[SITE].desk.accounts.all(operator(request))
    return render(
        request,
        "rule_form.html",
        status=400 if form.alert else 200,
        form=form,
        rule=rule,
        accounts=accounts,
    )


async def add(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    site, who = request.app[SITE], operator(request)
    accounts = await site.desk.accounts.all(who)
    scopes: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
    try:
        kind = form.choice("kind", {k.value: k for k in RuleKind})
        await site.desk.rules.add(
            who,
            kind=kind,
            reply=form["reply"],
            keywords=split_keywords(form["keywords"]) if kind is RuleKind.KEYWORD else (),
            account=form.choice("account", scopes),
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal))
    raise see_other("/rules", "rule-added")


async def edit_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    rule = await _rule(request)
    form = Form({"keywords": "\n".join(rule.keywords), "reply": rule.reply})
    return await _form(request, form, rule)


async def edit(request: web.Request) -> web.Response:
    form, rule = await Form.sent(request), await _rule(request)
    words = split_keywords(form["keywords"]) if rule.kind is RuleKind.KEYWORD else ()
    try:
        await request.app[SITE].desk.rules.change(
            operator(request), rule.id, reply=form["reply"], keywords=words
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal), rule)
    raise see_other("/rules", "rule-changed")


async def switch(request: web.Request) -> web.Response:
    form, rule = await Form.sent(request), await _rule(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.rules.change(operator(request), rule.id, enabled=on)
    raise see_other("/rules", "rule-changed")


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "rule_remove.html", rule=await _rule(request))


async def remove(request: web.Request) -> web.Response:
    rule = await _rule(request)
    await request.app[SITE].desk.rules.remove(operator(request), rule.id)
    raise see_other("/rules", "rule-removed")


async def _rule(request: web.Request) -> Rule:
    wanted = RuleId(int(request.match_info["id"]))
    rules = await request.app[SITE].desk.rules.all(operator(request))
    rule = next((r for r in rules if r.id == wanted), None)
    if rule is None:
        raise NotFound("这条规则不存在，可能已经被删除")
    return rule


ROUTES = (
    web.get("/rules", listing),
    web.get("/rules/new", add_form),
    web.post("/rules/new", add),
    web.get(r"/rules/{id:\d{1,15}}", edit_form),
    web.post(r"/rules/{id:\d{1,15}}", edit),
    web.post(r"/rules/{id:\d{1,15}}/switch", switch),
    web.get(r"/rules/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/rules/{id:\d{1,15}}/remove", remove),
)
