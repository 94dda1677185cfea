"""What happened in the shop, counted; it stays in the own database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from hub.model.delivery import DeliveryState
from hub.model.shop import Origin


@dataclass(frozen=True, slots=True)
class Counted:
    """The raw numbers, each with the time that it is about."""

    messages: Sequence[tuple[datetime, Origin, int]]
    """What buyers said, and what reached buyers, by who wrote it; by quarters of an hour."""
    deliveries: Sequence[tuple[datetime, DeliveryState, int]]
    """Pieces that came to be owed, by what became of them; by quarters of an hour."""
    orders: Sequence[tuple[datetime, Decimal | None]]
    """When each order was paid, and how much for it."""


@dataclass(slots=True)
class DayFigures:
    """One day in the shop's zone."""

    day: date
    received: int = 0
    answers: dict[Origin, int] = field(default_factory=dict)
    orders: int = 0
    amount: Decimal = Decimal(0)
    delivered: int = 0
    open: int = 0
    """Pieces that nobody got yet."""

    def said(self, *origins: Origin) -> int:
        return sum(self.answers.get(one, 0) for one in origins)


@dataclass(frozen=True, slots=True)
class Figures:
    days: Sequence[DayFigures]
    """The newest first, those on which nothing happened among them."""
    total: DayFigures
    by_account: Mapping[str, DayFigures] = field(default_factory=dict)
    """The same sum for each account, by its name."""

    @property
    def busy_days(self) -> list[DayFigures]:
        """Those on which something happened."""
        return [one for one in self.days if one != DayFigures(one.day)]
