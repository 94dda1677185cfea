"""Numbers of a shop, put into the days of its zone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hub.model import Counted, DayFigures, DeliveryState, Figures, Origin
from hub.policy.deliveries import HANDED_OVER


def figures_since(days: int, zone: ZoneInfo, now: datetime) -> datetime:
    """Where the first of so many days begins, today being the last."""
    first = now.astimezone(zone).date() - timedelta(days=days - 1)
    return datetime.combine(first, time(), zone)


def figures(counted: Iterable[Counted], days: int, zone: ZoneInfo, now: datetime) -> Figures:
    """`counted`: of each account."""
    today = now.astimezone(zone).date()
    by_day = {day: DayFigures(day) for day in (today - timedelta(days=n) for n in range(days))}
    for one in counted:
        for at, origin, number in one.messages:
            if (of := by_day.get(_day(at, zone))) is not None:
                _hear(of, origin, number)
        for at, state, number in one.deliveries:
            if (of := by_day.get(_day(at, zone))) is not None:
                _deliver(of, state, number)
        for at, amount in one.orders:
            if (of := by_day.get(_day(at, zone))) is not None:
                of.orders += 1
                of.amount += amount or 0
    return Figures(tuple(by_day.values()), total(by_day.values(), today))


def total(days: Iterable[DayFigures], day: date) -> DayFigures:
    found = DayFigures(day)
    for one in days:
        found.received += one.received
        found.orders += one.orders
        found.amount += one.amount
        found.delivered += one.delivered
        found.open += one.open
        for origin, number in one.answers.items():
            found.answers[origin] = found.answers.get(origin, 0) + number
    return found


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _hear(of: DayFigures, origin: Origin, number: int) -> None:
    if origin is Origin.BUYER:
        of.received += number
    else:
        of.answers[origin] = of.answers.get(origin, 0) + number


def _deliver(of: DayFigures, state: DeliveryState, number: int) -> None:
    if state in HANDED_OVER:
        of.delivered += number
    elif state is not DeliveryState.FAILED:
        of.open += number
