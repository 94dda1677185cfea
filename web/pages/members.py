"""Members: who belongs to the shop, what they may do, their QQ ids and passwords."""

from __future__ import annotations

from aiohttp import web

from hub.errors import Invalid, NotFound
from hub.model import Member, MemberId, Role
from web.auth import LOGIN_PAGE, end_session, operator
from web.forms import Form
from web.render import render, see_other
from web.site import SITE

SECRET = ("password", "again")
MAILS = {"all": True, "none": False}
BY_VALUE = {role.value: role for role in Role}


async def listing(request: web.Request) -> web.Response:
    members = await request.app[SITE].desk.members.all(operator(request))
    return render(request, "members.html", members=members)


async def add_form(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    return render(request, "member_new.html", form=Form({"role": Role.AGENT, "mails": "all"}))


async def add(request: web.Request) -> web.Response:
    form = await Form.sent(request)
    try:
        await request.app[SITE].desk.members.add(
            operator(request),
            name=form["name"],
            role=form.choice("role", BY_VALUE),
            qq=form.several("qq"),
            email=form["email"],
            urgent_mail=MAILS.get(form["mails"], True),
            password=_password(form),
        )
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET)
        return render(request, "member_new.html", status=400, form=form)
    raise see_other("/members", "member-added")


async def show(request: web.Request) -> web.Response:
    operator(request).require(Role.OWNER)
    found = await _member(request)
    form = Form(
        {
            "role": found.role,
            "qq": " ".join(found.qq),
            "email": found.email or "",
            "mails": "all" if found.urgent_mail else "none",
        }
    )
    return render(request, "member.html", found=found, form=form)


async def change(request: web.Request) -> web.Response:
    form, found = await Form.sent(request), await _member(request)
    who = operator(request)
    try:
        password = _password(form)
        await request.app[SITE].desk.members.change(
            who,
            found.id,
            role=form.choice("role", BY_VALUE),
            qq=form.several("qq"),
            email=form.values.get("email"),
            urgent_mail=MAILS.get(form["mails"]),
            password=password,
        )
    except Invalid as refusal:
        form = form.refused(refusal, secret=SECRET)
        return render(request, "member.html", status=400, found=found, form=form)
    if password is not None and found.id == who.member.id:
        response = see_other(LOGIN_PAGE, "password-changed")
        end_session(response)
        raise response
    raise see_other("/members", "member-changed")


async def switch(request: web.Request) -> web.Response:
    form, found = await Form.sent(request), await _member(request)
    on = form.choice("on", {"1": True, "0": False})
    await request.app[SITE].desk.members.change(operator(request), found.id, active=on)
    raise see_other("/members", "member-changed")


def _password(form: Form) -> str | None:
    """None when both fields were left empty: the password stays as it is."""
    if form["password"] != form["again"]:
        raise Invalid("两次输入的密码不一样", {"again": "和上面的密码不一样"})
    return form["password"] or None


async def _member(request: web.Request) -> Member:
    wanted = MemberId(int(request.match_info["id"]))
    members = await request.app[SITE].desk.members.all(operator(request))
    found = next((m for m in members if m.id == wanted), None)
    if found is None:
        raise NotFound("这个成员不存在")
    return found


ROUTES = (
    web.get("/members", listing),
    web.get("/members/new", add_form),
    web.post("/members/new", add),
    web.get(r"/members/{id:\d{1,15}}", show),
    web.post(r"/members/{id:\d{1,15}}", change),
    web.post(r"/members/{id:\d{1,15}}/switch", switch),
)
