"""Reply credits: where a bot may only answer, what it may still answer to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class AnchorKind(StrEnum):
    PRIVATE = "private"
    """A message in private chat."""
    GROUP = "group"
    """A message in a group in which the bot was @-ed."""
    INTERACTION = "interaction"
    """A button was pressed."""


@dataclass(frozen=True, slots=True)
class ReplyUse:
    """One answer to an anchor. Its number is its place among them, from 1."""

    said: str
    """Fingerprint of what was said."""
    at: datetime
    """When leave was taken for it."""
    message_id: str | None = None
    """None: no answer has come yet, so it may or may not have arrived."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Something that somebody wrote or pressed, and that may be answered for a while."""

    id: str
    kind: AnchorKind
    at: datetime
    uses: tuple[ReplyUse, ...] = ()
    over: bool = False
    """The platform takes no more answers to it, whatever we count."""

    def used(self, use: ReplyUse) -> Anchor:
        return replace(self, uses=(*self.uses, use))


@dataclass(frozen=True, slots=True)
class Reply:
    """Leave to say one thing: as which answer to which anchor."""

    anchor: Anchor
    number: int
    """Unique for the anchor; the same number again is the same message again."""
