"""A refund that is over: the order is owed again, and nobody forgets it."""

from __future__ import annotations

from pathlib import Path

from hub.delivery import is_lost, on_ship_done
from hub.delivery.ledger import release
from hub.model import DeliveryState, MessageState, NeedKind, OrderStatus, StepOrder
from tests.unit.delivery.ledger_stage import open_ledger

S = OrderStatus


async def test_an_old_word_of_a_refund_that_comes_again_stops_nothing(tmp_path: Path) -> None:
    """It was answered for: the page that was read since then says paid."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.PAID, message=1))
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_CHANGED, message=3))
        await ledger.write(lambda tx: ledger.read(tx, paid))

        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))

        assert (await ledger.known(paid)).refund_at is None


async def test_a_paid_order_whose_refund_was_withdrawn_unheard_is_looked_at_again(
    tmp_path: Path,
) -> None:
    """L18: the platform's list shows it as to be shipped, we think it is refunded."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        refunding = await ledger.page(1, S.REFUND_REQUESTED)
        await ledger.write(lambda tx: ledger.read(tx, refunding))
        account = ledger.account

        def lost(tx: object) -> bool:
            return is_lost(tx, account.shop, account.id, paid.id)  # type: ignore[arg-type]

        assert await ledger.store.read(lost)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.REFUND_OFF]
        assert not await ledger.store.read(lost)


async def test_a_delivered_order_is_not_lost(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.ACCEPTED))
        account = ledger.account
        assert not await ledger.store.read(
            lambda tx: is_lost(tx, account.shop, account.id, paid.id)
        )


async def test_an_order_that_was_shipped_while_a_refund_was_heard_of_is_not_forgotten(
    tmp_path: Path,
) -> None:
    """L18: nothing left, the page says shipped: the buyer has paid and waits, so a person is
    asked."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        paid = await ledger.page(1, S.PAID)
        shipped = await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))
        await ledger.write(lambda tx: release(tx, ledger.units_in(tx, paid)[0], ledger.now()))

        await ledger.write(lambda tx: ledger.read(tx, shipped))

        assert (await ledger.known(paid)).refund_at is None
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.REFUND_OFF]


async def test_a_bargain_whose_refund_is_off_goes_on(tmp_path: Path) -> None:
    """L17."""
    async with open_ledger(tmp_path) as ledger:
        waiting = await ledger.page(1, S.BARGAIN_PENDING)
        await ledger.write(lambda tx: ledger.read(tx, waiting))
        refunding = await ledger.page(1, S.REFUND_REQUESTED)
        await ledger.write(lambda tx: ledger.read(tx, refunding))

        await ledger.write(lambda tx: ledger.read(tx, waiting))

        assert (await ledger.known(waiting)).refund_at is None


async def test_what_an_emergency_stop_held_after_the_mark_stays_with_a_person(
    tmp_path: Path,
) -> None:
    """The mark at the platform came first; read again, it says nothing about the goods."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        paid = await ledger.page(1, S.PAID)
        shipped = await ledger.page(1, S.SHIPPED)
        shop = ledger.account.shop
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: on_ship_done(tx, known, ledger.now()))
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.STOPPED]

        await ledger.write(lambda tx: ledger.read(tx, shipped))

        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.STOPPED]


async def test_a_delivery_that_a_refund_stopped_half_way_waits_for_a_person(
    tmp_path: Path,
) -> None:
    """L18: what is on its way when the rest is dropped has an end, whatever becomes of the
    refund."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))

        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.DROPPED))
        await ledger.write(lambda tx: ledger.read(tx, paid))

        assert [one.state for one in await ledger.units(paid)] == [DeliveryState.REVIEW]
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.STOPPED]
