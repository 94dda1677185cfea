"""How the admin sits on an application: routes, the order of its doors, headers, static files."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler
from loguru import logger

from hub.errors import Refusal
from web.auth import PAGES, ROOMY, STREAMED, guard, is_page, is_partial
from web.pages import ROUTES, STREAMS_FILES, TAKE_FILES
from web.pages.live import STREAMS, Streams, close_streams
from web.pages.login import LOGINS
from web.render import ASSETS, render, setup_templates
from web.site import SITE, Site

STATIC = Path(__file__).parent / "static"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""Own files only. Pictures of buyers come through us too: what a page loads from elsewhere tells
that place when and from where the shop reads."""

REFUSALS = {
    "not_found": 404,
    "forbidden": 403,
    "invalid": 400,
    "too_often": 429,
    "unavailable": 503,
    "out_of_stock": 409,
    "already_delivered": 409,
    "on_hold": 409,
}
"""Code of a refusal -> HTTP status."""

SENTENCES = {
    403: "你没有权限看这个页面。",
    404: "没有这个页面，地址可能写错了，或者它已经被删除。",
    405: "这个地址不能这样打开，请从页面上的按钮进入。",
    413: "一次提交的内容太大了，没有执行。图片或卡密多的话请分几次。",
}


def attach(app: web.Application, site: Site) -> None:
    """Put the admin on `app`. Paths it does not know stay free for others."""
    app[SITE] = site
    app[STREAMS] = Streams()
    app[LOGINS] = asyncio.Lock()
    app[ASSETS] = _hash_of(STATIC)
    app[PAGES] = frozenset(route.handler for route in ROUTES)
    app[ROOMY] = TAKE_FILES
    app[STREAMED] = STREAMS_FILES
    setup_templates(app)
    app.middlewares.extend((catch, guard))
    app.router.add_routes(ROUTES)
    app.router.add_static("/static", STATIC)
    app.on_response_prepare.append(add_headers)
    app.on_shutdown.append(close_streams)


@web.middleware
async def catch(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever went wrong into one clear sentence for the person who asked."""
    reference = secrets.token_hex(3).upper()
    with logger.contextualize(request=reference):
        if not is_page(request):
            return await handler(request)
        return await _explained(request, handler, reference)


async def _explained(request: web.Request, handler: Handler, reference: str) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return _problem(request, REFUSALS.get(refusal.code, 400), refusal.text)
    except web.HTTPException as error:
        if error.status < 400 or is_partial(request):
            raise
        return _problem(request, error.status, SENTENCES.get(error.status, "这个请求没有成功。"))
    except Exception:
        logger.exception("{} {} failed, reference {}", request.method, request.path, reference)
        return _problem(
            request,
            500,
            f"程序出了点问题，没有完成。日志里有详情，编号 {reference}。",
        )


def _problem(request: web.Request, status: int, sentence: str) -> web.Response:
    return render(request, "problem.html", status=status, sentence=sentence, code=status)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    headers["Server"] = "yuqiao"  # versions of what is beneath are nobody's business
    if request.path.startswith("/static/") and "v" in request.query and response.status < 400:
        headers.setdefault("Cache-Control", "public, max-age=31536000, immutable")
    else:
        headers.setdefault("Cache-Control", "no-store")


def _hash_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
