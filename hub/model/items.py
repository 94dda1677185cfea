"""Listings: what is for sale, and for how much."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from hub.model.content import Picture
from hub.model.ids import PlatformUser

Spec = tuple[tuple[str, str], ...]
"""What a buyer chose or can choose, as name and value: `(("套餐", "月卡"),)`."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One choice among the variants of an item."""

    id: str
    spec: Spec
    price: Decimal | None
    """Yuan."""
    quantity: int | None


@dataclass(frozen=True, slots=True)
class Item:
    """A listing as its page shows it; what the page does not say is None or empty."""

    id: str
    title: str
    description: str = ""
    price: Decimal | None = None
    """Yuan; the lowest one when the page shows a range."""
    highest_price: Decimal | None = None
    """Yuan; the same as `price` when there is only one."""
    quantity: int | None = None
    on_sale: bool | None = None
    seller: PlatformUser | None = None
    pictures: tuple[Picture, ...] = ()
    """The main picture first."""
    variants: tuple[Variant, ...] = ()


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One line of the list of an account's items."""

    id: str
    title: str
    price: Decimal | None
    highest_price: Decimal | None
    on_sale: bool | None
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class ItemPage:
    items: tuple[ListedItem, ...]
    more: bool
    """Another page may follow; whether it does is known when it is asked for."""
