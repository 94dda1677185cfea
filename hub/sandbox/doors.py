"""What the admin doors share: JSON in and out, errors as sentences, only from the own machine."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Body = dict[str, Any]
Route = Callable[[web.Request], Awaitable[web.StreamResponse]]
LONGEST_WAIT = 300.0


def answer(value: Any, status: int = 200) -> web.Response:
    text = json.dumps(value, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json")


async def body_of(request: web.Request) -> Body:
    """The JSON object of a request; empty if there is none. Raises ValueError."""
    text = await request.text()
    value = json.loads(text) if text.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")
    return value


def seconds_of(request: web.Request) -> float:
    """How long a long poll may wait: query `timeout`, 10 s unless told."""
    return min(float(request.query.get("timeout", "10")), LONGEST_WAIT)


@web.middleware
async def sentences(request: web.Request, handler: Route) -> web.StreamResponse:
    """Wrong input becomes 400 or 404 with a sentence; foreign web pages are turned away."""
    origin = request.headers.get("Origin")
    if origin and origin.split("://")[-1] != request.host:
        return answer({"error": "only pages of the sandbox itself may use this"}, 403)
    try:
        return await handler(request)
    except KeyError as error:
        return answer({"error": str(error.args[0]) if error.args else "missing"}, 404)
    except (ValueError, TypeError, AttributeError) as error:
        return answer({"error": str(error)}, 400)


def need(body: Body, key: str) -> Any:
    """Raises ValueError with a sentence when the key is missing."""
    if key not in body:
        raise ValueError(f"{key} is missing")
    return body[key]


def cookies_in(header: str) -> dict[str, str]:
    """Raw values, the first `=` separates; the last of several equal names wins."""
    pairs = (piece.strip().partition("=") for piece in header.split(";"))
    return {name: value for name, sign, value in pairs if sign and name}


def set_cookies(response: web.Response, cookies: dict[str, str]) -> None:
    """One header each, for the platform's own domain, as it does."""
    for name, value in cookies.items():
        line = f"{name}={value};Path=/;Domain=.goofish.com;Max-Age=604800"
        response.headers.add("Set-Cookie", line)


def html(text: str) -> web.Response:
    return web.Response(text=text, content_type="text/html")


def cut(request: web.Request) -> web.Response:
    """End the connection of a request without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
