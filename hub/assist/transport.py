"""How requests leave: to the address that was checked, with our headers, and small answers only.

The library would look names up a second time, tell the server about this machine, and read for as
long as somebody sends. None of that is wanted here.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from types import TracebackType

import httpcore
import httpx

from hub.addresses import Lookup, PrivateAddress, is_forbidden, is_public

MOST_BYTES = 256 * 1024
"""Of an answer. A reply to a buyer has a few hundred."""
OUR_HEADERS = frozenset(
    {b"host", b"authorization", b"content-type", b"content-length", b"accept", b"connection"}
)


class AnswerTooLarge(Exception):
    """The server sends more than anybody needs."""


class AnswerPacked(Exception):
    """The server packed its answer although it was asked not to; nobody knows how large it is."""


def is_allowed(address: str, *, allow_private: bool) -> bool:
    return not is_forbidden(address) and (allow_private or is_public(address))


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a name up once and connects to what was found. One forbidden address among several is
    reason enough to refuse them all."""

    def __init__(self, lookup: Lookup, *, allow_private: bool) -> None:
        self._lookup = lookup
        self._allow_private = allow_private
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._lookup(host, port)
        if not all(is_allowed(one, allow_private=self._allow_private) for one in addresses):
            raise PrivateAddress(f"{host} leads into the own network")
        failed: Exception = OSError("the name leads nowhere")
        for address in addresses:
            try:
                return await self._network.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
        raise failed


class CheckedTransport(httpx.AsyncBaseTransport):
    """One request at a time; nothing of it is kept for the next."""

    def __init__(self, tls: ssl.SSLContext, lookup: Lookup, *, allow_private: bool) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=1,
            network_backend=CheckedNetwork(lookup, allow_private=allow_private),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = [(n, v) for n, v in request.headers.raw if n.lower() in OUR_HEADERS]
        headers += [(b"User-Agent", b"yuqiao"), (b"Accept-Encoding", b"identity")]
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=headers,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        packed = [v for n, v in answer.headers if n.lower() == b"content-encoding"]
        if any(v.strip().lower() not in (b"", b"identity") for v in packed):
            await answer.aclose()
            raise AnswerPacked
        return httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Bounded(answer),
            extensions=answer.extensions,
        )

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Bounded(httpx.AsyncByteStream):
    """An answer that is read to its end or to our limit."""

    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._answer.aiter_stream():
            read += len(chunk)
            if read > MOST_BYTES:
                raise AnswerTooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._answer.aclose()
