"""Speaking where a bot may only answer: which anchor, when to keep still, when to gather.

The numbers are those of the official QQ bot: a private message may be answered for an hour, one in
a group for five minutes, a button for about half an hour, each at most five times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from hub.model import Anchor, AnchorKind, Reply

MOST_REPLIES = 5
ANCHOR_LASTS = {
    AnchorKind.PRIVATE: timedelta(minutes=60),
    AnchorKind.GROUP: timedelta(minutes=5),
    AnchorKind.INTERACTION: timedelta(minutes=30),
}
MARGIN = timedelta(seconds=10)
"""How much sooner than the platform we stop: its clock is not ours, and an answer takes time."""
LAST_CALL = timedelta(minutes=1)
"""How long before the end the credit that was kept is spent on whatever waits."""


SPARED_AGAIN = timedelta(seconds=15)
"""What a credit is spared for leaves soon, or never."""


class ReplyStep(StrEnum):
    SAY = "say"
    """The one that is next, as it is."""
    GATHER = "gather"
    """All that waits, as one message."""
    KEEP = "keep"
    """Nothing yet: the last credit is kept until `until` for all that may come."""
    WAIT = "wait"
    """Nothing: somebody has to write first."""


@dataclass(frozen=True, slots=True)
class ReplyPlan:
    step: ReplyStep
    until: datetime | None = None
    low: bool = False
    """After this only the kept credit is left: time to say so."""


def anchor_ends(anchor: Anchor) -> datetime:
    """From then on nothing is said in answer to it."""
    return anchor.at + ANCHOR_LASTS[anchor.kind] - MARGIN


def credits_left(anchors: Iterable[Anchor], now: datetime) -> int:
    """How many things may be said."""
    return sum(MOST_REPLIES - len(one.uses) for one in anchors if _usable(one, now))


def choose_reply(
    anchors: Iterable[Anchor], now: datetime, *, said: str, prefer: str = ""
) -> Reply | None:
    """As what to say something whose fingerprint is `said`; None: it may not be said.

    What left before without an answer leaves again under its own number, so that the platform can
    tell that it has it. Else `prefer`, what is answered, goes first, then what ends soonest.
    """
    usable = sorted(
        (one for one in anchors if one.at + ANCHOR_LASTS[one.kind] > now), key=anchor_ends
    )
    for anchor in usable:
        for place, use in enumerate(anchor.uses):
            if use.message_id is None and use.said == said and not anchor.over:
                return Reply(anchor, place + 1)
    fresh = [one for one in usable if _usable(one, now)]
    fresh.sort(key=lambda one: one.id != prefer)
    return Reply(fresh[0], len(fresh[0].uses) + 1) if fresh else None


def plan_reply(
    anchors: Sequence[Anchor],
    now: datetime,
    *,
    waiting: int,
    pressing: bool,
    parts: int = 1,
    spared: int = 0,
) -> ReplyPlan:
    """What to do with `waiting` notices, at least one. `pressing`: one of them cannot wait.
    `parts`: as how many messages they leave. `spared`: so many credits belong to what somebody
    waits for.

    One credit is kept back, because nobody knows what comes: it carries everything that has
    gathered when the time is nearly over, or at once when something presses. What is longer than
    all credits goes then as well, as far as they reach.
    """
    credits = credits_left(anchors, now)
    if credits <= spared:
        return ReplyPlan(ReplyStep.WAIT, until=now + SPARED_AGAIN if credits else None)
    step = ReplyStep.SAY if waiting == 1 else ReplyStep.GATHER
    left = credits - spared - parts
    if left > 0:
        return ReplyPlan(step, low=left == 1)
    last_call = max(anchor_ends(one) for one in anchors if _usable(one, now)) - LAST_CALL
    if pressing or now >= last_call:
        return ReplyPlan(step)
    return ReplyPlan(ReplyStep.KEEP, until=last_call)


def _usable(anchor: Anchor, now: datetime) -> bool:
    return not anchor.over and now < anchor_ends(anchor) and len(anchor.uses) < MOST_REPLIES
