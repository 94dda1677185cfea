"""The decoder against everything that is not in the corpus: forgeries, damage, odd shapes."""

from __future__ import annotations

import copy
import json
import random
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack
import pytest

from hub.model import (
    BuyerMessage,
    Card,
    ConversationInfo,
    Event,
    Ignored,
    Image,
    OrderSignal,
    OrderStatus,
    OwnMessage,
    PlatformMessage,
    PlatformUser,
    Recalled,
    SystemMessage,
    Text,
    Typing,
    Unknown,
    Unsupported,
)
from hub.xianyu import decode_entry
from hub.xianyu.listing import FIRST_PAGE, decode_model, read_conversations, read_history

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
USER = PlatformUser("2200111122223")
NOW = datetime(2026, 9, 21, tzinfo=UTC)


def payload(name: str) -> dict[str, Any]:
    case = json.loads((FRAMES / f"{name}.json").read_text("utf-8"))
    found: dict[str, Any] = case["payload"]
    return found


def decode(value: object, **entry: object) -> Event:
    data = value if isinstance(value, str) else json.dumps(value)
    (event,) = decode_entry({"bizType": 40, **entry, "data": data}, user=USER)
    return event


def content_of(shape: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = shape["1"]["6"]["3"]
    return found


def model_of(shape: dict[str, Any]) -> dict[str, Any]:
    """The same message as a history shows it, without the mark of who wrote it."""
    message, custom = shape["1"], content_of(shape)
    return {
        "message": {
            "messageId": message["3"],
            "cid": message["2"],
            "createAt": message["5"],
            "content": {
                "contentType": 101,
                "custom": {
                    "type": custom["4"],
                    "summary": custom["2"],
                    "data": b64encode(custom["5"].encode()).decode(),
                },
            },
            "extension": message["10"],
            "sender": {"uid": message["1"]["1"]},
        }
    }


# --- Who wrote it -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "card", ["b02-order-paid-card", "b14-bargain-complete-card", "b17-shipped-tip"]
)
def test_a_forged_card_of_a_buyer_is_a_message(card: str) -> None:
    """Content and extension come from the sender's program; who wrote comes from the server."""
    forged = payload(card)
    forged["1"]["7"] = 2
    assert isinstance(decode(forged), BuyerMessage)


def test_forged_inner_content_of_a_text_is_a_message() -> None:
    forged = payload("b12-buyer-types-system-words")
    content_of(forged)["5"] = content_of(payload("b02-order-paid-card"))["5"]
    assert isinstance(decode(forged), BuyerMessage)


def test_a_forged_card_in_a_history_is_a_message() -> None:
    forged = payload("b02-order-paid-card")
    forged["1"]["10"]["bizTag"] = '{"sourceId":"S:1"}'
    assert isinstance(decode_model(model_of(forged), user=USER), BuyerMessage)


def test_system_words_of_a_buyer_in_a_history_are_a_message() -> None:
    typed = payload("b12-buyer-types-system-words")
    assert isinstance(decode_model(model_of(typed), user=USER), BuyerMessage)
    del typed["1"]["10"]["bizTag"], typed["1"]["10"]["extJson"]
    assert isinstance(decode_model(model_of(typed), user=USER), BuyerMessage)


def test_a_change_of_a_buyer_s_own_message_is_no_order_signal() -> None:
    changed = payload("b03-paid-card-update")
    changed["4"] = payload("b12-buyer-types-system-words")["1"]["10"]
    assert isinstance(decode(changed), Ignored)
    changed["4"]["extJson"] = payload("b02-order-paid-card")["1"]["10"]["extJson"]
    assert isinstance(decode(changed), Ignored)
    changed["4"] = {"reminderContent": "[我已付款，等待你发货]"}
    assert isinstance(decode(changed), Ignored)


def test_a_text_of_the_platform_is_no_order_signal() -> None:
    text = payload("b12-buyer-types-system-words")
    text["1"]["7"] = 1
    assert isinstance(decode(text), SystemMessage)


MESSAGES = [
    path.stem
    for path in sorted(FRAMES.glob("b*.json"))
    if isinstance(sender := payload(path.stem).get("1"), dict) and "1" in sender
]


@pytest.mark.parametrize("name", MESSAGES)
def test_histories_say_the_same_as_pushes(name: str) -> None:
    shape = payload(name)
    assert decode_model(model_of(shape), user=USER) == decode(shape)


# --- Orders -------------------------------------------------------------------------------------


def test_marks_of_a_paid_order_do_not_hide_a_pending_bargain() -> None:
    card = payload("b13-bargain-pending-card")
    paid = payload("b02-order-paid-card")["1"]["10"]
    card["1"]["10"].update(
        extJson=paid["extJson"], bizTag=paid["bizTag"], redReminder="等待卖家发货"
    )
    event = decode(card)
    assert isinstance(event, OrderSignal)
    assert event.status is OrderStatus.BARGAIN_PENDING


@pytest.mark.parametrize("title", ["我已小刀,待刀成", "[我已小刀, 待刀成]", "【我已小刀，待刀成】"])
def test_punctuation_comes_in_both_widths(title: str) -> None:
    card = payload("b13-bargain-pending-card")
    text = content_of(card)["5"].replace("我已小刀，待刀成", title)
    content_of(card)["5"] = text
    event = decode(card)
    assert isinstance(event, OrderSignal)
    assert (event.status, event.text) == (OrderStatus.BARGAIN_PENDING, "我已小刀，待刀成")


def test_a_price_card_that_turns_paid_is_paid() -> None:
    update = payload("b03-paid-card-update")
    extra = update["4"]["extJson"].replace("63:TRADE_PAID_DONE_SELLER", "2:TRADE_MODIFY_FEE_BUYER")
    update["4"].update(extJson=extra, bizTag="{}", detailNotice="[我已修改价格，等待你付款]")
    event = decode(update)
    assert isinstance(event, OrderSignal)
    assert (event.status, event.order_id) == (OrderStatus.PAID, "5120000111122223333")


@pytest.mark.parametrize("button", ["已同意", "已撤销", "已拒绝"])
def test_the_button_of_a_refund_card_tells_that_it_changed(button: str) -> None:
    update = payload("b03-paid-card-update")
    key = "_CONTENT_MAP_UPDATE_PRE_dxCard.item.main.exContent.button"
    update["4"] = {key: json.dumps({"text": button}), "reminderContent": "[我发起了退款申请]"}
    event = decode(update)
    assert isinstance(event, OrderSignal)
    assert event.status is OrderStatus.REFUND_CHANGED


@pytest.mark.parametrize("where", ["role", "task"])
def test_orders_in_which_we_are_the_buyer_are_marked(where: str) -> None:
    card = payload("b02-order-paid-card")
    if where == "role":
        content_of(card)["5"] = content_of(card)["5"].replace("role=Seller", "role=buyer")
    else:
        content_of(card)["5"] = content_of(card)["5"].replace("&role=Seller", "")
        card["1"]["10"]["bizTag"] = '{"taskName":"付款完成待发货_买家"}'
    event = decode(card)
    assert isinstance(event, OrderSignal)
    assert event.as_buyer
    assert event.buyer == USER


@pytest.mark.parametrize(
    "url",
    [
        "fleamarket://order_detail?id=5120000111122223333&role=seller",
        "fleamarket://order_detail?a=1&id=5120000111122223333",
        "fleamarket://adjust_price?flutter=true&bizOrderId=5120000111122223333",
        "https://h5.m.goofish.com/x?kun=true&orderId=5120000111122223333",
        "https://h5.m.goofish.com/x?u=a%3ForderId%3D5120000111122223333",
        "https://h5.m.goofish.com/x?orderId\\u003d5120000111122223333",
    ],
)
def test_order_ids_are_found_in_every_address(url: str) -> None:
    card = payload("b02-order-paid-card")
    card["1"]["10"]["extJson"] = "{}"
    main = {"exContent": {"title": "我已付款，等待你发货"}, "targetUrl": url}
    content_of(card)["5"] = json.dumps({"contentType": 26, "dxCard": {"item": {"main": main}}})
    event = decode(card)
    assert isinstance(event, OrderSignal)
    assert event.order_id == "5120000111122223333"


def test_an_item_id_is_never_taken_for_an_order_id() -> None:
    card = payload("b02-order-paid-card")
    card["1"]["10"]["extJson"] = "{}"
    url = "fleamarket://item?id=8800112233445566"
    main = {"exContent": {"title": "我已付款，等待你发货"}, "targetUrl": url}
    content_of(card)["5"] = json.dumps({"contentType": 26, "dxCard": {"item": {"main": main}}})
    event = decode(card)
    assert isinstance(event, OrderSignal)
    assert event.order_id is None


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("[未付款，买家关闭了订单]", OrderStatus.CLOSED),
        ("超时未付款，系统关闭了订单", OrderStatus.CLOSED),
        ("[退款成功，钱款已原路退返]", OrderStatus.REFUNDED),
        ("[你关闭了订单，钱款已原路退返]", OrderStatus.REFUNDED),
        ("[记得及时发货]", OrderStatus.PAID),
        ("[买家确认收货，交易成功]", OrderStatus.COMPLETED),
        ("快给ta一个评价吧~", OrderStatus.RATE_INVITED),
    ],
)
def test_words_count_when_there_are_no_marks(words: str, status: OrderStatus) -> None:
    tip = payload("b17-shipped-tip")
    meta = tip["1"]["10"]
    meta.update(bizTag="{}", redReminder="", reminderContent=words)
    content_of(tip)["5"] = json.dumps({"contentType": 14, "tip": {"tip": f"<b>{words}</b>"}})
    event = decode(tip)
    assert isinstance(event, OrderSignal)
    assert event.status is status


def test_a_red_flower_is_no_order_change() -> None:
    card = payload("b02-order-paid-card")
    card["1"]["10"].update(
        bizTag="{}", extJson='{"msgArg1":"MsgCard"}', redReminder="", reminderContent="[卡片消息]"
    )
    content_of(card)["5"] = content_of(card)["5"].replace("我已付款，等待你发货", "闲鱼小红花")
    event = decode(card)
    assert isinstance(event, SystemMessage)
    assert isinstance(event.content, Card)
    assert event.content.title == "闲鱼小红花"


@pytest.mark.parametrize(
    ("extension", "kind"),
    [
        ({"redReminder": "交易关闭"}, OrderSignal),
        ({"redReminder": "新的说法"}, Ignored),
        ({"itemId": "880011223344", "itemTitle": "测试商品"}, ConversationInfo),
        ({}, Ignored),
    ],
)
def test_conversation_extensions(extension: dict[str, str], kind: type[Event]) -> None:
    shape = {"1": "60010020030@goofish", "2": 1, "3": extension, "4": 1790000061300}
    assert isinstance(decode(shape), kind)


# --- Odd shapes ---------------------------------------------------------------------------------


def test_times_as_text_are_read() -> None:
    shape = payload("b06-buyer-text")
    expected = decode(shape)
    shape["1"]["5"] = "1790000005000"
    assert decode(shape) == expected


def test_one_more_level_of_nesting_is_read() -> None:
    shape = payload("b06-buyer-text")
    assert decode({"1": {"1": shape["1"]}, "3": shape["3"]}) == decode(shape)


def test_a_message_without_a_time_gets_the_time_of_its_arrival() -> None:
    shape = payload("b06-buyer-text")
    del shape["1"]["5"]
    (event,) = decode_entry({"data": json.dumps(shape)}, user=USER, received_at=NOW)
    assert isinstance(event, BuyerMessage)
    assert event.sent_at == NOW
    assert isinstance(decode(shape), Unknown)


@pytest.mark.parametrize("key", ["3", "2"])
def test_a_message_without_its_ids_is_unknown_and_kept(key: str) -> None:
    shape = payload("b06-buyer-text")
    del shape["1"][key]
    event = decode(shape)
    assert isinstance(event, Unknown)
    assert json.loads(json.loads(event.raw)["data"]) == shape


def test_a_sender_is_found_without_metadata() -> None:
    shape = payload("b06-buyer-text")
    del shape["1"]["10"]["senderUserId"]
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert event.buyer == "3100444455556"
    del shape["1"]["1"]
    assert isinstance(decode(shape), Unknown)


def test_unreadable_content_falls_back_to_the_summary() -> None:
    shape = payload("b06-buyer-text")
    content_of(shape)["5"] = "{broken"
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert event.content == Text("在吗，可以直接拍吗")


def test_older_content_in_base64_is_read() -> None:
    shape = payload("b06-buyer-text")
    custom = content_of(shape)
    custom["1"], custom["5"] = b64encode(custom["5"].encode()).decode(), ""
    custom["2"] = "…"
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert event.content == Text("在吗，可以直接拍吗")


def test_an_unknown_kind_of_message_reaches_the_operator() -> None:
    shape = payload("b06-buyer-text")
    custom = content_of(shape)
    custom.update({"4": 32, "5": '{"contentType":32,"x":{}}', "2": "[卡片消息]"})
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert event.content == Unsupported(32, "[卡片消息]")


def test_every_picture_of_a_message_is_kept() -> None:
    shape = payload("b08-buyer-image")
    pics = [{"url": f"https://img/{n}", "width": "10"} for n in range(3)] + [{"no": 1}]
    content_of(shape)["5"] = json.dumps({"contentType": 2, "image": {"pics": pics}})
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert isinstance(event.content, Image)
    assert [picture.url for picture in event.content.pictures] == [
        f"https://img/{n}" for n in range(3)
    ]


def test_half_characters_and_nul_never_reach_the_database() -> None:
    shape = payload("b06-buyer-text")
    content_of(shape)["5"] = '{"contentType":1,"text":{"text":"a\\u0000b\\ud83d 😀\\ud83d\\ude00"}}'
    event = decode(shape)
    assert isinstance(event, BuyerMessage)
    assert event.content == Text("a�b� 😀😀")


def test_text_cut_inside_a_character_costs_that_character_only() -> None:
    shape = {1: {1: {1: "31@goofish"}, 2: "6@goofish", 3: "4.PNM", 5: 1790000005000, 7: 2}}
    shape[1][6] = {3: {4: 1, 5: b'{"contentType":1,"text":{"text":"\xe4\xbd\xa0\xe5\xa5"}}'}}  # type: ignore[index]
    event = decode(b64encode(msgpack.packb(shape, use_bin_type=False)).decode())
    assert isinstance(event, BuyerMessage)
    assert isinstance(event.content, Text)
    assert event.content.text.startswith("你")


def test_several_typists_are_several_events() -> None:
    member = payload("b26-typing")["1"][0]
    entry = {"data": json.dumps({"1": [member, {**member, "3": 0}]})}
    events = decode_entry(entry, user=USER)
    assert [event.active for event in events if isinstance(event, Typing)] == [True, False]


def test_a_receipt_of_arrival_is_not_a_receipt_of_reading() -> None:
    assert isinstance(decode(payload("b23-read-receipt") | {"2": 1}), Ignored)


def test_a_message_without_an_id_on_the_json_channel_is_kept_for_study() -> None:
    shape = payload("b27-session-suggestions")
    shape["operation"]["content"] = {"contentType": 1, "text": {"text": "在吗"}}
    assert isinstance(decode(shape, bizType=370), Unknown)


def test_own_messages_are_told_from_the_buyer_s_by_the_account() -> None:
    (event,) = decode_entry(
        {"data": json.dumps(payload("b06-buyer-text"))}, user=PlatformUser("3100444455556")
    )
    assert isinstance(event, OwnMessage)


@pytest.mark.parametrize("kind", [40001, 40101, 40200, 40221])
def test_kinds_of_no_use_are_ignored_by_their_number(kind: int) -> None:
    assert isinstance(decode({"1": 5}, objectType=kind), Ignored)


@pytest.mark.parametrize(
    "shape",
    [
        {"1": "4300000000022.PNM", "2": "60010020030@goofish", "3": 1, "4": {"recall": "1"}},
        {"1": "4300000000022.PNM", "2": 2, "4": "60010020030@goofish"},
        {"1": ["4300000000022.PNM"], "2": "60010020030@goofish"},
    ],
)
def test_a_recalled_message_is_known_by_its_object_type(shape: dict[str, object]) -> None:
    assert decode(shape, objectType=40104) == Recalled((PlatformMessage("4300000000022.PNM"),))
    assert not isinstance(decode(shape, objectType=40105), Recalled)


@pytest.mark.parametrize("first", [5, [], ["60010020030@goofish"], ["1.PNM", 5]])
def test_a_recall_that_names_no_message_is_none(first: object) -> None:
    assert not isinstance(decode({"1": first}, objectType=40104), Recalled)


def test_notices_with_a_name_are_ignored() -> None:
    assert isinstance(decode({"x": 5}, bizType="IDLE_SPACE_PRICING"), Ignored)


# --- Damage -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        "text",
        [],
        {},
        {"data": None},
        {"data": ""},
        {"data": 7},
        {"data": "!!!"},
        {"data": "wQ=="},
        {"data": "{"},
        {"data": "[1]"},
        {"data": "[" * 5000},
        {"data": '{"1":' * 3000 + "1" + "}" * 3000},
        {"data": '{"1":' * 600 + "1" + "}" * 600},
        {"data": b64encode(b"\x91" * 5000).decode()},
        {"data": b64encode(b"\x81\x01" * 5000).decode()},
        {"data": '{"1":{"3":"\\ud800.PNM","2":"6@goofish"}}'},
        {"data": '{"1":"4.PNM","2":2}'},
        {"data": '{"1":["4.PNM",5],"2":2,"3":"6@goofish"}'},
        {"data": '{"1":[]}'},
        {"data": "{}", "objectType": "odd"},
    ],
)
def test_what_cannot_be_read_is_kept_as_unknown(entry: object) -> None:
    (event,) = decode_entry(entry, user=USER)
    assert isinstance(event, Unknown)
    event.raw.encode()
    event.reason.encode()


def test_damaged_payloads_never_raise() -> None:
    """Every byte and every node of real payloads, damaged at random."""
    chance = random.Random(5)
    shapes = [json.loads(path.read_text("utf-8")) for path in sorted(FRAMES.glob("b*.json"))]
    for case in shapes:
        blob = bytearray(b64decode(case["wire"])) if "wire" in case else bytearray(b"\x80")
        for _ in range(150):
            torn = bytearray(blob)
            for _ in range(chance.randrange(1, 4)):
                torn[chance.randrange(len(torn))] = chance.randrange(256)
            torn = torn[: chance.randrange(len(torn)) + 1] if chance.random() < 0.3 else torn
            assert decode_entry({"data": b64encode(torn).decode()}, user=USER)
            assert decode_entry({"data": json.dumps(damaged(case["payload"], chance))}, user=USER)


def test_damaged_histories_never_raise() -> None:
    chance = random.Random(6)
    page = json.loads((FRAMES / "c17-history.json").read_text("utf-8"))["frame"]["body"]
    listed = {"hasMore": 1, "userConvs": [{"singleChatUserConversation": {"lastMessage": page}}]}
    for _ in range(2000):
        read_history(damaged(page, chance), user=USER, cursor=FIRST_PAGE)
        read_conversations(damaged(listed, chance), user=USER, cursor=FIRST_PAGE)


def damaged(value: object, chance: random.Random) -> object:
    odd = (
        None,
        True,
        -1,
        10**30,
        1.5,
        float("nan"),
        "",
        "x",
        "\ud800",
        "\0",
        [],
        {},
        [[]],
        {"1": 1},
    )
    if chance.random() < 0.06:
        return copy.deepcopy(chance.choice(odd))
    if isinstance(value, dict):
        return {key: damaged(inner, chance) for key, inner in value.items()}
    if isinstance(value, list):
        return [damaged(inner, chance) for inner in value]
    return value


def json_message(content: dict[str, Any], **operation: Any) -> dict[str, Any]:
    return {
        "chatType": 1,
        "sessionId": "60010020030",
        "operation": {
            "messageId": "4300000000001.PNM",
            "createAt": 1790000000000,
            "content": content,
            "reminder": {"reminderTitle": "买家小林", "senderUserId": "3100444455556"},
            **operation,
        },
    }


SAID = {"contentType": 1, "text": {"text": "在吗"}}
WRAPPED = {
    "contentType": 101,
    "custom": {"type": 1, "data": b64encode(json.dumps(SAID).encode()).decode()},
}


@pytest.mark.parametrize("content", [SAID, WRAPPED], ids=["plain", "wrapped"])
def test_what_people_write_is_read_on_the_json_channel_too(content: dict[str, Any]) -> None:
    event = decode(json_message(content), bizType=370)
    assert isinstance(event, BuyerMessage)
    assert (event.id, event.conversation) == ("4300000000001.PNM", "60010020030")
    assert (event.buyer, event.buyer_name) == ("3100444455556", "买家小林")
    assert event.content == Text("在吗")
    mine = decode(json_message(content, reminder={}, senderInfo={"senderUserId": USER}))
    assert isinstance(mine, OwnMessage)


@pytest.mark.parametrize(
    "shape",
    [
        json_message({"contentType": 26, "dxCard": {"item": {"main": {}}}}),
        json_message({"contentType": 101, "custom": {"data": "no base64"}}),
        json_message(SAID, reminder={}),
        json_message(SAID, messageId=""),
    ],
    ids=["card", "damaged", "nobody", "nameless"],
)
def test_the_json_channel_is_believed_in_nothing_else(shape: dict[str, Any]) -> None:
    assert isinstance(decode(shape, bizType=370), Unknown)
