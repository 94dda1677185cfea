"""Sending, histories, lists and receipts as a client sees them."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from .client import BUYER, CONVERSATION, SELLER, SEND, Rig, Wire, send_body

LIST = "/r/Conversation/listNewestPagination"
HISTORY = "/r/MessageManager/listUserMessages"
NEWEST = 9007199254740991


async def history(wire: Wire, cursor: int = NEWEST, limit: int = 20) -> dict[str, Any]:
    body = [f"{CONVERSATION}@goofish", False, cursor, limit, False]
    answer = await wire.ask(HISTORY, body)
    assert answer["code"] == 200
    return dict(answer["body"])


def texts_of(page: dict[str, Any]) -> list[str]:
    customs = [one["message"]["content"]["custom"] for one in page["userMessageModels"]]
    return [json.loads(base64.b64decode(one["data"]))["text"]["text"] for one in customs]


async def seen(rig: Rig) -> list[dict[str, Any]]:
    view = await rig.admin("GET", f"/conversations/{CONVERSATION}")
    return list(view["messages"])


async def test_an_accepted_send_is_answered_echoed_and_seen_by_the_buyer(rig: Rig) -> None:
    async with rig.online() as wire:
        body = send_body("有货的")
        answer = await wire.ask(SEND, body)
        assert answer["body"]["uuid"] == body[0]["uuid"]
        assert answer["body"]["messageId"].endswith(".PNM")
        await wire.until(wire.texts)
        (echo,) = wire.payloads()
        assert echo[1][3] == answer["body"]["messageId"]
        assert echo[1][10]["senderUserId"] == SELLER
        assert echo[3] == {"needPush": "false"}
    (message,) = await seen(rig)
    assert (message["from"], message["text"]) == ("seller", "有货的")


@pytest.mark.parametrize(
    ("kind", "code", "inner"),
    [
        ("send_blocked", 200, "CSI_FORBID"),
        ("send_failed", 400, "400000"),
        ("send_throttled", 400, "400600001"),
    ],
)
async def test_a_refused_send_reaches_nobody(rig: Rig, kind: str, code: int, inner: str) -> None:
    await rig.fault(kind)
    async with rig.online() as wire:
        answer = await wire.ask(SEND, send_body("不行"))
        assert (answer["code"], answer["body"]["code"]) == (code, inner)
        assert answer["body"]["reason"]
        assert (await wire.ask(SEND, send_body("好的")))["body"]["messageId"]
        await wire.until(wire.texts)
        assert wire.texts() == ["好的"]
    assert [one["text"] for one in await seen(rig)] == ["好的"]


async def test_an_answer_may_come_without_a_body(rig: Rig) -> None:
    await rig.fault("send_no_body")
    async with rig.online() as wire:
        answer = await wire.ask(SEND, send_body("好的"))
        assert answer["code"] == 200
        assert "body" not in answer


async def test_a_dropped_answer_still_delivers_and_echoes(rig: Rig) -> None:
    await rig.fault("answer_drop", subject=SEND)
    async with rig.online() as wire:
        mid = await wire.send("好的")
        await wire.until(wire.texts)
        await wire.ask("/!")
        assert wire.answers(mid) == []


async def test_a_send_can_be_stored_without_any_sign_or_lost_for_good(rig: Rig) -> None:
    await rig.fault("send_stored")
    await rig.fault("send_lost")
    async with rig.online() as wire:
        lost = await wire.send("丢了")
        stored = await wire.send("存了")
        page = await history(wire)
        assert texts_of(page) == ["存了"]
        assert wire.answers(stored) == wire.answers(lost) == []
        assert wire.texts() == []
    sends = await rig.admin("GET", "/sends")
    assert [(one["text"], one["outcome"]) for one in sends] == [
        ("丢了", "lost"),
        ("存了", "stored"),
    ]


async def test_an_answer_can_be_late_and_the_echo_first(rig: Rig) -> None:
    await rig.fault("answer_delay", subject=SEND, seconds=0.05)
    async with rig.online() as wire:
        mid = await wire.send("好的")
        await wire.until(wire.texts)
        assert wire.answers(mid) == []
        await wire.until(lambda: wire.answers(mid))


async def test_the_echo_can_be_missing(rig: Rig) -> None:
    await rig.fault("echo_missing")
    async with rig.online() as wire:
        await wire.ask(SEND, send_body("好的"))
        await wire.ask("/!")
        assert wire.texts() == []


async def test_a_send_into_a_foreign_conversation_is_refused(rig: Rig) -> None:
    async with rig.online() as wire:
        answer = await wire.ask(SEND, send_body("好的", "60010099999"))
        assert answer["code"] == 400
        body = send_body("好的")
        body[1]["actualReceivers"] = [f"{SELLER}@goofish"]
        assert (await wire.ask(SEND, body))["code"] == 400
    assert await seen(rig) == []


async def test_history_is_newest_first_and_pages_without_gap_or_overlap(rig: Rig) -> None:
    messages = {"conversation": CONVERSATION, "messages": [{"text": "{n}", "repeat": 5}]}
    await rig.admin("POST", "/say", messages)
    async with rig.online() as wire:
        first = await history(wire, limit=2)
        assert (texts_of(first), first["hasMore"]) == (["5", "4"], 1)
        second = await history(wire, first["nextCursor"], limit=2)
        third = await history(wire, second["nextCursor"], limit=2)
        assert texts_of(second) + texts_of(third) == ["3", "2", "1"]
        assert third["hasMore"] == 0


async def test_the_history_of_an_empty_conversation_has_no_list(rig: Rig) -> None:
    async with rig.online() as wire:
        assert await history(wire) == {"nextCursor": 0, "hasMore": 0, "degradeFailover": 0}


async def test_conversations_with_messages_are_listed_newest_first(rig: Rig) -> None:
    await rig.say("早")
    (early,) = rig.sandbox.world.conversation(CONVERSATION).messages
    early.stamp = replace(early.stamp, at=early.stamp.at - 1)
    await rig.admin("POST", "/say", {"conversation": "60010020031", "text": "晚"})
    async with rig.online() as wire:
        body = (await wire.ask(LIST, [NEWEST, 1]))["body"]
        (newest,) = [one["singleChatUserConversation"] for one in body["userConvs"]]
        assert newest["singleChatConversation"]["cid"] == "60010020031@goofish"
        assert newest["lastMessage"]["message"]["content"]["custom"]["summary"] == "晚"
        assert newest["redPoint"] == 1
        assert body["hasMore"] == 1
        body = (await wire.ask(LIST, [body["nextCursor"], 20]))["body"]
        (older,) = [one["singleChatUserConversation"] for one in body["userConvs"]]
        extension = older["singleChatConversation"]["extension"]
        assert extension["itemId"] == "880011223344"
        assert extension["extUserId"] == BUYER
        assert body["hasMore"] == 0


async def test_conversations_of_one_millisecond_are_never_torn_apart(rig: Rig) -> None:
    """The cursor is a time: whoever stands on the other side of it would be lost."""
    for id in (CONVERSATION, "60010020031", "60010020032"):
        await rig.admin("POST", "/say", {"conversation": id, "text": "在吗"})
        (message,) = rig.sandbox.world.conversation(id).messages
        message.stamp = replace(message.stamp, at=1_790_000_000_000)
    async with rig.online() as wire:
        body = (await wire.ask(LIST, [NEWEST, 2]))["body"]
        assert (len(body["userConvs"]), body["hasMore"]) == (3, 0)


async def test_lists_are_throttled_right_after_registration(rig: Rig) -> None:
    await rig.manners(list_quiet_seconds=60)
    async with rig.online() as wire:
        answer = await wire.ask(LIST, [NEWEST, 20])
        assert answer["body"]["code"] == "400600001"
        await rig.manners(list_quiet_seconds=0)
        assert (await wire.ask(LIST, [NEWEST, 20]))["code"] == 200


async def test_a_conversation_is_created_once_per_buyer_and_item(rig: Rig) -> None:
    wish = {
        "pairFirst": f"{BUYER}@goofish",
        "pairSecond": f"{SELLER}@goofish",
        "bizType": "1",
        "extension": {"itemId": "880011223345"},
    }
    async with rig.online() as wire:
        lwp = "/r/SingleChatConversation/create"
        first = (await wire.ask(lwp, [wish]))["body"]["singleChatConversation"]["cid"]
        second = (await wire.ask(lwp, [wish]))["body"]["singleChatConversation"]["cid"]
        assert first == second
        wish["extension"] = {"itemId": "1"}
        assert (await wire.ask(lwp, [wish]))["code"] == 400


async def test_reading_is_seen_by_the_buyer_and_takes_message_ids_only(rig: Rig) -> None:
    (id,) = await rig.say("在吗")
    async with rig.online() as wire:
        assert (await wire.ask("/r/MessageStatus/read", [[id]]))["code"] == 200
        refused = await wire.ask("/r/MessageStatus/read", [[f"{CONVERSATION}@goofish"]])
        assert refused["code"] == 400
    assert [one["read"] for one in await seen(rig)] == [True]


@pytest.mark.parametrize("batch", [False, True])
async def test_the_buyer_reading_pushes_receipts_once(rig: Rig, batch: bool) -> None:
    async with rig.online() as wire:
        ids = [
            (await wire.ask(SEND, send_body(text)))["body"]["messageId"] for text in ("一", "二")
        ]
        await wire.until(lambda: len(wire.texts()) == 2)
        reading = {"conversation": CONVERSATION, "messages": ids, "batch": batch}
        for _ in range(2):
            await rig.admin("POST", "/read", reading)
        await wire.ask("/!")
        receipts = [p for p in wire.payloads() if not isinstance(p[1], dict)]
        if batch:
            assert [p[1] for p in receipts] == [ids]
        else:
            assert [(p[1], p[2], p[4]) for p in receipts] == [
                (id, 2, f"{CONVERSATION}@goofish") for id in ids
            ]


async def test_an_own_recent_message_can_be_recalled(rig: Rig) -> None:
    (theirs,) = await rig.say("在吗")
    async with rig.online() as wire:
        mine = (await wire.ask(SEND, send_body("错了")))["body"]["messageId"]
        lwp = "/r/MessageManager/recallMessage"
        assert (await wire.ask(lwp, [mine]))["code"] == 200
        assert (await wire.ask(lwp, [theirs]))["code"] == 400
        assert texts_of(await history(wire)) == ["在吗"]
    assert [one["kind"] for one in await seen(rig)] == ["text", "recalled"]
