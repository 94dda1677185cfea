"""A session over a real socket: what it tells, what it promises about sends, how it ends."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_im import SELLER, FakeIm, answer, push
from websockets.asyncio.server import ServerConnection, serve

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
    BuyerMessage,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Text,
    Unknown,
)
from hub.xianyu import (
    CONNECT_LIMIT,
    Endpoints,
    How,
    ImToken,
    Push,
    Sent,
    Session,
    Timing,
    open_session,
)

FRAMES = Path(__file__).parents[2] / "conformance" / "frames"
USER = PlatformUser(SELLER)
BUYER = PlatformUser("3100444455556")
CONVERSATION = PlatformConversation("60010020030")
TOKEN = ImToken("oauth_k1:invented", "DEVICE-2200111122223", datetime(2030, 1, 1, tzinfo=UTC))
SEND = "/r/MessageSend/sendByReceiverScope"
HISTORY = "/r/MessageManager/listUserMessages"
FAST = Timing(
    heartbeat=30,
    answer=3,
    dial=3,
    close=0.5,
    sync_delay=0,
    list_settle=0,
    list_spacing=0,
    list_retries=(0, 0),
)


@asynccontextmanager
async def session_at(
    url: str, timing: Timing = FAST, may_speak: Callable[[], bool] = lambda: True
) -> AsyncIterator[Session]:
    endpoints = Endpoints(url, url, url, url)
    async with open_session(endpoints, TOKEN, USER, timing=timing, may_speak=may_speak) as session:
        yield session


async def drain(session: Session) -> list[Push]:
    async with asyncio.timeout(30):
        return [one async for one in session.pushes()]


async def first(session: Session) -> Push:
    async with asyncio.timeout(30):
        async for one in session.pushes():
            return one
    raise AssertionError("the session ended without a push")


async def say_hello(session: Session) -> Sent:
    async with asyncio.timeout(30):
        return await session.send(CONVERSATION, BUYER, Text("你好"), uuid="-1")


def corpus(name: str) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((FRAMES / f"{name}.json").read_text("utf-8"))
    return case


def text_entry(number: int = 3) -> dict[str, object]:
    """A buyer's message with an id of its own."""
    payload = json.dumps(corpus("b06-buyer-text")["payload"])
    data = payload.replace("4300000000003.PNM", f"{4300000000000 + number}.PNM")
    return {"bizType": 40, "objectType": 40000, "data": data}


def answering(request: dict[str, Any], name: str) -> dict[str, Any]:
    frame: dict[str, Any] = corpus(name)["frame"]
    return {**frame, "headers": {**frame["headers"], "mid": request["headers"]["mid"]}}


# --- Registration -------------------------------------------------------------------------------


async def test_registration_carries_token_and_device(im: FakeIm) -> None:
    async with session_at(im.url):
        headers = im.received[0]["headers"]
    assert im.received[0]["lwp"] == "/reg"
    assert headers["token"] == TOKEN.value
    assert headers["did"] == TOKEN.device_id
    assert "cookie" not in {name.lower() for name in im.sockets[0].request.headers}


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (401, {"reason": "device id or appkey is not equal"}, AuthExpired),
        ("401", {"reason": "token is not found"}, AuthExpired),
        (400, {"developerMessage": "invalid token"}, AuthExpired),
        (400, {"reason": "connect limit"}, Rejected),
        (401, {"reason": "too many connections"}, Rejected),
        (400, {"code": "400600001", "reason": "IM flow control"}, Throttled),
        (500, {"reason": "system is error"}, Unreachable),
        (None, {"something": "else"}, Malformed),
        (418, {"reason": "odd"}, Rejected),
    ],
)
async def test_a_refused_registration_says_what_to_do(
    im: FakeIm, code: object, body: object, error: type[PeerError]
) -> None:
    im.on("/reg", lambda _, frame: answer(frame, body, code=code))
    with pytest.raises(error):
        async with session_at(im.url):
            pass


async def test_a_taken_slot_is_told_apart(im: FakeIm) -> None:
    im.on("/reg", lambda _, frame: answer(frame, {"reason": "connect limit"}, code=400))
    with pytest.raises(Rejected) as caught:
        async with session_at(im.url):
            pass
    assert caught.value.code == CONNECT_LIMIT


async def test_a_token_of_another_user_is_not_accepted(im: FakeIm) -> None:
    im.on("/reg", lambda _, frame: answer(frame, {}, **{"reg-uid": "9999@goofish"}))
    with pytest.raises(AuthExpired):
        async with session_at(im.url):
            pass


async def test_an_unanswered_registration_is_unreachable(im: FakeIm) -> None:
    im.on("/reg", lambda *_: None)
    with pytest.raises(Unreachable):
        async with session_at(im.url, replace(FAST, answer=0.05)):
            pass


async def test_a_line_cut_during_registration_is_unreachable(im: FakeIm) -> None:
    im.on("/reg", lambda socket, _: socket.transport.abort())
    with pytest.raises(Unreachable):
        async with session_at(im.url):
            pass


async def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(Unreachable):
        async with session_at("ws://127.0.0.1:1"):
            pass


@pytest.mark.parametrize(("status", "error"), [(403, Unreachable), (429, Throttled)])
async def test_a_refused_handshake_is_told(status: int, error: type[PeerError]) -> None:
    async def unused(_: ServerConnection) -> None: ...

    async with serve(
        unused, "127.0.0.1", 0, process_request=lambda socket, _: socket.respond(status, "no")
    ) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(error):
            async with session_at(f"ws://127.0.0.1:{port}"):
                pass


async def test_a_redirect_is_not_followed(im: FakeIm) -> None:
    """The token would follow."""

    async def unused(_: ServerConnection) -> None: ...

    def elsewhere(socket: ServerConnection, _: object) -> object:
        response = socket.respond(302, "")
        response.headers["Location"] = im.url
        return response

    async with serve(unused, "127.0.0.1", 0, process_request=elsewhere) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unreachable):
            async with session_at(f"ws://127.0.0.1:{port}"):
                pass
    assert im.received == []


# --- Pushes -------------------------------------------------------------------------------------


async def test_a_push_with_32_entries_yields_32_events(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say(push([text_entry(n) for n in range(32)]))
        told = await first(session)
    assert [type(event) for event in told.events] == [BuyerMessage] * 32
    assert len({event.id for event in told.events}) == 32


async def test_a_malformed_entry_costs_its_neighbours_nothing(im: FakeIm) -> None:
    bad = {"bizType": 40, "objectType": 40000, "data": "////"}
    async with session_at(im.url) as session:
        await im.say(push([text_entry(1), bad, None, text_entry(2)]))
        told = await first(session)
    kinds = [type(event) for event in told.events]
    assert kinds == [BuyerMessage, Unknown, Unknown, BuyerMessage]


async def test_the_same_push_twice_is_told_twice(im: FakeIm) -> None:
    """Whether it is new is for the database to say."""
    async with session_at(im.url) as session:
        await im.say(push([text_entry()]), push([text_entry()]))
        pushes = session.pushes()
        one, two = await anext(pushes), await anext(pushes)
    assert one.events == two.events


async def test_pushes_before_the_registration_answer_are_kept(im: FakeIm) -> None:
    async def late(socket: ServerConnection, frame: dict[str, Any]) -> dict[str, Any]:
        await socket.send(json.dumps(push([text_entry()])))
        return answer(frame)

    im.on("/reg", late)
    async with session_at(im.url) as session:
        assert isinstance((await first(session)).events[0], BuyerMessage)


async def test_nothing_is_acknowledged_before_ack_is_called(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say(push([text_entry()]))
        told = await first(session)
        await session.mark_read([])
        im.on(SEND, lambda _, frame: answer(frame))
        await say_hello(session)
        assert im.acks == []
        await session.ack(told)
        await im.until(lambda: len(im.acks) == 1)
    assert im.acks[0] == {
        "code": 200,
        "headers": {"app-key": "key", "mid": "84a4001c 0", "ua": "ua", "sid": "213f"},
    }


async def test_an_ack_on_a_dead_line_is_silent(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say(push([text_entry()]))
        told = await first(session)
        im.sockets[0].transport.abort()
        await drain(session)
        await session.ack(told)


@pytest.mark.parametrize(
    "garbage", ["not json", "[1, 2]", "{}", '{"lwp": 5}', "\\ud800", "[" * 9999]
)
async def test_garbage_is_told_and_the_line_lives(im: FakeIm, garbage: str) -> None:
    im.on(SEND, lambda _, frame: answer(frame))
    async with session_at(im.url) as session:
        await im.say(garbage)
        told = await first(session)
        assert isinstance(told.events[0], Unknown)
        await session.ack(told)
        await say_hello(session)
        assert im.acks == []


async def test_bytes_that_are_no_text_do_not_end_the_line(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.sockets[0].send(b"\xff\xfe", text=True)
        assert isinstance((await first(session)).events[0], Unknown)
        assert session.ended is None


async def test_a_push_of_four_megabytes_is_read(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say(push([text_entry(n) for n in range(2000)]) | {"filler": "x" * 1_500_000})
        assert len((await first(session)).events) == 2000


async def test_a_frame_beyond_all_measure_ends_the_line_only(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say("x" * (9 * 1024 * 1024))
        assert await drain(session) == []
        assert session.ended is not None
        assert session.ended.how is How.LOST


async def test_a_long_backlog_is_neither_lost_nor_reordered(im: FakeIm) -> None:
    async with session_at(im.url) as session, asyncio.TaskGroup() as tasks:
        frames = [push([text_entry(n)]) for n in range(1500)]
        tasks.create_task(im.say(*frames))
        pushes = session.pushes()
        ids = [(await anext(pushes)).events[0].id for _ in frames]
    assert ids == [f"{4300000000000 + n}.PNM" for n in range(1500)]


async def test_business_work_far_behind_is_felt_by_the_platform_and_loses_nothing(
    im: FakeIm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is on the line behind the backlog waits, answers included; nothing is dropped."""
    monkeypatch.setattr("hub.xianyu.line.BACKLOG", 5)
    im.on(SEND, lambda _, frame: answer(frame))
    impatient = replace(FAST, answer=1.0, heartbeat=0.1)
    async with session_at(im.url, impatient) as session:
        await im.until(lambda: len(im.of("/r/SyncStatus/ackDiff")) == 1)
        await im.say(*(push([text_entry(n)]) for n in range(100)))
        with pytest.raises(Uncertain):
            await say_hello(session)
        assert session.ended is None
        pushes = session.pushes()
        ids = [(await anext(pushes)).events[0].id for _ in range(100)]
        await say_hello(session)
    assert ids == [f"{4300000000000 + n}.PNM" for n in range(100)]


async def test_sync_state_is_declared_once(im: FakeIm) -> None:
    before = datetime.now(UTC).timestamp()
    async with session_at(im.url):
        await im.until(lambda: len(im.of("/r/SyncStatus/ackDiff")) == 1)
    state = im.of("/r/SyncStatus/ackDiff")[0]["body"][0]
    assert abs(state["pts"] / 1e6 - before) < 5
    assert state["topic"] == "sync"


async def test_a_gap_is_closed_with_the_server_s_own_state(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        gap = push([text_entry()])
        gap["body"]["syncExtraType"] = {"type": 1}
        await im.say(gap)
        await im.until(lambda: len(im.of("/r/SyncStatus/ackDiff")) == 2)
        assert len((await first(session)).events) == 1
    assert im.of("/r/SyncStatus/ackDiff")[1]["body"][0]["pts"] == 1789999999000000


async def test_entries_in_the_answer_to_the_sync_state_are_told(im: FakeIm) -> None:
    body = {"syncPushPackage": {"data": [text_entry()]}}
    im.on("/r/SyncStatus/ackDiff", lambda _, frame: answer(frame, body))
    async with session_at(im.url) as session:
        told = await first(session)
        assert isinstance(told.events[0], BuyerMessage)
        await session.ack(told)
    assert im.acks == []


# --- Sending ------------------------------------------------------------------------------------


async def test_an_accepted_send_returns_the_platform_s_id(im: FakeIm) -> None:
    im.on(SEND, lambda _, frame: answering(frame, "c10-sent"))
    async with session_at(im.url) as session:
        sent = await say_hello(session)
    assert sent.id == "4300000000022.PNM"
    assert sent.at == datetime.fromtimestamp(1790000030.480, UTC)
    body = im.of(SEND)[0]["body"]
    expected = corpus("c09-send")["frame"]["body"]
    assert body == [{**expected[0], "uuid": "-1"}, expected[1]]


async def test_an_answer_without_a_body_is_an_accepted_send(im: FakeIm) -> None:
    """It looks like the answer to a heartbeat; only the request id tells."""
    im.on(SEND, lambda _, frame: answering(frame, "c10-sent-without-body"))
    async with session_at(im.url) as session:
        assert await say_hello(session) == Sent(None, None)


async def test_zero_is_a_code_of_success_too(im: FakeIm) -> None:
    im.on(SEND, lambda _, frame: answer(frame, {"1": {"1": "43.PNM"}}, code="0"))
    async with session_at(im.url) as session:
        assert (await say_hello(session)).id == "43.PNM"


async def test_line_breaks_and_emoji_leave_as_they_are(im: FakeIm) -> None:
    """What was decided goes out and nothing else."""
    im.on(SEND, lambda _, frame: answer(frame))
    text = '第一行\n第二行 😀 "引号"'
    async with session_at(im.url) as session:
        await session.send(CONVERSATION, BUYER, Text(text), uuid="-1")
    data = im.of(SEND)[0]["body"][0]["content"]["custom"]["data"]
    assert json.loads(b64decode(data)) == {"contentType": 1, "text": {"text": text}}


@pytest.mark.parametrize("name", ["c11-send-blocked", "c12-send-failed"])
async def test_a_refused_send_is_rejected_with_the_reason(im: FakeIm, name: str) -> None:
    im.on(SEND, lambda _, frame: answering(frame, name))
    async with session_at(im.url) as session:
        with pytest.raises(Rejected) as caught:
            await say_hello(session)
    assert caught.value.reason == corpus(name)["outcome"]["reason"]


@pytest.mark.parametrize(
    ("code", "body", "error"),
    [
        (200, {"code": "400600001", "reason": "IM flow control"}, Throttled),
        (200, {"code": 400600001}, Throttled),
        (401, None, AuthExpired),
        (403, None, Rejected),
        (0, [{"reason": "blocked"}], Rejected),
        (None, {"reason": "blocked", "moreInfo": "CSI_FORBID||安全拦截"}, Rejected),
        (None, None, Uncertain),
        ("odd", {"x": 1}, Uncertain),
    ],
)
async def test_other_answers_to_a_send(
    im: FakeIm, code: object, body: object, error: type[PeerError]
) -> None:
    im.on(SEND, lambda _, frame: answer(frame, body, code=code))
    async with session_at(im.url) as session:
        with pytest.raises(error):
            await say_hello(session)


async def test_a_session_on_which_nobody_is_logged_in_any_more_is_over(im: FakeIm) -> None:
    """The line would live on, and every send on it would be refused."""
    im.on(SEND, lambda _, frame: answer(frame, code=401))
    async with session_at(im.url) as session:
        with pytest.raises(AuthExpired):
            await say_hello(session)
        await drain(session)
        assert session.ended is not None
        assert session.ended.how is How.KICKED


@pytest.mark.parametrize("code", [200, 400, None])
async def test_blocked_content_is_told_apart_wherever_it_is_said(im: FakeIm, code: object) -> None:
    im.on(SEND, lambda _, frame: answer(frame, {"moreInfo": "CSI_FORBID||安全拦截"}, code=code))
    async with session_at(im.url) as session:
        with pytest.raises(Rejected) as caught:
            await say_hello(session)
    assert (caught.value.code, caught.value.reason) == ("CSI_FORBID", "安全拦截")


async def test_a_send_without_an_answer_is_uncertain(im: FakeIm) -> None:
    async with session_at(im.url, replace(FAST, answer=0.05)) as session:
        with pytest.raises(Uncertain):
            await say_hello(session)
    assert len(im.of(SEND)) == 1


async def test_a_line_that_may_not_speak_any_more_lets_nothing_leave(im: FakeIm) -> None:
    """Another node has the account: not even what was stored here is acknowledged."""
    may: list[bool] = [True]
    async with session_at(im.url, may_speak=lambda: may[0]) as session:
        await im.say(push([text_entry()]))
        told = await first(session)
        may[0] = False
        with pytest.raises(Unreachable):
            await say_hello(session)
        await session.ack(told)
    assert not im.of(SEND)
    assert not im.acks


async def test_a_line_cut_after_the_frame_left_is_uncertain(im: FakeIm) -> None:
    im.on(SEND, lambda socket, _: socket.transport.abort())
    async with session_at(im.url, replace(FAST, answer=60)) as session:
        with pytest.raises(Uncertain):
            await say_hello(session)


@pytest.mark.parametrize("how", ["cut", "closed", "kicked"])
async def test_on_a_dead_line_nothing_leaves(im: FakeIm, how: str) -> None:
    async with session_at(im.url) as session:
        if how == "cut":
            im.sockets[0].transport.abort()
        elif how == "closed":
            await im.sockets[0].close(1000)
        else:
            await im.say(corpus("c15-kicked-out")["frame"])
        await drain(session)
        with pytest.raises(Unreachable):
            await say_hello(session)
    assert im.of(SEND) == []


async def test_an_answer_wins_over_a_simultaneous_close(im: FakeIm) -> None:
    async def answer_and_leave(socket: ServerConnection, frame: dict[str, Any]) -> None:
        await socket.send(json.dumps(answer(frame, {"messageId": "43.PNM"})))
        socket.transport.close()

    im.on(SEND, answer_and_leave)
    async with session_at(im.url) as session:
        assert (await say_hello(session)).id == "43.PNM"


async def test_a_late_answer_resolves_nobody_else(im: FakeIm) -> None:
    held: list[dict[str, Any]] = []
    im.on(SEND, lambda _, frame: held.append(frame))
    async with session_at(im.url, replace(FAST, answer=0.05)) as session:
        with pytest.raises(Uncertain):
            await say_hello(session)
        await im.say(answer(held[0], {"messageId": "late.PNM"}))
        im.on(SEND, lambda _, frame: answer(frame, {"messageId": "right.PNM"}))
        assert (await say_hello(session)).id == "right.PNM"


async def test_answers_in_any_order_find_their_sends(im: FakeIm) -> None:
    held: list[dict[str, Any]] = []
    im.on(SEND, lambda _, frame: held.append(frame))
    async with session_at(im.url) as session, asyncio.TaskGroup() as tasks:
        sends = [
            tasks.create_task(session.send(CONVERSATION, BUYER, Text(str(n)), uuid=f"-{n}"))
            for n in range(50)
        ]
        await im.until(lambda: len(im.of(SEND)) == 50)
        for frame in reversed(held):
            await im.say(answer(frame, {"messageId": frame["body"][0]["uuid"] + ".PNM"}))
        names = [(await one).id for one in sends]
    assert names == [f"-{n}.PNM" for n in range(50)]


async def test_an_answer_nobody_waits_for_is_ignored(im: FakeIm) -> None:
    im.on(SEND, lambda _, frame: answer(frame))
    async with session_at(im.url) as session:
        await im.say({"code": 200, "headers": {"mid": "7771790000000000 0"}})
        await say_hello(session)
        await im.sockets[0].close()
        assert await drain(session) == []


async def test_a_cancelled_send_leaves_no_trace(im: FakeIm) -> None:
    held: list[dict[str, Any]] = []
    im.on(SEND, lambda _, frame: held.append(frame))
    async with session_at(im.url) as session:
        task = asyncio.ensure_future(say_hello(session))
        await im.until(lambda: len(im.of(SEND)) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await im.say(answer(held[0]))
        im.on(SEND, lambda _, frame: answer(frame))
        await say_hello(session)


# --- Endings ------------------------------------------------------------------------------------


async def test_a_normal_close_is_routine(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        await im.say(push([text_entry()]))
        await im.sockets[0].close(1000)
        assert len(await drain(session)) == 1
        assert session.ended is not None
        assert session.ended.how is How.CLOSED
        assert await drain(session) == []


async def test_a_cut_line_is_lost(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        im.sockets[0].transport.abort()
        assert await drain(session) == []
        assert session.ended is not None
        assert session.ended.how is How.LOST


@pytest.mark.parametrize("name", ["c15-kicked-out", "c15-removed"])
async def test_being_put_out_is_told_apart(im: FakeIm, name: str) -> None:
    case = corpus(name)
    async with session_at(im.url) as session:
        await im.say(case["frame"])
        await drain(session)
        assert session.ended is not None
        assert session.ended.how.value == case["how"]


async def test_an_unanswered_heartbeat_ends_a_silent_line(im: FakeIm) -> None:
    im.on("/!", lambda *_: None)
    im.on("/r/SyncStatus/ackDiff", lambda *_: None)
    async with session_at(im.url, replace(FAST, heartbeat=0.05, answer=0.1)) as session:
        await drain(session)
        assert session.ended is not None
        assert session.ended.how is How.SILENT


async def test_a_line_that_only_talks_and_never_answers_is_silent_too(im: FakeIm) -> None:
    im.on("/!", lambda socket, _: socket.send(json.dumps(push([text_entry()]))))
    async with session_at(im.url, replace(FAST, heartbeat=0.05, answer=0.1)) as session:
        await drain(session)
        assert session.ended is not None
        assert session.ended.how is How.SILENT


async def test_heartbeats_go_out_at_once_and_again(im: FakeIm) -> None:
    async with session_at(im.url, replace(FAST, heartbeat=0.02)) as session:
        await im.until(lambda: len(im.of("/!")) >= 4)
        assert session.ended is None


async def test_leaving_closes_normally(im: FakeIm) -> None:
    async with session_at(im.url) as session:
        pass
    assert session.ended is not None
    assert session.ended.how is How.STOPPED
    await im.until(lambda: bool(im.closed_by_client))
    assert im.closed_by_client == [1000]


async def test_an_error_of_the_owner_leaves_no_task_behind(im: FakeIm) -> None:
    before = asyncio.all_tasks()
    with pytest.raises(RuntimeError, match="mine"):
        async with session_at(im.url):
            raise RuntimeError("mine")
    await im.until(lambda: bool(im.closed_by_client))
    left = {task for task in asyncio.all_tasks() - before if "xianyu" in task.get_name()}
    assert left == set()


# --- Lists --------------------------------------------------------------------------------------


async def test_history_comes_newest_first(im: FakeIm) -> None:
    im.on(HISTORY, lambda _, frame: answering(frame, "c17-history"))
    async with session_at(im.url) as session:
        page = await session.history(CONVERSATION)
    assert isinstance(page.events[0], OwnMessage)
    assert page.next_cursor is None
    assert im.of(HISTORY)[0]["body"] == corpus("c16-list-messages")["frame"]["body"]


async def test_an_empty_history_is_no_error(im: FakeIm) -> None:
    im.on(HISTORY, lambda _, frame: answering(frame, "c18-empty-history"))
    async with session_at(im.url) as session:
        assert (await session.history(CONVERSATION)).events == ()


async def test_a_list_refused_as_too_early_is_asked_again(im: FakeIm) -> None:
    names = iter(["c14-list-too-early", "c14-list-too-early", "c17-history"])
    im.on(HISTORY, lambda _, frame: answering(frame, next(names)))
    async with session_at(im.url) as session:
        assert len((await session.history(CONVERSATION)).events) == 1


async def test_a_list_refused_as_too_early_is_given_time(im: FakeIm) -> None:
    names = iter(["c14-list-too-early", "c17-history"])
    im.on(HISTORY, lambda _, frame: answering(frame, next(names)))
    loop = asyncio.get_running_loop()
    start = loop.time()
    async with session_at(im.url, replace(FAST, list_retries=(0.2,))) as session:
        await session.history(CONVERSATION)
    assert loop.time() - start >= 0.2


async def test_a_list_that_is_always_too_early_is_throttled(im: FakeIm) -> None:
    im.on(HISTORY, lambda _, frame: answering(frame, "c14-list-too-early"))
    async with session_at(im.url) as session:
        with pytest.raises(Throttled):
            await session.history(CONVERSATION)
    assert len(im.of(HISTORY)) == 3


async def test_lists_wait_until_they_are_welcome(im: FakeIm) -> None:
    im.on(HISTORY, lambda _, frame: answering(frame, "c18-empty-history"))
    loop = asyncio.get_running_loop()
    async with session_at(im.url, replace(FAST, list_settle=0.2, list_spacing=0.1)) as session:
        start = loop.time()
        await session.history(CONVERSATION)
        await session.history(CONVERSATION)
    assert loop.time() - start >= 0.3


async def test_a_list_without_an_answer_may_be_asked_again(im: FakeIm) -> None:
    async with session_at(im.url, replace(FAST, answer=0.05)) as session:
        with pytest.raises(Unreachable):
            await session.history(CONVERSATION)


async def test_conversations_name_buyer_item_and_last_message(im: FakeIm) -> None:
    message = corpus("c17-history")["frame"]["body"]["userMessageModels"][0]
    held = {
        "modifyTime": 1789999999000,
        "redPoint": 2,
        "lastMessage": message,
        "singleChatConversation": {
            "cid": "60010020030@goofish",
            "pairFirst": f"{SELLER}@goofish",
            "pairSecond": f"{BUYER}@goofish",
            "extension": {"itemId": "880011223344", "itemTitle": "测试商品"},
        },
    }
    rows = [{"singleChatUserConversation": held}, {"nothing": 1}, None]
    page_body = {"hasMore": 1, "nextCursor": 1789990000000, "userConvs": rows}
    im.on("/r/Conversation/listNewestPagination", lambda _, frame: answer(frame, page_body))
    async with session_at(im.url) as session:
        page = await session.conversations(limit=5)
    assert page.next_cursor == 1789990000000
    (listed,) = page.conversations
    assert (listed.id, listed.buyer, listed.item_id) == (CONVERSATION, BUYER, "880011223344")
    assert (listed.item_title, listed.unread) == ("测试商品", 2)
    assert isinstance(listed.last_message, OwnMessage)
    assert im.of("/r/Conversation/listNewestPagination")[0]["body"] == [9007199254740991, 5]


async def test_read_reports_name_their_messages(im: FakeIm) -> None:
    im.on("/r/MessageStatus/read", lambda _, frame: answer(frame))
    async with session_at(im.url) as session:
        await session.mark_read([PlatformMessage("43.PNM"), PlatformMessage("44.PNM")])
    assert im.of("/r/MessageStatus/read")[0]["body"] == [["43.PNM", "44.PNM"]]
