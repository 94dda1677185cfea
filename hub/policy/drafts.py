"""What becomes of a draft that nobody decides about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hub.model import AiLimits, AiMode

TOO_LATE = timedelta(minutes=10)
"""After its time a draft answers a question of long ago."""


def draft_lasts(limits: AiLimits) -> timedelta | None:
    """How long it waits for a person; None: for ever."""
    return timedelta(minutes=limits.draft_minutes) if limits.draft_minutes else None


def why_not_alone(
    limits: AiLimits,
    *,
    harmless: bool,
    mode: AiMode,
    late: timedelta,
    unwanted: str | None,
    hits: Sequence[str],
) -> str | None:
    """Why it is dropped and not sent by itself. None: it is sent, because the owner wants that and
    nothing speaks against it.

    `harmless`: it became a draft by the owner's choice alone, and not for what it says or answers.
    `late`: how long its time is over. `unwanted`: why no automatic answer may go there now.
    `hits`: what the guard of texts finds in it now.
    """
    if not limits.draft_sends:
        return ""
    if not harmless:
        return "要人看过才能发"
    if mode is AiMode.OFF:
        return "AI 已经关了"
    if late > TOO_LATE:
        return "过了太久"
    if unwanted is not None:
        return unwanted
    return "；".join(hits) or None
