"""What must hold of orders, cards and the ledger, whatever broke and whoever acted.

`unserved` says what is still to come, `broken` what must not have happened: the ledger, the cards,
the supplier's own count and the buyers' phones are compared line by line, here for the shop as a
whole and in `lines.py` for each order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

import pytest

from hub.model import CardState, DeliveryState, Origin, PoolKind, ShopId
from hub.sandbox.orders import Order, State
from hub.store import Tx
from tests.faults import promises
from tests.faults.lines import CODE, ENOUGH, PAID_STEPS, Goods, broken_of_order, decided, look
from tests.faults.market import IN_STOCK, Market
from tests.faults.supplier import ONCE
from tests.faults.tales import tale

S = DeliveryState
SETTLE_SECONDS = 200.0
"""What nobody was told of is looked for after two minutes only."""


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
    commands: int = 0
    """What people wrote; what QQ repeated is not counted."""
    resends: int = 0
    """Showings of goods beyond the first: all of them because a person wanted it."""
    voided: int = 0
    """Cards that were voided by people."""
    calls: int = 0
    """That suppliers heard."""
    fetched: int = 0
    """Cards that suppliers handed out."""
    unsure: int = 0
    """Those of them that never came; a person was told each time."""
    seen: int = 0
    """Different cards on buyers' phones."""

    def add(self, other: Figures) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def __str__(self) -> str:
        return ", ".join(f"{value} {name}" for name, value in vars(self).items())


TALLY = pytest.StashKey[Figures]()
"""What all days came to."""


# --- what is still to come ---


async def unserved(market: Market) -> list[str]:
    """Paid orders for which the hub still has to do something."""
    goods = await look(market)
    return [
        f"order {number} ({order.id}) is {order.state}, its units {states}, needs {needs}"
        for number, order in market.orders.items()
        if (states := [one.state.value for one in goods.ledger[order.id]]) is not None
        and (needs := [one.kind.value for one in goods.needs[order.id]]) is not None
        and _waits(market, order, goods)
    ]


def _waits(market: Market, order: Order, goods: Goods) -> bool:
    units, needs = goods.ledger[order.id], goods.needs[order.id]
    if any(one.state in (S.SENDING, S.SUPPLYING) for one in units):
        return True
    if order.refunding or order.state in (State.UNPAID, State.CLOSED):
        return any(one.state is S.RESERVED for one in units)
    if units and all(one.state is S.CONFIRMED or decided(market, order.id, one) for one in units):
        return False
    if needs:
        return False
    if not units and market.people.chose(order.id, *ENOUGH):
        return False
    if order.state is State.BARGAIN:  # ended by us only where a rule serves it
        return market.wares[order.id].kind is not None and not order.refunded
    return True


async def settle(market: Market) -> None:
    """Wait until nothing is left to do; meanwhile the owner mends his accounts as told, and ends
    stops."""

    async def left() -> list[str]:
        await market.town.mend_accounts()
        if (await look(market)).stopped:
            await market.people.go_on()
        return [*await promises.unsettled(market.town), *await unserved(market)]

    try:
        await market.town.nothing_left(left, "everything to be settled", SETTLE_SECONDS)
    except AssertionError as error:
        goods = await look(market)
        for number, order in market.orders.items():
            if _waits(market, order, goods):
                error.add_note(tale(market, number, order, goods))
        raise


# --- what must not have happened ---


async def broken(market: Market) -> list[str]:
    """Promises that were not kept, when everything is settled."""
    goods = await look(market)
    phones = _phones(market)
    found = [
        *await promises.broken(market.town),
        *_cards_went_right(market, goods, phones),
        *_stock_adds_up(goods),
        *_supplier_agrees(market, goods),
        *_codes_stay_secret(market),
    ]
    for number, order in market.orders.items():
        whats = broken_of_order(market, order, goods, phones[order.conversation])
        whats += _refund(market, order, goods)
        found += [f"order {number} ({order.id}, {order.story}): {what}" for what in whats]
    return found + _tales(market, goods, found)


def _tales(market: Market, goods: Goods, found: list[str]) -> list[str]:
    """The stories of the orders that are spoken of, also by a code of theirs."""
    spoken = "\n".join(found)
    codes = set(CODE.findall(spoken))
    told = {order for code in codes for order, _ in goods.had.get(code, ())}
    return [
        tale(market, number, order, goods)
        for number, order in market.orders.items()
        if order.id in spoken or order.id in told
    ]


def _phones(market: Market) -> dict[str, Counter[str]]:
    """How often each code is on the buyers' phones, by conversation."""
    phones: dict[str, Counter[str]] = defaultdict(Counter)
    for conversation in market.town.conversations():
        for message in conversation.messages:
            if message.own:
                phones[conversation.id].update(CODE.findall(message.summary))
    return phones


def _cards_went_right(market: Market, goods: Goods, phones: dict[str, Counter[str]]) -> list[str]:
    """Each code that a buyer saw belongs to one order of that conversation, was shown once, or once
    more for each time that a person wanted it, and is not for sale any more."""
    found = []
    where = {order.id: order.conversation for order in market.orders.values()}
    buyers = Counter(code for codes in phones.values() for code in codes)
    found += [f"{code} was shown to {count} buyers" for code, count in buyers.items() if count > 1]
    for conversation, codes in phones.items():
        for code, times in codes.items():
            card, had = goods.cards.get(code), goods.had.get(code, set())
            if card is None:
                found.append(f"{code} was shown and is no card of ours")
                continue
            if card.unit is not None:
                owners = {card.unit.order}
            else:
                owners = {one for one, _ in had} if card.state is CardState.VOID else set()
            here = [one for one in owners if where.get(one) == conversation]
            if not here:
                found.append(f"{code} was shown in {conversation}, is {card.state} of {owners}")
            elif times > 1 + sum(market.people.resends(one) for one in here):
                found.append(f"{code} of order {here} was shown {times} times")
            elif card.state is CardState.AVAILABLE:
                found.append(f"{code} of order {here} was shown and is for sale")
    return found


def _stock_adds_up(goods: Goods) -> list[str]:
    """No card is lost, and the numbers of each pool are true."""
    found = []
    for pool in goods.pools:
        states = Counter(one.state for one in goods.cards.values() if one.pool == pool.id)
        told = {state: getattr(pool.counts, state.value) for state in CardState}
        if pool.kind is PoolKind.CODES and sum(states.values()) != IN_STOCK:
            found.append(f"pool {pool.name} has {sum(states.values())} cards")
        if any(told[state] != states[state] for state in CardState):
            found.append(f"pool {pool.name} counts {told}, there are {dict(states)}")
    return found


def _supplier_agrees(market: Market, goods: Goods) -> list[str]:
    """What we have of a supplier was given by it; at the door where every call costs a card, a call
    is one that was asked for. The rest is compared order by order."""
    given = {code for codes in market.supplier.given.values() for code in codes}
    found = [
        f"{card.code} is {card.state} and no supplier gave it"
        for card in goods.cards.values()
        if card.batch is None and card.code not in given
    ]
    for (door, key), calls in market.supplier.heard.items():
        order = key.split("-")[1]
        asked = calls - market.supplier.turned_away[door, key]
        if door == ONCE and asked > 1 + market.people.asked_again(order):
            found.append(f"the supplier was asked {asked} times for {key} of order {order}")
    return found


def _codes_stay_secret(market: Market) -> list[str]:
    return [
        f"the owner's chat shows a code: {line.text!r}"
        for line in market.town.notices()
        if CODE.search(line.text)
    ]


def _refund(market: Market, order: Order, goods: Goods) -> list[str]:
    """Nothing leaves in a later life of the hub than the one in which the refund was asked for: it
    has looked at the order again."""
    since = market.life_of_refund.get(order.id)
    if since is None or any(end in order.story for end in ("refund_withdrawn", "refund_refused")):
        return []
    codes = {
        card.code
        for one in goods.ledger[order.id]
        for card in goods.tied_to((order.id, one.unit.unit))
    }
    return [
        f"{send.text!r} left after the refund"
        for send in market.town.sandbox.im.sends
        if codes & set(CODE.findall(send.text)) and market.life_of_send[send.uuid] > since
    ]


async def figures(market: Market) -> Figures:
    goods = await look(market)
    units = [one for of_order in goods.ledger.values() for one in of_order]
    orders = market.orders.values()
    void = [card.code for card in goods.cards.values() if card.state is CardState.VOID]
    given = {code for codes in market.supplier.given.values() for code in codes}

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
        commands=market.people.written,
        resends=_resends(market, goods),
        voided=sum(code in market.people.voided for code in void),
        calls=market.supplier.calls,
        fetched=len(given),
        unsure=len(given - goods.cards.keys()),
        seen=sum(len(codes) for codes in _phones(market).values()),
    )


def _resends(market: Market, goods: Goods) -> int:
    there = market.on_phones()
    arrived = [
        sum(any(uuid in there for uuid in uuids) for uuids in times)
        for times in goods.times.values()
    ]
    return sum(times - 1 for times in arrived if times > 1)


async def keep(market: Market) -> Figures:
    """Wait until everything is settled, then look at every promise."""
    await settle(market)
    found = await broken(market)
    assert not found, "broken promises:\n" + "\n".join(found)
    return await figures(market)
