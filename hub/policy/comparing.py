"""From when on an account is compared with the platform's lists, and when it is worth a look."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

OVERLAP = timedelta(minutes=2)
"""Lists are made by many machines: what is stamped earlier may show up later."""
FARTHEST = timedelta(days=7)
"""What happened longer ago is not looked for any more."""
REPLAYED = timedelta(days=1)
"""How far back the platform is asked to push again; its lists reach farther."""
MOST_SKEW = timedelta(minutes=10)
"""How far the platform's clock may be ahead of ours. Stamps beyond that are not believed."""

QUIET_SHARE = 8
"""A silence so many times as long as the usual pause between two pushes is suspicious."""
QUIET_AT_LEAST = 60.0
"""Seconds; shorter silences mean nothing."""
PUSHES_OF_A_BUSY_LINE = 12
"""With fewer pushes nobody can tell what is usual."""


def look_back(compared_until: datetime, now: datetime) -> datetime:
    """The moment (platform's clock) after which everything is compared."""
    return max(compared_until - OVERLAP, now - FARTHEST)


def replay_from(compared_until: datetime | None, now: datetime) -> datetime | None:
    """The moment after which the platform is asked to push again; None: nothing that is old."""
    return None if compared_until is None else max(compared_until - OVERLAP, now - REPLAYED)


def started(first_connected: datetime) -> datetime:
    """Up to where a new account counts as compared: nothing older than its connection is wanted.

    This one moment is of our own clock. If that is behind, a little of the past comes in.
    """
    return first_connected + OVERLAP


def advanced(compared_until: datetime, newest: datetime | None, now: datetime) -> datetime:
    """Up to where everything is known after a complete comparison.

    `newest`: the latest change that the list showed when the comparison began. It is the
    platform's own stamp, so it does not matter whether our clock is right; only a stamp far in the
    future is cut, because everything before it would count as compared.
    """
    if newest is None:
        return compared_until
    return max(compared_until, min(newest, now + MOST_SKEW))


def quiet_from(heard: Sequence[float]) -> float | None:
    """When the silence of a busy line becomes suspicious; None: it is not known to be busy.

    `heard`: moments of the last pushes in seconds, oldest first.
    """
    if len(heard) < PUSHES_OF_A_BUSY_LINE:
        return None
    pause = (heard[-1] - heard[0]) / (len(heard) - 1)
    return heard[-1] + max(QUIET_AT_LEAST, QUIET_SHARE * pause)
