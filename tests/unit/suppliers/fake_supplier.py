"""A supplier on a real socket that answers as badly as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from hub.model import SupplierCall
from hub.suppliers import fetch_cards

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOST = "supplier.example"


@dataclass
class FakeSupplier:
    port: int = 0
    answer: Answer | None = None
    heard: list[tuple[str, str, CIMultiDict[str], str]] = field(default_factory=list)
    """Method, path with query, headers, body."""
    looked_up: list[str] = field(default_factory=list)
    leads_to: tuple[str, ...] = ("127.0.0.1",)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/card"

    def says(self, value: Any, *, status: int = 200) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(
                text=value if isinstance(value, str) else json.dumps(value), status=status
            )

        self.answer = answer

    def redirects(self, status: int, there: str) -> None:
        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=status, headers={"Location": there})

        self.answer = answer

    async def lookup(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        return list(self.leads_to)

    def call(self, **more: Any) -> SupplierCall:
        return SupplierCall(
            **{"url": self.url, "timeout_seconds": 5.0, "allow_private": True, **more}
        )

    async def fetch(
        self,
        call: SupplierCall | None = None,
        *,
        url: str | None = None,
        body: str | None = None,
        key: str = "unit-1",
    ) -> tuple[str, ...]:
        """`url`: with its placeholders filled."""
        call = call or self.call()
        return await fetch_cards(call, url=url or call.url, body=body, key=key, lookup=self.lookup)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.heard.append(
            (request.method, request.path_qs, request.headers.copy(), await request.text())
        )
        assert self.answer is not None
        return await self.answer(request)


@asynccontextmanager
async def open_supplier() -> AsyncIterator[FakeSupplier]:
    fake = FakeSupplier()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", fake.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        fake.port = runner.addresses[0][1]
        yield fake
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """A port where `talk` does what no decent server would."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
