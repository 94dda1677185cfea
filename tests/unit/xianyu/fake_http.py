"""An HTTP server on loopback that plays the platform's gateways by a script, and remembers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp
from aiohttp import web

from hub.xianyu import Client, CookieJar, Endpoints, Timing, open_http

NOW = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
COOKIES = "unb=2200111122223; cookie2=1a2b; _m_h5_tk=old_1"
SUCCESS = "SUCCESS::调用成功"
ANYWHERE = "*"


@dataclass(frozen=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    form: dict[str, Any]

    @property
    def data(self) -> Any:
        """What a call to the signed gateway says."""
        return json.loads(self.form["data"])


@dataclass(frozen=True)
class With:
    """An answer and the cookies it sets."""

    body: object
    cookies: tuple[str, ...] = ()


Answer = object
"""A structure (sent as JSON), a text, `With` cookies, or a function of the request."""


class FakeHttp:
    """Answers each path with what was given for it, in order; the last answer repeats."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._answers: dict[str, list[Answer]] = {}

    def on(self, path: str, *answers: Answer) -> None:
        self._answers[path] = list(answers)

    def api(self, data: object, *, ret: str = SUCCESS, path: str = ANYWHERE) -> None:
        """Every call to the signed gateway gets this."""
        self.on(path, {"ret": [ret], "data": data})

    def of(self, path: str) -> list[Seen]:
        return [one for one in self.seen if one.path == path]

    @property
    def endpoints(self) -> Endpoints:
        return Endpoints(self.url, self.url, self.url, self.url)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        form = {name: await _plain(value) for name, value in (await request.post()).items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append(Seen(request.method, request.path, dict(request.query), headers, form))
        script = self._answers.get(request.path) or self._answers.get(ANYWHERE)
        if script is None:
            return web.Response(status=404)
        answer = script.pop(0) if len(script) > 1 else script[0]
        cookies: tuple[str, ...] = ()
        if isinstance(answer, With):
            answer, cookies = answer.body, answer.cookies
        if callable(answer):
            made: web.StreamResponse = answer(request)
            return made
        text = answer if isinstance(answer, str) else json.dumps(answer)
        response = web.Response(text=text)
        for line in cookies:
            response.headers.add("Set-Cookie", line)
        return response


async def _plain(value: object) -> object:
    if isinstance(value, web.FileField):
        return value.filename, value.content_type, value.file.read()
    return value


def cut(request: web.Request) -> web.StreamResponse:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def redirect(target: str) -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.Response(status=302, headers={"Location": target})


@asynccontextmanager
async def fake_http() -> AsyncIterator[FakeHttp]:
    fake = FakeHttp()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", fake.serve)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_at(
    endpoints: Endpoints,
    cookies: str = COOKIES,
    *,
    saved: list[str] | None = None,
    answer: float = 3,
    proxy: str | None = None,
) -> AsyncIterator[Client]:
    lines = [] if saved is None else saved

    async def save(line: str) -> None:
        lines.append(line)

    async with open_http(proxy) as http:
        yield make_client(
            http, endpoints, cookies, save=save, answer=answer, proxied=proxy is not None
        )


def make_client(
    http: aiohttp.ClientSession,
    endpoints: Endpoints,
    cookies: str,
    *,
    save: Any,
    answer: float,
    proxied: bool = False,
) -> Client:
    return Client(
        http,
        endpoints,
        CookieJar.parse(cookies),
        on_cookies=save,
        now=lambda: NOW,
        timing=Timing(answer=answer, transfer=answer),
        proxied=proxied,
    )
