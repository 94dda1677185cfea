"""Stock: pools, the cards in them, and for which order a card left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hub.model.ids import AccountId, BatchId, CardId, MemberId, PoolId, ShopId


class PoolKind(StrEnum):
    CODES = "codes"
    """One card per sale, each handed out once."""
    TEXT = "text"
    """The same text for every buyer."""
    IMAGE = "image"
    """The same pictures for every buyer."""
    API = "api"
    """A supplier is asked for each sale."""


class CardState(StrEnum):
    AVAILABLE = "available"
    RESERVED = "reserved"
    HANDED_OVER = "handed_over"
    VOID = "void"
    DISPUTED = "disputed"
    """Handed over, and the buyer wants the money back."""


class StockLevel(StrEnum):
    """How much a pool of codes has left, from the best to the worst."""

    FINE = "fine"
    LOW = "low"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class CardCounts:
    available: int = 0
    reserved: int = 0
    handed_over: int = 0
    void: int = 0
    disputed: int = 0

    @property
    def total(self) -> int:
        return self.available + self.reserved + self.handed_over + self.void + self.disputed


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A picture in the data folder, named by what it holds."""

    name: str
    media_type: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Pool:
    """What cards are drawn from. How a supplier is asked is no part of it: that holds secrets, and
    the store hands it out apart."""

    id: PoolId
    shop: ShopId
    name: str
    kind: PoolKind
    enabled: bool
    template: str
    """Words around the card; empty: the card alone."""
    note: str
    low_at: int
    """Owners are told when as many cards or fewer are left; 0: only when none is."""
    text: str
    """What a text pool hands out."""
    pictures: tuple[StoredPicture, ...]
    """What an image pool hands out."""
    counts: CardCounts
    told: StockLevel
    """The level that owners know of."""
    version: int
    """Another number after each change by a person; guards against changes that cross."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OrderUnit:
    """One piece of one order: what cards are reserved for, at most once."""

    account: AccountId
    order: str
    unit: int


@dataclass(frozen=True, slots=True)
class StockCard:
    id: CardId
    shop: ShopId
    pool: PoolId
    code: str = field(repr=False)
    state: CardState
    batch: BatchId | None
    """None: fetched from a supplier for one order."""
    note: str
    expires_at: datetime | None
    unit: OrderUnit | None
    """For whom it is reserved, or who got it."""
    created_at: datetime
    changed_at: datetime
    handed_over_at: datetime | None

    @property
    def masked(self) -> str:
        return masked(self.code)


@dataclass(frozen=True, slots=True)
class Cause:
    """Who changes a card, through which door, and why. `member` None: the hub itself."""

    member: MemberId | None
    door: str
    why: str = ""


class CardStep(StrEnum):
    """What happened to a card."""

    RESERVED = "reserved"
    FETCHED = "fetched"
    HANDED_OVER = "handed_over"
    RELEASED = "released"
    VOID = "void"
    EXPIRED = "expired"
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class CardEvent:
    """One line of a card's history."""

    step: CardStep
    cause: Cause
    unit: OrderUnit | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Cards that were added together."""

    id: BatchId
    pool: PoolId
    label: str
    added: int
    cause: Cause
    at: datetime


@dataclass(frozen=True, slots=True)
class SupplierCall:
    """How a supplier is asked for a card. All of it is sealed at rest: addresses and bodies hold
    keys as often as headers do."""

    url: str = field(repr=False)
    method: str = "GET"
    """GET or POST."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    body: str = field(default="", repr=False)
    """JSON with placeholders in its texts; sent by POST only."""
    content_path: str = "$.data"
    """Where the card lies in the answer."""
    success_path: str = ""
    """Where the answer says whether it worked; empty: a card in its place is proof enough."""
    success_values: tuple[str, ...] = ()
    """The texts there that mean yes."""
    timeout_seconds: float = 10.0
    repeatable: bool = False
    """The supplier gives the same card for the same idempotency key, so asking again is safe."""
    key_header: str = "Idempotency-Key"
    allow_private: bool = False
    """The address may lie in the own network."""


_SHOWN = 2


def masked(code: str) -> str:
    """Enough to recognise a code by, too little to use it: `ab…yz`."""
    shown = min(_SHOWN, (len(code) - 3) // 2)
    return f"{code[:shown]}…{code[-shown:]}" if shown > 0 else "…"
