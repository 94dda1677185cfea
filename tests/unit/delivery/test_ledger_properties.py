"""Whatever happens to an order in whatever order, its ledger keeps its promises.

Hypothesis chooses what comes next: words of the platform, pages, ends of messages, people who act,
and units of work that are dropped just before they are committed, as a crash does. Against the real
store; what a buyer saw is known to the test alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Kept
from hypothesis.stateful import (
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from hub.delivery import (
    arrived,
    deliver,
    give_back,
    on_message_left,
    on_message_settled,
    on_ship_done,
    on_ship_refused,
    outside,
    refuse,
    resend,
    resume,
    ship_now,
    why_not,
)
from hub.errors import Refusal
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryState,
    KnownOrder,
    Message,
    MessageId,
    MessageState,
    Need,
    Order,
    OrderStatus,
    ShopId,
    StepOrder,
    StockCard,
    Text,
)
from hub.store import Tx
from tests.unit.delivery.ledger_stage import CODES, Ledger, open_ledger, order_id

T = TypeVar("T")
S, M = DeliveryState, MessageState
BY = Cause(None, "cli")
ORDERS = st.integers(1, 3)
QUANTITY = {1: 1, 2: 2, 3: 3}
RARELY = st.sampled_from((False,) * 9 + (True,))
GIVEN = (S.SENT, S.CONFIRMED)
MOST_RUNS, MOST_STEPS = 30, 50


class Crash(Exception):
    """The process dies before the unit of work is committed."""


class AnyInterleaving(RuleBasedStateMachine):
    wires = Kept("wires")
    """Messages that left this machine and were not answered yet."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.seen: dict[str, list[str]] = {}
        """What each buyer saw, by order."""
        self.on_wire: set[MessageId] = set()
        self.dropped: set[MessageId] = set()
        """Messages whose task is done without their having left."""
        self.paid: set[str] = set()
        self.pages: dict[str, Order] = {}

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(steps=st.sampled_from(StepOrder), cards=st.integers(1, 2))
    def open(self, steps: StepOrder, cards: int) -> None:
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        opening = open_ledger(Path(folder), cards=cards, steps=steps)
        self.ledger: Ledger = self.run(self.stack.enter_async_context(opening))
        self.shop: ShopId = self.ledger.account.shop
        for number, quantity in QUANTITY.items():
            page = self.run(self.ledger.page(number, OrderStatus.UNPAID, quantity))
            self.pages[page.id] = page
        for number in (1, 2):
            self.the_page_is_read(number, OrderStatus.PAID, False)

    def teardown(self) -> None:
        self.run(self.stack.aclose())
        self.loop.close()

    # --- what can happen ---

    def do(self, unit: Callable[[Tx], T], crash: bool = False) -> T | None:
        """A unit of work; or one that is dropped at its end, or that refuses: then nothing of it
        may stay."""
        before = self.everything() if crash else None

        def whole(tx: Tx) -> T:
            result = unit(tx)
            if crash:
                raise Crash
            return result

        try:
            return self.run(self.ledger.write(whole))
        except Crash:
            assert self.everything() == before, "a crash leaves nothing of a unit of work"
        except Refusal:
            pass
        return None

    def everything(self) -> list[Any]:
        def unit(tx: Tx) -> list[Any]:
            pool = tx.pools.get(self.shop, self.ledger.pool.id)
            units = [self.ledger.units_in(tx, page) for page in self.pages.values()]
            return [
                pool,
                tx.card_records.page(self.shop, self.ledger.pool.id, limit=1000),
                units,
                [self._parts(tx, one) for of_order in units for one in of_order],
                tx.needs.all_open(self.shop),
                tx.outbox.backlog(self.shop),
            ]

        return self.run(self.ledger.store.read(unit))

    def _parts(self, tx: Tx, unit: Delivery) -> list[tuple[MessageId, MessageState]]:
        return [
            part
            for attempt in range(1, unit.attempt + 1)
            for part in tx.deliveries.parts(self.shop, unit.id, attempt)
        ]

    def known(self, tx: Tx, number: int) -> KnownOrder:
        found = tx.orders.get(self.shop, self.ledger.account.id, order_id(number))
        if found is None:
            raise Refusal("nobody knows it yet")
        return found

    @rule(
        number=ORDERS,
        status=st.sampled_from(
            [
                OrderStatus.PAID,
                OrderStatus.PAID,
                OrderStatus.PAID,
                OrderStatus.REFUND_REQUESTED,
                OrderStatus.SHIPPED,
                OrderStatus.CLOSED,
            ]
        ),
        crash=RARELY,
    )
    def the_page_is_read(self, number: int, status: OrderStatus, crash: bool) -> None:
        page = self.run(self.ledger.page(number, status, QUANTITY[number]))
        self.do(lambda tx: self.ledger.read(tx, page), crash)
        if not crash and status is OrderStatus.PAID:
            self.paid.add(page.id)

    @rule(
        number=ORDERS,
        status=st.sampled_from(
            [OrderStatus.PAID, OrderStatus.REFUND_REQUESTED, OrderStatus.BARGAIN_PENDING]
        ),
        message=st.integers(0, 5),
        crash=RARELY,
    )
    def the_platform_speaks(
        self, number: int, status: OrderStatus, message: int, crash: bool
    ) -> None:
        page = self.pages[order_id(number)]
        self.do(lambda tx: self.ledger.signal(tx, page, status, message), crash)

    @rule(target=wires, number=ORDERS, crash=RARELY)
    def a_message_leaves(self, number: int, crash: bool) -> tuple[str, Message] | None:
        """The next one that may; what may not is dropped, as at the moment of sending."""
        return self._leave(number, crash)

    def _leave(self, number: int, crash: bool) -> tuple[str, Message] | None:

        def unit(tx: Tx) -> Message | MessageId | None:
            for one in self.ledger.units_in(tx, self.pages[order_id(number)]):
                for id, state in self._parts(tx, one):
                    message = tx.messages.get(self.shop, id)
                    assert message is not None
                    if state in (M.QUEUED, M.DROPPED) and id not in self.dropped:
                        return self._try(tx, message, one)
            return None

        message = self.do(unit, crash)
        if isinstance(message, int):
            self.dropped.add(message)
        elif message is not None:
            self.on_wire.add(message.id)
            return order_id(number), message
        return None

    def _try(self, tx: Tx, message: Message, unit: Delivery) -> Message | MessageId:
        """What was withdrawn still has its task, so it is tried like any other."""
        now, account = self.ledger.now(), unit.unit.account
        reason = why_not(tx, message, self.shop, self.ledger.now())
        if reason is None:
            order = tx.orders.get(self.shop, account, unit.unit.order)
            assert order is not None
            assert order.refund_at is None, "nothing leaves once a refund was heard of"
            assert tx.stops.active(self.shop, account) is None, "nothing leaves during a stop"
            assert message.state is M.QUEUED, "nothing leaves that was withdrawn"
            assert unit.state not in (S.RELEASED, S.OUTSIDE, S.FAILED, S.REVIEW)
            tx.messages.set_state(self.shop, message.id, M.SENDING, now=now)
            on_message_left(tx, self.shop, message.id, now)
            return message
        tx.messages.set_state(self.shop, message.id, M.DROPPED, reason=reason, now=now)
        on_message_settled(tx, self.shop, message.id, M.DROPPED, reason, now)
        return message.id

    @rule(
        wire=consumes(wires),
        told=st.sampled_from([M.ACCEPTED, M.ACCEPTED, M.REJECTED, M.UNCERTAIN]),
        arrives=st.booleans(),
        twice=RARELY,
        crash=RARELY,
    )
    def a_message_ends(
        self,
        wire: tuple[str, Message] | None,
        told: MessageState,
        arrives: bool,
        twice: bool,
        crash: bool,
    ) -> None:
        """`arrives`: the buyer saw what nobody knows about."""
        self._end(wire, told, arrives, twice, crash)

    def _end(
        self,
        wire: tuple[str, Message] | None,
        told: MessageState,
        arrives: bool,
        twice: bool,
        crash: bool,
    ) -> None:
        if wire is None:
            return
        order, message = wire
        assert isinstance(message.content, Text)
        if told is M.ACCEPTED or (told is M.UNCERTAIN and arrives):
            self.seen.setdefault(order, []).append(message.content.text)

        def unit(tx: Tx) -> None:
            now = self.ledger.now()
            tx.messages.set_state(self.shop, message.id, told, reason="ended", now=now)
            for _ in range(2 if twice else 1):
                on_message_settled(tx, self.shop, message.id, told, "ended", now)

        if crash:
            self.do(unit, crash)
        self.do(unit)
        self.on_wire.discard(message.id)

    @rule(number=ORDERS, count=st.integers(1, 3))
    def all_goes_well(self, number: int, count: int) -> None:
        for _ in range(count):
            wire = self._leave(number, False)
            self._end(wire, M.ACCEPTED, True, False, False)

    @rule(number=ORDERS, well=st.booleans(), crash=RARELY)
    def the_mark_at_the_platform_ends(self, number: int, well: bool, crash: bool) -> None:
        def unit(tx: Tx) -> None:
            order, now = self.known(tx, number), self.ledger.now()
            if well:
                on_ship_done(tx, order, now)
            else:
                on_ship_refused(tx, order, "不允许", now)

        self.do(unit, crash)

    @rule(
        number=ORDERS,
        what=st.sampled_from(["deliver", "arrived", "outside", "refuse", "back", "ship"]),
        crash=RARELY,
    )
    def a_person_acts(self, number: int, what: str, crash: bool) -> None:
        """Who says that it arrived, or that nothing did, has looked into the conversation."""
        seen = order_id(number) in self.seen
        if (what == "arrived" and not seen) or (what == "back" and (seen or self.on_wire)):
            return

        def unit(tx: Tx) -> None:
            order, now, account = self.known(tx, number), self.ledger.now(), self.ledger.account
            acts: dict[str, Callable[[], object]] = {
                "deliver": lambda: deliver(tx, account, order, by=BY, now=now),
                "arrived": lambda: arrived(tx, order, by=BY, now=now),
                "outside": lambda: outside(tx, order, by=BY, now=now),
                "refuse": lambda: refuse(tx, order, by=BY, now=now),
                "back": lambda: give_back(tx, order, by=BY, now=now),
                "ship": lambda: ship_now(tx, order, by=BY, now=now),
            }
            acts[what]()

        self.do(unit, crash)

    @rule(number=ORDERS, crash=RARELY)
    def a_person_sends_it_again(self, number: int, crash: bool) -> None:
        def unit(tx: Tx) -> None:
            resend(tx, self.known(tx, number), by=BY, now=self.ledger.now())

        self.do(unit, crash)

    @rule(stop=RARELY, crash=RARELY)
    def deliveries_are_stopped_or_go_on(self, stop: bool, crash: bool) -> None:
        def unit(tx: Tx) -> None:
            now = self.ledger.now()
            if stop:
                tx.stops.stop(self.shop, None, reason="查货", now=now)
            else:
                resume(tx, self.shop, None, by=BY, now=now)

        self.do(unit, crash)

    @rule(index=st.integers(0, len(CODES) - 1), crash=RARELY)
    def a_card_for_sale_is_voided(self, index: int, crash: bool) -> None:
        def unit(tx: Tx) -> None:
            card = tx.cards.by_code(self.shop, CODES[index])
            if card is not None and card.state is CardState.AVAILABLE:
                tx.cards.void(self.shop, card.id, by=BY, now=self.ledger.now())

        self.do(unit, crash)

    # --- what must hold ---

    @invariant()
    def every_promise_is_kept(self) -> None:
        if not self.pages:
            return

        def unit(tx: Tx) -> tuple[Any, ...]:
            units = {id: self.ledger.units_in(tx, page) for id, page in self.pages.items()}
            cards = tx.card_records.page(self.shop, self.ledger.pool.id, limit=1000)
            needs = {id: tx.needs.open_about(self.shop, self.ledger.account.id, id) for id in units}
            pool = tx.pools.get(self.shop, self.ledger.pool.id)
            assert pool is not None
            return units, cards, needs, pool.counts

        units, cards, needs, counts = self.run(self.ledger.store.read(unit))
        self._stock_adds_up(cards, counts)
        self._cards_go_to_one_order(cards)
        for id, of_order in units.items():
            self._order(id, of_order, cards, needs[id])

    def _stock_adds_up(self, cards: list[StockCard], counts: Any) -> None:
        assert len(cards) == len(CODES), "no card is lost"
        states = Counter(one.state.value for one in cards)
        told = Counter({state.value: getattr(counts, state.value) for state in CardState})
        assert +told == +states, "the numbers of the pool are true"

    def _cards_go_to_one_order(self, cards: list[StockCard]) -> None:
        buyers = {
            code: {order for order, texts in self.seen.items() if code in "\n".join(texts)}
            for code in CODES
        }
        assert all(len(found) <= 1 for found in buyers.values()), "no card reaches two buyers"
        for card in cards:
            assert not (buyers[card.code] and card.state is CardState.AVAILABLE), (
                "a card that a buyer saw is not for sale"
            )

    def _order(
        self, id: str, units: list[Delivery], cards: list[StockCard], needs: list[Need]
    ) -> None:
        if id not in self.paid:
            assert not self.seen.get(id), "nothing for an order that was not paid"
        assert len(units) <= QUANTITY[int(id[-1])], "no unit more than was bought"
        texts = "\n".join(self.seen.get(id, []))
        shown = {code for code in CODES if code in texts}
        held = {card.code for card in cards if card.unit is not None and card.unit.order == id}
        assert shown <= held, "what the buyer saw stays with the order"
        for unit in units:
            own = [card for card in cards if card.unit == unit.unit]
            assert len(own) in (0, unit.cards), "a unit has all of its cards, or none"
            if unit.state in GIVEN:
                assert own
                assert {one.state for one in own} <= {CardState.HANDED_OVER, CardState.DISPUTED}
                assert {one.code for one in own} <= shown, "what counts as sent was seen"
            if unit.state is S.RELEASED:
                assert not own, "what was given back is for sale"
            if unit.state is S.REVIEW:
                assert needs, "a person knows of what waits for one"
                assert {one.state for one in own} == {CardState.RESERVED}


@pytest.mark.timeout(600)  # shrinking a failure takes its time
def test_no_interleaving_breaks_a_promise() -> None:
    """L2, L3, L10."""
    run_state_machine_as_test(
        AnyInterleaving,
        settings=settings(
            max_examples=MOST_RUNS,
            stateful_step_count=MOST_STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
