"""What the official platform's codes mean, which texts it takes, and what buttons say."""

from __future__ import annotations

from typing import Any

import pytest

from bots.official.buttons import keyboard_for
from bots.official.frames import address_of
from bots.official.outcomes import Answered, Outcome
from bots.official.words import without_links
from hub.commands import Call, parse_command
from hub.errors import AuthExpired, Rejected, Throttled, Uncertain

BOT = "official:102001"


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, {"id": "x"}, Outcome.SAID),
        (202, {"code": 304023}, Outcome.SAID),
        (400, {"code": 40054005}, Outcome.SAID_BEFORE),
        (200, {"err_code": 40034005, "code": 0}, Outcome.ANCHOR_OVER),
        (400, {"code": 40034102}, Outcome.NO_PUSH),
        (400, {"code": 40034127}, Outcome.NO_BUTTONS),
        (401, {}, Outcome.TOKEN),
        (429, {}, Outcome.TOO_FAST),
        (502, {}, Outcome.UNKNOWN),
        (400, {"code": 40034006}, Outcome.REFUSED),
        (200, {"code": 7}, Outcome.REFUSED),
        (404, {}, Outcome.REFUSED),
    ],
)
def test_every_answer_has_one_meaning(status: int, body: dict[str, Any], outcome: Outcome) -> None:
    assert Answered(status, body).outcome is outcome


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (429, {}, Throttled, "太快"),
        (401, {}, AuthExpired, "令牌"),
        (503, {}, Uncertain, "出错"),
        (400, {"code": 40034028}, Rejected, "网址"),
        (400, {"code": 1, "message": "不行\nsecret"}, Rejected, "不行（代码 1）"),
        (400, {}, Rejected, "没有说明原因"),
    ],
)
def test_every_failure_has_a_verdict_and_a_reason(
    status: int, body: dict[str, Any], kind: type[Exception], words: str
) -> None:
    error = Answered(status, body).error("send")
    assert type(error) is kind
    assert words in error.reason
    assert "secret" not in error.reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("去 https://a.cn/x?y=1#z 看", "去 〔网址，请到后台看〕 看"),
        ("（http://a.cn）。", "（〔网址，请到后台看〕）。"),
        ("加我shop.taobao.com吧", "加我shop．taobao．com吧"),
        ("a.com.b 和 comet.commit", "a．com.b 和 comet.commit"),
        ("3.50元 v1.5 a.txt 2.5k #a7", "3.50元 v1.5 a.txt 2.5k #a7"),
        ("写信 me@example.com", "写信 me@example．com"),
    ],
)
def test_addresses_are_spelled_so_that_the_platform_takes_them(text: str, said: str) -> None:
    assert without_links(text) == said


def test_every_button_says_what_can_be_typed() -> None:
    shown = keyboard_for("待处理 37｜没有规则\n1 发货\n#a7")
    assert shown is not None
    (row,) = shown["content"]["rows"]
    words = [one["action"]["data"] for one in row["buttons"]]
    assert words == ["/处理 37", "#a7 ", "/历史 #a7", "/接管 #a7"]
    commands = [one for one in words if one.startswith("/")]
    assert all(isinstance(parse_command(one), Call) for one in commands)
    assert keyboard_for("📬 2 个会话有新消息") is None


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"t": "C2C_MESSAGE_CREATE"},
        {"t": "C2C_MESSAGE_CREATE", "d": []},
        {"t": "C2C_MESSAGE_CREATE", "d": {"id": "m", "author": {"id": "../x"}}},
        {"t": "C2C_MESSAGE_CREATE", "d": {"id": "m", "author": {"id": "A@B"}}},
        {"t": "C2C_MESSAGE_CREATE", "d": {"author": {"id": "A"}}},
        {"t": "GROUP_AT_MESSAGE_CREATE", "d": {"id": "m", "author": {"id": "A"}}},
        {"t": "GROUP_MESSAGE_CREATE", "d": {"id": "m", "author": {"id": "A"}, "group_openid": "G"}},
        {"t": "INTERACTION_CREATE", "d": {"user_openid": "A"}},
    ],
)
def test_what_nobody_said_to_the_bot_is_nobodys(frame: dict[str, Any]) -> None:
    assert address_of(BOT, frame) is None
