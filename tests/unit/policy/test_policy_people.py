"""A buyer is called by ticket or name, and what fits two is never guessed."""

from __future__ import annotations

import pytest

from hub.model import (
    AccountId,
    Conversation,
    ConversationId,
    Image,
    PlatformConversation,
    ShopId,
    Text,
)
from hub.policy import conversations_called, wants_answer


def talk(ticket: str, name: str) -> Conversation:
    return Conversation(
        id=ConversationId(1),
        shop=ShopId(1),
        account=AccountId(1),
        platform_id=PlatformConversation(ticket),
        ticket=ticket,
        buyer=None,
        buyer_name=name,
        item_id=None,
        item_title="",
        last_message_at=None,
    )


TALKS = [talk("a12", "小林"), talk("b7", "小林同学"), talk("c7", "阿七"), talk("d3", "12号")]


@pytest.mark.parametrize(
    ("words", "tickets"),
    [
        ("#a12", ["a12"]),
        ("＃A12", ["a12"]),
        ("a12", ["a12"]),
        ("12", ["a12"]),
        ("3", ["d3"]),
        ("7", ["b7", "c7"]),
        ("小林", ["a12"]),
        ("小林同", ["b7"]),
        ("林", ["a12", "b7"]),
        ("12号", ["d3"]),
        ("#z9", []),
        ("谁", []),
        ("", []),
    ],
)
def test_what_fits_best_is_meant(words: str, tickets: list[str]) -> None:
    assert [one.ticket for one in conversations_called(TALKS, words)] == tickets


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        ("好的", False),
        ("好的谢谢老板！", False),
        ("嗯嗯嗯", False),
        ("OK 👌", False),
        ("谢谢[抱拳]", False),
        ("好的，什么时候发", True),
        ("好了吗", True),
        ("？", True),
        ("。。。", True),
        ("在吗", True),
        ("好" * 21, True),
    ],
)
def test_thanks_and_goodbyes_need_no_answer(said: str, wanted: bool) -> None:
    assert wants_answer(Text(said)) is wanted
    assert wants_answer(Image(()))
