"""Reads prices out of Chinese chat: what a buyer offers, and what we would promise.

A number is a price when its unit says so or when it stands where people put prices. Sizes, times,
models, counts and numbers of orders are none. Nothing here knows what may be agreed to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import zip_longest

from hub.policy.amounts import LONGEST_READ, Number, numbers, plain, squeezed
from hub.policy.price_words import (
    AFTER,
    ALONE,
    ASKED_AFTER,
    ASKED_BEFORE,
    BEFORE,
    BOUND_AFTER,
    BOUND_BEFORE,
    CLAUSE_ENDS,
    COINS,
    COUNT,
    CURRENCY,
    DENIED_AFTER,
    DENIED_BEFORE,
    FOLD,
    FOREIGN_AFTER,
    FOREIGN_BEFORE,
    HALF,
    JOINED_BEFORE,
    LESS_ASKED,
    LESS_PROMISED,
    NO_LESS_AFTER,
    NO_LESS_BEFORE,
    NO_POSTAGE,
    OTHER_UNIT,
    OTHERS,
    POSTAGE,
    POSTAGE_ASKED,
    RANGE,
    REDUCED_BEFORE,
    TOTAL,
)

CENT = Decimal("0.01")
NEAR = 40
"""How far around a number is looked."""
PLAUSIBLE = 4
"""Nobody answers with a price below this part of the listed one."""
LONGEST_PRICE = 6
"""More figures than these without a currency are a number of something."""


class Ask(StrEnum):
    """What a buyer wants of the price."""

    PRICE = "price"
    """A price he names."""
    LESS = "less"
    """Less, without saying how much."""
    POSTAGE = "postage"
    """Free postage."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a buyer offers or asks for."""

    ask: Ask
    amount: Decimal | None = None
    """Yuan for one piece; only a PRICE has one."""
    quantity: int = 1
    """How many pieces the price is for."""
    free_postage: bool = False
    words: str = ""
    """Where it stands in the text."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Something about the price that a text of ours would promise."""

    words: str
    amount: Decimal | None
    """Yuan for one piece; None: a promise without a number."""
    postage: bool = False
    """Free postage is promised; `amount` is None."""


@dataclass(frozen=True, slots=True)
class _Price:
    amount: Decimal | None
    quantity: int
    start: int
    end: int


def read_offer(text: str, listed: Decimal | None) -> Offer | None:
    """The last offer in a buyer's text; None: it is not about a lower price.

    `listed`: the price of one piece, which `九折` and `便宜5块` are reckoned from.
    """
    said = plain(text[:LONGEST_READ])
    postage = POSTAGE.search(said) is not None and NO_POSTAGE.search(said) is None
    prices = _prices(said, listed)
    if prices:
        price = prices[-1]
        words = said[price.start : price.end]
        if price.amount is None:
            return Offer(Ask.LESS, words=words, free_postage=postage)
        return Offer(Ask.PRICE, price.amount, price.quantity, postage, words)
    if found := LESS_ASKED.search(said):
        return Offer(Ask.LESS, words=found[0], free_postage=postage)
    if (found := POSTAGE_ASKED.search(said)) and not OTHERS.search(said):
        return Offer(Ask.POSTAGE, words=found[0], free_postage=True)
    return None


def read_promises(text: str, listed: Decimal | None, title: str = "") -> Sequence[Promise]:
    """Every price, discount and free postage that a text of ours would promise.

    `title`: the item's, whose own numbers (`87键`) are no prices. A text that is too long to be
    read counts as a promise without a number."""
    if len(text) > LONGEST_READ:
        return [Promise(f"{text[:10]}…", None)]
    said = "\n".join(squeezed(line) for line in plain(text).split("\n"))
    prices = _prices(said, listed, eager=True, title=squeezed(plain(title)))
    found = [
        Promise(said[price.start : price.end], price.amount)
        for price in prices
        if not _denied(said, price)
    ]
    for match in LESS_PROMISED.finditer(said):
        before, after, (start, end) = _clause(said, match.start(), match.end())
        numbered = any(start <= price.start < end for price in prices)
        if not (numbered or NO_LESS_BEFORE.search(before) or NO_LESS_AFTER.match(after)):
            found.append(Promise(match[0], None))
    for match in POSTAGE.finditer(said):
        before, _, _ = _clause(said, match.start(), match.end())
        if not NO_LESS_BEFORE.search(before):
            found.append(Promise(match[0], None, postage=True))
    return found


def names_free_postage(text: str) -> bool:
    """Whether an item's own words say that postage is free."""
    said = plain(text)
    return POSTAGE.search(said) is not None and NO_POSTAGE.search(said) is None


def _prices(
    said: str, listed: Decimal | None, *, eager: bool = False, title: str = ""
) -> list[_Price]:
    """`eager`: of what a model wrote, a number that is nothing else is a price as well, if an item
    like this could cost so much."""
    reader = _Reader(said, listed, eager and listed is not None, title)
    all_numbers = list(numbers(said))
    found: list[_Price] = []
    done = 0
    for number, follower in zip_longest(all_numbers, all_numbers[1:]):
        if number.start < done:  # the cents of the price before, or the upper end of a range
            continue
        joined = follower is not None and RANGE.fullmatch(said[number.end : follower.start])
        price = reader.range(number, follower) if joined and follower else reader.price(number)
        if price is not None:
            done = price.end
            found.append(price)
    for match in HALF.finditer(said):
        half = None if listed is None else _cents(listed / 2)
        found.append(_Price(half, 1, match.start(), match.end()))
    return sorted(found, key=lambda price: price.start)


@dataclass(frozen=True, slots=True)
class _Reader:
    said: str
    listed: Decimal | None
    eager: bool
    title: str

    def price(self, number: Number, before: str | None = None) -> _Price | None:
        """`before`: what counts as standing before it, if not what does."""
        before = self._before(number) if before is None else before
        after = self.said[number.end : number.end + NEAR]
        if fold := FOLD.match(after):
            rate = number.value / (10 if number.value < 10 else 100)
            amount = None if self.listed is None else _cents(self.listed * rate)
            return _Price(amount, 1, number.start, number.end + fold.end())
        currency = CURRENCY.match(after)
        marked = currency is not None or before.rstrip().endswith(("¥", "rmb"))
        if not self._is_price(before, after, number, marked=marked):
            return None
        end = number.end + (currency.end() if currency else 0)
        value = number.value
        if currency is not None and (coins := COINS.match(self.said[end : end + NEAR])):
            value, end = value + _coins(coins), end + coins.end()
        if REDUCED_BEFORE.search(before) and (self.listed is None or value < self.listed):
            less = None if self.listed is None else self.listed - value
            return _Price(less, 1, number.start, end)
        too_much = self.listed is not None and value > self.listed
        quantity = _quantity(self.said, number.start, end, total=too_much)
        return _Price(_cents(value / quantity), quantity, number.start, end)

    def range(self, number: Number, follower: Number) -> _Price | None:
        """`20到25之间`: the lower end counts if the upper one is a price."""
        before = self._before(number)
        if number.value >= follower.value or JOINED_BEFORE.search(before):
            return None
        upper = self.price(follower, before)
        return None if upper is None else _Price(number.value, 1, number.start, upper.end)

    def _before(self, number: Number) -> str:
        start = max(0, number.start - NEAR)
        return self.said[start : number.start]

    def _is_price(self, before: str, after: str, number: Number, *, marked: bool) -> bool:
        if number.value <= 0 or FOREIGN_BEFORE.search(before) or FOREIGN_AFTER.match(after):
            return False
        if ASKED_BEFORE.search(before) and ASKED_AFTER.match(after):
            return False
        if marked:
            return True
        if number.figures > LONGEST_PRICE or OTHER_UNIT.match(after):
            return False
        if JOINED_BEFORE.search(before) or (number.spoken and number.value < 10):
            return False
        if self._could_cost(number):
            return True
        alone = ALONE.fullmatch(f"{'字' if len(before) == NEAR else ''}{before}N{after}")
        placed = alone or BEFORE.search(before) or REDUCED_BEFORE.search(before)
        return placed is not None or AFTER.match(after) is not None

    def _could_cost(self, number: Number) -> bool:
        if not self.eager or self.listed is None or self._is_in_title(number):
            return False
        return self.listed / PLAUSIBLE <= number.value < self.listed

    def _is_in_title(self, number: Number) -> bool:
        """Together with what follows it: `87键`."""
        follows = self.said[number.end : number.end + 1]
        return bool(follows.strip()) and self.said[number.start : number.end + 1] in self.title


def _quantity(said: str, start: int, end: int, *, total: bool) -> int:
    """How many pieces a price is for: those named beside it, or anywhere if it is a
    total, as more than one piece costs is."""
    counts = [
        (count, match)
        for match in COUNT.finditer(said)
        if (match.end() <= start or match.start() >= end) and (count := _count(match["count"]))
    ]
    for count, match in counts:
        between = said[match.end() : start] if match.end() <= start else said[end : match.start()]
        if len(between) <= 5 and not CLAUSE_ENDS.search(between):
            return count
    total = total or TOTAL.search(said) is not None
    return max((count for count, _ in counts), default=1) if total else 1


def _count(said: str) -> int:
    found = next(numbers(said), None)
    return int(found.value) if found is not None and 0 < found.value <= 1000 else 0


def _coins(match: re.Match[str]) -> Decimal:
    """What stands behind `块`: tenths, or hundredths when there are two figures."""
    figures = next(numbers(match["coins"]))
    return figures.value / (10 if figures.value < 10 else 100)


def _denied(said: str, price: _Price) -> bool:
    """`15卖不了`. What names a bound (`低于15不卖`) promises the bound."""
    before, after, _ = _clause(said, price.start, price.end)
    if BOUND_BEFORE.search(before) or BOUND_AFTER.match(after):
        return False
    return DENIED_BEFORE.search(before) is not None or DENIED_AFTER.match(after) is not None


def _clause(said: str, start: int, end: int) -> tuple[str, str, tuple[int, int]]:
    """What stands before and behind it in its clause, and where the clause lies."""
    first = max((match.end() for match in CLAUSE_ENDS.finditer(said, 0, start)), default=0)
    stop = CLAUSE_ENDS.search(said, end)
    last = stop.start() if stop is not None else len(said)
    return said[first:start], said[end:last], (first, last)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
