"""Reply rules from and to spreadsheets: a file, looked at, then brought in."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from hub import text
from hub.desk import RuleSheet, SheetFormat
from hub.errors import Invalid
from hub.model import AccountId, Role, Rule
from hub.policy import KNOWN_COLUMNS, MOMENT_NAMES, RULE_COLUMNS, RuleChange
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

LARGEST_FORM = 24 * 1024 * 1024
"""A file, or what was read from one, in bytes."""
SHOWN = 50
"""Lines of each list on the page that is looked at."""
FORMATS = {form.value: form for form in SheetFormat}
MEDIA = {
    SheetFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    SheetFormat.CSV: "text/csv",
}
HOW = {"": False, "merge": False, "replace": True}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says beside the file."""

    account: AccountId | None
    replace_all: bool


async def form_page(request: web.Request) -> web.Response:
    operator(request).require(Role.VIEWER)
    return await _form(request, Form({"how": "merge"}))


async def export(request: web.Request) -> web.Response:
    form = FORMATS.get(request.query.get("format", ""), SheetFormat.XLSX)
    site, who = request.app[SITE], operator(request)
    data = await site.desk.rule_sheets.export(who, form)
    stamp = f"{site.now().astimezone(site.zone):%Y%m%d-%H%M}"
    kind = "keywords" if await site.desk.rules.all(who) else "keywords_template"
    name = f"{kind}_{stamp}.{form}"
    return web.Response(
        body=data,
        content_type=MEDIA[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def look(request: web.Request) -> web.Response:
    """What bringing the file in would do, with a button that does it."""
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    file = (await request.post()).get("file")
    try:
        if not isinstance(file, web.FileField) or not file.filename:
            raise Invalid("没有选文件", {"file": "选一个 .xlsx 或 .csv 文件"})
        asked = await _asked(request, form)
        seen = await site.desk.rule_sheets.preview(
            who, file.file.read(), account=asked.account, replace_all=asked.replace_all
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal))
    return await _look(request, form, seen, asked)


async def bring(request: web.Request) -> web.Response:
    form, site, who = await Form.sent(request), request.app[SITE], operator(request)
    who.require(Role.OWNER)
    try:
        asked = await _asked(request, form)
        if asked.replace_all and form["sure"] != "1":
            raise Invalid("没有导入：替换会删掉表格里没有的规则，请先打勾确认")
        await site.desk.rule_sheets.import_(
            who,
            form["sheet"].encode("utf-8", "replace"),
            account=asked.account,
            replace_all=asked.replace_all,
            version=_version(form),
        )
    except Invalid as refusal:
        return await _form(request, form.refused(refusal))
    raise see_other("/rules", "rules-imported")


async def _asked(request: web.Request, form: Form) -> Asked:
    accounts = await request.app[SITE].desk.accounts.all(operator(request))
    scopes: dict[str, AccountId | None] = {"": None} | {str(a.id): a.id for a in accounts}
    return Asked(form.choice("account", scopes), form.choice("how", HOW))


def _version(form: Form) -> int:
    written = form["version"]
    if not (written.isascii() and written.isdigit() and len(written) < 20):
        raise Invalid("这个页面过期了，请重新选文件")
    return int(written)


async def _form(request: web.Request, form: Form) -> web.Response:
    site, who = request.app[SITE], operator(request)
    return render(
        request,
        "rule_sheets.html",
        status=400 if form.alert else 200,
        form=form,
        accounts=await site.desk.accounts.all(who),
        number=len(await site.desk.rules.all(who)),
        known_columns=KNOWN_COLUMNS,
        our_columns=[name for name in RULE_COLUMNS if name not in KNOWN_COLUMNS],
    )


async def _look(request: web.Request, form: Form, seen: RuleSheet, asked: Asked) -> web.Response:
    plan = seen.plan
    lists: list[tuple[str, str, tuple[RuleChange, ...]]] = [
        ("removed", "会删除", plan.removed),
        ("changed", "会修改", plan.changed),
        ("added", "会添加", plan.added),
    ]
    return render(
        request,
        "rule_sheets_look.html",
        form=form,
        seen=seen,
        lists=[one for one in lists if one[2]],
        asked=asked,
        shown=SHOWN,
        called=_called,
        sheet=seen.readable.decode("utf-8-sig"),
    )


def _called(rule: Rule) -> str:
    """A rule by what it answers."""
    if rule.keywords:
        return "、".join(rule.keywords)
    return MOMENT_NAMES[rule.moment] if rule.moment is not None else text.RULE_KINDS[rule.kind]


ROUTES = (
    web.get("/rules/sheets", form_page),
    web.get("/rules/export", export),
    web.post("/rules/sheets", look),
    web.post("/rules/sheets/bring", bring),
)
