"""A shop with an owner, an agent and a viewer, and a pool of codes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.desk import Desk, Door, Operator
from hub.model import (
    AccountId,
    ChatPeer,
    Member,
    OperatorMessage,
    OrderUnit,
    Pool,
    PoolKind,
    Role,
    SendNotice,
    TaskKind,
    TaskState,
)
from hub.notices import tell_stock
from hub.settings import Settings
from hub.store import Store, Tx, open_store

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
PRIVATE = ChatPeer("10001", "private", "10002")
GROUP = ChatPeer("10001", "group", "777001")
QQ = {Role.OWNER: "10002", Role.AGENT: "10003", Role.VIEWER: "10004"}


@dataclass
class StockStage:
    store: Store
    desk: Desk
    owner: Operator
    agent: Operator
    viewer: Operator
    clock: list[datetime]
    _written: int = field(default=0)
    _drawn: int = field(default=0)

    def later(self, **length: float) -> None:
        self.clock[0] += timedelta(**length)

    async def pool(self, name: str = "月卡", *, low_at: int = 0) -> Pool:
        return await self.desk.stock.create(
            self.owner, name=name, kind=PoolKind.CODES, low_at=low_at
        )

    async def stocked(self, codes: Sequence[str], name: str = "月卡", *, low_at: int = 0) -> Pool:
        pool = await self.pool(name, low_at=low_at)
        await self.desk.restock.add(self.owner, pool.id, "\n".join(codes))
        return pool

    async def sell(self, pool: Pool, count: int = 1, *, order: str | None = None) -> OrderUnit:
        """As a delivery does it: drawn, told of, handed over."""
        self._drawn += 1
        this = OrderUnit(AccountId(1), order or f"44001122334455667{self._drawn:02d}", 1)
        now = self.clock[0]

        def unit(tx: Tx) -> None:
            assert tx.cards.reserve(pool.shop, pool.id, this, count, now=now)
            tell_stock(tx, pool.shop, pool.id, now)
            tx.cards.hand_over(pool.shop, this, now=now)

        await self.store.write(unit)
        return this

    async def reserve(self, pool: Pool, count: int = 1) -> OrderUnit:
        self._drawn += 1
        this = OrderUnit(AccountId(1), f"44001122334455667{self._drawn:02d}", 1)
        found = await self.store.write(
            lambda tx: tx.cards.reserve(pool.shop, pool.id, this, count, now=self.clock[0])
        )
        assert found
        return this

    async def told(self) -> list[str]:
        """Notices to the owners since the last call."""
        now = self.clock[0]

        def unit(tx: Tx) -> list[str]:
            tasks = tx.outbox.claim("test", now, now + timedelta(minutes=1), 100)
            for task in tasks:
                tx.outbox.settle(task, "test", TaskState.DONE, now=now)
            return [
                task.work.text
                for task in tasks
                if task.kind is TaskKind.NOTICE and isinstance(task.work, SendNotice)
            ]

        told: list[str] = []
        while more := await self.store.write(unit):
            told += more
        return told

    async def write(
        self, what: str, *, as_: Role = Role.OWNER, peer: ChatPeer = PRIVATE, **more: Any
    ) -> str | None:
        """Somebody writes to the bot."""
        self._written += 1
        return await self.desk.chat.receive(
            OperatorMessage(peer, QQ[as_], f"{self._written}", what, **more)
        )

    async def audit(self) -> list[tuple[str, str]]:
        entries = await self.desk.system.audit(self.owner)
        return [(entry.action, entry.target) for entry in entries]


@asynccontextmanager
async def open_stock_stage(folder: Path) -> AsyncIterator[StockStage]:
    clock = [NOW]

    def people(tx: Tx) -> list[Member]:
        shop = tx.shops.default()
        names = {Role.OWNER: "店主", Role.AGENT: "小客", Role.VIEWER: "阿看"}
        return [tx.members.add(shop, names[r], r, qq=[QQ[r]], now=NOW) for r in names]

    async with open_store(folder / "hub.db") as store:
        desk = Desk(store, Settings(), lambda: clock[0])
        members = await store.write(people)
        owner, agent, viewer = (Operator(member, Door.WEB) for member in members)
        yield StockStage(store, desk, owner, agent, viewer, clock)
