"""What must hold of orders, cards and the ledger, whatever broke.

`unserved` says what is still to come, `broken` what must not have happened: the ledger, the cards
and the buyers' phones are compared line by line.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field

import pytest

from hub.model import (
    CardState,
    Delivery,
    DeliveryState,
    Need,
    NeedKind,
    Origin,
    Pool,
    ShopId,
    StepOrder,
    StockCard,
)
from hub.sandbox.orders import Order, State
from hub.store import Tx
from tests.faults import promises
from tests.faults.market import IN_STOCK, REFUND_STEP, WARES, Market

S = DeliveryState
GIVEN = (S.SENT, S.CONFIRMED)
CODE = re.compile("|".join(rf"{ware.codes}-\d{{4}}" for ware in WARES.values() if ware.codes))
SETTLE_SECONDS = 200.0
"""What nobody was told of is looked for after two minutes only."""
PAID_STEPS = ("paid", "bargain_done")


@dataclass
class Figures:
    """What a day came to; days add up."""

    orders: int = 0
    paid: int = 0
    units: int = 0
    """Units of orders in the ledger."""
    kills: int = 0
    confirmed: int = 0
    uncertain: int = 0
    """Messages that nobody knows about."""
    refused: int = 0
    """Messages that the platform refused."""
    review: int = 0
    """Units that wait for a person."""
    refunds: int = 0
    seen: int = 0
    """Cards on buyers' phones."""

    def add(self, other: Figures) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        return ", ".join(f"{value} {name}" for name, value in vars(self).items())


TALLY = pytest.StashKey[Figures]()
"""What all days came to."""


@dataclass(frozen=True, slots=True)
class Goods:
    """The hub's side of it at one moment."""

    ledger: dict[str, list[Delivery]]
    cards: dict[str, StockCard]
    """By code."""
    pools: list[Pool]
    needs: dict[str, list[Need]] = field(default_factory=dict)
    """Open ones, by order."""

    def of_unit(self, unit: Delivery) -> list[StockCard]:
        return [
            card
            for card in self.cards.values()
            if card.unit is not None
            and (card.unit.order, card.unit.unit) == (unit.unit.order, unit.unit.unit)
        ]


async def look(market: Market) -> Goods:
    orders = list(market.wares)

    def unit(tx: Tx, shop: ShopId) -> Goods:
        (account,) = tx.accounts.all(shop)
        pools = tx.pools.all(shop)
        cards = [c for p in pools for c in tx.card_records.page(shop, p.id, limit=10 * IN_STOCK)]
        return Goods(
            {id: tx.deliveries.of_order(shop, account.id, id) for id in orders},
            {card.code: card for card in cards},
            pools,
            {id: tx.needs.open_about(shop, account.id, id) for id in orders},
        )

    found: Goods = await market.town.read(unit)
    return found


# --- what is still to come ---


async def unserved(market: Market) -> list[str]:
    """Paid orders for which the hub still has to do something."""
    goods = await look(market)
    return [
        f"order {number} ({order.id}) is {order.state}, its units {states}, needs {needs}"
        for number, order in market.orders.items()
        if (states := [one.state.value for one in goods.ledger[order.id]]) is not None
        and (needs := [one.kind.value for one in goods.needs[order.id]]) is not None
        and _waits(order, goods, served=bool(market.wares[order.id].codes))
    ]


def _waits(order: Order, goods: Goods, *, served: bool) -> bool:
    if order.refunding or order.state in (State.UNPAID, State.CLOSED):
        return any(one.state in (S.SENDING, S.RESERVED) for one in goods.ledger[order.id])
    if order.state is State.BARGAIN:  # ended by us only where a rule serves it
        return served and not goods.needs[order.id] and not order.refunded
    units = goods.ledger[order.id]
    done = bool(units) and all(one.state is S.CONFIRMED for one in units)
    moving = any(one.state is S.SENDING for one in units)
    return not done and (moving or not goods.needs[order.id])


async def settle(market: Market) -> None:
    async def left() -> list[str]:
        await market.town.mend_accounts()
        return [*await promises.unsettled(market.town), *await unserved(market)]

    await market.town.nothing_left(left, "everything to be settled", SETTLE_SECONDS)


# --- what must not have happened ---


async def broken(market: Market) -> list[str]:
    """Promises that were not kept, when everything is settled."""
    goods = await look(market)
    phones = _phones(market)
    return [
        *await promises.broken(market.town),
        *_no_code_twice(market, goods, phones),
        *_stock_adds_up(goods),
        *_codes_stay_secret(market),
        *[
            f"order {number} ({order.id}, {order.story}): {what}"
            for number, order in market.orders.items()
            for what in _order(market, order, goods, phones[order.conversation])
        ],
    ]


def _phones(market: Market) -> dict[str, list[str]]:
    """The codes on the buyers' phones, by conversation, in their order."""
    phones: dict[str, list[str]] = defaultdict(list)
    for conversation in market.town.conversations():
        for message in conversation.messages:
            if message.own:
                phones[conversation.id] += CODE.findall(message.summary)
    return phones


def _no_code_twice(market: Market, goods: Goods, phones: dict[str, list[str]]) -> list[str]:
    """Each code that a buyer saw was shown once, belongs to an order of that conversation, and is
    not for sale any more."""
    found = []
    where = {order.id: order.conversation for order in market.orders.values()}
    times = Counter(code for codes in phones.values() for code in codes)
    found += [f"{code} was shown {count} times" for code, count in times.items() if count > 1]
    for conversation, codes in phones.items():
        for code in codes:
            card = goods.cards.get(code)
            if card is None or card.unit is None:
                found.append(f"{code} was shown and is tied to no order")
            elif where.get(card.unit.order) != conversation:
                found.append(f"{code} of order {card.unit.order} reached another conversation")
            elif card.state not in (CardState.HANDED_OVER, CardState.DISPUTED, CardState.RESERVED):
                found.append(f"{code} was shown and is {card.state}")
    return found


def _stock_adds_up(goods: Goods) -> list[str]:
    """No card is lost, and the numbers of each pool are true."""
    found = []
    for pool in goods.pools:
        states = Counter(one.state for one in goods.cards.values() if one.pool == pool.id)
        told = {state: getattr(pool.counts, state.value) for state in CardState}
        if sum(states.values()) != IN_STOCK:
            found.append(f"pool {pool.name} has {sum(states.values())} cards")
        if any(told[state] != states[state] for state in CardState):
            found.append(f"pool {pool.name} counts {told}, there are {dict(states)}")
    return found


def _codes_stay_secret(market: Market) -> list[str]:
    return [
        f"the owner's chat shows a code: {line.text!r}"
        for line in market.town.notices()
        if CODE.search(line.text)
    ]


def _order(market: Market, order: Order, goods: Goods, phone: list[str]) -> list[str]:
    units, needs = goods.ledger[order.id], goods.needs[order.id]
    ware = market.wares[order.id]
    found = [f"marked as shipped {order.story.count('shipped')} times"] * (
        order.story.count("shipped") > 1
    )
    if not any(step in order.story for step in PAID_STEPS):
        return found + ["not paid, and in the ledger"] * bool(units)
    if not ware.codes:
        found += ["no rule, and in the ledger"] * bool(units)
        found += ["nobody was asked"] * (not needs and REFUND_STEP not in order.story)
        return found
    if not units:
        return found + ["paid and forgotten"] * (REFUND_STEP not in order.story and not needs)
    if [one.unit.unit for one in units] != list(range(1, order.quantity + 1)):
        found.append(f"{order.quantity} pieces, units {[one.unit.unit for one in units]}")
    for unit in units:
        found += _unit(order, unit, goods, phone, ware.cards)
    return found + _shipped(order, units, needs, ware.steps) + _refund(market, order, goods)


def _unit(order: Order, unit: Delivery, goods: Goods, phone: list[str], wanted: int) -> list[str]:
    """One line of the ledger, with its cards and what the buyer saw of them."""
    cards, needs = goods.of_unit(unit), goods.needs[order.id]
    seen = [card.code for card in cards if card.code in phone]
    states = {card.state for card in cards}
    what = f"unit {unit.unit.unit} is {unit.state}, cards {sorted(states)}, seen {seen}"
    match unit.state:
        case S.SENT | S.CONFIRMED:
            asked = REFUND_STEP in order.story
            right = (
                len(cards) == len(seen) == wanted
                and states <= {CardState.HANDED_OVER} | ({CardState.DISPUTED} if asked else set())
                and (unit.state is S.CONFIRMED or asked or bool(needs))
            )
        case S.REVIEW:
            right = len(cards) == wanted and states == {CardState.RESERVED} and bool(needs)
        case S.RELEASED:
            right = not cards and REFUND_STEP in order.story
        case S.PENDING:
            right = not cards and bool(needs)
        case S.RESERVED:
            kinds = {one.kind for one in needs}
            right = (
                len(cards) == wanted
                and states == {CardState.RESERVED}
                and not seen
                and NeedKind.SHIP_FAILED in kinds
            )
        case _:
            right = False
    return [] if right else [what]


def _shipped(order: Order, units: list[Delivery], needs: list[Need], steps: StepOrder) -> list[str]:
    """The platform shows `shipped` exactly for what is confirmed. What is confirmed first may be
    refused or lost afterwards; then a person is asked."""
    shipped = "shipped" in order.story
    confirmed = [one.state is S.CONFIRMED for one in units]
    if any(confirmed) and not shipped:
        return ["confirmed, and not shipped at the platform"]
    if shipped and not all(confirmed):
        first = steps is StepOrder.CONFIRM_THEN_SEND
        left = [one.state for one in units if one.state is not S.CONFIRMED]
        if not first or not (needs or REFUND_STEP in order.story):
            return [f"shipped at the platform, units {left}"]
    return []


def _refund(market: Market, order: Order, goods: Goods) -> list[str]:
    """Nothing leaves in a later life of the hub than the one in which the refund was asked for: it
    has looked at the order again."""
    since = market.life_of_refund.get(order.id)
    if since is None or any(end in order.story for end in ("refund_withdrawn", "refund_refused")):
        return []
    codes = {card.code for one in goods.ledger[order.id] for card in goods.of_unit(one)}
    return [
        f"{send.text!r} left after the refund"
        for send in market.town.sandbox.im.sends
        if codes & set(CODE.findall(send.text)) and market.life_of_send[send.uuid] > since
    ]


async def figures(market: Market) -> Figures:
    goods = await look(market)
    units = [one for of_order in goods.ledger.values() for one in of_order]
    orders = market.orders.values()

    def messages(tx: Tx, shop: ShopId) -> Counter[str]:
        return Counter(
            message.state.value
            for line in tx.conversations.recent(shop, limit=1000)
            for message in tx.messages.of_conversation(shop, line.conversation.id, limit=1000)
            if message.origin is Origin.DELIVERY
        )

    states: Counter[str] = await market.town.read(messages)
    return Figures(
        orders=len(orders),
        paid=sum(any(step in one.story for step in PAID_STEPS) for one in orders),
        units=len(units),
        kills=market.kills,
        confirmed=sum(one.state is S.CONFIRMED for one in units),
        uncertain=states["uncertain"],
        refused=states["rejected"],
        review=sum(one.state is S.REVIEW for one in units),
        refunds=len(market.life_of_refund),
        seen=sum(len(codes) for codes in _phones(market).values()),
    )


async def keep(market: Market) -> Figures:
    """Wait until everything is settled, then look at every promise."""
    await settle(market)
    found = await broken(market)
    assert not found, "broken promises:\n" + "\n".join(found)
    return await figures(market)
