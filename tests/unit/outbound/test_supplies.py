"""A supplier is asked in time or not at all, and what it was paid for is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from hub.delivery import Asking
from hub.errors import StoreError
from hub.model import DeliveryId, PoolId, ShopId, SupplierCall, Supply, Task, TaskId, TaskKind
from hub.outbound import Supplies
from hub.outbound.worker import Claim
from hub.store import Store

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
ASKING = Asking(
    call=SupplierCall(url="https://supplier.example/card"),
    pool=PoolId(1),
    url="https://supplier.example/card",
    body=None,
    key="a-key",
)


class FailingStore:
    """Lets the call be made, then fails so many times before it keeps what came."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.units = 0

    async def write(self, unit: Callable[[Any], Any]) -> Any:
        self.units += 1
        if self.units == 1:
            return ASKING
        if self.units <= 1 + self.failures:
            raise StoreError("the disk is full")
        return None


async def supply(store: FailingStore, elapsed: Callable[[], float] = lambda: 0.0) -> int:
    """How often the supplier was asked."""
    asked = 0

    async def fetch(call: SupplierCall, *, url: str, body: str | None, key: str) -> tuple[str, ...]:
        nonlocal asked
        asked += 1
        return ("CARD-1",)

    supplies = Supplies(cast(Store, store), fetch, now=lambda: NOW, pauses=(0, 0), elapsed=elapsed)
    work = Supply(DeliveryId(1))
    task = Task(TaskId(1), ShopId(1), TaskKind.SUPPLY, "supply:1:1", "k", work, 1, None, NOW, None)
    await supplies.perform(Claim(task, "holder"))
    return asked


@pytest.mark.parametrize("failures", [0, 1, 2])
async def test_a_card_that_was_paid_for_is_kept_as_soon_as_the_store_works_again(
    failures: int,
) -> None:
    store = FailingStore(failures)
    assert await supply(store) == 1
    assert store.units == 2 + failures


async def test_who_was_held_up_after_the_mark_asks_nobody_and_puts_the_task_back() -> None:
    """Meanwhile another node may have found the mark, and a person have decided."""
    store = FailingStore(0)
    assert await supply(store, iter((0.0, 6.0)).__next__) == 0
    assert store.units == 2


async def test_a_store_that_goes_on_failing_is_told_and_not_hidden() -> None:
    with pytest.raises(StoreError):
        await supply(FailingStore(9))
