"""How a crowd of accounts comes online: from moments to figures."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

SECOND = 1000
"""All moments are milliseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """All seconds count from `began`: the start of the hub, or the platform's restart."""

    name: str
    accounts: int
    half: float
    """Seconds until 50 % of the accounts were online."""
    most: float
    """The same for 95 %."""
    all: float
    dials: int
    """Connections that were asked for, refused ones included."""
    busiest_second: int
    """The most dials within any one second."""
    dials_by_second: tuple[int, ...]
    online_by_second: tuple[int, ...]
    """How many accounts had come online by the end of each second."""
    token_requests: int
    most_tokens: int
    """The most token requests of one account."""
    cpu_seconds: float
    """Of the hub, until all were online."""


def arrival(
    name: str,
    began: int,
    *,
    dials: Sequence[int],
    online: Sequence[int],
    askers: Iterable[str],
    cpu_seconds: float,
) -> Arrival:
    """`online`: when each account registered; `askers`: who asked for a token, once per request."""
    came, asked = sorted(online), Counter(askers)
    return Arrival(
        name=name,
        accounts=len(came),
        half=_moment(came, 0.50, began),
        most=_moment(came, 0.95, began),
        all=_moment(came, 1.0, began),
        dials=len(dials),
        busiest_second=busiest_second(dials),
        dials_by_second=_by_second(dials, began),
        online_by_second=_summed(_by_second(came, began)),
        token_requests=asked.total(),
        most_tokens=max(asked.values(), default=0),
        cpu_seconds=round(cpu_seconds, 2),
    )


def busiest_second(moments: Sequence[int]) -> int:
    """The most of them within any one second, wherever it begins."""
    most, first = 0, 0
    ordered = sorted(moments)
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - SECOND:
            first += 1
        most = max(most, last - first + 1)
    return most


def closest(requests: Iterable[tuple[str, int]]) -> float | None:
    """The least seconds between two requests of the same account; None if none asked twice."""
    by_user: defaultdict[str, list[int]] = defaultdict(list)
    for user, at in requests:
        by_user[user].append(at)
    gaps = [b - a for moments in by_user.values() for a, b in pairwise(sorted(moments))]
    return min(gaps) / SECOND if gaps else None


def _moment(ordered: Sequence[int], part: float, began: int) -> float:
    if not ordered:
        return 0.0
    return round((ordered[math.ceil(len(ordered) * part) - 1] - began) / SECOND, 2)


def _by_second(moments: Sequence[int], began: int) -> tuple[int, ...]:
    counts = Counter(max(0, (moment - began) // SECOND) for moment in moments)
    return tuple(counts[second] for second in range(max(counts, default=-1) + 1))


def _summed(counts: Sequence[int]) -> tuple[int, ...]:
    total, sums = 0, []
    for count in counts:
        total += count
        sums.append(total)
    return tuple(sums)
