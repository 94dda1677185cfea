"""A shop with orders: an account, two buyers, and what their order pages said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from stock_stage import NOW, StockStage, open_stock_stage

from hub.delivery import open_need
from hub.model import (
    Account,
    Conversation,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    Need,
    NeedKind,
    Order,
    OrderStatus,
    Origin,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    Pool,
    Text,
)
from hub.store import Tx

ITEM = "880011223346"
FIRST = "4400112233445566778"
SECOND = "4400112233449999123"


@dataclass
class DeliveryStage:
    stock: StockStage
    account: Account
    lin: Conversation
    qi: Conversation

    @property
    def desk(self) -> Any:
        return self.stock.desk

    async def order(
        self,
        number: str = FIRST,
        conversation: Conversation | None = None,
        status: OrderStatus | None = OrderStatus.PAID,
        **page: Any,
    ) -> KnownOrder:
        """As its page was read."""
        of = conversation or self.lin
        read = {
            "raw_status": "等待卖家发货",
            "item_id": ITEM,
            "item_title": "手冲咖啡壶",
            "buyer": of.buyer,
            "buyer_name": of.buyer_name,
            "quantity": 1,
            "paid_amount": Decimal("45.00"),
            **page,
        }
        return await self.stock.store.write(
            lambda tx: tx.orders.save(
                self.account.shop,
                self.account.id,
                Order(number, status, **read),
                conversation=of.id,
                now=self.stock.clock[0],
            )
        )

    async def served(self, *codes: str, name: str = "月卡") -> Pool:
        """A pool with these cards, and a rule that serves the item from it."""
        pool = await self.stock.stocked(codes, name) if codes else await self.stock.pool(name)
        await self.desk.delivery_rules.add(self.stock.owner, pool=pool.id, items=[ITEM])
        return pool

    async def need(
        self, order: KnownOrder, kind: NeedKind = NeedKind.OUT_OF_STOCK, detail: str = "只剩 0 张"
    ) -> Need:
        need = await self.stock.store.write(
            lambda tx: open_need(
                tx,
                order.shop,
                kind,
                account=order.account,
                order=order.id,
                conversation=order.conversation,
                detail=detail,
                now=self.stock.clock[0],
            )
        )
        assert need is not None
        return need

    async def states(self, order: KnownOrder) -> list[DeliveryState]:
        return await self.stock.store.read(
            lambda tx: [
                one.state for one in tx.deliveries.of_order(order.shop, order.account, order.id)
            ]
        )

    async def left(self, order: KnownOrder, state: DeliveryState = DeliveryState.SENT) -> None:
        """Its messages went out; `state` is what became of them."""
        now = self.stock.clock[0]

        def unit(tx: Tx) -> None:
            for one in tx.deliveries.of_order(order.shop, order.account, order.id):
                tx.deliveries.set_state(order.shop, one.id, state, now)
                tx.orders.note_down(
                    order.shop, order.account, order.id, DeliveryStep.LEFT, unit=1, now=now
                )
                if state is DeliveryState.SENT:
                    tx.cards.hand_over(order.shop, one.unit, now=now)

        await self.stock.store.write(unit)

    async def write(self, what: str, **more: Any) -> str:
        return await self.stock.write(what, **more) or ""

    async def asks(self, conversation: Conversation, words: str) -> None:
        """A buyer says something, and nothing answers it."""
        await self.stock.store.write(
            lambda tx: tx.messages.add_in(
                conversation.shop,
                conversation.account,
                conversation.id,
                platform_id=PlatformMessage(f"{words}.PNM"),
                origin=Origin.BUYER,
                content=Text(words),
                sent_at=self.stock.clock[0],
                now=self.stock.clock[0],
            )
        )

    async def parts(self, order: KnownOrder) -> int:
        """How many messages were written for it, over all times."""
        return await self.stock.store.read(
            lambda tx: sum(
                one.attempt for one in tx.deliveries.of_order(order.shop, order.account, order.id)
            )
        )


@asynccontextmanager
async def open_delivery_stage(folder: Path) -> AsyncIterator[DeliveryStage]:
    def people(tx: Tx) -> Any:
        shop = tx.shops.default()
        account = tx.accounts.add(
            shop,
            name="小店",
            user=PlatformUser("2200111122223"),
            device_id="device",
            cookies="unb=1",
            takeover_minutes=10,
            now=NOW,
        )
        buyers = [
            tx.conversations.upsert(
                shop,
                account.id,
                PlatformConversation(f"6001002003{number}"),
                buyer=PlatformUser(f"310044445555{number}"),
                buyer_name=name,
                at=NOW,
            )
            for number, name in enumerate(("小林", "阿七"))
        ]
        return account, *buyers

    async with open_stock_stage(folder) as stock:
        account, lin, qi = await stock.store.write(people)
        yield DeliveryStage(stock, account, lin, qi)
