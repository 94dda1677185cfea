"""The seller marks an order as shipped on the phone: that may have been the delivery."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hub.delivery import deliver, give_back, on_ship_done, resume, start
from hub.model import (
    CardState,
    Cause,
    DeliveryState,
    MessageState,
    NeedKind,
    OrderStatus,
    StepOrder,
    TaskKind,
)
from tests.unit.delivery.ledger_stage import Ledger, open_ledger

S, M, D = OrderStatus, MessageState, DeliveryState
BY = Cause(None, "web")


async def after_the_delay(ledger: Ledger, number: int = 1) -> None:
    known = await ledger.known(await ledger.page(number, S.PAID))
    ledger.time[0] += timedelta(minutes=10)
    await ledger.write(lambda tx: start(tx, known, ledger.now()))


async def test_what_waits_for_its_delay_is_not_sent_once_the_seller_has_shipped(
    tmp_path: Path,
) -> None:
    """L2: the seller may have sent it by hand."""
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(delay_seconds=600)
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))

        await ledger.write(lambda tx: ledger.read(tx, shipped))
        await after_the_delay(ledger)

        assert await ledger.waiting(TaskKind.SEND) == 0
        assert await ledger.states(paid) == [D.REVIEW]
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        await ledger.write(lambda tx: ledger.read(tx, shipped))
        assert await ledger.kinds(paid) == [NeedKind.STOPPED], "until a person has decided"


async def test_what_waits_for_its_account_is_not_sent_once_the_seller_has_shipped(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))

        await ledger.write(lambda tx: ledger.read(tx, shipped))

        assert [state for _, state in await ledger.messages(paid)] == [M.DROPPED]
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        known = await ledger.known(paid)
        await ledger.write(lambda tx: give_back(tx, known, by=BY, now=ledger.now()))
        assert await ledger.kinds(paid) == []


async def test_what_a_person_sends_after_shipping_is_sent(tmp_path: Path) -> None:
    """The page that is read again says nothing new."""
    async with open_ledger(tmp_path) as ledger:
        shipped = await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, shipped))
        known, account = await ledger.known(shipped), ledger.account

        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))
        await ledger.write(lambda tx: ledger.read(tx, shipped))
        await ledger.write(lambda tx: ledger.settle(tx, shipped, M.ACCEPTED))

        assert await ledger.states(shipped) == [D.CONFIRMED]


async def test_what_is_marked_first_is_sent_after_our_own_mark(tmp_path: Path) -> None:
    """L4: by the order of steps that the rule says."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        known = await ledger.known(paid)

        await ledger.write(lambda tx: ledger.read(tx, shipped))
        await ledger.write(lambda tx: on_ship_done(tx, known, ledger.now()))

        assert await ledger.waiting(TaskKind.SEND) == 1
        assert await ledger.kinds(paid) == []


async def test_the_end_of_a_stop_sends_nothing_that_the_seller_shipped_meanwhile(
    tmp_path: Path,
) -> None:
    """L2: during an emergency stop orders are served by hand."""
    async with open_ledger(tmp_path) as ledger:
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        shop = ledger.account.shop
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]

        await ledger.write(lambda tx: ledger.read(tx, shipped))
        assert await ledger.kinds(paid) == [NeedKind.STOPPED], "its card waits for a decision"
        going_on = await ledger.write(lambda tx: resume(tx, shop, None, by=BY, now=ledger.now()))

        assert going_on == 0
        assert await ledger.states(paid) == [D.REVIEW]
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        assert [[one.state for one in cards] for cards in await ledger.cards(paid)] == [
            [CardState.RESERVED]
        ]


async def test_a_code_that_a_supplier_gives_after_shipping_is_kept_and_not_sent(
    tmp_path: Path,
) -> None:
    """Covered for suppliers where their cards come from: an order that was served elsewhere."""
    async with open_ledger(tmp_path) as ledger:
        pool = await ledger.api_pool()
        await ledger.change_rule(pool=pool.id)
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.states(paid) == [D.SUPPLYING]

        await ledger.write(lambda tx: ledger.read(tx, shipped))
        (unit,) = await ledger.units(paid)
        await ledger.supply(unit, "FETCHED-1")

        assert await ledger.waiting(TaskKind.SEND) == 0
        assert await ledger.states(paid) == [D.OUTSIDE]
        assert [[one.code for one in cards] for cards in await ledger.cards(paid)] == [
            ["FETCHED-1"]
        ]


async def test_what_is_marked_first_is_not_sent_if_the_seller_marks_it_during_the_delay(
    tmp_path: Path,
) -> None:
    """It was not our mark, so it may have been the delivery; nor does the end of a stop send it."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        shop = ledger.account.shop
        await ledger.change_rule(delay_seconds=600)
        paid, shipped = await ledger.page(1, S.PAID), await ledger.page(1, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))

        await ledger.write(lambda tx: ledger.read(tx, shipped))
        await after_the_delay(ledger)

        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        assert await ledger.write(lambda tx: resume(tx, shop, None, by=BY, now=ledger.now())) == 0
        assert await ledger.states(paid) == [D.REVIEW]
        assert await ledger.waiting(TaskKind.SEND) == 0
