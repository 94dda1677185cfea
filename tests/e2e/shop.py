"""A stage with something to sell: pools, rules, buyers who order, and what became of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.model import (
    CardCounts,
    Delivery,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    KnownOrder,
    Need,
    NeedKind,
    Pool,
    PoolKind,
    StepOrder,
    StoryLine,
)
from hub.sandbox.orders import Order
from hub.sandbox.world import DEMO_SELLER, Conversation
from tests.e2e.stage import BUYER, OTHER_BUYER, Stage, open_stage
from tests.waiting import wait_until

CARD_ITEM = "880011223344"
"""Has the choices 月卡 and 季卡."""
KEYBOARD = "880011223345"
POT = "880011223346"
PATIENCE = 60.0


@dataclass
class Shop:
    stage: Stage

    # --- what the owner sets up ---

    async def pool(
        self,
        codes: Sequence[str] = (),
        *,
        name: str = "月卡",
        kind: PoolKind = PoolKind.CODES,
        **values: Any,
    ) -> Pool:
        desk, operator = self.stage.hub.desk, self.stage.operator
        pool = await desk.stock.create(operator, name=name, kind=kind, **values)
        if codes:
            await desk.restock.add(operator, pool.id, "\n".join(codes))
        return pool

    async def rule(self, pool: Pool, *items: str, **values: Any) -> DeliveryRule:
        rule = DeliveryRule(DeliveryRuleId(0), pool.shop, None, pool.id, items or (POT,), **values)
        return await self.write(lambda tx: tx.delivery_rules.add(rule, pool.created_at))

    async def rule_for_something_else(self) -> None:
        """The shop delivers by itself, only none of the items in these stories."""
        words = await self.pool(name="别的", kind=PoolKind.TEXT, content="谢谢")
        await self.rule(words, "990000000001")

    async def write(self, unit: Callable[[Any], Any]) -> Any:
        return await self.stage.hub.store.write(unit)

    # --- what buyers do ---

    def thread(self, buyer: str = BUYER, item: str = POT) -> Conversation:
        return self.stage.sandbox.world.conversation_of(DEMO_SELLER, buyer, item)

    async def order(self, buyer: str = BUYER, item: str = POT, **wish: Any) -> Order:
        return await self.stage.sandbox.trade.place(self.thread(buyer, item), **wish)

    async def pay(self, order: Order, told: str = "story") -> Order:
        return await self.stage.sandbox.trade.step(order, "pay", told=told)

    async def step(self, order: Order, name: str) -> None:
        await self.stage.sandbox.trade.step(order, name)

    async def buy(self, buyer: str = BUYER, item: str = POT, **wish: Any) -> Order:
        return await self.pay(await self.order(buyer, item, **wish))

    # --- what became of it ---

    def got(self, buyer: str = BUYER, item: str = POT) -> list[str]:
        """What the buyer was sent, oldest first."""
        return [one.summary for one in self.thread(buyer, item).messages if one.own]

    def times_shipped(self, order: Order) -> int:
        return order.story.count("shipped")

    async def ledger(self, order: Order) -> list[Delivery]:
        account = self.stage.account
        found: list[Delivery] = await self.stage.read(
            lambda tx: tx.deliveries.of_order(account.shop, account.id, order.id)
        )
        return found

    async def states(self, order: Order) -> list[DeliveryState]:
        return [one.state for one in await self.ledger(order)]

    async def wait_states(self, order: Order, *states: DeliveryState) -> None:
        async def so() -> bool:
            return await self.states(order) == list(states)

        await wait_until(so, PATIENCE)

    async def known(self, order: Order) -> KnownOrder | None:
        account = self.stage.account
        found: KnownOrder | None = await self.stage.read(
            lambda tx: tx.orders.get(account.shop, account.id, order.id)
        )
        return found

    async def wait_known(self, order: Order, met: Callable[[KnownOrder], bool]) -> None:
        async def so() -> bool:
            found = await self.known(order)
            return found is not None and met(found)

        await wait_until(so, PATIENCE)

    async def needs(self) -> list[Need]:
        shop = self.stage.account.shop
        found: list[Need] = await self.stage.read(lambda tx: tx.needs.all_open(shop))
        return found

    async def wait_needs(self, *kinds: NeedKind) -> list[Need]:
        """Wait until exactly these are open."""

        async def so() -> bool:
            return [one.kind for one in await self.needs()] == list(kinds)

        await wait_until(so, PATIENCE)
        return await self.needs()

    async def wait_need(self, *kinds: NeedKind) -> Need:
        """Wait until exactly these are open; returns the newest."""
        return (await self.wait_needs(*kinds))[-1]

    async def counts(self, pool: Pool) -> CardCounts:
        found: CardCounts = await self.stage.read(
            lambda tx: tx.pools.get(pool.shop, pool.id).counts
        )
        return found

    async def story(self, order: Order) -> list[StoryLine]:
        account = self.stage.account
        found: list[StoryLine] = await self.stage.read(
            lambda tx: tx.orders.story(account.shop, account.id, order.id)
        )
        return found


@asynccontextmanager
async def open_shop(folder: Path, **xianyu: Any) -> AsyncIterator[Shop]:
    async with open_stage(folder, **xianyu) as stage:
        yield Shop(stage)


__all__ = ["BUYER", "CARD_ITEM", "KEYBOARD", "OTHER_BUYER", "POT", "Shop", "StepOrder", "open_shop"]
