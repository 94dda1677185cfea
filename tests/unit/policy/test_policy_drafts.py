"""A draft goes out by itself only where the owner wants that and nothing speaks against it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hub.model import AiLimits, AiMode
from hub.policy import draft_lasts, why_not_alone

SENDS = AiLimits(draft_minutes=30, draft_sends=True)
FINE: dict[str, Any] = {
    "harmless": True,
    "mode": AiMode.DRAFT,
    "late": timedelta(0),
    "unwanted": None,
    "hits": (),
}


def test_it_is_sent_where_nothing_speaks_against_it() -> None:
    assert why_not_alone(SENDS, **FINE) is None


@pytest.mark.parametrize(
    ("but", "why"),
    [
        ({"harmless": False}, "要人看过才能发"),
        ({"mode": AiMode.OFF}, "AI 已经关了"),
        ({"late": timedelta(hours=1)}, "过了太久"),
        ({"unwanted": "人工正在接待"}, "人工正在接待"),
        ({"hits": ("有联系方式", "有价格")}, "有联系方式；有价格"),
    ],
)
def test_whatever_speaks_against_it_is_named(but: dict[str, Any], why: str) -> None:
    assert why_not_alone(SENDS, **{**FINE, **but}) == why


def test_by_default_it_is_never_sent() -> None:
    assert why_not_alone(AiLimits(), **FINE) == ""


@pytest.mark.parametrize(("minutes", "lasts"), [(0, None), (5, timedelta(minutes=5))])
def test_no_minutes_mean_until_somebody_decides(minutes: int, lasts: timedelta | None) -> None:
    assert draft_lasts(replace(SENDS, draft_minutes=minutes)) == lasts
