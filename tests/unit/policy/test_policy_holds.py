"""What a word that the seller types on the phone does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.model import (
    Content,
    ConversationId,
    Hold,
    HoldId,
    HoldKind,
    Image,
    Picture,
    Scope,
    ShopId,
    Text,
)
from hub.policy import TOGGLE_WITHIN, Toggle, is_toggle, toggle

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("content", "words", "expected"),
    [
        (Text("。"), ("。",), True),
        (Text(" 。\n"), ("。",), True),
        (Text("。。"), ("。",), False),
        (Text("好的。"), ("。",), False),
        (Text("."), ("。",), False),
        (Text("停"), ("。", "停"), True),
        (Text("。"), (), False),
        (Text(""), ("。",), False),
        (Image((Picture("https://x/y.png"),)), ("。",), False),
    ],
)
def test_only_the_whole_message_is_a_word_for_us(
    content: Content, words: tuple[str, ...], expected: bool
) -> None:
    assert is_toggle(content, words) is expected


@pytest.mark.parametrize("age", [-SECOND, SECOND, TOGGLE_WITHIN])
@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), Toggle.PAUSE),
        ((HoldKind.PAUSE,), Toggle.RESUME),
        ((HoldKind.TAKEOVER,), Toggle.RESUME),
        ((HoldKind.PAUSE, HoldKind.TAKEOVER), Toggle.RESUME),
    ],
)
def test_what_runs_is_paused_and_what_is_stopped_goes_on(
    kinds: tuple[HoldKind, ...], expected: Toggle, age: timedelta
) -> None:
    scope = Scope(conversation=ConversationId(7))
    held = [Hold(HoldId(1), ShopId(1), kind, scope, "", NOW, None) for kind in kinds]
    assert toggle(held, NOW - age, NOW) is expected
    assert toggle(held, NOW - TOGGLE_WITHIN - SECOND, NOW) is Toggle.LATE
