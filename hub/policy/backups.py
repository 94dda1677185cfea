"""When the next backup is due, and which ones have outlived their time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from hub.policy.routing import next_at

K = TypeVar("K", bound=Hashable)

RETRY = timedelta(hours=1)
SETTLING = timedelta(minutes=10)
"""After a start, before a backup that was missed is made."""
LEAST_SKIPPED = 100
ONE_FOR = timedelta(minutes=2)
LONGEST_LOST = timedelta(days=365)
"""Bounds how long tickets become: they have room for six digits."""


def backup_due(
    last: datetime | None,
    failed_at: datetime | None,
    at: time,
    zone: ZoneInfo,
    started: datetime,
) -> datetime:
    """`last`: of the newest one; `failed_at`: of the last attempt, if nothing came of it;
    `started`: when the hub did."""
    if failed_at is not None and (last is None or failed_at > last):
        return failed_at + RETRY
    if last is None:
        return next_at(started, zone.key, at.hour, at.minute)
    due = next_at(last, zone.key, at.hour, at.minute)
    return due if due > started else started + SETTLING


def outlived(backups: Mapping[K, datetime], *, days: int, weeks: int, zone: ZoneInfo) -> list[K]:
    """Those that may go: all but the newest of each of the last `days` days on which there is one,
    and of each of the `weeks` weeks before."""
    newest_first = sorted(backups, key=lambda one: backups[one], reverse=True)
    of_day: dict[object, K] = {}
    for one in newest_first:
        of_day.setdefault(backups[one].astimezone(zone).date(), one)
    kept = list(of_day.values())[:days]
    weekly: dict[object, K] = {}
    covered = {backups[one].astimezone(zone).isocalendar()[:2] for one in kept}
    for one in list(of_day.values())[days:]:
        week = backups[one].astimezone(zone).isocalendar()[:2]
        if week not in covered:
            weekly.setdefault(week, one)
    kept += list(weekly.values())[:weeks]
    return [one for one in newest_first if one not in kept]


def rounds_to_skip(lost: timedelta) -> int:
    """How far counters leap in a database that does not know the time `lost`, so that none of what
    was given then is given again: in rounds of tickets, each of which has one for every letter.
    More for a longer time, so that a backup that is brought back twice gets beyond the first time.
    """
    return LEAST_SKIPPED + int(min(max(lost, timedelta()), LONGEST_LOST) / ONE_FOR)
