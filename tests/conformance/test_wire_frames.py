"""The client understands every frame of the corpus, and writes the ones that it sends."""

from __future__ import annotations

import dataclasses
import json
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import msgpack
import pytest

from hub import model
from hub.model import (
    Image,
    Picture,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Text,
)
from hub.xianyu import FittedPicture, decode_entry, lwp, verdicts
from hub.xianyu.browser import Page
from hub.xianyu.content import inner_type, read_content
from hub.xianyu.cookies import CookieJar
from hub.xianyu.listing import FIRST_PAGE, read_history
from hub.xianyu.media import read_upload
from hub.xianyu.orders import read_order, read_unshipped, read_unshipped_pro
from hub.xianyu.outgoing import conversation_body, message_body
from hub.xianyu.shapes import as_int
from hub.xianyu.sign import sign

FRAMES = Path(__file__).parent / "frames"
SELLER = PlatformUser("2200111122223")
BUYER = PlatformUser("3100444455556")
CONVERSATION = PlatformConversation("60010020030")
CASES = [json.loads(path.read_text("utf-8")) for path in sorted(FRAMES.glob("*.json"))]


def of_kind(*kinds: str, **with_values: object) -> list[Any]:
    return [
        pytest.param(case, id=case["name"])
        for case in CASES
        if case["kind"] in kinds and all(case.get(key) == v for key, v in with_values.items())
    ]


def named(name: str) -> dict[str, Any]:
    return next(case for case in CASES if case["name"] == name)


def plain(value: object) -> object:
    """An event or content as the corpus writes it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, tuple):
        return [plain(one) for one in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        shown = {
            key: v for key, v in fields.items() if v is not None and v != "" and v is not False
        }
        if isinstance(value, model.Picture):
            return shown
        return {"type": type(value).__name__, **shown}
    return value


def on_the_wire(value: object) -> object:
    if isinstance(value, dict):
        return {int(k) if k.isdecimal() else k: on_the_wire(v) for k, v in value.items()}
    return [on_the_wire(one) for one in value] if isinstance(value, list) else value


def packed(case: dict[str, Any]) -> str:
    if case["encoding"] == "json":
        return b64encode(json.dumps(case["payload"], ensure_ascii=False).encode()).decode()
    blob = msgpack.packb(on_the_wire(case["payload"]), use_bin_type=False)
    return b64encode(blob).decode()


def entry(case: dict[str, Any], data: str) -> dict[str, Any]:
    channel = 370 if case["encoding"] == "json" else 40
    kind = case["object_type"]
    return {"bizType": channel, "streamId": str(channel), "objectType": kind, "data": data}


def refused(error: Exception | None) -> dict[str, str]:
    assert error is not None
    found = {"error": type(error).__name__, "reason": getattr(error, "reason", "")}
    for name in ("code", "url"):
        if value := getattr(error, name, ""):
            found[name] = value
    return found


def test_every_documented_example_is_in_the_corpus() -> None:
    numbers = {case["name"].split("-")[0] for case in CASES}
    expected = {f"b{n:02}" for n in range(1, 33)} | {f"c{n:02}" for n in range(1, 19)}
    expected |= {f"d{n:02}" for n in range(1, 11)} | {f"e{n:02}" for n in range(1, 5)}
    assert numbers == expected


@pytest.mark.parametrize("case", of_kind("entry"))
def test_an_entry_becomes_exactly_its_events(case: dict[str, Any]) -> None:
    events = decode_entry(entry(case, packed(case)), user=SELLER)
    assert [plain(event) for event in events] == case["events"]


@pytest.mark.parametrize("case", [p for p in of_kind("entry") if "wire" in p.values[0]])
def test_the_wire_text_becomes_the_same_events(case: dict[str, Any]) -> None:
    events = decode_entry(entry(case, case["wire"]), user=SELLER)
    assert [plain(event) for event in events] == case["events"]


@pytest.mark.parametrize("case", [p for p in of_kind("entry") if "wire" in p.values[0]])
def test_the_oldest_dialect_gives_the_wire_text_byte_for_byte(case: dict[str, Any]) -> None:
    assert packed(case) == case["wire"]


def test_the_captured_card_keeps_its_layout() -> None:
    """The captured card had 2319 bytes; the invented ids are eleven longer in all."""
    blob = b64decode(named("b01-order-placed-card")["wire"])
    assert len(blob) == 2330
    assert blob[:2] == b"\x82\x01"
    message = msgpack.unpackb(blob, strict_map_key=False)[1]
    assert list(message) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12]
    assert len(message[10]) == 16


@pytest.mark.parametrize("case", of_kind("entry", encoding="msgpack"))
def test_newer_dialects_and_text_keys_become_the_same_events(case: dict[str, Any]) -> None:
    modern = b64encode(msgpack.packb(on_the_wire(case["payload"]), use_bin_type=True)).decode()
    as_json = json.dumps(case["payload"])
    unpadded = packed(case).rstrip("=").replace("+", "-").replace("/", "_")
    for data in (modern, as_json, unpadded, b64encode(as_json.encode()).decode()):
        events = decode_entry(entry(case, data), user=SELLER)
        assert [plain(event) for event in events] == case["events"]


@pytest.mark.parametrize("case", of_kind("entry"))
def test_a_wrong_object_type_changes_nothing(case: dict[str, Any]) -> None:
    other = entry(case, packed(case)) | {"objectType": 40}
    assert [plain(event) for event in decode_entry(other, user=SELLER)] == case["events"]


@pytest.mark.parametrize("case", of_kind("push"))
def test_a_push_becomes_the_events_of_all_its_entries(case: dict[str, Any]) -> None:
    pushed = lwp.Connection[None](lambda: 0).receive(json.dumps(case["frame"]))
    assert isinstance(pushed, lwp.Pushed)
    assert not pushed.gap
    events = [event for one in pushed.entries for event in decode_entry(one, user=SELLER)]
    assert [plain(event) for event in events] == case["events"]


@pytest.mark.parametrize("case", of_kind("ack"))
def test_an_acknowledgement_repeats_the_headers(case: dict[str, Any]) -> None:
    pushed = lwp.Connection[None](lambda: 0).receive(json.dumps(named(case["of"])["frame"]))
    assert isinstance(pushed, lwp.Pushed)
    assert json.loads(lwp.acknowledge(pushed.echo)) == case["frame"]


@pytest.mark.parametrize("case", of_kind("answer"))
def test_an_answer_finds_its_waiter_and_has_its_outcome(case: dict[str, Any]) -> None:
    connection = lwp.Connection[str](lambda: 1790000000123)
    mid, _ = connection.request("waiter", case["to"])
    case["frame"]["headers"]["mid"] = mid
    answer = connection.receive(json.dumps(case["frame"]))
    assert isinstance(answer, lwp.Answer)
    assert answer.waiter == "waiter"
    reply, outcome = answer.reply, case["outcome"]
    if case["to"] == lwp.REGISTER:
        error = verdicts.judge_registration(reply.code, reply.headers, reply.body)
    else:
        error = verdicts.judge_answer("ask", reply.code, reply.body)
    if "error" in outcome:
        assert {k: v for k, v in refused(error).items() if k in outcome} == outcome
        return
    assert error is None
    if "events" in outcome:
        page = read_history(reply.body, user=SELLER, cursor=FIRST_PAGE)
        assert [plain(event) for event in page.events] == outcome["events"]
        assert page.next_cursor == outcome["next_cursor"]
    if "user" in outcome:
        assert reply.headers["reg-uid"] == outcome["user"] + "@goofish"


PICTURE = Picture("https://img.alicdn.com/imgextra/i1/0000/O1CN01INVENTED.jpg", 1080, 1440)
QUOTED = "4300000000003.PNM"
REQUESTS: dict[str, list[object] | None] = {
    "c07-heartbeat": None,
    "c09-send": message_body(CONVERSATION, BUYER, SELLER, Text("你好"), "-17900000301231"),
    "c09-send-image": message_body(
        CONVERSATION, BUYER, SELLER, Image((PICTURE,)), "-17900000301232"
    ),
    "c09-send-quoted": message_body(
        CONVERSATION, BUYER, SELLER, Text("是的"), "-17900000301232", PlatformMessage(QUOTED)
    ),
    "c16-create-conversation": conversation_body(SELLER, BUYER, "880011223344"),
    "c16-recall": ["4300000000022.PNM"],
    "c16-read-report": [["4300000000003.PNM", "4300000000005.PNM"]],
    "c16-list-conversations": [FIRST_PAGE, 20],
    "c16-list-messages": ["60010020030@goofish", False, FIRST_PAGE, 20, False],
}


@pytest.mark.parametrize("case", of_kind("request", made_by_us=True))
def test_our_requests_look_like_the_corpus(case: dict[str, Any]) -> None:
    frame, body = case["frame"], REQUESTS[case["name"]]
    connection = lwp.Connection[None](lambda: 0)
    mid, text = connection.request(None, frame["lwp"], body)
    frame["headers"]["mid"] = mid
    assert json.loads(text) == frame


@pytest.mark.parametrize("case", of_kind("ending"))
def test_frames_that_end_a_session_are_recognised(case: dict[str, Any]) -> None:
    ending = lwp.Connection[None](lambda: 0).receive(json.dumps(case["frame"]))
    expected = {"kicked": lwp.KickedOut, "removed": lwp.Removed}[case["how"]]
    assert isinstance(ending, expected)


@pytest.mark.parametrize("case", of_kind("content"))
def test_content_is_read_the_same_way_everywhere(case: dict[str, Any]) -> None:
    content = case["content"]
    read = read_content(content, inner_type(content, as_int(1)), "")
    assert plain(read) == case["becomes"]


@pytest.mark.parametrize("case", of_kind("http"))
def test_a_gateway_answer_has_its_outcome(case: dict[str, Any]) -> None:
    error = verdicts.judge_gateway("call", case["body"])
    if case["outcome"] == {"ok": True}:
        assert error is None
    else:
        assert refused(error) == case["outcome"]


@pytest.mark.parametrize("case", of_kind("page"))
def test_a_page_is_read_the_same_way_everywhere(case: dict[str, Any]) -> None:
    body, data = case["body"], case["body"].get("data")
    match case["of"]:
        case "order":
            assert plain(read_order(data, data["orderId"])) == case["becomes"]
        case "orders to ship":
            found = read_unshipped(data).orders
            assert [[one.id, one.status] for one in found] == case["becomes"]
        case "pro orders to ship":
            found = read_unshipped_pro(data).orders
            assert [[one.id, one.status] for one in found] == case["becomes"]
        case "upload":
            fitted = FittedPicture(b"", "image/jpeg", ".jpg", 1, 1)
            picture = read_upload(Page(200, json.dumps(body)), fitted)
            assert plain(picture) == case["becomes"]
        case other:
            raise AssertionError(other)


def test_the_first_refusal_brings_the_signing_token() -> None:
    jar = CookieJar.parse("unb=2200111122223; cookie2=x")
    assert jar.merge(named("d01-first-call")["set_cookie"])
    assert jar.sign_token == "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_the_published_signature_is_reproduced() -> None:
    signature = sign("abc_token", "1700000000000", '{"appKey":"x"}')
    assert signature == "497ff18ef9c6d4792ba5aeef0e99929a"


def test_corpus_times_are_utc_milliseconds() -> None:
    assert plain(datetime(2026, 9, 21, 14, 13, 21, tzinfo=UTC)) == 1790000001000
