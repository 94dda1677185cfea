"""What to do about a line that does not stay up: go on, pause for longer, or stop."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SHORT_LIFE = timedelta(seconds=30)
SHORT_WITHIN = timedelta(minutes=5)
MOST_SHORT = 5
HOUR = timedelta(hours=1)
MOST_SHORT_IN_HOUR = 3 * MOST_SHORT
MOST_OUSTED_IN_HOUR = 5
MOST_CROWDED_IN_HOUR = 2


class EndKind(StrEnum):
    PLAIN = "plain"
    OUSTED = "ousted"
    """Another registration took the place, or the line had gone deaf."""
    CROWDED = "crowded"
    """The platform says that the account has too many connections."""


@dataclass(frozen=True, slots=True)
class LineEnd:
    at: datetime
    lasted: timedelta
    kind: EndKind = EndKind.PLAIN


class Brake(StrEnum):
    CROWDED_PAUSE = "crowded_pause"
    CROWDED_HOLD = "crowded_hold"
    OUSTED_HOLD = "ousted_hold"
    SHORT_PAUSE = "short_pause"
    SHORT_HOLD = "short_hold"


def brake_after(ends: Sequence[LineEnd], now: datetime) -> Brake | None:
    """`ends` of one account's lines, the newest last; None: connect again as usual.

    Fighting for a line is what the platform punishes: a pause comes before a stop, and after a
    stop a person decides.
    """
    if not ends:
        return None
    newest = ends[-1]
    if newest.kind is EndKind.CROWDED:
        crowded = _count(ends, now, HOUR, kind=EndKind.CROWDED)
        return Brake.CROWDED_HOLD if crowded >= MOST_CROWDED_IN_HOUR else Brake.CROWDED_PAUSE
    ousted = _count(ends, now, HOUR, kind=EndKind.OUSTED)
    if newest.kind is EndKind.OUSTED and ousted >= MOST_OUSTED_IN_HOUR:
        return Brake.OUSTED_HOLD
    if newest.lasted < SHORT_LIFE:
        short = [end for end in ends if end.lasted < SHORT_LIFE]
        if _count(short, now, HOUR) >= MOST_SHORT_IN_HOUR:
            return Brake.SHORT_HOLD
        if _count(short, now, SHORT_WITHIN) >= MOST_SHORT:
            return Brake.SHORT_PAUSE
    return None


def _count(
    ends: Iterable[LineEnd], now: datetime, within: timedelta, *, kind: EndKind | None = None
) -> int:
    """Ends that lie in the future were noted before the clock was set back; nobody knows when."""
    return sum(
        timedelta(0) <= now - end.at <= within and (kind is None or end.kind is kind)
        for end in ends
    )
