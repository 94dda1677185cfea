"""When an account may ask for a token of the message connection, and when it should."""

from __future__ import annotations

from datetime import datetime, timedelta

LEAST_MARGIN = timedelta(minutes=10)
GROWTH = 1.5
LONGEST_WAIT = timedelta(hours=1)
MOST_TOKEN_FAILURES = 5
"""Attempts in a row that brought no good token; then a person has to look."""


def token_lasts(fetched_at: datetime, expires_at: datetime, now: datetime) -> bool:
    """Whether a connection may still be opened with it."""
    return now < expires_at - _margin(fetched_at, expires_at)


def token_renewal(fetched_at: datetime, expires_at: datetime, jitter: float) -> datetime:
    """When a connection that lives should be left for one with a new token.

    A tenth of its life before its end, at least ten minutes; `jitter` in 0..1 comes up to half of
    that earlier, so that accounts that came together do not renew together.
    """
    margin = _margin(fetched_at, expires_at)
    return expires_at - margin - margin / 2 * jitter


def next_token_attempt(
    asked_at: datetime | None, failures: int, spacing: timedelta
) -> datetime | None:
    """The earliest moment of the next attempt; None: whenever.

    `spacing` after any attempt, half as much again after each one that failed, an hour at most.
    """
    if asked_at is None:
        return None
    return asked_at + min(max(LONGEST_WAIT, spacing), spacing * GROWTH ** min(failures, 30))


def _margin(fetched_at: datetime, expires_at: datetime) -> timedelta:
    life = max(expires_at - fetched_at, timedelta(0))
    return min(max(LEAST_MARGIN, life / 10), life / 2)
