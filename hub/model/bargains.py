"""Bargaining: how far a price may fall, and what was said to whom about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hub.model.ids import AccountId, MessageId, PlatformUser, ShopId


class FloorKind(StrEnum):
    ABSOLUTE = "absolute"
    """So many yuan for one piece, whatever it is listed at."""
    PERCENT = "percent"
    """At most so many per cent off the listed price."""
    AMOUNT = "amount"
    """At most so many yuan off the listed price."""


@dataclass(frozen=True, slots=True)
class Floor:
    """How far a price may fall. A value of 0 means: not at all, whatever the kind."""

    kind: FloorKind
    value: Decimal


@dataclass(frozen=True, slots=True)
class StoredFloor:
    """A floor and what it is for."""

    shop: ShopId
    account: AccountId | None
    """None: for the shop."""
    item: str | None
    """None: for every item that has none of its own."""
    floor: Floor
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Bargain:
    """What was said with one buyer about the price of one item."""

    account: AccountId
    buyer: PlatformUser
    item: str
    rounds: int
    """How often he asked for less since `since`."""
    since: datetime
    offered: Decimal | None
    """The offer, for one piece, that a person was asked about last; None: none with a number."""
    countered: Decimal | None
    """What was last named to him."""
    agreed: Decimal | None
    """The price for one piece that was promised to him."""
    changed_at: datetime
    message: MessageId | None = None
    """What he said last of it, so that nothing counts twice."""
