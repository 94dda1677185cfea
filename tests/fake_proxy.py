"""Proxies on loopback: HTTP, SOCKS 5 and SOCKS 4, all counting what passes through.

Every name leads to the loopback interface, so a platform at a name that nobody else can resolve is
reached through the proxy or not at all.
"""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class FakeProxy:
    """`passed` lists the addresses that somebody was let through to. `login`: the name and password
    it wants to hear (SOCKS 4 knows no passwords)."""

    def __init__(self, scheme: str, login: tuple[str, str] | None = None) -> None:
        self.scheme = scheme
        self.login = login
        self.url = ""
        self.passed: list[tuple[str, int]] = []
        self.refuses = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                talks = {"http": self._http, "socks5": self._socks5, "socks4": self._socks4}
                await talks[self.scheme](reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _http(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        if self.refuses:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
            return
        if self.login is not None:
            expected = base64.b64encode(":".join(self.login).encode())
            if b"\r\nproxy-authorization: basic " + expected.lower() not in head.lower():
                writer.write(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                await writer.drain()
                return
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await self._tunnel(reader, writer, host, int(port))
            return
        host, _, rest = target.decode().removeprefix("http://").partition("/")
        name, _, port = host.partition(":")
        await self._tunnel(
            reader, writer, name, int(port), head.replace(target, b"/" + rest.encode(), 1)
        )

    async def _socks4(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, _, port, address = struct.unpack(">BBH4s", await reader.readexactly(8))
        await reader.readuntil(b"\x00")
        host = socket.inet_ntoa(address)
        if address[:3] == b"\x00\x00\x00":
            host = (await reader.readuntil(b"\x00"))[:-1].decode()
        writer.write(bytes((0, 91 if self.refuses else 90)) + bytes(6))
        await writer.drain()
        if not self.refuses:
            await self._tunnel(reader, writer, host, port)

    async def _knows(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """SOCKS 5 asks for name and password."""
        writer.write(b"\x05\x02")
        words = []
        await reader.readexactly(1)
        for _ in range(2):
            words.append((await reader.readexactly((await reader.readexactly(1))[0])).decode())
        known = tuple(words) == self.login
        writer.write(b"\x01\x00" if known else b"\x01\x01")
        await writer.drain()
        return known

    async def _socks5(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, methods = await reader.readexactly(2)
        offered = await reader.readexactly(methods)
        if self.login is None:
            writer.write(b"\x05\x00")
        elif 2 not in offered or not await self._knows(reader, writer):
            return
        *_, kind = await reader.readexactly(4)
        if kind == 1:
            host = socket.inet_ntoa(await reader.readexactly(4))
        else:
            host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
        (port,) = struct.unpack(">H", await reader.readexactly(2))
        if self.refuses:
            writer.write(b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")
            await writer.drain()
            return
        writer.write(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        await self._tunnel(reader, writer, host, port)

    async def _tunnel(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        host: str,
        port: int,
        head: bytes = b"",
    ) -> None:
        self.passed.append((host, port))
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        far_writer.write(head)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pump(reader, far_writer))
                tasks.create_task(_pump(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.write_eof()


@asynccontextmanager
async def fake_proxy(scheme: str, login: tuple[str, str] | None = None) -> AsyncIterator[FakeProxy]:
    proxy = FakeProxy(scheme, login)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.stop()
        await server.wait_closed()
