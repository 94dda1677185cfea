"""Reading, marking and completing orders at the platform, while refunds and stops come between."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from hub.delivery import on_freed, resume
from hub.model import (
    Cause,
    DeliveryState,
    Done,
    MessageState,
    NeedKind,
    Order,
    OrderStatus,
    StepOrder,
    TaskKind,
)
from hub.outbound import BargainEnds, Claim, OrderReads, Shipping, Starts
from hub.xianyu import Client
from tests.unit.delivery.ledger_stage import Ledger, open_ledger

S, M, D = OrderStatus, MessageState, DeliveryState
BY = Cause(None, "web")


@dataclass
class Platform:
    """Shows the pages it is given and notes down what it is asked for."""

    pages: dict[str, Order] = field(default_factory=dict)
    newest: str | None = None
    """The order that a conversation names."""
    asked: list[str] = field(default_factory=list)

    async def order(self, order_id: str) -> Order:
        return self.pages[order_id]

    async def order_of_conversation(self, conversation: str, item_id: str) -> str | None:
        return self.newest

    async def ship(self, order_id: str) -> Done:
        self.asked.append(f"ship {order_id}")
        return Done()

    async def free_shipping(self, order_id: str, item_id: str, buyer: str) -> Done:
        self.asked.append(f"free {order_id}")
        return Done()


async def claim(ledger: Ledger, kind: TaskKind) -> list[Claim]:
    tasks = await ledger.write(
        lambda tx: tx.outbox.claim(
            "worker", ledger.now(), ledger.now() + timedelta(minutes=1), 10, [kind]
        )
    )
    return [Claim(task, "worker") for task in tasks]


async def perform(ledger: Ledger, platform: Platform, kind: TaskKind) -> int:
    """All tasks of a kind that are due; returns how many."""

    def client_of(_: object) -> Client:
        return cast("Client", platform)

    make: dict[TaskKind, Callable[[], Any]] = {
        TaskKind.READ_ORDER: lambda: OrderReads(
            ledger.store, client_of, lambda _: None, now=ledger.now
        ),
        TaskKind.SHIP: lambda: Shipping(ledger.store, client_of, now=ledger.now),
        TaskKind.DELIVER: lambda: Starts(ledger.store, now=ledger.now),
        TaskKind.FREE_SHIPPING: lambda: BargainEnds(ledger.store, client_of, now=ledger.now),
    }
    claims = await claim(ledger, kind)
    for one in claims:
        await make[kind]().perform(one)
    return len(claims)


# --- Refunds --------------------------------------------------------------------------------------


async def test_a_delivered_order_whose_refund_is_off_is_marked_as_shipped_after_all(
    tmp_path: Path,
) -> None:
    """The buyer has the goods; an order that is never marked is closed by the platform."""
    async with open_ledger(tmp_path) as ledger:
        platform = Platform()
        paid, refunding = await ledger.page(1, S.PAID), await ledger.page(1, S.REFUND_REQUESTED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        await ledger.write(lambda tx: ledger.read(tx, refunding))
        await perform(ledger, platform, TaskKind.SHIP)
        assert platform.asked == []

        await ledger.write(lambda tx: ledger.read(tx, paid))
        await perform(ledger, platform, TaskKind.SHIP)

        assert platform.asked == [f"ship {paid.id}"]
        assert await ledger.states(paid) == [D.CONFIRMED]


async def test_a_page_that_was_read_before_a_refund_was_heard_of_delivers_nothing(
    tmp_path: Path,
) -> None:
    """The order is not known yet, so nobody but the waiting task remembers the refund."""
    async with open_ledger(tmp_path) as ledger:
        paid, refunding = await ledger.page(1, S.PAID), await ledger.page(1, S.REFUND_REQUESTED)
        platform = Platform({paid.id: paid})
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.PAID, message=1))

        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))
        await perform(ledger, platform, TaskKind.READ_ORDER)
        assert await ledger.waiting(TaskKind.SEND) == 0

        platform.pages[paid.id] = refunding
        await perform(ledger, platform, TaskKind.READ_ORDER)
        assert await ledger.states(paid) == []
        platform.pages[paid.id] = paid
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_CHANGED, message=3))
        await perform(ledger, platform, TaskKind.READ_ORDER)
        assert await ledger.states(paid) == [D.RESERVED]


async def test_an_old_page_does_not_call_off_a_refund_that_was_heard_of_since(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(delay_seconds=600)
        paid = await ledger.page(1, S.PAID)
        platform = Platform({paid.id: paid})
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_CHANGED, message=1))

        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=2))
        await perform(ledger, platform, TaskKind.READ_ORDER)

        assert (await ledger.known(paid)).refund_at is not None


async def test_a_bargain_is_completed_after_its_refund_was_withdrawn(tmp_path: Path) -> None:
    """L17, L18: the refund had stopped it before it was called."""
    async with open_ledger(tmp_path) as ledger:
        platform = Platform()
        waiting = replace(await ledger.page(1, S.BARGAIN_PENDING), bargain=True)
        refunding = await ledger.page(1, S.REFUND_REQUESTED)
        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await ledger.write(lambda tx: ledger.read(tx, refunding))
        await perform(ledger, platform, TaskKind.FREE_SHIPPING)
        assert platform.asked == []

        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await perform(ledger, platform, TaskKind.FREE_SHIPPING)

        assert platform.asked == [f"free {waiting.id}"]


async def test_a_bargain_is_completed_once(tmp_path: Path) -> None:
    """L17."""
    async with open_ledger(tmp_path) as ledger:
        platform = Platform()
        waiting = await ledger.page(1, S.BARGAIN_PENDING)
        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await perform(ledger, platform, TaskKind.FREE_SHIPPING)
        known = await ledger.known(waiting)
        await ledger.write(lambda tx: on_freed(tx, known, ledger.now()))

        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await perform(ledger, platform, TaskKind.FREE_SHIPPING)

        assert platform.asked == [f"free {waiting.id}"]


# --- Emergency stops ------------------------------------------------------------------------------


async def test_nothing_is_marked_as_shipped_first_while_deliveries_are_stopped(
    tmp_path: Path,
) -> None:
    """L4: the buyer would see it as shipped and have nothing."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        platform, shop = Platform(), ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))

        await perform(ledger, platform, TaskKind.SHIP)

        assert platform.asked == []
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        await ledger.write(lambda tx: resume(tx, shop, None, by=BY, now=ledger.now()))
        await perform(ledger, platform, TaskKind.SHIP)
        assert platform.asked == [f"ship {paid.id}"]
        assert await ledger.waiting(TaskKind.SEND) == 1


async def test_what_the_buyer_has_is_marked_as_shipped_although_deliveries_are_stopped(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        platform, shop = Platform(), ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))

        await perform(ledger, platform, TaskKind.SHIP)

        assert platform.asked == [f"ship {paid.id}"]


async def test_no_bargain_is_completed_while_deliveries_are_stopped(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        platform, shop = Platform(), ledger.account.shop
        waiting = await ledger.page(1, S.BARGAIN_PENDING)
        await ledger.write(lambda tx: ledger.read(tx, waiting))
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))

        await perform(ledger, platform, TaskKind.FREE_SHIPPING)
        assert platform.asked == []

        await ledger.write(lambda tx: resume(tx, shop, None, by=BY, now=ledger.now()))
        ledger.time[0] += timedelta(minutes=2)
        await perform(ledger, platform, TaskKind.FREE_SHIPPING)
        assert platform.asked == [f"free {waiting.id}"]


# --- The red line ---------------------------------------------------------------------------------


async def test_a_red_line_that_a_paid_order_explains_asks_nobody_about_an_unpaid_one(
    tmp_path: Path,
) -> None:
    """It names no order; the conversation's newest one is not always the paid one."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        unpaid = replace(await ledger.page(2, S.UNPAID), buyer=paid.buyer)
        platform = Platform({paid.id: paid, unpaid.id: unpaid}, newest=unpaid.id)
        ledger.threads[unpaid.id] = ledger.threads[paid.id]
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.red_line(tx, paid))

        for _ in range(40):
            await perform(ledger, platform, TaskKind.READ_ORDER)
            ledger.time[0] += timedelta(seconds=3)

        assert await ledger.kinds(unpaid) == []
        assert await ledger.waiting(TaskKind.READ_ORDER) == 0


async def test_a_red_line_does_not_hold_up_the_order_that_it_speaks_of(tmp_path: Path) -> None:
    """The card that names the order comes after the line, and the line was looked up first."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        unpaid = replace(await ledger.page(2, S.UNPAID), buyer=paid.buyer)
        platform = Platform({paid.id: paid, unpaid.id: unpaid}, newest=unpaid.id)
        await ledger.write(lambda tx: ledger.red_line(tx, paid))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.PAID, message=1))

        await perform(ledger, platform, TaskKind.READ_ORDER)
        await perform(ledger, platform, TaskKind.READ_ORDER)

        assert await ledger.states(paid) == [D.RESERVED]


async def test_a_page_that_lags_behind_a_red_line_is_waited_for(tmp_path: Path) -> None:
    """Also where the buyer paid another order just before."""
    async with open_ledger(tmp_path) as ledger:
        first = await ledger.page(1, S.PAID)
        second = replace(await ledger.page(2, S.UNPAID), buyer=first.buyer)
        ledger.threads[second.id] = ledger.threads[first.id]
        platform = Platform({first.id: first, second.id: second}, newest=second.id)
        await ledger.write(lambda tx: ledger.read(tx, first))
        await ledger.write(lambda tx: ledger.red_line(tx, first))
        await perform(ledger, platform, TaskKind.READ_ORDER)

        platform.pages[second.id] = replace(second, status=S.PAID)
        ledger.time[0] += timedelta(seconds=3)
        await perform(ledger, platform, TaskKind.READ_ORDER)

        assert await ledger.states(second) == [D.RESERVED]


async def test_a_red_line_that_nothing_explains_still_asks_a_person(tmp_path: Path) -> None:
    """L18."""
    async with open_ledger(tmp_path) as ledger:
        unpaid = await ledger.page(1, S.UNPAID)
        platform = Platform({unpaid.id: unpaid}, newest=unpaid.id)
        await ledger.write(lambda tx: ledger.red_line(tx, unpaid))

        for _ in range(40):
            await perform(ledger, platform, TaskKind.READ_ORDER)
            ledger.time[0] += timedelta(seconds=3)

        assert await ledger.kinds(unpaid) == [NeedKind.UNCLEAR]
