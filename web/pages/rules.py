"""Reply rules: the list, adding and changing one, its pictures, the live preview."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from urllib.parse import urlencode

from aiohttp import web

from hub import text
from hub.desk import Replayed, RuleFields
from hub.errors import Invalid
from hub.model import AccountId, Hours, Match, Moment, Role, Rule, RuleId, RuleKind
from hub.policy import MOMENT_NAMES, ReplyPart, cut, split_keywords
from web.auth import operator
from web.forms import Form
from web.picking import picked, picking
from web.render import render, see_other
from web.site import SITE

ON_A_PAGE = 100
LOOKS_BACK = 200
"""Messages of buyers that a changed rule is tried on."""
DIFFERENCES_SHOWN = 30
PICTURED = "[图片]"
"""In the place of pictures that are not kept yet."""
KINDS = {kind.value: kind for kind in text.RULE_KINDS}
MATCHES = {"": Match.CONTAINS} | {match.value: match for match in Match}
MOMENTS: dict[str, Moment | None] = {"": None} | {moment.value: moment for moment in Moment}
STATES = {"on": "打开的", "off": "关闭的"}
PRIORITY = "优先级是 0 到 100 的整数，越大越先"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of rules is narrowed down to."""

    find: str = ""
    kind: str = ""
    account: str = ""
    """An account's id: rules of its own and those for all."""
    state: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        return cls(
            query.get("find", "").strip(),
            query.get("kind", ""),
            query.get("account", ""),
            query.get("state", ""),
        )

    def address(self, **other: str) -> str:
        """Of the list that shows this, or something else of it."""
        fields = {"find": self.find, "kind": self.kind} | {
            "account": self.account,
            "state": self.state,
            **other,
        }
        told = urlencode({name: value for name, value in fields.items() if value})
        return f"/rules?{told}" if told else "/rules"

    def has(self, rule: Rule, titles: Mapping[str, str]) -> bool:
        if self.account and str(rule.account or self.account) != self.account:
            return False
        if self.state and rule.enabled != (self.state == "on"):
            return False
        if not self.find:
            return True
        words = (*rule.keywords, rule.reply, *rule.items)
        named = (titles.get(item, "") for item in rule.items)
        return any(self.find.casefold() in one.casefold() for one in (*words, *named))


async def listing(request: web.Request) -> web.Response:
    site, who = request.app[SITE], operator(request)
    around = await picking(request)
    wanted, titles = Wanted.of(request.query), around.titles
    rules = await site.desk.rules.all(who)
    found = sorted((rule for rule in rules if wanted.has(rule, titles)), key=_rank)
    counts = {kind: sum(rule.kind is kind for rule in found) for kind in text.RULE_KINDS}
    shown = [rule for rule in found if wanted.kind in ("", rule.kind)]
    pages = max(1, -(-len(shown) // ON_A_PAGE))
    page = min(_number(request.query.get("page", "1")), pages)
    return render(
        request,
        "rules.html",
        rules=shown[(page - 1) * ON_A_PAGE : page * ON_A_PAGE],
        wanted=wanted,
        counts=counts,
        number=len(shown),
        page=page,
        pages=pages,
        any_rules=bool(rules),
        accounts=around.accounts,
        account_names={a.id: a.name for a in around.accounts},
        titles=titles,
        states=STATES,
        cut=cut,
        kinds=text.RULE_KINDS,
        replies_on=site.settings.replies.enabled,
        matches=text.MATCHES,
        moments=MOMENT_NAMES,
    )


def _rank(rule: Rule) -> tuple[int, int, bool, int]:
    """Those of one kind together, each kind in its order of precedence."""
    return list(text.RULE_KINDS).index(rule.kind), -rule.priority, rule.account is None, rule.id


def _number(written: str) -> int:
    return max(1, int(written)) if written.isascii() and written.isdigit() else 1


# --- Adding and changing --------------------------------------------------------------------------


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    kind = request.query.get("kind", "")
    form = Form(
        {
            "kind": kind if kind in KINDS else RuleKind.KEYWORD,
            "match": Match.CONTAINS,
            "moment": request.query.get("moment", ""),
            "priority": "0",
        }
    )
    return await _form(request, form, ())


async def add(request: web.Request) -> web.Response:
    form, chosen, who = await Form.sent(request), await picked(request), operator(request)
    who.require(Role.OWNER)
    try:
        kind = form.choice("kind", KINDS)
        fields = await _fields(request, form, chosen, kind)
        await request.app[SITE].desk.rules.add(who, kind=kind, **fields)
    except Invalid as refusal:
        return await _form(request, form.refused(refusal), chosen)
    raise see_other("/rules", "rule-added")


async def edit_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    rule = await _rule(request)
    form = Form(
        {
            "kind": rule.kind,
            "account": str(rule.account or ""),
            "keywords": "\n".join(rule.keywords),
            "match": rule.match,
            "moment": rule.moment or "",
            "reply": rule.reply,
            "silent": "1" if rule.silent else "",
            "priority": str(rule.priority),
            "from": f"{rule.hours.start:%H:%M}" if rule.hours else "",
            "until": f"{rule.hours.end:%H:%M}" if rule.hours else "",
            "once": "1" if rule.once else "",
        }
    )
    return await _form(request, form, rule.items, rule)


async def edit(request: web.Request) -> web.Response:
    form, chosen, rule = await Form.sent(request), await picked(request), await _rule(request)
    who = operator(request)
    who.require(Role.OWNER)
    try:
        fields = await _fields(request, form, chosen, rule.kind)
        await request.app[SITE].desk.rules.change(who, rule.id, **fields)
    except Invalid as refusal:
        return await _form(request, form.refused(refusal), chosen, rule)
    raise see_other("/rules", "rule-changed")


async def _fields(
    request: web.Request, form: Form, chosen: Collection[str], kind: RuleKind
) -> RuleFields:
    """Raises Invalid for what cannot be read; whether it makes sense is for the desk to say."""
    accounts = await request.app[SITE].desk.accounts.all(operator(request))
    scopes: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
    match = form.choice("match", MATCHES)
    post = await request.post()
    files = [
        one.file.read()
        for one in post.getall("pictures", [])
        if isinstance(one, web.FileField) and one.filename
    ]
    return RuleFields(
        account=form.choice("account", scopes),
        keywords=split_keywords(form["keywords"], match) if kind is RuleKind.KEYWORD else (),
        match=match,
        items=sorted(chosen),
        reply=form["reply"],
        silent=form["silent"] == "1",
        priority=form.number("priority", PRIORITY) if form["priority"].strip() else 0,
        hours=_hours(form),
        once=form["once"] == "1",
        moment=form.choice("moment", MOMENTS),
        new_pictures=files,
        without_pictures=[one for one in post.getall("without", []) if isinstance(one, str)],
    )


def _hours(form: Form) -> Hours | None:
    """Raises Invalid unless both are given, or none."""
    start, end = form["from"].strip(), form["until"].strip()
    if not start and not end:
        return None
    try:
        return Hours(time.fromisoformat(start), time.fromisoformat(end))
    except ValueError:
        complaint = "写成 09:00 的样子，从几点和到几点都要填"
        raise Invalid(f"没有保存：时段{complaint}", {"hours": complaint}) from None


async def _form(
    request: web.Request,
    form: Form,
    chosen: Collection[str],
    rule: Rule | None = None,
    replayed: Replayed | None = None,
) -> web.Response:
    parts, why = _sample(request, form, rule)
    return render(
        request,
        "rule_form.html",
        status=400 if form.alert else 200,
        form=form,
        rule=rule,
        kind=rule.kind if rule is not None else KINDS.get(form["kind"], RuleKind.KEYWORD),
        kinds=text.RULE_KINDS,
        picking=await picking(request, chosen),
        placeholders=text.REPLY_PLACEHOLDERS,
        parts=parts,
        why=why,
        silent=form["silent"] == "1",
        replayed=replayed,
        looks_back=LOOKS_BACK,
        shown=DIFFERENCES_SHOWN,
        why_not="",
        matches=text.MATCHES,
        moments=MOMENT_NAMES,
    )


async def preview(request: web.Request) -> web.Response:
    """What the form under somebody's hands would say, as a part of its page."""
    operator(request).require(Role.OWNER)
    form = await Form.sent(request)
    rule = await _rule_of(request, form)
    parts, why = _sample(request, form, rule)
    silent = form["silent"] == "1"
    return render(request, "rule_preview.html", parts=parts, why=why, silent=silent, rule=rule)


async def _rule_of(request: web.Request, form: Form) -> Rule | None:
    """The rule that a form is about; None: a new one. Raises Invalid, NotFound."""
    if not form["rule"]:
        return None
    wanted = RuleId(form.number("rule", "没有这条规则"))
    return await request.app[SITE].desk.rules.get(operator(request), wanted)


async def rehearse(request: web.Request) -> web.Response:
    """What the form under somebody's hands would have changed, before anything is saved."""
    who = operator(request)
    who.require(Role.OWNER)
    form, chosen = await Form.sent(request), await picked(request)
    rule = await _rule_of(request, form)
    partial, replayed, why_not = "part" in request.query, None, ""
    try:
        kind = rule.kind if rule is not None else form.choice("kind", KINDS)
        fields = await _fields(request, form, chosen, kind)
        pictured = bool([*fields["new_pictures"]]) or form["pictured"] == "1"
        if pictured and not form["reply"].strip():
            fields["reply"] = PICTURED
        fields["new_pictures"], fields["enabled"] = (), True
        replayed = await request.app[SITE].desk.rehearsal.replay(
            who,
            rule=rule.id if rule is not None else None,
            kind=kind,
            fields=fields,
            last=LOOKS_BACK,
        )
    except Invalid as refusal:
        if not partial:
            return await _form(request, form.refused(refusal), chosen, rule)
        why_not = refusal.text
    if not partial:
        return await _form(request, form, chosen, rule, replayed)
    return render(
        request,
        "rule_differences.html",
        replayed=replayed,
        why_not=why_not,
        looks_back=LOOKS_BACK,
        shown=DIFFERENCES_SHOWN,
    )


def _sample(request: web.Request, form: Form, rule: Rule | None) -> tuple[Sequence[ReplyPart], str]:
    """The messages, or why there are none."""
    reply, pictures = form["reply"], rule.pictures if rule is not None else ()
    if not reply.strip() and not pictures:
        return (), ""
    try:
        return request.app[SITE].desk.rules.sample(reply, pictures), ""
    except Invalid as refusal:
        return (), refusal.text


async def switch(request: web.Request) -> web.Response:
    form, rule = await Form.sent(request), await _rule(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.rules.change(operator(request), rule.id, enabled=on)
    raise see_other(Wanted.of(form.values).address(page=form["page"]), "rule-changed")


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "rule_remove.html", rule=await _rule(request))


async def remove(request: web.Request) -> web.Response:
    rule = await _rule(request)
    await request.app[SITE].desk.rules.remove(operator(request), rule.id)
    raise see_other("/rules", "rule-removed")


async def picture(request: web.Request) -> web.Response:
    data, media_type = await request.app[SITE].desk.rules.picture(
        operator(request), _rule_id(request), request.match_info["name"]
    )
    return web.Response(
        body=data, content_type=media_type, headers={"Cache-Control": "private, max-age=86400"}
    )


def _rule_id(request: web.Request) -> RuleId:
    return RuleId(int(request.match_info["id"]))


async def _rule(request: web.Request) -> Rule:
    return await request.app[SITE].desk.rules.get(operator(request), _rule_id(request))


ROUTES = (
    web.get("/rules", listing),
    web.get("/rules/new", add_form),
    web.post("/rules/new", add),
    web.post("/rules/preview", preview),
    web.post("/rules/rehearse", rehearse),
    web.get(r"/rules/{id:\d{1,15}}", edit_form),
    web.post(r"/rules/{id:\d{1,15}}", edit),
    web.post(r"/rules/{id:\d{1,15}}/switch", switch),
    web.get(r"/rules/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/rules/{id:\d{1,15}}/remove", remove),
    web.get(r"/rules/{id:\d{1,15}}/pictures/{name:[0-9a-f]{64}\.[a-z]{3}}", picture),
)
