"""SIGKILL while an order is delivered: every unit gets exactly one card, whatever was under way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hub.app import utc_now
from hub.model import (
    CardState,
    Cause,
    Delivery,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    Message,
    MessageState,
    Origin,
    PoolKind,
    StockCard,
)
from hub.sandbox.orders import Order
from hub.sandbox.world import DEMO_SELLER
from hub.store import Tx, open_store
from tests.faults.rig import Rig, open_rig
from tests.waiting import wait_until

BUYER = "3100444455556"
POT = "880011223346"
CODES = [f"CODE-{number}" for number in range(1000, 1006)]
ORDER_API = "mtop.idle.web.trade.order.detail"
SHIP_API = "mtop.taobao.idle.logistic.consign.dummy"
SECONDS = 90.0


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with open_rig(tmp_path) as rig:
        async with open_store(tmp_path / "hub.db", now=utc_now) as store:
            await store.write(stock_up)
        yield rig


def stock_up(tx: Tx) -> None:
    shop, now = tx.shops.default(), utc_now()
    pool = tx.pools.add(shop, name="月卡", kind=PoolKind.CODES, now=now)
    batch = tx.card_records.new_batch(shop, pool.id, "一批", by=Cause(None, "cli"), now=now)
    tx.cards.add(shop, pool.id, CODES, batch=batch, now=now)
    tx.delivery_rules.add(DeliveryRule(DeliveryRuleId(0), shop, None, pool.id, items=(POT,)), now)


async def buy(rig: Rig, quantity: int = 1) -> Order:
    trade = rig.sandbox.trade
    thread = rig.sandbox.world.conversation_of(DEMO_SELLER, BUYER, POT)
    order = await trade.place(thread, quantity=quantity)
    return await trade.step(order, "pay")


def cards_of_buyer(rig: Rig) -> list[str]:
    thread = rig.sandbox.world.conversation_of(DEMO_SELLER, BUYER, POT)
    return [one.summary for one in thread.messages if one.own]


async def ledger(rig: Rig, order: Order, *, guest: bool = True) -> list[Delivery]:
    async with open_store(rig.folder / "hub.db", now=utc_now, guest=guest) as store:
        shop = await store.read(lambda tx: tx.shops.default())
        (account,) = await store.read(lambda tx: tx.accounts.all(shop))
        return await store.read(lambda tx: tx.deliveries.of_order(shop, account.id, order.id))


async def until(rig: Rig, order: Order, states: Sequence[DeliveryState]) -> None:
    async def look() -> bool:
        return [one.state for one in await ledger(rig, order)] == list(states)

    await wait_until(look, SECONDS)


async def until_stored(rig: Rig, state: MessageState) -> None:
    def met(message: Message) -> bool:
        return message.origin is Origin.DELIVERY and message.state is state

    async def look() -> bool:
        return any(met(message) for message in await rig.stored(guest=True))

    await wait_until(look, SECONDS)


async def until_called(rig: Rig, api: str) -> None:
    seen = rig.sandbox.recorder.seen
    await rig.until(lambda: any(api in one.path for one in seen), api)


async def until_due(rig: Rig) -> None:
    """Wait until the delay of what is reserved is over; no hub runs."""

    async def look() -> bool:
        async with open_store(rig.folder / "hub.db", now=utc_now) as store:
            due_at = await store.read(lambda tx: tx.outbox.next_due())
            return due_at is not None and due_at < utc_now()

    await wait_until(look, SECONDS)


async def check(rig: Rig, order: Order, units: int) -> None:
    """Ledger, stock and what the buyer saw agree card by card; with the hub stopped."""
    assert await rig.stop() == 0
    got = cards_of_buyer(rig)
    assert len(got) == len(set(got)) == units
    assert order.story.count("shipped") == 1
    async with open_store(rig.folder / "hub.db", now=utc_now) as store:
        shop = await store.read(lambda tx: tx.shops.default())
        (account,) = await store.read(lambda tx: tx.accounts.all(shop))

        def cards(tx: Tx) -> list[StockCard]:
            return tx.card_records.of_order(shop, order.id)

        def given(tx: Tx) -> list[list[StockCard]]:
            rows = tx.deliveries.of_order(shop, account.id, order.id)
            return [tx.cards.of_unit(shop, row.unit) for row in rows]

        assert {card.code for card in await store.read(cards)} == set(got)
        for of_unit in await store.read(given):
            assert [card.state for card in of_unit] == [CardState.HANDED_OVER]
        (pool,) = await store.read(lambda tx: tx.pools.all(shop))
        assert pool.counts.available == len(CODES) - units
        assert pool.counts.reserved == 0
    await rig.check_invariants()


async def test_killed_while_the_order_is_read(rig: Rig) -> None:
    """The signal is a row: the next hub reads the order."""
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, "mtop_delay", seconds=30, subject=ORDER_API)
    order = await buy(rig, 2)
    await until_called(rig, ORDER_API)
    await rig.kill()
    assert await ledger(rig, order, guest=False) == []

    await rig.start()

    await until(rig, order, [DeliveryState.CONFIRMED] * 2)
    await check(rig, order, 2)


async def test_killed_while_a_card_is_on_the_wire_that_arrived(rig: Rig) -> None:
    """Found in the history; the unit after it is sent."""
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, "send_stored")
    order = await buy(rig, 2)
    await rig.until(lambda: len(cards_of_buyer(rig)) == 1, "the first card")
    await rig.kill()

    await rig.start()

    await until(rig, order, [DeliveryState.CONFIRMED] * 2)
    await check(rig, order, 2)


async def test_killed_while_a_card_is_on_the_wire_that_got_lost(rig: Rig) -> None:
    """Nobody knows whether it arrives: the card waits for a person and goes to nobody else."""
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, "send_lost")
    order = await buy(rig)
    await until_stored(rig, MessageState.SENDING)
    await rig.kill()

    await rig.start()

    await rig.wait_for_notice("不确定买家是否收到")
    await until(rig, order, [DeliveryState.REVIEW])
    assert await rig.stop() == 0
    assert cards_of_buyer(rig) == []
    assert "shipped" not in order.story


@pytest.mark.parametrize("fault", ["mtop_delay", "mtop_stored"])
async def test_killed_while_the_order_is_marked_as_shipped(rig: Rig, fault: str) -> None:
    """Whether the mark was set before the kill is read from the order."""
    await rig.start()
    rig.sandbox.faults.add(DEMO_SELLER, fault, seconds=30, subject=SHIP_API)
    order = await buy(rig)
    await until_stored(rig, MessageState.ACCEPTED)
    await until_called(rig, SHIP_API)
    await rig.kill()

    await rig.start()

    await until(rig, order, [DeliveryState.CONFIRMED])
    await check(rig, order, 1)


async def test_killed_during_the_delay_sends_when_it_is_over(rig: Rig) -> None:
    """L16: the delay is a row, not a sleeping task."""
    async with open_store(rig.folder / "hub.db", now=utc_now) as store:

        def slow_down(tx: Tx) -> None:
            (rule,) = tx.delivery_rules.all(tx.shops.default())
            tx.delivery_rules.save(replace(rule, delay_seconds=6))

        await store.write(slow_down)
    await rig.start()
    order = await buy(rig, 2)
    await until(rig, order, [DeliveryState.RESERVED] * 2)
    await rig.kill()
    assert cards_of_buyer(rig) == []

    await rig.start()

    await until(rig, order, [DeliveryState.CONFIRMED] * 2)
    await check(rig, order, 2)


async def test_refunded_while_no_hub_ran_gets_nothing(rig: Rig) -> None:
    """What was reserved before the kill does not leave before the order was looked at again."""
    async with open_store(rig.folder / "hub.db", now=utc_now) as store:

        def delay(tx: Tx) -> None:
            (rule,) = tx.delivery_rules.all(tx.shops.default())
            tx.delivery_rules.save(replace(rule, delay_seconds=2))

        await store.write(delay)
    await rig.start()
    order = await buy(rig)
    await until(rig, order, [DeliveryState.RESERVED])
    await rig.kill()
    await rig.sandbox.trade.step(order, "refund")
    await until_due(rig)

    await rig.start()

    await until(rig, order, [DeliveryState.RELEASED])
    assert await rig.stop() == 0
    assert cards_of_buyer(rig) == []
