"""How long to wait before the next try."""

from __future__ import annotations


def backoff(attempt: int, *, first: float, most: float, jitter: float) -> float:
    """Seconds before try number `attempt` (1 is the first repetition).

    Doubles from `first` up to `most`; `jitter` in 0..1 takes away up to half, so that many
    accounts that fell together do not rise together.
    """
    full = min(most, first * 2.0 ** min(attempt - 1, 30))
    return full * (1 - jitter / 2)
