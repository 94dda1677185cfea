"""Who is asking: session cookie, forgery protection, and where people are sent to log in.

Every form carries a token. Inside a session it is the session's own; on the two pages that people
see before they have one (first run and login) it must equal a cookie of ours (double submit).
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler

from hub.desk import Login, NewLogin, Operator
from hub.errors import Forbidden, Invalid
from web.site import SITE, Site

SESSION_COOKIE = "yuqiao_session"
FORM_COOKIE = "yuqiao_form"
FIRST_RUN = "/first-run"
LOGIN_PAGE = "/login"
OPEN_PAGES = frozenset({FIRST_RUN, LOGIN_PAGE})
"""Pages for people without a session."""

LOGIN = web.RequestKey("login", Login)
OPEN_NEEDS = web.RequestKey("open_needs", int)
"""How much waits for a person, for the navigation of whole pages."""
PAGES = web.AppKey("pages", frozenset[object])
"""The functions that serve the admin; whatever else the application serves is left alone."""

ROOMY = web.AppKey("roomy", Mapping[object, int])
"""How large, in bytes, a request to the functions that take files may be: from people with a
session only, all others are held to what the application allows."""

STREAMED = web.AppKey("streamed", frozenset[object])
"""Functions that read a form while it arrives, and check its token themselves."""

NOT_OURS = ("/health", "/metrics", "/onebot", "/api", "/static")
_FORM_TOKEN = re.compile(r"[\w-]{20,60}")
_READS = ("GET", "HEAD")


def is_page(request: web.Request) -> bool:
    """True for our pages and for addresses that nobody serves."""
    match = request.match_info
    if match.http_exception is not None:
        return not request.path.startswith(NOT_OURS)
    return match.handler in request.app[PAGES]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let a page be served to people who may see it; send everybody else where they can log in."""
    if not is_page(request):
        return await handler(request)
    site = request.app[SITE]
    token = cookie(request, SESSION_COOKIE)
    login = await site.desk.members.session(token) if token else None
    if login is not None:
        request[LOGIN] = login
        if request.path in OPEN_PAGES:
            raise web.HTTPSeeOther(safe_next(request.query.get("next", "")))
        if not is_partial(request):
            request[OPEN_NEEDS] = await site.desk.needs.count(login.operator)
        most = request.app[ROOMY].get(request.match_info.handler)
        if most is not None:
            request = request.clone(client_max_size=most)
    else:
        await _require_open_page(request, site)
    if request.method in _READS or request.match_info.handler in request.app[STREAMED]:
        return await handler(request)
    form = await _form(request)
    try:
        check_form_token(request, form)
        return await handler(request)
    finally:
        # aiohttp closes those of the request it made, and not those of a copy.
        for sent in form.values():
            if isinstance(sent, web.FileField):
                sent.file.close()


async def _require_open_page(request: web.Request, site: Site) -> None:
    """Raises the redirect to first run or login unless the request is for that very page."""
    wanted = FIRST_RUN if await site.desk.members.first_run() else LOGIN_PAGE
    if request.path == wanted:
        return
    if is_partial(request):
        raise web.HTTPUnauthorized
    if wanted == FIRST_RUN or request.path == FIRST_RUN:
        raise web.HTTPSeeOther(wanted)
    came_from = request.path_qs if request.method in _READS else _page_of_form(request)
    target = safe_next(came_from)
    raise web.HTTPSeeOther(
        LOGIN_PAGE if target == "/" else f"{LOGIN_PAGE}?{urlencode({'next': target})}"
    )


def is_partial(request: web.Request) -> bool:
    """True when a script of ours asks, which can do nothing with a whole page."""
    return request.path == "/events" or "part" in request.query


def _page_of_form(request: web.Request) -> str:
    parts = urlsplit(request.headers.get("Referer", ""))
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


async def _form(request: web.Request) -> Mapping[str, object]:
    """What the browser sent. Raises Invalid, HTTPRequestEntityTooLarge."""
    try:
        form = await request.post()
        for value in form.values():
            if isinstance(value, str):
                value.encode()  # half characters, from odd charsets, cannot be stored or shown
    except (ValueError, LookupError, RuntimeError):
        raise Invalid("这份表单读不出来，请返回再提交一次") from None
    return form


def check_form_token(request: web.Request, form: Mapping[str, object]) -> None:
    """Raises Forbidden for a form that was not filled in on our page, in this session."""
    login = request.get(LOGIN)
    expected = login.csrf if login is not None else cookie(request, FORM_COOKIE)
    given = form.get("csrf", "")
    if (
        not expected
        or not isinstance(given, str)
        or not hmac.compare_digest(given.encode(), expected.encode())
    ):
        raise Forbidden("没有执行：这个页面已经过期。请返回，刷新页面后再试一次")


def form_token(request: web.Request) -> str:
    """What the hidden field `csrf` of a form on this page must hold."""
    login: Login | None = request.get(LOGIN)
    if login is not None:
        return login.csrf
    token = cookie(request, FORM_COOKIE)
    return token if _FORM_TOKEN.fullmatch(token) else secrets.token_urlsafe(24)


def cookie(request: web.Request, name: str) -> str:
    """A cookie of ours; empty if there is none or if it cannot be one. Ours are ASCII."""
    value = request.cookies.get(name, "")
    return value if value.isascii() else ""


def operator(request: web.Request) -> Operator:
    """The member behind the request; only for pages that need a session."""
    return request[LOGIN].operator


def safe_next(target: str) -> str:
    """`target` if it is a path of this site, else the overview: never lead to a foreign site."""
    plain = target.isprintable() and "\\" not in target
    if not plain or not target.startswith("/") or target.startswith("//"):
        return "/"
    return "/" if urlsplit(target).path in OPEN_PAGES | {"/logout"} else target


def start_session(response: web.StreamResponse, request: web.Request, new: NewLogin) -> None:
    """Hand the session's token to the browser."""
    site = request.app[SITE]
    _set_cookie(
        response, site, SESSION_COOKIE, new.token, max_age=site.settings.web.session_days * 86400
    )
    response.del_cookie(FORM_COOKIE, path="/")


def end_session(response: web.StreamResponse) -> None:
    response.del_cookie(SESSION_COOKIE, path="/")


def remember_form_token(response: web.StreamResponse, request: web.Request, token: str) -> None:
    _set_cookie(response, request.app[SITE], FORM_COOKIE, token, max_age=None)


def _set_cookie(
    response: web.StreamResponse, site: Site, name: str, value: str, *, max_age: int | None
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=site.settings.web.secure_cookies,
    )


async def is_signed_in(request: web.Request) -> bool:
    """For what is served by others. Raises StoreError."""
    token = cookie(request, SESSION_COOKIE)
    return bool(token) and await request.app[SITE].desk.members.session(token) is not None
