"""Whoever is held up between the mark and the call asks later, and not for ever."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path

from hub.model import (
    DeliveryState,
    NeedKind,
    Order,
    OrderStatus,
    SupplierCall,
    Task,
    TaskKind,
)
from hub.outbound import Supplies
from hub.outbound.supplies import HELD_UP, MAY_COST, PROMPT_SECONDS, TRIED_FOR
from hub.outbound.worker import Claim
from tests.unit.delivery.ledger_stage import Ledger, open_ledger

HOLDER = "this one"
LEASE = timedelta(minutes=1)


@dataclass
class Slow:
    """A shop that sold a card of a supplier, on a machine where each mark takes too long."""

    ledger: Ledger
    order: Order

    async def claim(self) -> Task | None:
        ledger = self.ledger
        due_at = await ledger.store.read(lambda tx: tx.outbox.next_due())
        if due_at is None:
            return None
        ledger.time[0] = max(ledger.now(), due_at)
        claimed = await ledger.write(
            lambda tx: tx.outbox.claim(
                HOLDER, ledger.now(), ledger.now() + LEASE, 1, [TaskKind.SUPPLY]
            )
        )
        return next(iter(claimed), None)

    async def perform(self, task: Task) -> None:
        async def fetch(
            call: SupplierCall, *, url: str, body: str | None, key: str
        ) -> tuple[str, ...]:
            raise AssertionError("the supplier is asked although another may have found the mark")

        clock = count(0.0, PROMPT_SECONDS + 1)
        supplies = Supplies(
            self.ledger.store, fetch, now=self.ledger.now, elapsed=lambda: next(clock)
        )
        supplies._began = task.created_at
        await supplies.perform(Claim(task, HOLDER))


@asynccontextmanager
async def open_slow(folder: Path, *, repeatable: bool) -> AsyncIterator[Slow]:
    async with open_ledger(folder) as ledger:
        pool = await ledger.api_pool(repeatable=repeatable)
        await ledger.change_rule(pool=pool.id)
        order = await ledger.page(1, OrderStatus.PAID)
        await ledger.write(lambda tx: ledger.read(tx, order))
        yield Slow(ledger, order)


async def test_who_is_held_up_each_time_asks_a_person_in_the_end(tmp_path: Path) -> None:
    async with open_slow(tmp_path, repeatable=False) as slow:
        ledger, tries = slow.ledger, 0
        began = last = ledger.now()
        while (task := await slow.claim()) is not None:
            await slow.perform(task)
            tries, last = tries + 1, ledger.now()
            assert tries < 50, "it is due again and again"
        assert tries > 5
        assert last - began <= TRIED_FOR
        (need,) = await ledger.needs(slow.order)
        assert (need.kind, need.detail) == (NeedKind.UNSUPPLIED, HELD_UP)
        assert await ledger.states(slow.order) == [DeliveryState.PENDING]


async def test_the_mark_of_an_earlier_try_stays_and_the_mark_of_this_one_goes(
    tmp_path: Path,
) -> None:
    """A call may be out since the earlier one; should its owner declare now that it must not be
    repeated, nobody repeats it."""
    async with open_slow(tmp_path, repeatable=True) as slow:
        ledger = slow.ledger
        first = await slow.claim()
        assert first is not None
        await slow.perform(first)
        second = await slow.claim()
        assert second is not None
        assert second.wire_at is None, "nothing left at that try"

        assert await ledger.write(lambda tx: tx.outbox.mark_wire(second, HOLDER, ledger.now()))
        marked_at = ledger.now()
        third = await slow.claim()  # whoever had it died
        assert third is not None
        assert third.wire_at == marked_at
        await slow.perform(third)
        fourth = await slow.claim()
        assert fourth is not None
        assert fourth.wire_at is not None

        ledger.time[0] += TRIED_FOR
        await slow.perform(fourth)
        (need,) = await ledger.needs(slow.order)
        assert (need.kind, need.detail) == (NeedKind.UNSUPPLIED, f"{HELD_UP}，{MAY_COST}")
