"""The sandbox takes every documented request and answers as documented, over its real doors.

Compared is the shape of whole frames, and every value that is not the moment's (ids and times).
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .client import CONVERSATION, IM_APP_KEY, SELLER, SEND, Rig, Wire, send_body
from .test_frames import CASES, shape
from .test_pictures import blank, upload

TOKEN_API = "mtop.taobao.idlemessage.pc.login.token"
LOGIN_API = "mtop.taobao.idlemessage.pc.loginuser.get"
TOKEN_DATA = json.dumps({"appKey": IM_APP_KEY, "deviceId": "DID-1"})


async def ask_as(wire: Wire, name: str, change: Callable[[Any], None] = lambda _: None) -> Any:
    """Send a request of the corpus as it stands there; `change` puts living ids into its body."""
    frame = copy.deepcopy(CASES[name]["frame"])
    change(frame.get("body"))
    return await wire.ask(frame["lwp"], frame.get("body"))


def body_of(name: str) -> Any:
    return CASES[name]["frame"]["body"]


# --- Answers over the message connection ----------------------------------------------------------


async def test_a_registration_for_another_device_is_refused(rig: Rig) -> None:
    token = await rig.browser.token("DID-1")
    async with rig.dial() as wire:
        answer = await wire.register(token, "DID-2")
    expected = CASES["c06-registration-refused"]["frame"]
    assert answer["code"] == expected["code"]
    assert answer["body"].items() >= expected["body"].items()


async def test_a_heartbeat_is_answered_without_a_body(rig: Rig) -> None:
    async with rig.online() as wire:
        answer = await ask_as(wire, "c07-heartbeat")
    assert shape(answer) == shape(CASES["c07-heartbeat-answer"]["frame"])
    assert answer["headers"]["dt"] == "j"


async def test_the_sync_state_has_every_key(rig: Rig) -> None:
    async with rig.online() as wire:
        answer = await wire.ask("/r/SyncStatus/getState", [{"topic": "sync"}])
    expected = CASES["c08-sync-state"]["frame"]
    assert shape(answer) == shape(expected)
    moving = ("pts", "timestamp")
    kept = {key: value for key, value in answer["body"].items() if key not in moving}
    assert kept == {key: v for key, v in expected["body"].items() if key not in moving}


@pytest.mark.parametrize(
    ("request_name", "answer_name", "fault"),
    [
        ("c09-send", "c10-sent", ""),
        ("c09-send", "c10-sent-without-body", "send_no_body"),
        ("c09-send", "c12-send-failed", "send_failed"),
        ("c09-send-image", "c10-sent", ""),
        ("c09-send-quoted", "c10-sent", ""),
    ],
)
async def test_a_send_is_answered_in_the_documented_form(
    rig: Rig, request_name: str, answer_name: str, fault: str
) -> None:
    if fault:
        await rig.fault(fault)
    async with rig.online() as wire:
        answer = await ask_as(wire, request_name)
    expected = CASES[answer_name]["frame"]
    if answer_name == "c12-send-failed":
        assert (answer["code"], answer["body"]) == (expected["code"], expected["body"])
        return
    assert shape(answer) == shape(expected)
    if "body" in expected:
        assert answer["body"]["uuid"] == body_of(request_name)[0]["uuid"]


async def test_what_was_sent_reaches_the_buyer_as_it_was_written(rig: Rig) -> None:
    async with rig.online() as wire:
        for name in ("c09-send", "c09-send-image", "c09-send-quoted"):
            await ask_as(wire, name)
    seen = (await rig.admin("GET", f"/conversations/{CONVERSATION}"))["messages"]
    (picture,) = CASES["c13-image-content"]["content"]["image"]["pics"]
    assert [one["text"] for one in seen] == ["你好", "[图片]", "是的"]
    assert seen[1]["pictures"] == [picture["url"]]
    assert seen[2]["quoted"] == "4300000000003.PNM"


async def test_content_that_security_stops_is_refused_under_the_code_of_success(rig: Rig) -> None:
    await rig.fault("send_blocked")
    async with rig.online() as wire:
        answer = await ask_as(wire, "c09-send")
    expected = CASES["c11-send-blocked"]["frame"]
    assert (answer["code"], answer["body"]) == (expected["code"], expected["body"])


async def test_a_list_that_comes_too_early_is_refused(rig: Rig) -> None:
    await rig.fault("list_throttle")
    async with rig.online() as wire:
        answer = await ask_as(wire, "c16-list-conversations")
        assert (await ask_as(wire, "c16-list-conversations"))["code"] == 200
    expected = CASES["c14-list-too-early"]["frame"]
    assert answer["code"] == expected["code"]
    assert answer["body"].items() >= expected["body"].items()


# --- Requests about messages ----------------------------------------------------------------------


async def test_a_history_is_told_as_captured(rig: Rig) -> None:
    async with rig.online() as wire:
        empty = await ask_as(wire, "c16-list-messages")
        sent = await wire.ask(SEND, send_body("可以直接拍"))
        await rig.admin(
            "POST", "/read", {"conversation": CONVERSATION, "ids": [sent["body"]["messageId"]]}
        )
        told = await ask_as(wire, "c16-list-messages")
    assert empty["body"] == CASES["c18-empty-history"]["frame"]["body"]
    expected = CASES["c17-history"]["frame"]
    assert set(told["headers"]) == set(expected["headers"])
    (model,), (captured,) = told["body"]["userMessageModels"], expected["body"]["userMessageModels"]
    assert {**shape(told["body"]), "userMessageModels": 0} == {
        **shape(expected["body"]),
        "userMessageModels": 0,
    }
    assert shape(captured).keys() <= shape(model).keys()
    message, wanted = model["message"], captured["message"]
    assert shape(wanted).keys() <= shape(message).keys()
    assert message["content"] == wanted["content"]
    assert message["sender"] == wanted["sender"]
    assert message["cid"] == wanted["cid"]
    assert wanted["extension"].keys() <= message["extension"].keys()
    assert model["readStatus"] == captured["readStatus"]


async def test_a_read_report_marks_the_buyers_messages(rig: Rig) -> None:
    ids = await rig.say("在吗")

    def name_them(body: Any) -> None:
        body[0][:] = ids

    async with rig.online() as wire:
        assert (await ask_as(wire, "c16-read-report", name_them))["code"] == 200
    seen = (await rig.admin("GET", f"/conversations/{CONVERSATION}"))["messages"]
    assert [one["read"] for one in seen] == [True]


@pytest.mark.parametrize(("name", "place"), [("c16-recall", 0), ("c16-recall-by-feature", 1)])
async def test_both_ways_of_recalling_take_a_message_back(rig: Rig, name: str, place: int) -> None:
    async with rig.online() as wire:
        sent = await wire.ask(SEND, send_body("你好"))

        def name_it(body: Any) -> None:
            body[place] = sent["body"]["messageId"]

        assert (await ask_as(wire, name, name_it))["code"] == 200
    seen = (await rig.admin("GET", f"/conversations/{CONVERSATION}"))["messages"]
    assert [one["kind"] for one in seen] == ["recalled"]


async def test_creating_a_conversation_names_the_one_that_exists(rig: Rig) -> None:
    async with rig.online() as wire:
        answer = await ask_as(wire, "c16-create-conversation")
    assert answer["code"] == 200
    assert f"{CONVERSATION}@goofish" in json.dumps(answer["body"])


async def test_an_acknowledgement_that_repeats_the_headers_counts(rig: Rig) -> None:
    """Whatever the push carried in its headers comes back, as in the capture."""
    async with rig.online() as wire:
        wire.acking = False
        await rig.say("在吗")
        (push,) = await wire.until(wire.pushes)
        answer = copy.deepcopy(CASES["c02-push-acknowledged"]["frame"])
        pushed = CASES["c01-sync-push"]["frame"]["headers"]
        assert answer == {"code": 200, "headers": pushed}
        answer["headers"] |= push["headers"]
        await wire.ws.send_str(json.dumps(answer))
        log = rig.sandbox.lines.log
        await wire.ask("/!")
        assert [one.acked_at is not None for one in log if any(one.about)] == [True]


# --- The gateway ----------------------------------------------------------------------------------


def documented(name: str) -> Any:
    return CASES[name]["body"]


async def test_the_first_call_brings_a_token_in_two_cookies(rig: Rig) -> None:
    del rig.browser.cookies["_m_h5_tk"]
    answer, cookies = await rig.browser.once(LOGIN_API)
    assert answer == documented("d01-first-call")
    expected = CASES["d01-first-call"]["set_cookie"]
    assert [line.partition("=")[0] for line in cookies] == [
        line.partition("=")[0] for line in expected
    ]
    assert len(cookies[0].partition("_17")[0]) >= len("_m_h5_tk=") + 32
    for line in cookies:
        assert "domain=" in line.lower()


async def test_refusals_of_the_gateway_are_word_for_word(rig: Rig) -> None:
    stale, _ = await rig.browser.once(TOKEN_API, TOKEN_DATA)
    assert stale == documented("d02-token-expired")
    await rig.fault("mtop_session_expired")
    assert await rig.browser.call(TOKEN_API, TOKEN_DATA) == documented("d03-session-expired")
    await rig.fault("mtop_risk")
    asked = await rig.browser.call(TOKEN_API, TOKEN_DATA)
    expected = documented("d04-verification")
    assert {**asked, "data": 0} == {**expected, "data": 0}
    place, _, query = asked["data"]["url"].partition("?")
    wanted_place, _, wanted_query = expected["data"]["url"].partition("?")
    assert place == wanted_place
    names = [piece.partition("=")[0] for piece in query.split("&")]
    assert names == [piece.partition("=")[0] for piece in wanted_query.split("&")]


async def test_a_token_is_given_in_the_documented_form(rig: Rig) -> None:
    answer = await rig.browser.call(TOKEN_API, TOKEN_DATA)
    expected = documented("d05-token")
    assert shape(answer) == shape(expected)
    assert answer["data"]["accessToken"].startswith("oauth_k1:")
    assert answer["data"]["accessTokenExpiredTime"] == expected["data"]["accessTokenExpiredTime"]


async def test_pages_of_orders_have_what_clients_read(rig: Rig) -> None:
    order = await rig.step(await rig.order(), "pay")
    detail = await rig.browser.data("mtop.idle.web.trade.order.detail", tid=order["id"])
    expected = documented("e01-order-detail")["data"]
    renders = {one["render"]: one["data"] for one in detail["components"]}
    wanted = {one["render"]: one["data"] for one in expected["components"]}
    assert detail.keys() == expected.keys()
    assert wanted.keys() - renders.keys() <= {"addressInfoVO"}
    assert renders["orderInfoVO"].keys() >= wanted["orderInfoVO"].keys()
    assert renders["orderStatusVO"].keys() == wanted["orderStatusVO"].keys()
    listed = await rig.browser.data("mtop.taobao.idle.trade.sold.get", pageNumber=1)
    (line, *_) = documented("e02-orders-to-ship")["data"]["items"]
    assert listed["items"][0].keys() == line.keys()


async def test_the_list_of_pro_shops_has_what_clients_read(rig: Rig) -> None:
    await rig.admin("PATCH", f"/sellers/{SELLER}", {"pro": True})
    await rig.step(await rig.order(bargain=True), "pay")
    api, asked = (
        CASES["e03-pro-orders-to-ship"]["body"]["api"],
        {"pageNumber": 1, "rowsPerPage": 20},
    )
    rig.browser.query = {"valueType": "string"}
    told = await rig.browser.data(api, queryCode="NOT_SHIP", **asked)
    (line,) = told["module"]["items"]
    (expected,) = documented("e03-pro-orders-to-ship")["data"]["module"]["items"]
    assert shape(line) == shape(expected)
    assert line["rightVO"] == expected["rightVO"]


async def test_an_upload_is_answered_in_the_documented_form(rig: Rig) -> None:
    told = json.loads(await upload(rig, blank(50, 60)))
    expected = documented("e04-uploaded")["object"]
    assert {key: type(told["object"][key]) for key in expected} == {
        key: type(value) for key, value in expected.items()
    }


def test_no_documented_frame_is_left_out() -> None:
    """Each is met by its name in this file or in that of frames, gateway and passport."""
    files = [Path(__file__), Path(__file__).with_name("test_frames.py")]
    met = "".join(file.read_text("utf-8") for file in files)
    assert [name for name in CASES if f'"{name}"' not in met] == []
