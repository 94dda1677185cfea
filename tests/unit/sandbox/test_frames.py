"""The sandbox writes every frame of the corpus, with code that shares nothing with the client."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hub.sandbox import cards, encode, payloads, tips
from hub.sandbox.payloads import Stamp, Thread
from hub.sandbox.stage import with_integer_keys

from .client import Rig
from .test_passport import Visitor

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
CASES = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FRAMES.glob("*.json"))}
ENTRIES = [name for name, case in CASES.items() if case["kind"] == "entry"]
MSGPACK = [name for name in ENTRIES if CASES[name]["encoding"] == "msgpack"]

ORDER = "5120000111122223333"
SUGGESTIONS_PICTURE = "https://img.alicdn.com/x.jpg"
THREAD = Thread(
    conversation="60010020030",
    seller="2200111122223",
    buyer="3100444455556",
    item="880011223344",
    buyer_name="买家小林",
    seller_name="卖家测试店",
    item_title="测试商品 月卡 自动发货",
    item_picture="https://img.alicdn.com/bao/uploaded/i1/O1CN01INVENTED_!!0-fleamarket.jpg",
)
ANDROID = {"platform": "android", "app_version": "7.28.20"}
HEIC = "https://img.alicdn.com/imgextra/i4/0000/O1CN01INVENTED_!!0000-53-xy_chat.heic"
MP4 = "http://video.example.aliyuncs.com/aus/xianyu_imvod_private/1/abc.mp4"


def said(content: payloads.Content, **how: Any) -> Callable[[Stamp], Any]:
    return lambda stamp: payloads.user_message(THREAD, stamp, content, **how)


def carded(kind: str, **how: Any) -> Callable[[Stamp], Any]:
    return lambda stamp: cards.trade_card(THREAD, stamp, kind, ORDER, **how)


def reported(build: Callable[..., Any], *given: Any, **named: Any) -> Callable[[Stamp], Any]:
    return lambda _stamp: build(*given, **named)


CONVERSATION = THREAD.conversation
BUILDERS: dict[str, Callable[[Stamp], Any]] = {
    "b01-order-placed-card": carded("unpaid", masked_nick="小***林"),
    "b02-order-paid-card": carded("paid"),
    "b03-paid-card-update": lambda stamp: cards.card_update(
        THREAD, stamp, ORDER, card_id="4300000000001.PNM"
    ),
    "b04-paid-light-status": reported(
        payloads.light_status, CONVERSATION, "等待卖家发货", 1790000061300
    ),
    "b05-order-context": reported(payloads.order_context, THREAD, ORDER, 1790000000900),
    "b06-buyer-text": said(payloads.text("在吗，可以直接拍吗")),
    "b07-own-echo": said(payloads.text("可以直接拍", phone=False), by_seller=True, platform="web"),
    "b08-buyer-image": said(payloads.image(HEIC), **ANDROID),
    "b09-buyer-video": said(payloads.video(MP4, f"{MP4}.jpg"), **ANDROID),
    "b10-buyer-voice": said(payloads.voice("https://example.alicdn.com/voice.amr", 8)),
    "b11-buyer-stickers": said(payloads.text("[微笑][赞]")),
    "b12-buyer-types-system-words": said(payloads.text("[我已付款，等待你发货]"), **ANDROID),
    "b13-bargain-pending-card": carded("bargain_waiting"),
    "b14-bargain-complete-card": carded("bargain_done"),
    "b15-refund-requested-card": carded("refund_requested"),
    "b16-refund-card-changed": lambda stamp: cards.refund_changed(THREAD, stamp, ORDER),
    "b17-shipped-tip": lambda stamp: tips.shipped_tip(THREAD, stamp),
    "b18-marketing-tip": lambda stamp: tips.marketing_tip(THREAD, stamp),
    "b19-completed-workbench-card": lambda stamp: tips.workbench_card(
        stamp, ORDER, THREAD.item_title
    ),
    "b20-rate-invitation-card": lambda stamp: tips.rate_invitation(THREAD, stamp, ORDER),
    "b21-buyer-rated-card": carded("rated"),
    "b22-price-changed-card": carded("price_changed"),
    "b23-read-receipt": reported(
        payloads.read_receipt, CONVERSATION, "4300000000004.PNM", 1790000009500
    ),
    "b24-read-receipts": reported(
        payloads.read_receipts,
        CONVERSATION,
        ["4300000000004.PNM", "4300000000019.PNM"],
        1790000009600,
    ),
    "b25-unread-marker": reported(
        payloads.red_point, CONVERSATION, "4300000000003.PNM", 1790000009700
    ),
    "b26-typing": reported(payloads.typing, CONVERSATION, THREAD.seller, active=True),
    "b27-session-suggestions": reported(
        payloads.session_arouse,
        Thread(
            **{
                **{name: getattr(THREAD, name) for name in Thread.__slots__},
                "item_picture": SUGGESTIONS_PICTURE,
            }
        ),
        1789999990000,
        keyboard=True,
    ),
    "b28-service-robot": lambda stamp: tips.robot_message(
        stamp, "为了给您提供更好的服务，诚邀您参与服务评价>>"
    ),
    "b29-quoted-reply": said(payloads.text("就是这个"), quoted="4300000000004.PNM"),
    "b30-buyer-location": said(payloads.location("自提点", "人民广场", "31.230400", "121.473700")),
    "b31-text-card": lambda stamp: tips.text_card(THREAD, stamp, ORDER),
    "b32-business-notice": reported(
        payloads.business_notice,
        THREAD.seller,
        "9001",
        "PUBLISH_FAIL",
        "发布失败，请修改后重试",
    ),
}


def stamp_of(payload: Any) -> Stamp:
    """The ids and the time that the sample carries, so that the builder can be given the same."""
    chat = payload.get("1")
    if isinstance(chat, dict):
        ext = json.loads(chat["10"]["extJson"])
        return Stamp(chat["3"], ext["messageId"], int(chat["5"]))
    inner = payload.get("4")
    if isinstance(inner, dict):
        return Stamp("", json.loads(inner["extJson"])["messageId"], payload["5"])
    return Stamp("", "", 0)


def shape(value: Any) -> Any:
    """The keys of a frame at every level, without the values."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    return type(value).__name__


@pytest.mark.parametrize("name", [name for name in MSGPACK if "wire" in CASES[name]])
def test_packing_a_payload_gives_the_captured_bytes(name: str) -> None:
    case = CASES[name]
    assert encode.wire(with_integer_keys(case["payload"])) == case["wire"]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_kind_of_entry_is_built_from_its_ids_alone(name: str) -> None:
    payload = CASES[name]["payload"]
    built = BUILDERS[name](stamp_of(payload))
    expected = with_integer_keys(payload) if name in MSGPACK else payload
    assert built == expected
    if "wire" in CASES[name]:
        assert encode.wire(built) == CASES[name]["wire"]


@pytest.mark.parametrize("name", ["c01-sync-push", "c03-typing-push", "c04-first-push"])
def test_a_push_has_the_shape_of_the_captured_one(name: str) -> None:
    frame = CASES[name]["frame"]
    package = frame["body"]["syncPushPackage"]
    entries = [
        {key: value for key, value in one.items() if key != "syncId"} for one in package["data"]
    ]
    first = frame["lwp"] == "/s/vulcan"
    built = json.loads(
        encode.push_frame(
            entries,
            mid=frame["headers"]["mid"],
            sid=frame["headers"]["sid"],
            at=package["timestamp"],
            lwp=frame["lwp"],
            reconnect=first,
            extra_type=3 if first else None,
        )
    )
    assert shape(built) == shape(frame)
    assert built["body"]["syncPushPackage"]["data"] == package["data"]
    assert built["headers"] == frame["headers"]


def test_registration_is_answered_as_captured() -> None:
    frame = CASES["c05-registered"]["frame"]
    headers = frame["headers"]
    built = encode.registered_frame(
        headers["mid"], user=THREAD.seller, sid=headers["sid"], at=frame["body"]["timestamp"]
    )
    assert json.loads(built) == frame


@pytest.mark.parametrize("name", ["c15-kicked-out", "c15-removed"])
def test_the_order_to_go_is_as_captured(name: str) -> None:
    frame = CASES[name]["frame"]
    headers = frame["headers"]
    built = encode.order_frame(frame["lwp"], mid=headers["mid"], sid=headers["sid"])
    assert json.loads(built) == frame


def test_strings_never_use_the_newer_forms_of_messagepack() -> None:
    packed = encode.pack({1: "a" * 31, 2: "b" * 32, 3: "c" * 300, 4: 1790000000000})
    assert packed[2] == 0xA0 | 31
    assert packed[35:38] == bytes([0xDA, 0, 32])
    assert bytes([0xDA, 1, 44]) in packed
    assert packed[-9] == 0xCF


async def test_the_gateway_answers_writes_and_heads_as_documented(rig: Rig) -> None:
    order = await rig.order()
    adjust = "mtop.taobao.idle.trade.user.adjust.price"
    consign = "mtop.taobao.idle.logistic.consign.dummy"
    head = "mtop.idle.trade.pc.message.headinfo"
    fee = json.dumps({"modifyFee": 880, "newTransportFee": "0", "orderId": order["id"]})
    shipped = json.dumps({"orderId": order["id"], "tradeText": "", "picList": []})
    about = json.dumps({"itemId": THREAD.item, "sessionId": CONVERSATION, "sessionType": 1})
    await rig.manners(settle_seconds=60)
    early = await rig.browser.call(adjust, fee)
    await rig.manners(settle_seconds=0)
    answers = {
        "d07-price-too-early": early,
        "d07-price-changed": await rig.browser.call(adjust, fee),
    }
    await rig.step(order, "pay")
    answers["d06-consigned"] = await rig.browser.call(consign, shipped)
    answers["d06-consigned-before"] = await rig.browser.call(consign, shipped)
    answers["d08-conversation-head"] = await rig.browser.call(head, about)
    for name, answer in answers.items():
        expected = json.loads(json.dumps(CASES[name]["body"]).replace(ORDER, order["id"]))
        assert answer == expected, name


async def test_the_passport_answers_polls_as_documented(rig: Rig) -> None:
    visitor = Visitor(rig)
    await visitor.start()
    answers = {"d09-qr-new": await visitor.poll()}
    await rig.admin("POST", "/qr/latest/scan")
    answers["d09-qr-scanned"] = await visitor.poll()
    await rig.admin("POST", "/qr/latest/verify")
    answers["d09-qr-verification"] = await visitor.poll()
    await rig.admin("POST", "/qr/latest/expire")
    answers["d09-qr-expired"] = await visitor.poll()
    await visitor.start()
    await rig.admin("POST", "/qr/latest/confirm")
    answers["d09-qr-confirmed"] = await visitor.poll()
    answers["d10-has-login"] = await visitor.json("/newlogin/hasLogin.do", form={})
    for name, answer in answers.items():
        url = answer["content"]["data"].get("iframeRedirectUrl")
        if url:
            assert "/iv/mini/identity_verify.htm?havana_iv_token=" in url
            answer["content"]["data"]["iframeRedirectUrl"] = CASES[name]["body"]["content"]["data"][
                "iframeRedirectUrl"
            ]
        assert answer == CASES[name]["body"], name
