"""What can be taken back, and the sentence for what cannot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.model import (
    ConversationId,
    Message,
    MessageId,
    MessageState,
    Origin,
    PlatformMessage,
    Text,
)
from hub.policy import why_not_recall

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
WITHIN = timedelta(minutes=2)
SAID = Message(
    MessageId(1),
    ConversationId(1),
    Origin.OPERATOR,
    Text("在的"),
    MessageState.ACCEPTED,
    NOW - timedelta(hours=1),
    platform_id=PlatformMessage("1.PNM"),
    wire_at=NOW - timedelta(seconds=119),
)


def test_time_counts_from_when_it_went_out_and_not_from_when_it_was_written() -> None:
    assert why_not_recall(SAID, NOW, WITHIN) is None
    late = replace(SAID, wire_at=NOW - WITHIN)
    assert why_not_recall(late, NOW, WITHIN) == "已经超过 2 分钟，闲鱼不让撤回了"


@pytest.mark.parametrize("state", [MessageState.ACCEPTED, MessageState.READ, MessageState.RECEIVED])
@pytest.mark.parametrize("origin", [Origin.OPERATOR, Origin.RULE, Origin.PHONE])
def test_whatever_is_ours_and_out_can_be_taken_back(state: MessageState, origin: Origin) -> None:
    assert why_not_recall(replace(SAID, state=state, origin=origin), NOW, WITHIN) is None


def test_what_still_waits_can_always_be_cancelled() -> None:
    waiting = replace(SAID, state=MessageState.QUEUED, platform_id=None, wire_at=None)
    assert why_not_recall(waiting, NOW, WITHIN) is None


@pytest.mark.parametrize(
    "state",
    [
        MessageState.SENDING,
        MessageState.UNCERTAIN,
        MessageState.REJECTED,
        MessageState.DROPPED,
        MessageState.RECALLED,
    ],
)
def test_anything_else_is_refused_with_its_reason(state: MessageState) -> None:
    assert why_not_recall(replace(SAID, state=state), NOW, WITHIN)


def test_buyers_messages_and_nameless_ones_are_not_taken_back() -> None:
    assert why_not_recall(replace(SAID, origin=Origin.BUYER), NOW, WITHIN)
    assert why_not_recall(replace(SAID, platform_id=None), NOW, WITHIN)
