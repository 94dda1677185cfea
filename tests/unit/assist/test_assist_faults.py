"""Whatever a model's server does, there is an answer from somebody or a reason, in time, and
nobody else waits. All of it over real HTTP through the real SDK (L32)."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from assist_stage import KEY, AssistStage, elsewhere, open_assist, question

from hub.model import AiAnswer, AiFailure, AiTrouble, Intent

FOREVER = 10_000.0
GOOD = {"intent": "chat", "confidence": 0.8, "answer": "在的", "language": "zh"}


async def test_an_answer_comes_from_the_facts_in_one_call(stage: AssistStage) -> None:
    """(L39)"""
    found = await stage.answer(about=question("多少钱"))
    assert (found.intent, found.language, found.profile_name) == (Intent.PRICE, "zh", "first")
    assert "¥168" in found.text
    assert 0 < found.confidence <= 1
    assert found.tokens_in > 0
    assert found.tokens_out > 0
    assert len(stage.asked()) == 1
    described = await stage.answer(about=question("是无线的吗"))
    assert "无线和有线都能用" in described.text


FAULTS: dict[str, tuple[dict[str, Any], AiTrouble]] = {
    "ai_throttle": ({"seconds": 3600}, AiTrouble.THROTTLED),
    "ai_http500": ({}, AiTrouble.BROKEN),
    "ai_garbage": ({}, AiTrouble.UNREADABLE),
    "ai_empty": ({}, AiTrouble.EMPTY),
    "ai_refusal": ({}, AiTrouble.REFUSED),
    "ai_endless": ({}, AiTrouble.TOO_LARGE),
    "ai_cut": ({}, AiTrouble.CUT),
    "ai_says": ({"reason": "我只会说话，不会写 JSON"}, AiTrouble.UNREADABLE),
}


@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_is_told_with_its_reason(stage: AssistStage, kind: str) -> None:
    values, trouble = FAULTS[kind]
    stage.fault(kind, times=None, **values)
    found = await stage.failure()
    assert found.kind is trouble
    assert "「first」" in found.reason
    assert [one.trouble for one in found.tries] == [trouble]
    assert found.tries[0].calls <= 2
    assert len(stage.asked()) == found.tries[0].calls


@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_leads_to_the_fallback_profile(stage: AssistStage, kind: str) -> None:
    values, trouble = FAULTS[kind]
    stage.fault(kind, times=None, **values)
    found = await stage.answer(stage.profile("first"), stage.profile("second"))
    assert found.profile_name == "second"
    assert [one.trouble for one in found.tries] == [trouble, None]
    assert len(stage.asked("second")) == 1


async def test_a_slow_model_is_given_up_after_its_time(stage: AssistStage) -> None:
    stage.fault("ai_slow", times=None, seconds=FOREVER)
    slow = stage.profile("first", timeout_seconds=0.2)
    found = await stage.answer(slow, stage.profile("second"))
    assert [one.trouble for one in found.tries] == [AiTrouble.TIMEOUT, None]
    alone = await stage.failure(slow)
    assert alone.kind is AiTrouble.TIMEOUT


async def test_all_profiles_together_have_one_deadline() -> None:
    """The one that is not asked any more says so."""
    clock = [0.0]

    async def find_nobody(host: str, port: int) -> list[str]:
        if host == "127.0.0.1":
            return [host]
        clock[0] += 29.5
        raise OSError("no such name")

    async with open_assist(most_seconds=30.0, clock=lambda: clock[0], lookup=find_nobody) as stage:
        lost = elsewhere(stage.profile("lost"), "http://ai.example/v1")
        found = await stage.failure(lost, stage.profile("first"))
        troubles = [one.trouble for one in found.tries]
        assert troubles == [AiTrouble.UNREACHABLE, AiTrouble.OUT_OF_TIME]
        assert stage.asked("first") == []


async def test_nobody_waits_for_a_question_that_hangs(stage: AssistStage) -> None:
    """Neither another account's nor the loop (L32)."""
    stage.fault("ai_slow", "hangs", times=None, seconds=FOREVER)
    hanging = asyncio.create_task(stage.ask(stage.profile("hangs", timeout_seconds=FOREVER)))
    done = await stage.sandbox.world.bell.until(lambda: bool(stage.asked("hangs")), 20)
    assert done
    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(stage.answer(stage.profile("quick")) for _ in range(5)))
    assert all(one.text for one in answers)
    assert not hanging.done()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


async def test_a_short_wait_that_is_asked_for_is_kept_once(stage: AssistStage) -> None:
    stage.fault("ai_throttle", seconds=0)
    found = await stage.answer()
    assert found.tries[0].calls == 2
    stage.fault("ai_throttle", times=None, seconds=0)
    again = await stage.failure()
    assert again.kind is AiTrouble.THROTTLED
    assert again.tries[0].calls == 2


async def test_what_nobody_can_read_is_asked_for_once_more(stage: AssistStage) -> None:
    stage.fault("ai_says", reason="当然可以！答案是 168 元。")
    found = await stage.answer()
    assert found.tries[0].calls == 2
    first, second = stage.asked()
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][2] == {"role": "assistant", "content": "当然可以！答案是 168 元。"}
    assert "没有 JSON" in second["messages"][3]["content"]


@pytest.mark.parametrize(
    ("reason", "trouble"),
    [
        (f"401 invalid_api_key Incorrect API key provided: {KEY}", AiTrouble.KEY),
        ("403 forbidden no access", AiTrouble.KEY),
        ("402 balance Insufficient Balance", AiTrouble.NO_MONEY),
        ("429 insufficient_quota You exceeded your quota", AiTrouble.NO_MONEY),
        ("404 model_not_found The model does not exist", AiTrouble.REJECTED),
        (f"400 bad your key {KEY} is odd, sk-other-1234567 too", AiTrouble.REJECTED),
        ("400 content_filter blocked", AiTrouble.REFUSED),
        ("503 overloaded try later", AiTrouble.BROKEN),
        ("307 moved elsewhere", AiTrouble.REJECTED),
    ],
)
async def test_refusals_are_told_without_the_key(
    stage: AssistStage, reason: str, trouble: AiTrouble
) -> None:
    stage.fault("ai_error", reason=reason)
    found = await stage.failure()
    assert found.kind is trouble
    assert found.tries[0].calls == 1
    assert KEY not in repr(found)
    assert "sk-" not in found.reason
    if trouble is AiTrouble.REJECTED and "model" in reason:
        assert "The model does not exist" in found.reason


async def test_a_key_that_looks_like_a_word_is_hidden_as_well(stage: AssistStage) -> None:
    stage.fault("ai_error", reason="400 bad we do not know opensesame here")
    found = await stage.failure(stage.profile("first", api_key="opensesame"))
    assert "we do not know … here" in found.reason


async def test_the_key_is_in_no_log_line(
    stage: AssistStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage.fault("ai_error", reason=f"401 invalid {KEY}")
    await stage.failure()
    await stage.answer()
    assert KEY not in caplog.text
    assert KEY not in repr(stage.profile())


async def test_a_request_tells_nothing_but_the_question(
    stage: AssistStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cookie, no telemetry of the SDK, nothing of the environment."""
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-somebody")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "project-of-somebody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await stage.answer()
    (call,) = stage.asked()
    headers = {name.lower(): value for name, value in call["headers"].items()}
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"] == "yuqiao"
    assert set(headers) == {
        "host",
        "authorization",
        "user-agent",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
    }
    assert set(call) == {"model", "messages", "headers"}, "only what every server understands"


async def test_no_profile_is_a_reason_too(stage: AssistStage) -> None:
    found = await stage.assist.suggest(question(), [])
    assert isinstance(found, AiFailure)
    assert found.kind is AiTrouble.NO_PROFILE
    assert found.tries == ()


# --- Addresses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/ai/v1",
        "http://[::1]:{port}/ai/v1",
        "http://10.0.0.5/v1",
        "http://192.168.1.10/v1",
        "http://[::ffff:127.0.0.1]:{port}/v1",
    ],
)
async def test_the_own_network_is_asked_only_when_the_owner_says_so(
    stage: AssistStage, url: str
) -> None:
    address = url.format(port=stage.sandbox.origin.rpartition(":")[2])
    found = await stage.failure(elsewhere(stage.profile(allow_private=False), address))
    assert found.kind is AiTrouble.FORBIDDEN_ADDRESS
    assert stage.asked() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[fe80::1]/v1",
        "http://[fd00:ec2::254]/v1",
        "http://100.100.100.200/v1",
        "http://0.0.0.0/v1",
        "http://[::ffff:169.254.169.254]/v1",
    ],
)
async def test_clouds_metadata_is_never_asked(stage: AssistStage, url: str) -> None:
    found = await stage.failure(elsewhere(stage.profile(allow_private=True), url))
    assert found.kind is AiTrouble.FORBIDDEN_ADDRESS


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "169.254.169.254", "10.1.2.3"])
async def test_a_name_that_leads_inside_is_not_followed(leads_to: str) -> None:
    async def lookup(host: str, port: int) -> list[str]:
        return ["93.184.216.34", leads_to]

    async with open_assist(lookup=lookup) as stage:
        named = elsewhere(stage.profile(allow_private=False), "http://ai.example/v1")
        assert (await stage.failure(named)).kind is AiTrouble.FORBIDDEN_ADDRESS


async def test_a_name_is_looked_up_once_and_that_address_used() -> None:
    looked_up: list[str] = []

    async def lookup(host: str, port: int) -> list[str]:
        looked_up.append(host)
        return ["127.0.0.1"]

    async with open_assist(lookup=lookup) as stage:
        port = stage.sandbox.origin.rpartition(":")[2]
        await stage.answer(elsewhere(stage.profile(), f"http://ai.example:{port}/ai/v1/"))
        assert looked_up == ["ai.example"]
        (call,) = stage.asked()
        assert call["headers"]["Host"] == f"ai.example:{port}"


@pytest.mark.parametrize(
    "url", ["ftp://x/v1", "nonsense", "http://", "http://a:b@c/v1", "http://["]
)
async def test_an_odd_address_is_a_reason_not_a_crash(stage: AssistStage, url: str) -> None:
    found = await stage.failure(elsewhere(stage.profile(), url))
    assert found.kind is AiTrouble.REJECTED


@pytest.mark.parametrize("key", ["键", "a\nb", "x" * 5000, ""])
async def test_an_odd_key_is_a_reason_not_a_crash(stage: AssistStage, key: str) -> None:
    found = await stage.ask(stage.profile(api_key=key))
    assert isinstance(found, AiAnswer | AiFailure)


# --- Raw sockets ----------------------------------------------------------------------------------


async def _raw(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> tuple[asyncio.Server, str]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await talk(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"


async def test_a_packed_answer_is_not_unpacked(stage: AssistStage) -> None:
    """It could unpack to anything."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: 4\r\n\r\nxxxx"
        )
        await writer.drain()

    server, url = await _raw(talk)
    async with server:
        found = await stage.failure(elsewhere(stage.profile(), url))
    assert found.kind is AiTrouble.UNREADABLE


async def test_an_answer_that_breaks_off_is_told(stage: AssistStage) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
        await writer.drain()

    server, url = await _raw(talk)
    async with server:
        found = await stage.failure(elsewhere(stage.profile(), url))
    assert found.kind is AiTrouble.CUT


async def test_drops_that_never_end_are_given_up_in_time(stage: AssistStage) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
        await writer.drain()
        await asyncio.Event().wait()

    server, url = await _raw(talk)
    found = await stage.failure(elsewhere(stage.profile(timeout_seconds=0.2), url))
    assert found.kind is AiTrouble.TIMEOUT
    server.close()


async def test_nobody_at_the_door_is_told(stage: AssistStage) -> None:
    server, url = await _raw(lambda _r, _w: asyncio.sleep(0))
    server.close()
    await server.wait_closed()
    found = await stage.failure(elsewhere(stage.profile(), url))
    assert found.kind is AiTrouble.UNREACHABLE


@pytest.mark.parametrize(
    "body",
    [
        "null",
        "[]",
        "{}",
        '{"choices": []}',
        '{"choices": [null]}',
        '{"choices": "x"}',
        '{"choices": [{"message": null}]}',
        '{"choices": [{"message": {"content": {"a": 1}}}]}',
        '{"choices": [{"message": {"content": null}}]}',
        "[" * 100_000,
        "data: {}\n\n",
        "\x00\xff",
    ],
)
async def test_odd_answers_are_reasons_not_crashes(stage: AssistStage, body: str) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packed = body.encode("latin-1")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(packed)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + packed)
        await writer.drain()

    server, url = await _raw(talk)
    async with server:
        found = await stage.failure(elsewhere(stage.profile(), url))
    assert found.kind in (AiTrouble.UNREADABLE, AiTrouble.EMPTY)


async def test_servers_that_count_no_tokens_are_counted_by_length(stage: AssistStage) -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = {"choices": [{"message": {"content": json.dumps(GOOD)}}], "usage": {"x": "y"}}
        packed = json.dumps(answer).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(packed)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + packed)
        await writer.drain()

    server, url = await _raw(talk)
    async with server:
        found = await stage.answer(elsewhere(stage.profile(), url))
    assert found.tokens_in > 100
    assert found.tokens_out > 1
