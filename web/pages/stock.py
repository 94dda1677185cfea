"""Pools: the list, one pool with its cards, adding and changing, pictures, the live preview."""

from __future__ import annotations

from aiohttp import web

from hub import text
from hub.desk import PoolLine
from hub.errors import Invalid
from hub.model import CardId, CardState, Pool, PoolId, PoolKind, Role
from hub.policy import DeliveryPart
from web.auth import operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

KINDS = {kind.value: kind for kind in PoolKind}
STATES: dict[str, CardState | None] = {"": None} | {state.value: state for state in CardState}
CARDS_PER_PAGE = 50
LARGEST_PICTURES = 24 * 1024 * 1024
"""Bytes of all pictures in one request: three of the largest."""
LOW_AT = "填 0 或更大的整数，0 表示只在卖完时提醒"
KIND_HINTS: dict[PoolKind, str] = {
    PoolKind.CODES: "一行一张，每张只发一次",
    PoolKind.TEXT: "每个买家收到同样的文字，例如网盘链接",
    PoolKind.IMAGE: "每个买家收到同样的图片",
    PoolKind.API: "每次发货向供货方的接口要一张",
}


async def listing(request: web.Request) -> web.Response:
    """With `?order=`, also the cards that went to an order."""
    return await _listing(request, request.query.get("order", ""))


async def find(request: web.Request) -> web.Response:
    """By post: a code in an address would end up in histories and in the logs of proxies."""
    return await _listing(request, (await Form.sent(request))["find"])


async def _listing(request: web.Request, wanted: str) -> web.Response:
    site, who = request.app[SITE], operator(request)
    lines = await site.desk.stock.overview(who)
    return render(
        request,
        "stock.html",
        lines=lines,
        wanted=wanted,
        found=await site.desk.cards.look_up(who, wanted),
        pool_names={line.pool.id: line.pool.name for line in lines},
    )


async def show(request: web.Request) -> web.Response:
    return await _show(request, Form())


async def _show(request: web.Request, form: Form) -> web.Response:
    site, who = request.app[SITE], operator(request)
    line = await site.desk.stock.pool(who, pool_id(request))
    state = STATES.get(request.query.get("state", ""))
    before = request.query.get("before", "")
    cards = await site.desk.cards.page(
        who,
        line.pool.id,
        state=state,
        before=CardId(int(before)) if before.isascii() and before.isdigit() else None,
        limit=CARDS_PER_PAGE + 1,
    )
    return render(
        request,
        "pool.html",
        status=400 if form.alert else 200,
        form=form,
        line=line,
        pool=line.pool,
        cards=cards[:CARDS_PER_PAGE],
        more=len(cards) > CARDS_PER_PAGE,
        state=state,
        parts=_sample(request, line.pool),
        why="",
    )


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return _form(request, Form({"kind": PoolKind.CODES, "low_at": "5"}))


async def add(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        kind = form.choice("kind", KINDS)
        pool = await request.app[SITE].desk.stock.create(
            operator(request),
            name=form["name"],
            kind=kind,
            template=form["template"],
            note=form["note"],
            low_at=form.number("low_at", LOW_AT) if kind is PoolKind.CODES else 0,
            content=form["content"],
        )
    except Invalid as refusal:
        return _form(request, form.refused(refusal))
    after = {PoolKind.CODES: "/restock", PoolKind.API: "/supplier"}.get(kind, "")
    raise see_other(f"/stock/{pool.id}{after}", "pool-added")


async def edit_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    pool = (await _line(request)).pool
    form = Form(
        {
            "name": pool.name,
            "template": pool.template,
            "content": pool.text,
            "note": pool.note,
            "low_at": str(pool.low_at),
            "version": str(pool.version),
        }
    )
    return _form(request, form, pool)


async def edit(request: web.Request) -> web.Response:
    form, pool = await Form.sent(request), (await _line(request)).pool
    try:
        await request.app[SITE].desk.stock.change(
            operator(request),
            pool.id,
            version=form.number("version", "这个页面过期了，请重新打开再改"),
            name=form["name"],
            template=form["template"],
            note=form["note"],
            low_at=form.number("low_at", LOW_AT) if pool.kind is PoolKind.CODES else None,
            content=form["content"] if pool.kind is PoolKind.TEXT else None,
        )
    except Invalid as refusal:
        return _form(request, form.refused(refusal), pool)
    raise see_other(f"/stock/{pool.id}", "pool-changed")


async def switch(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.stock.change(operator(request), pool_id(request), enabled=on)
    raise see_other(f"/stock/{pool_id(request)}", "pool-changed")


async def ask_removal(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "pool_remove.html", pool=(await _line(request)).pool)


async def remove(request: web.Request) -> web.Response:
    await request.app[SITE].desk.stock.remove(operator(request), pool_id(request))
    raise see_other("/stock", "pool-removed")


async def preview(request: web.Request) -> web.Response:
    """What the form under somebody's hands would send, as a part of its page."""
    operator(request).require(Role.OWNER)
    form, site = await Form.sent(request), request.app[SITE]
    try:
        pool = None
        if form["pool"]:
            wanted = PoolId(form.number("pool", "没有这个卡池"))
            pool = (await site.desk.stock.pool(operator(request), wanted)).pool
        kind = pool.kind if pool is not None else form.choice("kind", KINDS)
        pictures = pool.pictures if pool is not None else ()
        content = form["content"].replace("\r\n", "\n")
        template = form["template"].replace("\r\n", "\n")
        parts = site.desk.stock.sample(kind, template, content, pictures)
    except Invalid as refusal:
        return render(request, "stock_preview.html", parts=(), why=refusal.text, pool=None)
    return render(request, "stock_preview.html", parts=parts, why="", pool=pool)


async def add_pictures(request: web.Request) -> web.Response:
    site, who, id_ = request.app[SITE], operator(request), pool_id(request)
    who.require(Role.OWNER)
    files = [
        file
        for file in (await request.post()).getall("pictures", [])
        if isinstance(file, web.FileField) and file.filename
    ]
    try:
        if not files:
            raise Invalid("没有选图片，请先选好再上传")
        for file in files:
            await site.desk.stock.add_picture(who, id_, file.file.read())
    except Invalid as refusal:
        return await _show(request, Form().refused(refusal))
    raise see_other(f"/stock/{id_}", "pool-changed")


async def remove_picture(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    await request.app[SITE].desk.stock.remove_picture(
        operator(request), pool_id(request), form["name"]
    )
    raise see_other(f"/stock/{pool_id(request)}", "pool-changed")


async def picture(request: web.Request) -> web.Response:
    data, media_type = await request.app[SITE].desk.stock.picture(
        operator(request), pool_id(request), request.match_info["name"]
    )
    return web.Response(
        body=data, content_type=media_type, headers={"Cache-Control": "private, max-age=86400"}
    )


def pool_id(request: web.Request) -> PoolId:
    return PoolId(int(request.match_info["id"]))


async def _line(request: web.Request) -> PoolLine:
    return await request.app[SITE].desk.stock.pool(operator(request), pool_id(request))


def _form(request: web.Request, form: Form, pool: Pool | None = None) -> web.Response:
    parts: tuple[DeliveryPart, ...] = ()
    why = ""
    try:
        parts = request.app[SITE].desk.stock.sample(
            pool.kind if pool is not None else KINDS.get(form["kind"], PoolKind.CODES),
            form["template"],
            form["content"],
            pool.pictures if pool is not None else (),
        )
    except Invalid as refusal:
        why = refusal.text
    return render(
        request,
        "pool_form.html",
        status=400 if form.alert else 200,
        form=form,
        pool=pool,
        kinds=text.POOL_KINDS,
        kind_hints=KIND_HINTS,
        placeholders=text.PLACEHOLDERS,
        parts=parts,
        why=why,
    )


def _sample(request: web.Request, pool: Pool) -> tuple[DeliveryPart, ...]:
    try:
        return request.app[SITE].desk.stock.sample(
            pool.kind, pool.template, pool.text, pool.pictures
        )
    except Invalid:  # saved by a version that knew other placeholders
        return ()


ROUTES = (
    web.get("/stock", listing),
    web.post("/stock/find", find),
    web.get("/stock/new", add_form),
    web.post("/stock/new", add),
    web.post("/stock/preview", preview),
    web.get(r"/stock/{id:\d{1,15}}", show),
    web.get(r"/stock/{id:\d{1,15}}/edit", edit_form),
    web.post(r"/stock/{id:\d{1,15}}/edit", edit),
    web.post(r"/stock/{id:\d{1,15}}/switch", switch),
    web.get(r"/stock/{id:\d{1,15}}/remove", ask_removal),
    web.post(r"/stock/{id:\d{1,15}}/remove", remove),
    web.post(r"/stock/{id:\d{1,15}}/pictures", add_pictures),
    web.post(r"/stock/{id:\d{1,15}}/pictures/remove", remove_picture),
    web.get(r"/stock/{id:\d{1,15}}/pictures/{name:[0-9a-f]{64}\.[a-z]{3}}", picture),
)
