"""Asks a supplier for a card, once, with a verdict on whatever becomes of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from hub.addresses import (
    CheckedResolver,
    Lookup,
    PrivateAddress,
    host_of,
    public_socket,
    system_lookup,
)
from hub.errors import Malformed, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import SupplierCall
from hub.suppliers.answers import OP, PEER, cards_in
from hub.text import suppliers as text

MOST_BYTES = 256 * 1024
"""Of an answer. A card has a few dozen."""
_CHUNK = 16 * 1024
_SMALL = 16 * 1024
_LONGEST_WAIT = 3600.0


async def fetch_cards(
    call: SupplierCall,
    *,
    url: str,
    body: str | None,
    key: str,
    lookup: Lookup = system_lookup,
) -> tuple[str, ...]:
    """Send one request and read the cards from its answer.

    `url` and `body` are those of the call with their placeholders filled. `key` is the same for
    the same unit of an order, so that a supplier who knows such keys hands out one card only.

    Nothing is sent twice here. Raises Unreachable when the request never left, or when the call is
    declared repeatable and asking again with the same key is therefore safe; Uncertain when it
    left and no answer came; Throttled, Rejected, Malformed for answers that are no card.
    """
    _check_address(call, url)
    sent = asyncio.Event()
    try:
        async with asyncio.timeout(call.timeout_seconds):
            answer = await _answer(call, url, body, key, lookup, sent)
    except PrivateAddress:
        raise Rejected(PEER, OP, text.PRIVATE, code="private") from None
    except ValueError:  # an address or header that the library does not take
        raise Rejected(PEER, OP, text.ADDRESS_ODD, code="address") from None
    except TimeoutError:
        raise _lost(call, sent, text.NO_ANSWER) from None
    except (aiohttp.ClientError, OSError) as error:
        if _is_private(error):
            raise Rejected(PEER, OP, text.PRIVATE, code="private") from None
        raise _lost(call, sent, text.CUT_OFF) from None
    if len(answer) > _SMALL:  # a hostile one takes a while
        return await asyncio.to_thread(cards_in, call, answer)
    return cards_in(call, answer)


async def _answer(
    call: SupplierCall,
    url: str,
    body: str | None,
    key: str,
    lookup: Lookup,
    sent: asyncio.Event,
) -> bytes:
    headers = CIMultiDict(call.headers)
    headers.setdefault("Accept", "application/json")
    headers["Accept-Encoding"] = "identity"  # a small answer must not unpack to a large one
    if call.key_header:
        headers[call.key_header] = key
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
    connector = aiohttp.TCPConnector(
        resolver=CheckedResolver(lookup, allow_private=call.allow_private),
        socket_factory=None if call.allow_private else public_socket,
        use_dns_cache=False,
        force_close=True,
    )
    async with (
        aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # a session of its own: no login leaves (L14)
            timeout=aiohttp.ClientTimeout(total=None),
            trace_configs=[_tracing(sent)],
            auto_decompress=False,
            headers={"User-Agent": "yuqiao"},
        ) as http,
        http.request(
            call.method,
            url,
            data=None if body is None else body.encode(),
            headers=headers,
            allow_redirects=False,
        ) as response,
    ):
        _check_status(call, response)
        return await _read(response)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Malformed(PEER, OP, text.NOT_JSON)
    if (response.content_length or 0) > MOST_BYTES:
        raise Malformed(PEER, OP, text.TOO_LARGE)
    read = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        read += chunk
        if len(read) > MOST_BYTES:
            raise Malformed(PEER, OP, text.TOO_LARGE)
    return bytes(read)


def _check_status(call: SupplierCall, response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status in (408, *range(500, 600)):
        reason = text.BROKEN.format(status=status)
        raise (Unreachable if call.repeatable else Uncertain)(PEER, OP, reason)
    if status == 429:
        raise Throttled(PEER, OP, text.BUSY, after=_seconds(response.headers.get("Retry-After")))
    if 300 <= status < 400:
        raise Rejected(PEER, OP, text.REDIRECT, code=str(status))
    if not 200 <= status < 300:
        raise Rejected(PEER, OP, text.REFUSED.format(status=status), code=str(status))


def _check_address(call: SupplierCall, url: str) -> None:
    """Whether it is one, and still the one that was configured: a value called `..` would take a
    step out of the path."""
    try:
        host_of(url)
        steps, meant = len(URL(url).raw_parts), len(URL(call.url).raw_parts)
    except ValueError:
        raise Rejected(PEER, OP, text.ADDRESS_ODD, code="address") from None
    if steps != meant:
        raise Rejected(PEER, OP, text.ADDRESS_CHANGED, code="address")


def _lost(call: SupplierCall, sent: asyncio.Event, reason: str) -> PeerError:
    if not sent.is_set():
        return Unreachable(PEER, OP, text.NOT_REACHED)
    return (Unreachable if call.repeatable else Uncertain)(PEER, OP, reason)


def _is_private(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, PrivateAddress):
            return True
        error = getattr(error, "os_error", None) or error.__cause__ or error.__context__
    return False


class _SecondTime(OSError):
    """The library repeats a GET by itself when the connection was cut; a card costs money."""


def _tracing(sent: asyncio.Event) -> aiohttp.TraceConfig:
    """Tells from when on the supplier may have the request, and keeps it from leaving twice."""

    async def note(_: aiohttp.ClientSession, __: SimpleNamespace, ___: object) -> None:
        sent.set()

    async def refuse(_: aiohttp.ClientSession, __: SimpleNamespace, ___: object) -> None:
        if sent.is_set():
            raise _SecondTime("it was sent already")

    tracing = aiohttp.TraceConfig()
    tracing.on_request_headers_sent.append(note)
    tracing.on_connection_create_start.append(refuse)
    return tracing


def _seconds(retry_after: str | None) -> float | None:
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(float(retry_after), _LONGEST_WAIT)
