"""How fast one account asks and changes things over HTTP: the platform watches that."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from hub.pacing import Pacer


class Ask(StrEnum):
    """Kinds of calls that are spaced among themselves; one kind never waits for another."""

    WRITE = "write"
    POLISH = "polish"
    ITEM = "item"
    ITEM_LIST = "item_list"
    ORDER = "order"
    ORDER_LOOKUP = "order_lookup"
    ORDER_LIST = "order_list"


@dataclass(frozen=True, slots=True)
class Spacings:
    """Least seconds between two calls of a kind; `jitter`: by which part of it a gap is longer at
    most."""

    write: float = 0.0
    polish: float = 0.0
    item: float = 0.0
    item_list: float = 0.0
    order: float = 0.0
    order_list: float = 0.0
    jitter: float = 0.0


class Pace:
    """One account's turns. It outlives connections: a new one is no reason to be faster."""

    def __init__(self, spacings: Spacings | None = None) -> None:
        gaps = spacings or Spacings()
        self._pacers = {
            ask: Pacer(seconds, jitter=gaps.jitter, patience=math.inf)
            for ask, seconds in (
                (Ask.WRITE, gaps.write),
                (Ask.POLISH, gaps.polish),
                (Ask.ITEM, gaps.item),
                (Ask.ITEM_LIST, gaps.item_list),
                (Ask.ORDER, gaps.order),
                (Ask.ORDER_LOOKUP, gaps.order),
                (Ask.ORDER_LIST, gaps.order_list),
            )
        }

    async def turn(self, ask: Ask) -> None:
        """Wait for the next turn; in the order of asking. Cancelling it takes nobody's turn."""
        await self._pacers[ask].turn("")
