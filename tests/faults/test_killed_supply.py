"""SIGKILL around a call to a supplier: what may have been paid for is not paid for twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from hub.app import utc_now
from hub.model import (
    CardState,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    DeliveryStep,
    OrderUnit,
    PoolKind,
    SupplierCall,
)
from hub.sandbox.orders import Order
from hub.store import Tx, open_store
from tests.faults.rig import Rig, open_rig
from tests.faults.test_killed_delivery import POT, SECONDS, buy, cards_of_buyer, ledger, until
from tests.unit.suppliers.fake_supplier import FakeSupplier, open_supplier
from tests.waiting import wait_until

S = DeliveryState


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as rig:
        yield rig


@pytest.fixture
async def supplier() -> AsyncIterator[FakeSupplier]:
    async with open_supplier() as fake:
        yield fake


async def stock_up(rig: Rig, supplier: FakeSupplier, *, repeatable: bool, delay: int = 0) -> None:
    url = f"http://127.0.0.1:{supplier.port}/card"
    call = SupplierCall(url, allow_private=True, repeatable=repeatable, timeout_seconds=60)

    def unit(tx: Tx) -> None:
        shop, now = tx.shops.default(), utc_now()
        pool = tx.pools.add(shop, name="接口", kind=PoolKind.API, supplier=call, now=now)
        rule = DeliveryRule(
            DeliveryRuleId(0), shop, None, pool.id, items=(POT,), delay_seconds=delay
        )
        tx.delivery_rules.add(rule, now)

    async with open_store(rig.folder / "hub.db", now=utc_now) as store:
        await store.write(unit)


class Stuck:
    """Hears, and answers nobody until it is told to."""

    def __init__(self, supplier: FakeSupplier) -> None:
        self.supplier = supplier
        self.heard = asyncio.Event()
        self.opened = False
        supplier.answer = self._answer

    async def _answer(self, request: web.Request) -> web.Response:
        self.heard.set()
        if not self.opened:
            await asyncio.Event().wait()
        return web.json_response({"data": f"CARD-{request.headers['Idempotency-Key']}"})

    async def until_heard(self) -> None:
        async with asyncio.timeout(SECONDS):
            await self.heard.wait()


async def check_one_card(rig: Rig, order: Order) -> None:
    assert await rig.stop() == 0
    code = f"CARD-yuqiao-{order.id}-1"
    assert cards_of_buyer(rig) == [code]
    assert order.story.count("shipped") == 1
    async with open_store(rig.folder / "hub.db", now=utc_now) as store:

        def look(tx: Tx) -> None:
            shop = tx.shops.default()
            (account,) = tx.accounts.all(shop)
            cards = tx.cards.of_unit(shop, OrderUnit(account.id, order.id, 1))
            assert [(one.code, one.state) for one in cards] == [(code, CardState.HANDED_OVER)]

        await store.read(look)
    await rig.check_invariants()


async def test_killed_while_the_supplier_was_asked_a_person_decides(
    rig: Rig, supplier: FakeSupplier
) -> None:
    await stock_up(rig, supplier, repeatable=False)
    stuck = Stuck(supplier)
    await rig.start()
    order = await buy(rig)
    await stuck.until_heard()
    await rig.kill()
    assert [one.state for one in await ledger(rig, order, guest=False)] == [S.SUPPLYING]
    stuck.opened = True

    await rig.start()

    await rig.wait_for_notice("不确定供货方有没有出卡")
    await until(rig, order, [S.PENDING])
    assert await rig.stop() == 0
    assert len(supplier.heard) == 1
    assert cards_of_buyer(rig) == []
    assert "shipped" not in order.story


async def test_killed_while_a_repeatable_supplier_was_asked_it_is_asked_again_with_the_same_key(
    rig: Rig, supplier: FakeSupplier
) -> None:
    await stock_up(rig, supplier, repeatable=True)
    stuck = Stuck(supplier)
    await rig.start()
    order = await buy(rig)
    await stuck.until_heard()
    await rig.kill()
    stuck.opened = True

    await rig.start()

    await until(rig, order, [S.CONFIRMED])
    keys = [headers["Idempotency-Key"] for _, _, headers, _ in supplier.heard]
    assert keys == [f"yuqiao-{order.id}-1"] * 2
    await check_one_card(rig, order)


async def test_killed_after_the_card_was_kept_it_is_sent_and_the_supplier_not_asked_again(
    rig: Rig, supplier: FakeSupplier
) -> None:
    await stock_up(rig, supplier, repeatable=False, delay=6)
    stuck = Stuck(supplier)
    stuck.opened = True
    await rig.start()
    order = await buy(rig)
    await until(rig, order, [S.RESERVED])
    await rig.kill()
    assert cards_of_buyer(rig) == []

    await rig.start()

    await until(rig, order, [S.CONFIRMED])
    assert len(supplier.heard) == 1
    await check_one_card(rig, order)


@pytest.mark.parametrize("repeatable", [False, True])
async def test_killed_while_the_supplier_was_asked_and_refunded_since_the_story_says_so(
    rig: Rig, supplier: FakeSupplier, repeatable: bool
) -> None:
    """Nobody waits for the card any more, but somebody may have paid for it."""
    await stock_up(rig, supplier, repeatable=repeatable)
    stuck = Stuck(supplier)
    await rig.start()
    order = await buy(rig)
    await stuck.until_heard()
    await rig.sandbox.trade.step(order, "refund")
    await until(rig, order, [S.RELEASED])
    await rig.kill()
    stuck.opened = True

    await rig.start()

    await wait_until(lambda: is_told(rig, order), SECONDS)
    assert await rig.stop() == 0
    assert len(supplier.heard) == 1
    assert cards_of_buyer(rig) == []


async def is_told(rig: Rig, order: Order) -> bool:
    async with open_store(rig.folder / "hub.db", now=utc_now, guest=True) as store:

        def steps(tx: Tx) -> list[object]:
            shop = tx.shops.default()
            (account,) = tx.accounts.all(shop)
            return [line.step for line in tx.orders.story(shop, account.id, order.id)]

        return DeliveryStep.UNSUPPLIED in await store.read(steps)
