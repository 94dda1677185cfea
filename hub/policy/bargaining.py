"""How far a price may fall, what a buyer's offer is answered, and which texts promise too much.

All amounts are yuan for one piece. A floor is enforced here and nowhere else (L42).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum

from hub.model import Bargain, Floor, FloorKind
from hub.policy.amounts import plain
from hub.policy.output_guard import Hit, HitKind
from hub.policy.prices import Ask, Offer, Promise, read_promises

CENT, TENTH, YUAN = Decimal("0.01"), Decimal("0.1"), Decimal(1)
WHOLE_FROM = Decimal(10)
"""Prices from here on are named in whole yuan, if that is not below the floor."""


class BargainMove(StrEnum):
    ACCEPT = "accept"
    COUNTER = "counter"
    REFUSE = "refuse"
    ASK_PERSON = "ask_person"


@dataclass(frozen=True, slots=True)
class ItemTerms:
    """What is known of an item's price."""

    listed: Decimal | None
    """None: unknown, or different for its choices."""
    floor: Floor | None
    """The item's own, else its account's, else the shop's; None: nothing is set."""
    prices: tuple[Decimal, ...] = ()
    """Every price that its page shows: naming one of them is no discount."""
    free_postage: bool = False
    """Its page says so."""
    title: str = ""

    @property
    def least(self) -> Decimal | None:
        """The lowest price that may be promised; None: it cannot be told."""
        return floor_price(self.listed, self.floor)


@dataclass(frozen=True, slots=True)
class BargainVerdict:
    """What is answered to an offer."""

    move: BargainMove
    price: Decimal | None
    """What is accepted or countered with; for a refusal what it costs, if that is known."""
    reason: str
    """For the decision and the operator, in Chinese."""


def floor_price(listed: Decimal | None, floor: Floor | None) -> Decimal | None:
    """Nothing set, and 0, mean: no discount. A fraction of a cent is rounded up."""
    if floor is None or floor.value <= 0:
        return listed
    if floor.kind is FloorKind.ABSOLUTE:
        return floor.value if listed is None else min(floor.value, listed)
    if listed is None:
        return None
    off = listed * floor.value / 100 if floor.kind is FloorKind.PERCENT else floor.value
    return max(CENT, (listed - off).quantize(CENT, ROUND_CEILING))


def in_window(bargain: Bargain | None, window: timedelta, now: datetime) -> Bargain | None:
    """What was said before counts for so long after its first round (L43)."""
    return bargain if bargain is not None and now - bargain.since < window else None


def decide_offer(
    offer: Offer,
    terms: ItemTerms,
    bargain: Bargain | None,
    *,
    most_rounds: int,
) -> BargainVerdict:
    """`bargain`: what was said before and still counts, without this offer."""
    listed, least = terms.listed, terms.least
    if offer.ask is Ask.POSTAGE:
        return _about_postage(terms)
    if listed is None or least is None:
        return BargainVerdict(BargainMove.ASK_PERSON, None, "不知道这件商品的标价，还价要人来定")
    if offer.free_postage and not terms.free_postage and offer.amount is not None:
        reason = f"买家出 {yuan(offer.amount)} 元还要包邮，邮费要人来定"
        return BargainVerdict(BargainMove.ASK_PERSON, listed, reason)
    if bargain is not None and bargain.agreed is not None:
        return _after_agreement(offer, min(bargain.agreed, listed))
    rounds = bargain.rounds if bargain is not None else 0
    if offer.amount is not None and offer.amount >= least:
        price = min(offer.amount, listed)
        return BargainVerdict(BargainMove.ACCEPT, price, f"买家出 {yuan(price)} 元，不低于底价")
    if least >= listed:
        return BargainVerdict(BargainMove.REFUSE, listed, "这件商品没有设可以让的价，不降价")
    if rounds >= most_rounds:
        return BargainVerdict(BargainMove.REFUSE, listed, f"已经还过 {rounds} 轮价，不再降")
    if offer.amount is not None:
        reason = f"买家出 {yuan(offer.amount)} 元，低于底价 {yuan(least)} 元"
        return BargainVerdict(BargainMove.ASK_PERSON, listed, reason)
    price = _step(listed, least, rounds + 1, most_rounds)
    if bargain is not None and bargain.countered is not None:
        price = max(least, min(price, bargain.countered))
    return BargainVerdict(
        BargainMove.COUNTER, price, f"第 {rounds + 1} 轮还价，报 {yuan(price)} 元"
    )


def check_promises(text: str, terms: ItemTerms, bargain: Bargain | None = None) -> Sequence[Hit]:
    """What a text that would go out by itself promises and may not. Empty: nothing.

    What a person agreed to with this buyer may be said, even below the floor.
    """
    listed = terms.listed or max(terms.prices, default=None)
    least = floor_price(listed, terms.floor)
    if bargain is not None and bargain.agreed is not None:
        least = bargain.agreed if least is None else min(least, bargain.agreed)
    found = [_broken(one, least, terms) for one in read_promises(text, listed, terms.title)]
    return [hit for hit in found if hit is not None]


def yuan(amount: Decimal) -> str:
    """`18`, `18.5`, `18.25`."""
    return format(amount.quantize(CENT).normalize(), "f")


def _about_postage(terms: ItemTerms) -> BargainVerdict:
    if terms.free_postage:
        return BargainVerdict(BargainMove.ACCEPT, terms.listed, "商品页写着包邮")
    return BargainVerdict(BargainMove.REFUSE, terms.listed, "商品页没有写包邮，不能答应")


def _after_agreement(offer: Offer, agreed: Decimal) -> BargainVerdict:
    if offer.amount is not None and offer.amount >= agreed:
        return BargainVerdict(BargainMove.ACCEPT, agreed, f"之前已经谈好 {yuan(agreed)} 元")
    return BargainVerdict(BargainMove.REFUSE, agreed, f"之前已经谈好 {yuan(agreed)} 元，不再降")


def _step(listed: Decimal, least: Decimal, number: int, most: int) -> Decimal:
    """Round by round from the listed price to the floor, which the last round names."""
    exact = listed - (listed - least) * number / most
    unit = YUAN if listed >= WHOLE_FROM else TENTH
    rounded = exact.quantize(unit, ROUND_CEILING)
    return rounded if least <= rounded < listed else max(least, exact.quantize(CENT, ROUND_CEILING))


def _broken(promise: Promise, least: Decimal | None, terms: ItemTerms) -> Hit | None:
    if promise.postage:
        if terms.free_postage:
            return None
        return Hit(HitKind.PRICE, promise.words, f"答应了包邮「{promise.words}」，商品页没有写")
    if promise.amount is None:
        return Hit(HitKind.PRICE, promise.words, f"答应了降价「{promise.words}」，没说降到多少")
    if promise.amount in terms.prices:
        return None
    if least is None:
        return Hit(HitKind.PRICE, promise.words, f"报了价「{promise.words}」，不知道标价是多少")
    if promise.amount < least:
        reason = (
            f"报了「{promise.words}」，每件 {yuan(promise.amount)} 元，低于底价 {yuan(least)} 元"
        )
        return Hit(HitKind.PRICE, promise.words, reason)
    return None


# --- What owners write ---

_FLOOR = re.compile(
    r"(?P<off>减|降|便宜|让|-)?\s*(?P<value>\d{1,8}(?:\.\d{1,2})?)\s*(?P<unit>元|块钱?|%|折)?"
)
_NEVER = ("不降", "不降价", "不讲价", "不议价", "不刀")
MOST_YUAN = Decimal(1_000_000)


def parse_floor(words: str) -> Floor | None:
    """`18`, `18元`: the lowest price; `10%`, `9折`: so much off; `减5`: so many yuan off; `0`,
    `不降价`: nothing off. None: it is none of these."""
    said = plain(words).strip()
    if said in _NEVER:
        return Floor(FloorKind.AMOUNT, Decimal(0))
    match = _FLOOR.fullmatch(said.removeprefix("¥").strip())
    if match is None:
        return None
    value, off, unit = Decimal(match["value"]), match["off"], match["unit"]
    if value > MOST_YUAN:
        return None
    if unit == "%":
        return Floor(FloorKind.PERCENT, value) if value < 100 else None
    if unit == "折":
        rate = value * 10 if value < 10 else value
        return None if off or not 0 < rate <= 100 else Floor(FloorKind.PERCENT, 100 - rate)
    if off or value == 0:
        return Floor(FloorKind.AMOUNT, value)
    return Floor(FloorKind.ABSOLUTE, value)


def parse_price(words: str) -> Decimal | None:
    """`18`, `¥18.50`, `18元`; None: no price that can be asked for."""
    match = re.fullmatch(r"¥?\s*(\d{1,7}(?:\.\d{1,2})?)\s*(?:元|块钱?)?", plain(words).strip())
    value = Decimal(match[1]) if match is not None else Decimal(0)
    return value.quantize(CENT) if 0 < value <= MOST_YUAN else None
