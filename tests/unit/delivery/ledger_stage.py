"""A real store with one account, one pool and one rule; steps of a delivery as units of work."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from hub.delivery import (
    Asking,
    asking,
    on_message_left,
    on_message_settled,
    on_order_read,
    on_signal,
    on_supplied,
    on_unsupplied,
    start,
)
from hub.model import (
    Account,
    AccountState,
    Cause,
    Conversation,
    Delivery,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    KnownOrder,
    MessageState,
    Need,
    NeedKind,
    Order,
    OrderSignal,
    OrderStatus,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Pool,
    PoolKind,
    Role,
    SendNotice,
    SignalSource,
    StepOrder,
    StockCard,
    SupplierCall,
    TaskKind,
    TaskState,
    Text,
)
from hub.store import Store, Tx, open_store

T = TypeVar("T")
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ITEM = "880011223344"
CODES = tuple(f"CODE-{number}" for number in range(1000, 1012))


@dataclass
class Ledger:
    store: Store
    account: Account
    pool: Pool
    time: list[datetime]
    threads: dict[str, Conversation] = field(default_factory=dict)

    def now(self) -> datetime:
        return self.time[0]

    async def write(self, unit: Callable[[Tx], T]) -> T:
        self.time[0] += timedelta(seconds=1)
        return await self.store.write(unit)

    # --- what the platform says ---

    async def page(self, number: int, status: OrderStatus, quantity: int = 1) -> Order:
        """The page of an order as it can be read; its conversation is known."""
        id_ = order_id(number)
        if id_ not in self.threads:
            self.threads[id_] = await self.write(lambda tx: self._thread(tx, number))
        return replace(PAGE, id=id_, status=status, buyer=buyer(number), quantity=quantity)

    def _thread(self, tx: Tx, number: int) -> Conversation:
        return tx.conversations.upsert(
            self.account.shop,
            self.account.id,
            PlatformConversation(f"600100{number:05}"),
            buyer=buyer(number),
            item_id=ITEM,
            at=self.now(),
        )

    def read(self, tx: Tx, order: Order) -> None:
        """The page was read."""
        thread = self.threads[order.id]
        signalled = order.status or OrderStatus.PAID
        on_order_read(tx, self.account, order, thread.id, signalled, self.now())

    def signal(self, tx: Tx, order: Order, status: OrderStatus, message: int) -> None:
        """A card of the platform about it; `message` tells cards apart."""
        event = OrderSignal(
            status,
            SignalSource.CARD,
            self.threads[order.id].platform_id,
            self.now(),
            id=PlatformMessage(f"{4300000000000 + message}.PNM"),
            order_id=order.id,
            item_id=ITEM,
            buyer=order.buyer,
        )
        on_signal(tx, self.account, self.threads[order.id], event, self.now())

    def red_line(self, tx: Tx, order: Order) -> None:
        """The line under its conversation turns to paid, and names no order."""
        thread = self.threads[order.id]
        event = OrderSignal(
            OrderStatus.PAID, SignalSource.LIGHT_STATUS, thread.platform_id, self.now()
        )
        on_signal(tx, self.account, thread, event, self.now())

    def leave(self, tx: Tx, order: Order) -> None:
        """Its messages are put on the wire, and come back as not sent: they are queued again."""
        for unit in self.units_in(tx, order):
            for message, _ in tx.deliveries.parts(unit.shop, unit.id, unit.attempt):
                on_message_left(tx, unit.shop, message, self.now())

    def settle(self, tx: Tx, order: Order, state: MessageState) -> None:
        """The same end for every message of an order that is queued."""
        for unit in self.units_in(tx, order):
            for message, before in tx.deliveries.parts(unit.shop, unit.id, unit.attempt):
                if before is MessageState.QUEUED:
                    tx.messages.set_state(unit.shop, message, state, now=self.now())
                    on_message_settled(tx, unit.shop, message, state, "", self.now())

    def end_unit(self, tx: Tx, unit: Delivery, state: MessageState) -> None:
        """The same end for the messages of one unit that are queued."""
        for message, before in tx.deliveries.parts(unit.shop, unit.id, unit.attempt):
            if before is MessageState.QUEUED:
                tx.messages.set_state(unit.shop, message, state, now=self.now())
                on_message_settled(tx, unit.shop, message, state, "", self.now())

    async def change_rule(self, **changes: Any) -> None:
        """The only rule, from now on otherwise."""

        def unit(tx: Tx) -> None:
            (rule,) = tx.delivery_rules.all(self.account.shop)
            tx.delivery_rules.save(replace(rule, **changes))

        await self.write(unit)

    async def api_pool(self, *, repeatable: bool = False) -> Pool:
        """Cards of a supplier. `repeatable`: who may be asked the same again."""
        call = SupplierCall("https://supplier.example/card", repeatable=repeatable)
        return await self.write(
            lambda tx: tx.pools.add(
                self.account.shop,
                name="供货",
                kind=PoolKind.API,
                supplier=call,
                now=self.now(),
            )
        )

    async def supply(self, unit: Delivery, *codes: str) -> None:
        """Its supplier gives these."""
        assert unit.pool is not None
        pool = unit.pool
        await self.write(lambda tx: on_supplied(tx, unit.shop, unit.id, pool, codes, self.now()))

    async def unsupplied(self, unit: Delivery) -> None:
        """Nobody knows whether its supplier gave anything."""
        kind = NeedKind.SUPPLY_UNCERTAIN
        await self.write(
            lambda tx: on_unsupplied(tx, unit.shop, unit.id, kind, "没有回答", self.now())
        )

    async def supplier_key(self, unit: Delivery) -> str | None:
        """The key that its supplier is asked with now."""
        ready = await self.store.read(lambda tx: asking(tx, unit.shop, unit.id, asked_before=False))
        return ready.key if isinstance(ready, Asking) else None

    async def pass_delay(self, order: Order) -> None:
        """An hour goes by, and what was delayed leaves."""
        self.time[0] += timedelta(hours=1)
        known = await self.known(order)
        await self.write(lambda tx: start(tx, known, self.now()))

    async def hire(self) -> None:
        """Somebody who is told; without, notices go to nobody."""

        def unit(tx: Tx) -> None:
            tx.members.add(self.account.shop, "店主", Role.OWNER, qq=["10002"], now=self.now())

        await self.write(unit)

    # --- what is there ---

    async def all_notices(self) -> list[str]:
        """What owners are to be told and were not shown before."""
        told: list[str] = []
        while True:
            until = self.now() + timedelta(minutes=1)
            tasks = await self.write(
                lambda tx, until=until: tx.outbox.claim(  # type: ignore[misc]
                    "teller", self.now(), until, 100, [TaskKind.NOTICE]
                )
            )
            if not tasks:
                return told
            for task in tasks:
                await self.write(
                    lambda tx, task=task: tx.outbox.settle(  # type: ignore[misc]
                        task, "teller", TaskState.DONE, now=self.now()
                    )
                )
                assert isinstance(task.work, SendNotice)
                told.append(task.work.text)

    async def waiting(self, kind: TaskKind) -> int:
        """How many tasks of a kind are not settled."""
        return (await self.store.read(lambda tx: tx.outbox.backlog())).get(kind, 0)

    async def kinds(self, order: Order) -> list[NeedKind]:
        """What people are asked about an order."""
        return [need.kind for need in await self.needs(order)]

    async def states(self, order: Order) -> list[DeliveryState]:
        return [unit.state for unit in await self.units(order)]

    async def cards(self, order: Order) -> list[list[StockCard]]:
        """What each unit holds."""
        units = await self.units(order)
        return await self.store.read(
            lambda tx: [tx.cards.of_unit(self.account.shop, one.unit) for one in units]
        )

    async def messages(self, order: Order) -> list[tuple[str, MessageState]]:
        """All that was ever written for it."""

        def unit(tx: Tx) -> list[tuple[str, MessageState]]:
            found = []
            for one in self.units_in(tx, order):
                for attempt in range(1, one.attempt + 1):
                    for id_, state in tx.deliveries.parts(one.shop, one.id, attempt):
                        message = tx.messages.get(one.shop, id_)
                        assert message is not None
                        assert isinstance(message.content, Text)
                        found.append((message.content.text, state))
            return found

        return await self.store.read(unit)

    def units_in(self, tx: Tx, order: Order) -> list[Delivery]:
        return tx.deliveries.of_order(self.account.shop, self.account.id, order.id)

    async def units(self, order: Order) -> list[Delivery]:
        return await self.store.read(lambda tx: self.units_in(tx, order))

    async def known(self, order: Order) -> KnownOrder:
        account = self.account
        found = await self.store.read(lambda tx: tx.orders.get(account.shop, account.id, order.id))
        assert found is not None
        return found

    async def needs(self, order: Order) -> list[Need]:
        account = self.account
        return await self.store.read(
            lambda tx: tx.needs.open_about(account.shop, account.id, order.id)
        )


PAGE = Order("", None, "", ITEM, "月卡", None, quantity=1, paid_amount=Decimal("9.90"))


def order_id(number: int) -> str:
    return f"44001122334455{66700 + number}"


def buyer(number: int) -> PlatformUser:
    return PlatformUser(f"310044445{number:04}")


@asynccontextmanager
async def open_ledger(
    folder: Path, *, cards: int = 1, steps: StepOrder = StepOrder.SEND_THEN_CONFIRM
) -> AsyncIterator[Ledger]:
    time = [START]
    async with open_store(folder / "hub.db", now=lambda: time[0]) as store:

        def furnish(tx: Tx) -> tuple[Account, Pool]:
            shop = tx.shops.default()
            account = tx.accounts.add(
                shop,
                name="小店",
                user=PlatformUser("2200111122223"),
                device_id="device",
                cookies="unb=1",
                takeover_minutes=10,
                now=START,
            )
            tx.accounts.set_state(shop, account.id, AccountState.ONLINE, "", START)
            pool = tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=START)
            by = Cause(None, "cli")
            batch = tx.card_records.new_batch(shop, pool.id, "", by=by, now=START)
            tx.cards.add(shop, pool.id, CODES, batch=batch, now=START)
            rule = DeliveryRule(
                DeliveryRuleId(0), shop, None, pool.id, items=(ITEM,), cards=cards, steps=steps
            )
            tx.delivery_rules.add(rule, START)
            return account, pool

        account, pool = await store.write(furnish)
        yield Ledger(store, account, pool, time)
