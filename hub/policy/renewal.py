"""How often a login is looked after, and how often a lost one may be fought for."""

from __future__ import annotations

from datetime import datetime, timedelta

SPREAD = 0.2
LONGEST_WAIT = timedelta(hours=1)


def due_after(last: datetime, every: timedelta, jitter: float) -> datetime:
    """When something that is done `every` so often is due again; `jitter` in 0..1 comes up to a
    fifth earlier, so that neither accounts nor habits keep step."""
    return last + every * (1 - SPREAD * jitter)


def next_renewal(last: datetime | None, spacing: timedelta, unclear: int) -> datetime | None:
    """The earliest moment at which a lost login may be renewed again; None: whenever.

    `unclear` counts the tries in a row that the platform did not answer clearly: each doubles the
    wait, up to an hour.
    """
    if last is None:
        return None
    return last + min(max(LONGEST_WAIT, spacing), spacing * 2.0 ** min(unclear, 30))
