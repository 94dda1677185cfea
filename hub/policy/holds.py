"""What a word of the seller, typed on the phone, does to the automation of a conversation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model import Content, Hold, Text

TOGGLE_WITHIN = timedelta(minutes=3)
"""A word that is found later says nothing any more about what the seller wants now."""


class Toggle(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    LATE = "late"
    """Nothing happens, and the seller is told."""


def is_toggle(content: Content, words: Collection[str]) -> bool:
    """Whether the whole message is one of these words."""
    return isinstance(content, Text) and content.text.strip() in words


def toggle(held: Sequence[Hold], sent_at: datetime, now: datetime) -> Toggle:
    """`held`: what stops the conversation itself, be it a pause or somebody who leads it."""
    if now - sent_at > TOGGLE_WITHIN:
        return Toggle.LATE
    return Toggle.RESUME if held else Toggle.PAUSE
