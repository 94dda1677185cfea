"""Delivery rules, and what is held before it is delivered."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from aiohttp import web

from hub.commands import narrow
from hub.desk import CHANGED_MEANWHILE
from hub.errors import Invalid
from hub.model import (
    Account,
    AccountId,
    DeliveryRule,
    DeliveryRuleId,
    Guards,
    Pool,
    PoolId,
    Role,
    Spec,
    StepOrder,
)
from hub.policy import split_keywords
from web.auth import operator
from web.forms import Form
from web.pages.needs import stops_of
from web.picking import picked, picking
from web.render import render, see_other
from web.site import SITE

STEPS = {one.value: one for one in StepOrder}
_AMOUNT = re.compile(r"\d{1,8}(?:\.\d{1,2})?", re.ASCII)
NUMBERS = {
    "cards": "每件几张是 1 到 20 的整数",
    "most_units": "最多几件是 1 到 100 的整数",
    "delay_seconds": "延迟是 0 到 3600 的整数，单位是秒",
}
GUARD_NUMBERS = {
    "brake_per_minute": "填 0 或更大的整数，0 是不用",
    "brake_failures": "填 0 或更大的整数，0 是不用",
}
NEW = {"cards": "1", "most_units": "10", "delay_seconds": "0", "steps": StepOrder.SEND_THEN_CONFIRM}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule can be about."""

    accounts: Sequence[Account]
    pools: Sequence[Pool]


async def listing(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    return render(
        request,
        "delivery_rules_part.html" if "part" in request.query else "delivery_rules.html",
        rules=await site.desk.delivery_rules.told(who),
        guards=await site.desk.delivery_rules.guards(who),
        has_pools=bool(await site.desk.stock.overview(who)),
        **await stops_of(request),
    )


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    form = Form({**NEW, "pool": request.query.get("pool", "")})
    return await _form(request, form, set())


async def add(request: web.Request) -> web.Response:
    form, chosen = await Form.sent(request), await picked(request)
    site, who = request.app[SITE], operator(request)
    who.require(Role.OWNER)
    try:
        rule = _filled_in(form, chosen, await _surroundings(request))
        await site.desk.delivery_rules.add(
            who,
            pool=rule.pool,
            items=rule.items,
            keywords=rule.keywords,
            spec=rule.spec,
            account=rule.account,
            fallback=rule.fallback,
            cards=rule.cards,
            most_units=rule.most_units,
            delay_seconds=rule.delay_seconds,
            steps=rule.steps,
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal), chosen)
    raise see_other("/delivery-rules", "rule-added")


async def edit_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    rule = await _rule(request)
    values = {
        "account": str(rule.account or ""),
        "pool": str(rule.pool),
        "keywords": "\n".join(rule.keywords),
        "spec": "\n".join(f"{name}：{value}" if name else value for name, value in rule.spec),
        "fallback": "1" if rule.fallback else "",
        "cards": str(rule.cards),
        "most_units": str(rule.most_units),
        "delay_seconds": str(rule.delay_seconds),
        "steps": rule.steps,
        "seen": _mark(rule),
    }
    return await _form(request, Form(values), set(rule.items), rule)


async def edit(request: web.Request) -> web.Response:
    form, chosen, rule = await Form.sent(request), await picked(request), await _rule(request)
    who = operator(request)
    who.require(Role.OWNER)
    try:
        new = _filled_in(form, chosen, await _surroundings(request), rule)
        _check_seen(form, rule)
        await request.app[SITE].desk.delivery_rules.change(who, new, seen=rule)
    except Invalid as refusal:
        return await _form(request, form.refused(refusal), chosen, rule)
    raise see_other("/delivery-rules", "rule-changed")


async def switch(request: web.Request) -> web.Response:
    form, rule = await Form.sent(request), await _rule(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.delivery_rules.change(operator(request), replace(rule, enabled=on))
    raise see_other("/delivery-rules", "rule-changed")


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    rule = await _rule(request)
    told = await request.app[SITE].desk.delivery_rules.told(operator(request))
    sentence = next((said for one, said in told if one.id == rule.id), "")
    return render(request, "delivery_rule_remove.html", rule=rule, sentence=sentence)


async def remove(request: web.Request) -> web.Response:
    rule = await _rule(request)
    await request.app[SITE].desk.delivery_rules.remove(operator(request), rule.id)
    raise see_other("/delivery-rules", "rule-removed")


# --- Guards ---------------------------------------------------------------------------------------


async def guards_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    guards = await request.app[SITE].desk.delivery_rules.guards(operator(request))
    values = {
        "blocked_buyers": "\n".join(guards.blocked_buyers),
        "hold_second_order": "1" if guards.hold_second_order else "",
        "most_amount": _written(guards.most_amount),
        "most_amount_new_buyer": _written(guards.most_amount_new_buyer),
        "brake_per_minute": str(guards.brake_per_minute),
        "brake_failures": str(guards.brake_failures),
        "seen": _mark(guards),
    }
    return _guards(request, Form(values))


async def set_guards(request: web.Request) -> web.Response:
    site, form, who = request.app[SITE], await Form.sent(request), operator(request)
    who.require(Role.OWNER)
    old = await site.desk.delivery_rules.guards(who)
    try:
        _check_seen(form, old)
        guards = Guards(
            blocked_buyers=tuple(form.several("blocked_buyers")),
            hold_second_order=form["hold_second_order"] == "1",
            most_amount=_amount(form, "most_amount"),
            most_amount_new_buyer=_amount(form, "most_amount_new_buyer"),
            brake_per_minute=form.number("brake_per_minute", GUARD_NUMBERS["brake_per_minute"]),
            brake_failures=form.number("brake_failures", GUARD_NUMBERS["brake_failures"]),
        )
        await site.desk.delivery_rules.set_guards(who, guards, seen=old)
    except Invalid as refusal:
        return _guards(request, form.refused(refusal))
    raise see_other("/delivery-rules", "guards-changed")


def _guards(request: web.Request, form: Form) -> web.Response:
    return render(request, "delivery_guards.html", status=400 if form.alert else 200, form=form)


def _mark(shown: DeliveryRule | Guards) -> str:
    """By which a form knows what it was made from."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:16]


def _check_seen(form: Form, now: DeliveryRule | Guards) -> None:
    """Raises Invalid when that was changed since the form was shown."""
    if form["seen"] and form["seen"] != _mark(now):
        raise Invalid(CHANGED_MEANWHILE)


def _written(amount: Decimal | None) -> str:
    return "" if amount is None else str(amount)


def _amount(form: Form, name: str) -> Decimal | None:
    written = form[name].strip()
    if not written:
        return None
    if not _AMOUNT.fullmatch(narrow(written)):
        raise Invalid("没有保存：金额写数字，例如 200", {name: "写大于 0 的数字，例如 200"})
    return Decimal(narrow(written))


# --- The form of a rule ---------------------------------------------------------------------------


def _filled_in(
    form: Form, chosen: set[str], around: Surroundings, rule: DeliveryRule | None = None
) -> DeliveryRule:
    """Raises Invalid for what cannot be read; whether it makes sense is for the desk to say."""
    accounts: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in around.accounts}
    pools: dict[str, PoolId] = {str(pool.id): pool.id for pool in around.pools}
    if not form["pool"]:
        raise Invalid("没有保存：选一个卡池", {"pool": "选一个卡池"})
    numbers = {name: form.number(name, complaint) for name, complaint in NUMBERS.items()}
    pool = form.choice("pool", pools)
    base = rule or DeliveryRule(DeliveryRuleId(0), around.pools[0].shop, None, pool)
    return replace(
        base,
        account=form.choice("account", accounts),
        pool=pool,
        items=tuple(sorted(chosen)),
        keywords=tuple(split_keywords(form["keywords"])),
        spec=_spec(form["spec"]),
        fallback=form["fallback"] == "1",
        cards=numbers["cards"],
        most_units=numbers["most_units"],
        delay_seconds=numbers["delay_seconds"],
        steps=form.choice("steps", STEPS),
    )


def _spec(written: str) -> Spec:
    """A line each: `颜色：红`, or the value alone."""
    pairs = []
    for line in written.splitlines():
        name, colon, value = line.strip().replace("：", ":", 1).partition(":")
        if name.strip():
            pairs.append((name.strip(), value.strip()) if colon else ("", name.strip()))
    return tuple(pairs)


async def _form(
    request: web.Request, form: Form, chosen: set[str], rule: DeliveryRule | None = None
) -> web.Response:
    return render(
        request,
        "delivery_rule_form.html",
        status=400 if form.alert else 200,
        form=form,
        rule=rule,
        around=await _surroundings(request),
        picking=await picking(request, chosen),
    )


async def _surroundings(request: web.Request) -> Surroundings:
    site, who = request.app[SITE], operator(request)
    accounts = await site.desk.accounts.all(who)
    return Surroundings(accounts, [line.pool for line in await site.desk.stock.overview(who)])


async def _rule(request: web.Request) -> DeliveryRule:
    wanted = DeliveryRuleId(int(request.match_info["id"]))
    return await request.app[SITE].desk.delivery_rules.get(operator(request), wanted)


ROUTES = (
    web.get("/delivery-rules", listing),
    web.get("/delivery-rules/new", add_form),
    web.post("/delivery-rules/new", add),
    web.get("/delivery-rules/guards", guards_form),
    web.post("/delivery-rules/guards", set_guards),
    web.get(r"/delivery-rules/{id:\d{1,15}}", edit_form),
    web.post(r"/delivery-rules/{id:\d{1,15}}", edit),
    web.post(r"/delivery-rules/{id:\d{1,15}}/switch", switch),
    web.get(r"/delivery-rules/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/delivery-rules/{id:\d{1,15}}/remove", remove),
)
