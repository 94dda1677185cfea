"""What a session does beside sending text: pictures, quotes, recalls, new conversations."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from fake_im import SELLER, FakeIm, answer
from websockets.asyncio.server import ServerConnection

from hub.errors import (
    AuthExpired,
    Malformed,
    PeerError,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
)
from hub.model import (
    Image,
    Picture,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Text,
)
from hub.xianyu import (
    FORBIDDEN_CONTENT,
    Endpoints,
    How,
    ImToken,
    Sent,
    Session,
    Timing,
    open_session,
)

USER = PlatformUser(SELLER)
BUYER = PlatformUser("3100444455556")
CONVERSATION = PlatformConversation("60010020030")
MESSAGE = PlatformMessage("4300000000022.PNM")
TOKEN = ImToken("oauth_k1:invented", "DEVICE", datetime(2030, 1, 1, tzinfo=UTC))
SEND = "/r/MessageSend/sendByReceiverScope"
RECALL = "/r/MessageManager/recallMessage"
CREATE = "/r/SingleChatConversation/create"
SHOT = Picture("https://img.alicdn.com/a.jpg", 1080, 1440)


@asynccontextmanager
async def session_at(im: FakeIm, answer_seconds: float = 3) -> AsyncIterator[Session]:
    timing = Timing(answer=answer_seconds, dial=3, close=0.5, sync_delay=30)
    endpoints = Endpoints(im.url, im.url, im.url, im.url)
    async with asyncio.timeout(30), open_session(endpoints, TOKEN, USER, timing=timing) as session:
        yield session


def said(im: FakeIm) -> Any:
    return json.loads(b64decode(im.of(SEND)[0]["body"][0]["content"]["custom"]["data"]))


async def cut(socket: ServerConnection) -> None:
    socket.transport.abort()


async def test_pictures_are_sent_with_address_and_size(im: FakeIm) -> None:
    im.on(SEND, lambda _, frame: answer(frame, {"messageId": "5.PNM"}))
    async with session_at(im) as session:
        sent = await session.send(CONVERSATION, BUYER, Image((SHOT, SHOT)), uuid="-1")
    assert sent == Sent(PlatformMessage("5.PNM"), None)
    shown = {"type": 0, "url": SHOT.url, "width": 1080, "height": 1440}
    assert said(im) == {"contentType": 2, "image": {"pics": [shown, shown]}}


@pytest.mark.parametrize(
    "image",
    [
        Image(()),
        Image((Picture(SHOT.url),)),
        Image((Picture("data/shot.jpg", 10, 10),)),
        Image((SHOT, Picture("", 10, 10))),
    ],
)
async def test_a_picture_that_was_not_uploaded_is_not_sent(im: FakeIm, image: Image) -> None:
    async with session_at(im) as session:
        with pytest.raises(Rejected):
            await session.send(CONVERSATION, BUYER, image, uuid="-1")
    assert not im.of(SEND)


async def test_an_answer_names_the_message_it_answers_twice(im: FakeIm) -> None:
    im.on(SEND, lambda _, frame: answer(frame))
    async with session_at(im) as session:
        await session.send(CONVERSATION, BUYER, Text("是的"), uuid="-1", quoted=MESSAGE)
        await session.send(CONVERSATION, BUYER, Text("是的"), uuid="-2")
    first, second = (frame["body"][0]["extension"] for frame in im.of(SEND))
    assert first["replyMessageId"] == MESSAGE
    assert json.loads(first["extJson"]) == {"replyMessageId": MESSAGE}
    assert second == {"extJson": "{}"}


async def test_forbidden_content_can_be_told_by_its_code(im: FakeIm) -> None:
    blocked = {"reason": "内容违规", "moreInfo": "CSI_FORBID||安全拦截"}
    im.on(SEND, lambda _, frame: answer(frame, blocked))
    async with session_at(im) as session:
        with pytest.raises(Rejected) as caught:
            await session.send(CONVERSATION, BUYER, Image((SHOT,)), uuid="-1")
    assert caught.value.code == FORBIDDEN_CONTENT


async def test_a_line_on_which_nobody_is_logged_in_any_more_ends(im: FakeIm) -> None:
    """It would go on beating and never tell anything again."""
    im.on(SEND, lambda _, frame: answer(frame, {"reason": "not login"}, code=401))
    async with session_at(im) as session:
        with pytest.raises(AuthExpired):
            await session.send(CONVERSATION, BUYER, Text("你好"), uuid="-1")
        assert [push async for push in session.pushes()] == []
        assert session.ended is not None
        assert session.ended.how is How.KICKED


# --- Recall -------------------------------------------------------------------------------------


async def test_a_message_is_recalled_by_its_id(im: FakeIm) -> None:
    im.on(RECALL, lambda _, frame: answer(frame))
    async with session_at(im) as session:
        await session.recall(MESSAGE)
    assert im.of(RECALL)[0]["body"] == [MESSAGE]


@pytest.mark.parametrize("code", [200, 400])
async def test_a_recall_that_comes_too_late_says_so(im: FakeIm, code: int) -> None:
    late = {"code": "400100", "reason": "超过可撤回时间，无法撤回"}
    im.on(RECALL, lambda _, frame: answer(frame, late, code=code))
    async with session_at(im) as session:
        with pytest.raises(Rejected) as caught:
            await session.recall(MESSAGE)
    assert caught.value.reason == "超过可撤回时间，无法撤回"


async def test_a_recall_without_an_answer_is_uncertain(im: FakeIm) -> None:
    async with session_at(im, answer_seconds=0.2) as session:
        with pytest.raises(Uncertain):
            await session.recall(MESSAGE)
    im.on(RECALL, lambda socket, _: cut(socket))
    async with session_at(im) as session:
        with pytest.raises(Uncertain):
            await session.recall(MESSAGE)
        with pytest.raises(Unreachable):
            await session.recall(MESSAGE)


# --- New conversations --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        {"singleChatConversation": {"cid": "60010020030@goofish", "bizType": "1"}},
        [{"singleChatConversation": {"cid": "60010020030@goofish"}}],
        {"singleChatUserConversation": {"singleChatConversation": {"cid": "60010020030@goofish"}}},
        {"cid": "60010020030@goofish"},
        {"code": "200", "1": {"2": [{"cid": "60010020030"}]}},
    ],
)
async def test_a_conversation_is_found_wherever_the_answer_holds_it(
    im: FakeIm, body: object
) -> None:
    im.on(CREATE, lambda _, frame: answer(frame, body))
    async with session_at(im) as session:
        assert await session.create_conversation(BUYER, "880011223344") == CONVERSATION
    (asked,) = im.of(CREATE)[0]["body"]
    assert {asked["pairFirst"], asked["pairSecond"]} == {f"{BUYER}@goofish", f"{USER}@goofish"}
    assert asked["extension"] == {"itemId": "880011223344"}


def nested(depth: int) -> object:
    body: object = {"cid": "1@goofish"}
    for _ in range(depth):
        body = [body]
    return body


@pytest.mark.parametrize(
    ("body", "code", "error"),
    [
        ({"reason": "参数错误", "code": "400"}, 400, Rejected),
        ({"reason": "IM flow control", "code": "400600001"}, 400, Throttled),
        ({}, 200, Malformed),
        ({"cid": None}, 200, Malformed),
        (nested(500), 200, Malformed),
    ],
)
async def test_a_conversation_that_cannot_be_had_says_why(
    im: FakeIm, body: object, code: int, error: type[PeerError]
) -> None:
    im.on(CREATE, lambda _, frame: answer(frame, body, code=code))
    async with session_at(im) as session:
        with pytest.raises(error):
            await session.create_conversation(BUYER, "880011223344")


async def test_asking_for_a_conversation_again_does_no_harm(im: FakeIm) -> None:
    async with session_at(im, answer_seconds=0.2) as session:
        with pytest.raises(Unreachable):
            await session.create_conversation(BUYER, "880011223344")
