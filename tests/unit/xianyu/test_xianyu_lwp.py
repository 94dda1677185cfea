"""The protocol without a socket."""

from __future__ import annotations

import json

import pytest

from hub.model import PlatformUser
from hub.xianyu import new_device_id, new_uuid
from hub.xianyu.client import utc_now
from hub.xianyu.lwp import Answer, Connection, Pushed, Stray


def connection() -> Connection[str]:
    return Connection(lambda: 1790000000123)


def test_request_ids_never_repeat_while_an_answer_is_owed() -> None:
    wire = connection()
    ids = {wire.request("waiter", "/!")[0] for _ in range(1000)}
    assert len(ids) == 1000
    assert all(mid.endswith("1790000000123 0") for mid in ids)


@pytest.mark.parametrize("mid", ["{mid}", "{key}", "{key} 7"])
def test_an_answer_is_known_by_the_part_before_the_blank(mid: str) -> None:
    wire = connection()
    asked, _ = wire.request("waiter", "/!")
    said = mid.format(mid=asked, key=asked.split()[0])
    answer = wire.receive(json.dumps({"code": "200", "headers": {"mid": said}}))
    assert isinstance(answer, Answer)
    assert (answer.waiter, answer.reply.code) == ("waiter", 200)


def test_an_answer_counts_once() -> None:
    wire = connection()
    mid, _ = wire.request("waiter", "/!")
    text = json.dumps({"code": 200, "headers": {"mid": mid}})
    assert isinstance(wire.receive(text), Answer)
    assert isinstance(wire.receive(text), Stray)


def test_a_forgotten_request_has_no_answer() -> None:
    wire = connection()
    mid, _ = wire.request("waiter", "/!")
    wire.forget(mid)
    assert isinstance(wire.receive(json.dumps({"code": 200, "headers": {"mid": mid}})), Stray)
    assert wire.abandon() == []


def test_abandoning_names_everybody_who_waits() -> None:
    wire = connection()
    for name in ("one", "two"):
        wire.request(name, "/!")
    assert wire.abandon() == ["one", "two"]
    assert wire.abandon() == []


def test_an_answer_that_repeats_the_path_is_an_answer() -> None:
    wire = connection()
    mid, _ = wire.request("waiter", "/r/x")
    frame = {"lwp": "/r/x", "code": 200, "headers": {"mid": mid}}
    assert isinstance(wire.receive(json.dumps(frame)), Answer)


def test_a_push_is_no_answer_even_with_an_id_of_ours() -> None:
    wire = connection()
    mid, _ = wire.request("waiter", "/r/x")
    assert isinstance(wire.receive(json.dumps({"lwp": "/s/x", "headers": {"mid": mid}})), Pushed)


@pytest.mark.parametrize("body", [None, 5, [], {"syncPushPackage": {"data": "x"}}, {"data": [1]}])
def test_a_push_without_entries_is_still_acknowledged(body: object) -> None:
    frame = {"lwp": "/s/new", "headers": {"mid": "84a4001c 0", "other": 1}, "body": body}
    pushed = connection().receive(json.dumps(frame))
    assert isinstance(pushed, Pushed)
    assert pushed.entries == ()
    assert pushed.echo == {"mid": "84a4001c 0"}


def test_text_that_cannot_be_encoded_does_not_stop_a_request() -> None:
    _, text = connection().request("waiter", "/r/x", ["a\ud83db"])
    assert json.loads(text)["body"] == ["a?b"]


def test_device_ids_look_like_a_browser_s_and_end_with_the_user() -> None:
    user = PlatformUser("2200111122223")
    one, two = new_device_id(user), new_device_id(user)
    assert one != two
    assert one.endswith(f"-{user}")
    assert (len(one), one[14]) == (36 + 1 + len(user), "4")


def test_message_ids_of_ours_are_told_apart() -> None:
    now = utc_now()
    ids = {new_uuid(now) for _ in range(50)}
    assert len(ids) > 1
    assert all(one.startswith(f"-{round(now.timestamp() * 1000)}") for one in ids)
