"""One order after the other: its units, its cards, what its buyer saw, what people chose.

What a person had sent once more is the same card once more: a command allows one further showing of
what this unit has, never of another card, and repeated lines of QQ allow none. A card that was
voided may be followed by another one. What a supplier was asked for again needs a command, too.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from hub.model import (
    CardState,
    Choice,
    Delivery,
    DeliveryState,
    DeliveryStep,
    Need,
    NeedKind,
    Pool,
    PoolKind,
    ShopId,
    StepOrder,
    StockCard,
    StoryLine,
)
from hub.sandbox.orders import Order
from hub.store import Tx
from tests.faults.market import IN_STOCK, REFUND_STEP, WARES, Market, Ware, written_for
from tests.faults.supplier import ONCE, key_of

S = DeliveryState
GIVEN = (S.SENT, S.CONFIRMED)
CODE = re.compile("|".join(rf"{ware.codes}-\d{{4}}" for ware in WARES.values() if ware.codes))
PAID_STEPS = ("paid", "bargain_done")
ENOUGH = (Choice.DONE, Choice.READ, Choice.SHIP)
"""Answers after which an order without units may stay as it is, and nobody is asked any more."""
_Unit = tuple[str, int]
"""Number of an order, and which of its pieces."""


@dataclass(frozen=True, slots=True)
class Goods:
    """The hub's side of it at one moment."""

    ledger: dict[str, list[Delivery]]
    times: dict[_Unit, list[list[str]]]
    """The `uuid`s of the messages of each unit, time by time."""
    cards: dict[str, StockCard]
    """By code."""
    had: dict[str, set[_Unit]]
    """All units that a card was ever tied to, by code."""
    pools: list[Pool]
    needs: dict[str, list[Need]]
    """Open ones, by order."""
    stories: dict[str, list[StoryLine]]
    stopped: bool
    """Deliveries of the shop are."""

    def tied_to(self, unit: _Unit) -> list[StockCard]:
        return [
            card
            for card in self.cards.values()
            if card.unit is not None and (card.unit.order, card.unit.unit) == unit
        ]

    def voided_of(self, unit: _Unit) -> set[str]:
        """Codes that this unit had and that are void."""
        return {
            code
            for code, units in self.had.items()
            if unit in units and self.cards[code].state is CardState.VOID
        }


async def look(market: Market) -> Goods:
    orders = list(market.wares)

    def unit(tx: Tx, shop: ShopId) -> Goods:
        (account,) = tx.accounts.all(shop)
        pools = tx.pools.all(shop)
        cards = [c for p in pools for c in tx.card_records.page(shop, p.id, limit=10 * IN_STOCK)]
        had: dict[str, set[_Unit]] = defaultdict(set)
        for card in cards:
            for event in tx.card_records.history(shop, card.id):
                if event.unit is not None:
                    had[card.code].add((event.unit.order, event.unit.unit))
        return Goods(
            {id: tx.deliveries.of_order(shop, account.id, id) for id in orders},
            {
                (id, one.unit.unit): times
                for id in orders
                for one, times in written_for(tx, shop, id)
            },
            {card.code: card for card in cards},
            had,
            pools,
            {id: tx.needs.open_about(shop, account.id, id) for id in orders},
            {id: tx.orders.story(shop, account.id, id) for id in orders},
            bool(tx.stops.all(shop)),
        )

    found: Goods = await market.town.read(unit)
    return found


def decided(market: Market, order: str, unit: Delivery) -> bool:
    """Whether a person ended this unit: nobody is asked about it any more."""
    people = market.people
    match unit.state:
        case S.FAILED:
            return people.chose(order, Choice.REFUSE)
        case S.OUTSIDE:
            return people.chose(order, Choice.OUTSIDE, Choice.SHIP)
        case S.RELEASED:
            return people.chose(order, Choice.RELEASE, Choice.REFUSE)
        case S.SENT | S.RESERVED:  # its need was answered with "I know", or its siblings ended
            return people.chose(
                order, Choice.DONE, Choice.SHIP, Choice.REFUSE, Choice.RELEASE, Choice.OUTSIDE
            )
        case _:
            return False


def told_lost(goods: Goods, order: str, unit: int) -> bool:
    """Whether the story says of this unit that the supplier may have given what nobody got."""
    return any(
        line.unit == unit
        and (
            line.step is DeliveryStep.UNSUPPLIED
            or (line.step is DeliveryStep.RELEASED and "供货方" in line.detail)
        )
        for line in goods.stories[order]
    )


@dataclass
class Line:
    """A unit of an order, seen from all sides."""

    market: Market
    order: Order
    goods: Goods
    unit: Delivery
    ware: Ware
    phone: Counter[str]
    """The codes that were shown in its conversation."""
    on_phones: set[str]
    cards: list[StockCard] = field(init=False)
    good: list[StockCard] = field(init=False)
    """Those that are not void."""
    voided: set[str] = field(init=False)
    seen: set[str] = field(init=False)
    """Codes that this unit has or had, on the buyer's phone."""

    def __post_init__(self) -> None:
        id = (self.order.id, self.unit.unit.unit)
        self.cards = self.goods.tied_to(id)
        self.voided = self.goods.voided_of(id)
        self.good = [one for one in self.cards if one.state is not CardState.VOID]
        self.seen = {c for c in {x.code for x in self.cards} | self.voided if c in self.phone}

    def __str__(self) -> str:
        states = {one.code: one.state.value for one in self.cards}
        return (
            f"unit {self.unit.unit.unit} is {self.unit.state}, cards {states},"
            f" voided {sorted(self.voided)}, seen {sorted(self.seen)}"
        )

    @property
    def kind(self) -> PoolKind | None:
        """Of the pool that it is served from."""
        found = [one.kind for one in self.goods.pools if one.id == self.unit.pool]
        return found[0] if found else None

    @property
    def wanted(self) -> int:
        """How many cards it is."""
        if self.kind not in (PoolKind.CODES, PoolKind.API):
            return 0
        names = [one.name for one in self.goods.pools if one.id == self.unit.pool]
        usual = WARES[names[0]] is self.ware
        return self.ware.cards if usual else 1

    @property
    def asked(self) -> bool:
        return bool(self.goods.needs[self.order.id])

    @property
    def refunded(self) -> bool:
        return REFUND_STEP in self.order.story or "closed" in self.order.story

    def broken(self) -> list[str]:
        return [*self._too_often(), *([] if self._is_right() else [str(self)])]

    def _too_often(self) -> list[str]:
        """Each showing beyond the first needs a person, and shows the same."""
        found, allowed = [], 1 + self.market.people.resends(self.order.id)
        times = self.goods.times.get((self.order.id, self.unit.unit.unit), [])
        arrived = sum(any(uuid in self.on_phones for uuid in uuids) for uuids in times)
        if arrived > allowed:
            found.append(f"{self}: its messages arrived {arrived} times, {allowed} were allowed")
        if len(self.seen) > self.wanted + len(self.voided):
            found.append(f"{self}: that is {len(self.seen)} cards instead of {self.wanted}")
        for code in self.voided - self.market.people.voided:
            if self.goods.cards[code].batch is not None:
                found.append(f"{self}: nobody voided {code}")
        return found

    def _is_right(self) -> bool:
        states = {one.state for one in self.good}
        complete = len(self.good) == self.wanted or (
            len(self.good) < self.wanted <= len(self.good) + len(self.voided)
        )
        ended = decided(self.market, self.order.id, self.unit)
        over = {CardState.DISPUTED} if self.refunded else set()
        match self.unit.state:
            case S.SENT | S.CONFIRMED:
                return (
                    complete
                    and self._has_all()
                    and states <= {CardState.HANDED_OVER} | over
                    and (self.unit.state is S.CONFIRMED or self.refunded or self.asked or ended)
                )
            case S.REVIEW:
                known = self.refunded and self.market.people.chose(self.order.id, Choice.DONE)
                return complete and states <= {CardState.RESERVED} and (self.asked or known)
            case S.RELEASED:
                return self._nothing_left_behind() and (ended or self.refunded)
            case S.PENDING:
                return self._nothing_left_behind() and self.asked
            case S.RESERVED:
                return (
                    complete
                    and states <= {CardState.RESERVED}
                    and not self.seen
                    and (self._waits_for_others() or ended)
                )
            case S.FAILED | S.OUTSIDE:
                elsewhere = self.unit.state is S.OUTSIDE and "shipped" in self.order.story
                return states <= {CardState.RESERVED} and (ended or elsewhere)
            case _:
                return False

    def _waits_for_others(self) -> bool:
        """For the mark at the platform, or for units that lack their cards: all leave, or none."""
        kinds = {one.kind for one in self.goods.needs[self.order.id]}
        siblings = {one.state for one in self.goods.ledger[self.order.id]}
        return NeedKind.SHIP_FAILED in kinds or (S.PENDING in siblings and bool(kinds))

    def _has_all(self) -> bool:
        """The buyer has everything that one time of sending held, and every card of the unit. Of
        messages that say the same, nobody can tell which one arrived."""
        sends = [
            one
            for one in self.market.town.sandbox.im.sends
            if one.conversation == self.order.conversation
        ]
        words = {one.uuid: one.text for one in sends}
        there = Counter(text for uuid, text in words.items() if uuid in self.on_phones)
        times = self.goods.times.get((self.order.id, self.unit.unit.unit), [])
        whole = any(
            uuids and words.keys() >= set(uuids) and Counter(words[uuid] for uuid in uuids) <= there
            for uuids in times
        )
        return whole and all(one.code in self.phone for one in self.good)

    def _nothing_left_behind(self) -> bool:
        """No card is tied to it but what a supplier gave for it."""
        return all(one.batch is None and one.state is CardState.RESERVED for one in self.good)


def broken_of_order(market: Market, order: Order, goods: Goods, phone: Counter[str]) -> list[str]:
    units, needs = goods.ledger[order.id], goods.needs[order.id]
    ware, on_phones = market.wares[order.id], market.on_phones()
    lines = [Line(market, order, goods, one, ware, phone, on_phones) for one in units]
    people = market.people.about(order.id)
    ended = bool(units) and all(decided(market, order.id, one) for one in units)
    found = [f"marked as shipped {order.story.count('shipped')} times"] * (
        order.story.count("shipped") > 1
    )
    if not any(step in order.story for step in PAID_STEPS):
        seen = [line for line in lines if line.seen or line.cards]
        return found + ["not paid, and in the ledger"] * bool(seen or (units and not ended))
    if not units:
        if not needs and REFUND_STEP not in order.story and "closed" not in order.story:
            done = market.people.chose(order.id, *ENOUGH)
            found += ["paid and forgotten"] * (not done)
        return found
    if ware.kind is None and not people:
        found.append("no rule, and in the ledger")
    found += _pieces(order, ware, units, by_people=bool(people))
    for line in lines:
        found += line.broken()
        found += _supplied(market, line)
    return found + _shipped(order, units, needs, ware.steps, people=bool(people))


def _pieces(order: Order, ware: Ware, units: list[Delivery], *, by_people: bool) -> list[str]:
    """Each piece is a unit. Who delivers from a pool of another kind, or ends an order before
    anything was owed for it, makes units of his own."""
    numbers = [one.unit.unit for one in units]
    pieces = 1 if ware.one_piece else order.quantity
    if numbers == list(range(1, pieces + 1)):
        return []
    if by_people and numbers in ([1], list(range(1, order.quantity + 1))):
        return []
    return [f"{pieces} pieces, units {numbers}"]


def _shipped(
    order: Order, units: list[Delivery], needs: list[Need], steps: StepOrder, *, people: bool
) -> list[str]:
    """The platform shows `shipped` exactly for what is confirmed. What is confirmed first may be
    refused or lost afterwards; then a person is asked. A person may mark it as shipped, too."""
    shipped = "shipped" in order.story
    confirmed = [one.state is S.CONFIRMED for one in units]
    if any(confirmed) and not shipped:
        return ["confirmed, and not shipped at the platform"]
    if shipped and not all(confirmed) and not people:
        first = steps is StepOrder.CONFIRM_THEN_SEND
        left = [one.state for one in units if one.state is not S.CONFIRMED]
        if not first or not (needs or REFUND_STEP in order.story):
            return [f"shipped at the platform, units {left}"]
    return []


# --- the supplier's count ---


def _supplied(market: Market, line: Line) -> list[str]:
    """What a supplier handed out for this unit: once, unless a person had it asked again; and each
    card is ours, or the story says that one may be missing."""
    found, unit = [], (line.order.id, line.unit.unit.unit)
    key = key_of(*unit)
    for (door, of), given in market.supplier.given.items():
        if of != key:
            continue
        allowed = 1 + market.people.asked_again(line.order.id) if door == ONCE else 1
        if len(given) > allowed:
            found.append(f"{line}: the supplier gave {given}, {allowed} were allowed")
        for code in given:
            card = line.goods.cards.get(code)
            if card is None:
                if not told_lost(line.goods, *unit):
                    found.append(f"{line}: {code} was fetched and nobody knows of it")
            elif unit not in line.goods.had[code]:
                found.append(f"{line}: {code} was given for it and went elsewhere")
    return found
