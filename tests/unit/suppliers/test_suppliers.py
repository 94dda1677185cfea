"""A supplier's answer becomes a card or a verdict, never something else that is sent to a buyer."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from fake_supplier import HOST, FakeSupplier, open_supplier, raw_server

from hub.errors import (
    Malformed,
    PeerError,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
)
from hub.model import SupplierCall
from hub.suppliers.calls import MOST_BYTES


@pytest.fixture
async def supplier() -> AsyncIterator[FakeSupplier]:
    async with open_supplier() as fake:
        yield fake


# --- What is asked --------------------------------------------------------------------------------


async def test_a_card_is_taken_from_its_place(supplier: FakeSupplier) -> None:
    supplier.says({"code": 200, "data": {"cards": [{"no": "A-1"}, {"no": "A-2"}]}})
    one = supplier.call(content_path="$.data.cards[0].no")
    assert await supplier.fetch(one) == ("A-1",)
    all_ = supplier.call(content_path="$.data.cards[*].no")
    assert await supplier.fetch(all_) == ("A-1", "A-2")


async def test_what_was_configured_is_what_is_asked(supplier: FakeSupplier) -> None:
    supplier.says({"data": "A-1"})
    call = supplier.call(
        method="POST",
        headers=(("Authorization", "Bearer x"),),
        url=f"{supplier.url}?a=1&b=%E4%B8%80",
    )
    await supplier.fetch(call, body='{"order": "一"}', key="shop-1-order-2")
    ((method, path, headers, body),) = supplier.heard
    assert (method, path, body) == ("POST", "/card?a=1&b=%E4%B8%80", '{"order": "一"}')
    assert headers["Authorization"] == "Bearer x"
    assert headers["Idempotency-Key"] == "shop-1-order-2"
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"{HOST}:{supplier.port}"


async def test_a_header_of_the_owners_takes_the_place_of_ours_however_it_is_written(
    supplier: FakeSupplier,
) -> None:
    """Two of one name, and the supplier takes whichever it likes."""
    supplier.says({"data": "A-1"})
    call = supplier.call(
        method="POST",
        headers=(("accept", "*/*"), ("content-type", "text/x"), ("idempotency-key", "theirs")),
    )
    await supplier.fetch(call, body="{}", key="unit-7")
    ((_, _, headers, _),) = supplier.heard
    assert headers.getall("Accept") == ["*/*"]
    assert headers.getall("Content-Type") == ["text/x"]
    assert headers.getall("Idempotency-Key") == ["unit-7"]


async def test_no_cookie_is_kept_or_sent(supplier: FakeSupplier) -> None:
    """Nor any login of the platform's (L14)."""

    async def answer(_: web.Request) -> web.Response:
        response = web.json_response({"data": "A-1"})
        response.set_cookie("session", "theirs")
        return response

    supplier.answer = answer
    await supplier.fetch()
    await supplier.fetch()
    assert len(supplier.heard) == 2
    assert not any("Cookie" in headers for _, _, headers, _ in supplier.heard)


# --- What is answered -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "card"),
    [
        ({"data": "A-1"}, "A-1"),
        ({"data": 1234567890123456789}, "1234567890123456789"),
        ({"data": " A 1\nzweite Zeile "}, " A 1\nzweite Zeile "),
        ("\ufeff" + json.dumps({"data": "A-1"}), "A-1"),
    ],
)
async def test_texts_and_whole_numbers_are_cards_as_they_are(
    supplier: FakeSupplier, answer: Any, card: str
) -> None:
    supplier.says(answer)
    assert await supplier.fetch() == (card,)


@pytest.mark.parametrize(
    "answer",
    [
        {"data": {"code": "A-1"}},
        {"data": ["A-1"]},
        {"data": None},
        {"data": ""},
        {"data": "  "},
        {"data": True},
        {"data": 1.5},
        {"data": "x" * 2001},
        {"code": 500, "msg": "库存不足"},
        [],
        "A-1 is no JSON",
        "<html><body>Login</body></html>",
        "",
        "null",
        "[" * 100_000,
        '{"data": ' + "9" * 5000 + "}",
        '{"data": "\\ud800"}',
        '{"data": "A\\u0000-1"}',
        '{"data": "A-1\\u001b[2J"}',
    ],
)
async def test_whatever_else_lies_there_is_never_sent_as_a_card(
    supplier: FakeSupplier, answer: Any
) -> None:
    """Objects, error texts, pages (L11, L12)."""
    supplier.says(answer)
    with pytest.raises(Malformed):
        await supplier.fetch()


async def test_more_cards_than_anybody_asked_for_are_a_question_and_not_cut_off(
    supplier: FakeSupplier,
) -> None:
    """Somebody may have paid for them."""
    supplier.says({"data": [f"A-{n}" for n in range(101)]})
    with pytest.raises(Malformed, match="100 张以上"):
        await supplier.fetch(supplier.call(content_path="$.data[*]"))


async def test_the_suppliers_words_hold_nothing_that_cannot_be_read(supplier: FakeSupplier) -> None:
    supplier.says({"code": 1, "msg": "\u202e库\x00存\x1b[2J不足\ud800"})
    with pytest.raises(Rejected) as refused:
        await supplier.fetch(supplier.call(**SUCCESS))
    assert refused.value.reason == "供货方说没有成功：库存[2J不足?"


SUCCESS = {"success_path": "$.code", "success_values": ("200", "ok", "true")}


@pytest.mark.parametrize("code", [200, "200", "OK", True])
async def test_a_success_is_what_was_agreed(supplier: FakeSupplier, code: object) -> None:
    supplier.says({"code": code, "data": "A-1"})
    assert await supplier.fetch(supplier.call(**SUCCESS)) == ("A-1",)


@pytest.mark.parametrize("answer", [{"code": 500}, {"code": {"code": 200}}, {"code": None}, {}, []])
async def test_an_error_in_an_answer_with_status_200_is_a_no(
    supplier: FakeSupplier, answer: object
) -> None:
    if isinstance(answer, dict):
        answer |= {"msg": " 库存\n不足 ", "data": "A-1"}
    supplier.says(answer)
    with pytest.raises(Rejected) as refused:
        await supplier.fetch(supplier.call(**SUCCESS))
    if isinstance(answer, dict):
        assert refused.value.reason == "供货方说没有成功：库存 不足"
    assert "A-1" not in str(refused.value) + refused.value.raw


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (400, Rejected),
        (401, Rejected),
        (404, Rejected),
        (429, Throttled),
        (408, Uncertain),
        (500, Uncertain),
        (503, Uncertain),
    ],
)
async def test_a_status_is_judged_whatever_the_body_says(
    supplier: FakeSupplier, status: int, verdict: type[PeerError]
) -> None:
    supplier.says({"data": "A-1"}, status=status)
    with pytest.raises(verdict) as found:
        await supplier.fetch()
    assert type(found.value) is verdict


async def test_asking_again_is_safe_only_where_it_is_declared(supplier: FakeSupplier) -> None:
    """L13."""
    supplier.says({}, status=502)
    with pytest.raises(Unreachable):
        await supplier.fetch(supplier.call(repeatable=True))
    assert len(supplier.heard) == 1  # nothing is repeated in here


async def test_how_long_to_wait_is_passed_on_within_reason(supplier: FakeSupplier) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": request.query["after"]})

    supplier.answer = answer
    for after, seconds in (("7", 7.0), ("999999", 3600.0), ("soon", None)):
        with pytest.raises(Throttled) as found:
            await supplier.fetch(supplier.call(url=f"{supplier.url}?after={after}"))
        assert found.value.after == seconds


# --- Size and time --------------------------------------------------------------------------------


async def test_fifty_megabytes_are_not_read(supplier: FakeSupplier) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(50):
            await response.write(b" " * 1024 * 1024)
            sent += 1
        return response

    supplier.answer = answer
    with pytest.raises(Malformed, match="太大"):
        await supplier.fetch()
    assert sent < 50


async def test_a_large_answer_is_refused_by_its_header(supplier: FakeSupplier) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=b" " * 300 * 1024)

    supplier.answer = answer
    with pytest.raises(Malformed, match="太大"):
        await supplier.fetch()


async def test_a_large_answer_with_a_card_is_read(supplier: FakeSupplier) -> None:
    supplier.says({"data": "A-1", "more": ["x"] * 20_000})
    assert await supplier.fetch() == ("A-1",)


async def test_fifty_packed_megabytes_are_not_unpacked(supplier: FakeSupplier) -> None:
    bomb = gzip.compress(b'{"data": "A-1", "x": "' + b" " * 50 * 1024 * 1024 + b'"}')
    assert len(bomb) < MOST_BYTES

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=bomb, headers={"Content-Encoding": "gzip"})

    supplier.answer = answer
    with pytest.raises(Malformed):
        await supplier.fetch()
    assert "gzip" not in supplier.heard[0][2]["Accept-Encoding"]


async def test_a_packed_answer_is_not_unpacked(supplier: FakeSupplier) -> None:
    async def answer(_: web.Request) -> web.Response:
        response = web.json_response({"data": "A-1"})
        response.headers["Content-Encoding"] = "gzip"
        return response

    supplier.answer = answer
    with pytest.raises(Malformed):
        await supplier.fetch()


async def test_an_answer_after_the_deadline_is_uncertain() -> None:
    """L13: a word for it, never a crash."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        fake = FakeSupplier(port)
        with pytest.raises(Uncertain):
            await fake.fetch(fake.call(timeout_seconds=0.3))
        with pytest.raises(Unreachable):
            await fake.fetch(fake.call(timeout_seconds=0.3, repeatable=True))


async def test_a_slow_drip_ends_at_the_deadline() -> None:
    """Each byte in time does not make the whole in time."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with raw_server(drip) as port:
        fake = FakeSupplier(port)
        with pytest.raises(Uncertain):
            await fake.fetch(fake.call(timeout_seconds=0.5))


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"SSH-2.0\r\n"]
)
async def test_a_connection_that_is_cut_is_uncertain_and_was_asked_once(said: bytes) -> None:
    """The library would repeat a GET behind our back."""
    calls = 0

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        await reader.readuntil(b"\r\n\r\n")
        calls += 1
        writer.write(said)
        await writer.drain()

    async with raw_server(cut) as port:
        fake = FakeSupplier(port)
        with pytest.raises(Uncertain):
            await fake.fetch()
    assert calls == 1


async def test_a_supplier_that_is_not_there_was_never_asked(supplier: FakeSupplier) -> None:
    async with raw_server(lambda *_: asyncio.sleep(0)) as port:
        pass
    with pytest.raises(Unreachable):
        await supplier.fetch(supplier.call(url=f"http://{HOST}:{port}/"))

    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    supplier.lookup = unknown  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        await supplier.fetch()
    assert supplier.heard == []


async def test_a_certificate_that_does_not_fit_ends_it_before_anything_is_sent() -> None:
    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 no TLS here\r\n\r\n")
        await writer.drain()

    async with raw_server(hello) as port:
        fake = FakeSupplier(port)
        with pytest.raises(Unreachable):
            await fake.fetch(fake.call(url=f"https://{HOST}:{port}/"))


# --- Secrets --------------------------------------------------------------------------------------


async def test_no_error_names_secrets_or_cards(supplier: FakeSupplier) -> None:
    supplier.says({"data": {"code": "SECRET-CARD"}})
    call = supplier.call(
        url=f"{supplier.url}?key=SECRET-KEY", headers=(("X-Token", "SECRET-TOKEN"),)
    )
    with pytest.raises(Malformed) as found:
        await supplier.fetch(call)
    assert "SECRET" not in repr(found.value) + str(found.value) + found.value.raw


def test_a_call_shows_no_secret_when_printed() -> None:
    call = SupplierCall(
        url="https://a.example/?key=SECRET", headers=(("A", "SECRET"),), body='{"k": "SECRET"}'
    )
    assert "SECRET" not in repr(call)
