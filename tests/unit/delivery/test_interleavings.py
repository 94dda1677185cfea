"""Whatever comes in whatever order, the ledger keeps its promises.

Seeded dice play signals, refunds, lost answers, workers that die and people who act, against the
real store and the real performers; only the platform is a toy. After every step and at the end the
invariants are checked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from hub.delivery import on_signal
from hub.desk import Desk, Door, Operator
from hub.errors import Refusal, Rejected, Uncertain, Unreachable
from hub.model import (
    Account,
    AccountState,
    CardState,
    Cause,
    Conversation,
    Delivery,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    DeliveryStep,
    Done,
    Guards,
    Order,
    OrderSignal,
    OrderStatus,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    PoolKind,
    Role,
    SignalSource,
    StepOrder,
    SupplierCall,
    TaskKind,
    Text,
)
from hub.outbound import (
    BargainEnds,
    BuyerSends,
    Claim,
    OrderReads,
    Performer,
    Shipping,
    Starts,
    Supplies,
    Uploads,
)
from hub.pacing import Pacer
from hub.settings import Settings
from hub.store import Store, Tx, open_store
from hub.xianyu import Client, HistoryPage, Sent, Session

START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ITEM = "880011223344"
CODES = [f"CODE-{number}" for number in range(1000, 1012)]
STEPS = 120
HOLDER = "worker"
SETTLED = {DeliveryState.CONFIRMED, DeliveryState.OUTSIDE, DeliveryState.FAILED}


@dataclass
class Toy:
    """A platform that does what is asked, refuses it, or loses the question or the answer."""

    dice: random.Random
    clock: Callable[[], datetime]
    pages: dict[str, Order] = field(default_factory=dict)
    seen: list[tuple[str, str]] = field(default_factory=list)
    """Conversation and text of what buyers were shown."""
    told: list[OwnMessage] = field(default_factory=list)
    calm: bool = False
    codes: list[str] = field(default_factory=list)
    """Every card there is."""
    asked: Counter[str] = field(default_factory=Counter)
    """How often the supplier heard of each key."""
    served: dict[str, str] = field(default_factory=dict)

    def _fate(self) -> str:
        if self.calm:
            return "fine"
        fates = ("fine", "refused", "lost", "unheard", "offline")
        return self.dice.choices(fates, (60, 6, 12, 12, 10))[0]

    async def send(self, where: str, to: object, content: Text, *, uuid: str) -> Sent:
        fate = self._fate()
        if fate == "offline":
            raise Unreachable("toy", "send")
        if fate == "refused":
            raise Rejected("toy", "send", "安全拦截")
        if fate != "lost":
            self.seen.append((where, content.text))
            id_ = PlatformMessage(f"{4300000000000 + len(self.told)}.PNM")
            self.told.append(
                OwnMessage(id_, PlatformConversation(where), ITEM, content, self.clock())
            )
            if fate == "fine":
                return Sent(id_, None)
        raise Uncertain("toy", "send")

    async def history(self, where: str, *, limit: int) -> HistoryPage:
        return HistoryPage(tuple(one for one in self.told if one.conversation == where), None)

    async def order(self, order_id: str) -> Order:
        if self._fate() == "offline":
            raise Unreachable("toy", "order")
        return self.pages[order_id]

    async def ship(self, order_id: str, text: str = "") -> Done:
        fate, page = self._fate(), self.pages[order_id]
        if fate == "offline":
            raise Unreachable("toy", "ship")
        if page.status is not OrderStatus.PAID or fate == "refused":
            raise Rejected("toy", "ship", "订单状态不允许")
        if fate != "lost":
            self.pages[order_id] = replace(page, status=OrderStatus.SHIPPED)
            if fate == "fine":
                return Done()
        raise Uncertain("toy", "ship")

    async def fetch(
        self, call: SupplierCall, *, url: str, body: str | None, key: str
    ) -> tuple[str, ...]:
        """A supplier; one whose calls are repeatable knows the keys that it has served."""
        fate = self._fate()
        if fate == "offline":
            raise Unreachable("toy", "card")
        self.asked[key] += 1
        if fate == "refused":
            raise Rejected("toy", "card", "库存不足")
        if fate != "lost":
            if not (call.repeatable and key in self.served):
                self.served[key] = f"CODE-{2000 + len(self.codes)}"
                self.codes.append(self.served[key])
            if fate == "fine":
                return (self.served[key],)
        raise (Unreachable if call.repeatable else Uncertain)("toy", "card")


@dataclass
class Town:
    store: Store
    desk: Desk
    owner: Operator
    account: Account
    toy: Toy
    dice: random.Random
    time: list[datetime]
    conversations: dict[str, Conversation] = field(default_factory=dict)
    performers: dict[TaskKind, Performer] = field(default_factory=dict)
    ever_paid: set[str] = field(default_factory=set)
    repeatable: bool = False

    def now(self) -> datetime:
        return self.time[0]

    # --- what can happen ---

    async def new_order(self) -> None:
        number = len(self.toy.pages)
        order_id = f"44001122334455{66700 + number}"
        buyer = PlatformUser(f"310044445{number:04}")
        self.conversations[order_id] = await self.store.write(
            lambda tx: tx.conversations.upsert(
                self.account.shop,
                self.account.id,
                PlatformConversation(f"600100{number:05}"),
                buyer=buyer,
                item_id=ITEM,
                at=self.now(),
            )
        )
        self.toy.pages[order_id] = Order(
            order_id,
            OrderStatus.UNPAID,
            "",
            ITEM,
            "月卡",
            buyer,
            quantity=self.dice.choice((1, 1, 2, 3)),
            paid_amount=Decimal("9.90"),
        )

    async def pay(self) -> None:
        self._turn(OrderStatus.UNPAID, OrderStatus.PAID)

    async def refund(self) -> None:
        self._turn(OrderStatus.PAID, OrderStatus.REFUND_REQUESTED)

    async def withdraw(self) -> None:
        self._turn(OrderStatus.REFUND_REQUESTED, OrderStatus.PAID)

    def _turn(self, before: OrderStatus, after: OrderStatus) -> None:
        found = [one for one in self.toy.pages.values() if one.status is before]
        if found:
            order = self.dice.choice(found)
            self.toy.pages[order.id] = replace(order, status=after)
            if after is OrderStatus.PAID:
                self.ever_paid.add(order.id)

    async def signal(self) -> None:
        """The platform speaks of an order; it may say what was true before, and more than once."""
        if not self.toy.pages:
            return
        order = self.dice.choice(list(self.toy.pages.values()))
        statuses = [OrderStatus.PAID, OrderStatus.REFUND_REQUESTED, OrderStatus.REFUND_CHANGED]
        where = self.conversations[order.id]
        event = OrderSignal(
            self.dice.choice([*statuses, order.status or OrderStatus.PAID]),
            SignalSource.CARD,
            where.platform_id,
            self.now(),
            id=PlatformMessage(f"{self.dice.randrange(10**12, 10**13)}.PNM"),
            order_id=order.id,
            item_id=ITEM,
            buyer=order.buyer,
        )
        await self.store.write(lambda tx: on_signal(tx, self.account, where, event, self.now()))

    async def work(self) -> None:
        for claim in await self.claim(3):
            await self.performers[claim.task.kind].perform(claim)

    async def die(self) -> None:
        """A worker takes tasks and is never heard of again; the next start relieves it."""
        await self.claim(2)
        await self.store.write(lambda tx: tx.outbox.relieve(self.now()))

    async def claim(self, limit: int) -> list[Claim]:
        until = self.now() + timedelta(minutes=1)
        tasks = await self.store.write(
            lambda tx: tx.outbox.claim(HOLDER, self.now(), until, limit, self.performers)
        )
        return [Claim(task, HOLDER) for task in tasks]

    async def stop(self) -> None:
        await self.desk.needs.stop(self.owner, None, "查货")

    async def resume(self) -> None:
        await self._try(lambda: self.desk.needs.resume(self.owner, None))

    async def person(self) -> None:
        """Somebody does something about some order; a release only where nothing left."""
        if not self.toy.pages:
            return
        order_id, orders = self.dice.choice(list(self.toy.pages)), self.desk.orders
        code = order_id[-4:]
        acts: list[Callable[[], Awaitable[object]]] = [
            lambda: orders.deliver(self.owner, order_id, code=code),
            lambda: orders.resend(self.owner, order_id, code=code),
            lambda: orders.release(self.owner, order_id),
            lambda: orders.outside(self.owner, order_id),
            lambda: orders.refuse(self.owner, order_id),
            lambda: orders.read(self.owner, order_id),
        ]
        await self._try(self.dice.choices(acts, (6, 3, 2, 1, 1, 3))[0])

    async def _try(self, act: Callable[[], Awaitable[object]]) -> None:
        with suppress(Refusal):
            await act()

    async def wait(self) -> None:
        self.time[0] += timedelta(seconds=self.dice.choice((1, 5, 40)))

    # --- what must hold ---

    async def check(self) -> None:
        ledger, cards, counts = await self.store.read(self._look)
        got: dict[str, set[str]] = {}
        for order_id, where in self.conversations.items():
            texts = [text for at, text in self.toy.seen if at == where.platform_id]
            got[order_id] = {code for code in self.toy.codes if any(code in text for text in texts)}
            assert not texts or order_id in self.ever_paid, "nothing for an order that was not paid"
        buyers = Counter(code for codes in got.values() for code in codes)
        assert all(count == 1 for count in buyers.values()), "no card reaches two orders"
        for order_id, units in ledger.items():
            assert len(got[order_id]) <= max(len(units), 0), "no unit gets two cards"
            for unit in units:
                if unit.state in (DeliveryState.SENT, DeliveryState.CONFIRMED):
                    codes = {card.code for card in cards.get((order_id, unit.unit.unit), [])}
                    assert codes, "what counts as sent has a card"
                    assert codes <= got[order_id], "what counts as sent was seen by the buyer"
        await self._check_calls(ledger)
        seen = {code for codes in got.values() for code in codes}
        available = {
            card.code
            for of_unit in cards.values()
            for card in of_unit
            if card.state is CardState.AVAILABLE
        }
        assert not seen & available, "a card that a buyer saw is not for sale"
        assert counts[0] == counts[1], "the numbers of the pool are true"

    async def _check_calls(self, ledger: dict[str, list[Delivery]]) -> None:
        """A supplier hears of a unit as often as somebody wanted that, unless it knows the keys."""
        if self.repeatable:
            return
        shop, account = self.account.shop, self.account.id
        for order_id in ledger:
            story = await self.store.read(
                lambda tx, order_id=order_id: tx.orders.story(shop, account, order_id)
            )
            wanted = Counter(one.unit for one in story if one.step is DeliveryStep.ASKED)
            for unit, times in wanted.items():
                assert self.toy.asked[f"yuqiao-{order_id}-{unit}"] <= times, (order_id, unit)

    def _look(self, tx: Tx) -> Any:
        shop, account = self.account.shop, self.account.id
        (pool,) = tx.pools.all(shop)
        ledger: dict[str, list[Delivery]] = {
            id_: tx.deliveries.of_order(shop, account, id_) for id_ in self.toy.pages
        }
        cards = {
            (id_, one.unit.unit): tx.cards.of_unit(shop, one.unit)
            for id_, units in ledger.items()
            for one in units
        }
        everything = tx.card_records.page(shop, pool.id, limit=1000)
        cards["", 0] = [one for one in everything if one.state is CardState.AVAILABLE]
        states = Counter(one.state.value for one in everything)
        numbers = Counter({state.value: getattr(pool.counts, state.value) for state in CardState})
        return ledger, cards, (+numbers, +states)

    async def come_to_rest(self) -> None:
        """The platform behaves, everybody is asked once more, and all tasks are worked off."""
        self.toy.calm = True
        await self.resume()
        self.time[0] += timedelta(seconds=1)  # an order is asked about once in an instant
        for order_id in self.toy.pages:
            await self._try(lambda order_id=order_id: self.desk.orders.read(self.owner, order_id))
        for _ in range(400):
            self.time[0] += timedelta(seconds=40)
            claims = await self.claim(50)
            for claim in claims:
                await self.performers[claim.task.kind].perform(claim)
            backlog = await self.store.read(lambda tx: tx.outbox.backlog())
            if not any(backlog.get(kind) for kind in self.performers):
                return
        raise AssertionError(f"never came to rest: {backlog}")

    async def check_nobody_is_forgotten(self) -> None:
        """L18: a paid order that was heard of has its goods, or a person knows."""
        shop, account = self.account.shop, self.account.id

        def unit(tx: Tx) -> None:
            for page in self.toy.pages.values():
                known = tx.orders.get(shop, account, page.id)
                if known is None or page.status is not OrderStatus.PAID:
                    continue
                units = tx.deliveries.of_order(shop, account, page.id)
                done = units and all(one.state in SETTLED | {DeliveryState.SENT} for one in units)
                asked = tx.needs.open_about(shop, account, page.id)
                told = [line.step for line in tx.orders.story(shop, account, page.id)]
                assert done or asked or "released" in told, (page.id, units, told)

        await self.store.read(unit)


@asynccontextmanager
async def open_town(folder: Path, seed: int, kind: PoolKind) -> AsyncIterator[Town]:
    time = [START]
    dice = random.Random(seed)
    call = SupplierCall("https://supplier.example/", repeatable=dice.choice((False, False, True)))
    async with open_store(folder / "hub.db", now=lambda: time[0]) as store:
        desk = Desk(store, Settings(), lambda: time[0])

        def furnish(tx: Tx) -> tuple[Operator, Account]:
            shop = tx.shops.default()
            member = tx.members.add(shop, "店主", Role.OWNER, qq=["10002"], now=START)
            account = tx.accounts.add(
                shop,
                name="小店",
                user=PlatformUser("2200111122223"),
                device_id="device",
                cookies="unb=1",
                takeover_minutes=10,
                now=START,
            )
            tx.accounts.set_state(account.shop, account.id, AccountState.ONLINE, "", START)
            template = dice.choice(("", "您好{order_id}######{DELIVERY_CONTENT}######再见"))
            supplier = call if kind is PoolKind.API else None
            pool = tx.pools.add(
                shop, name="月卡", kind=kind, template=template, supplier=supplier, now=START
            )
            if kind is PoolKind.CODES:
                by = Cause(None, "cli")
                batch = tx.card_records.new_batch(shop, pool.id, "", by=by, now=START)
                tx.cards.add(shop, pool.id, CODES, batch=batch, now=START)
            rule = DeliveryRule(
                DeliveryRuleId(0),
                shop,
                None,
                pool.id,
                items=(ITEM,),
                delay_seconds=dice.choice((0, 0, 30)),
                steps=dice.choice(list(StepOrder)),
            )
            tx.delivery_rules.add(rule, START)
            tx.guards.set(shop, Guards(brake_failures=dice.choice((0, 3))))
            return Operator(member, Door.CLI), account

        owner, account = await store.write(furnish)
        toy = Toy(dice, lambda: time[0])
        toy.codes += CODES if kind is PoolKind.CODES else []
        town = Town(store, desk, owner, account, toy, dice, time, repeatable=call.repeatable)
        client = cast(Client, toy)
        session = cast(Session, toy)
        now = town.now
        town.performers = {
            TaskKind.SEND: BuyerSends(
                store,
                lambda _: session,
                cast(Uploads, None),
                pacer=Pacer(0),
                look_for=timedelta(seconds=10),
                now=now,
            ),
            TaskKind.READ_ORDER: OrderReads(store, lambda _: client, lambda _: session, now=now),
            TaskKind.SHIP: Shipping(store, lambda _: client, now=now),
            TaskKind.FREE_SHIPPING: BargainEnds(store, lambda _: client, now=now),
            TaskKind.DELIVER: Starts(store, now=now),
            TaskKind.SUPPLY: Supplies(store, toy.fetch, now=now),
        }
        yield town


@pytest.mark.parametrize("kind", [PoolKind.CODES, PoolKind.API])
@pytest.mark.parametrize("seed", range(12))
async def test_no_interleaving_breaks_a_promise_of_the_ledger(
    tmp_path: Path, seed: int, kind: PoolKind
) -> None:
    async with open_town(tmp_path, seed, kind) as town:
        happenings = [
            (town.new_order, 8),
            (town.pay, 8),
            (town.signal, 20),
            (town.work, 40),
            (town.wait, 12),
            (town.die, 3),
            (town.refund, 3),
            (town.withdraw, 2),
            (town.person, 6),
            (town.stop, 1),
            (town.resume, 2),
        ]
        acts, weights = zip(*happenings, strict=True)
        for _ in range(STEPS):
            await town.dice.choices(acts, weights)[0]()
            await town.check()
        await town.come_to_rest()
        await town.check()
        await town.check_nobody_is_forgotten()
