"""What to make of moments that were remembered while the clock was wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST_AHEAD = timedelta(minutes=10)
"""Clocks are set back by a little all the time; nobody takes that for a mistake."""


def believed(remembered: datetime | None, now: datetime) -> datetime | None:
    """None for what cannot have happened yet: waiting for its successors could take years."""
    if remembered is None or remembered - now > MOST_AHEAD:
        return None
    return remembered
