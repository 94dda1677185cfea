"""What the history of a conversation shows is believed, whichever message it was read for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from hub.model import (
    DeliveryState,
    MessageState,
    NeedKind,
    Order,
    OrderStatus,
    Origin,
    OwnMessage,
    PlatformMessage,
    SendMessage,
    TaskKind,
    TaskState,
    Text,
    send_lane,
)
from hub.outbound import BuyerSends, Claim
from hub.pacing import Pacer
from hub.store import Tx
from hub.xianyu import HistoryPage, Session
from tests.unit.delivery.ledger_stage import CODES, Ledger, open_ledger

S, M, D = OrderStatus, MessageState, DeliveryState


class Line:
    """A session whose history shows one message of ours."""

    def __init__(self, event: OwnMessage) -> None:
        self.event = event

    async def history(self, conversation: str, *, limit: int) -> HistoryPage:
        return HistoryPage((self.event,), None)


async def another_message_on_the_wire(ledger: Ledger, order: Order) -> Claim:
    """An operator's, of which nobody knows whether it arrived."""
    shop, account, thread = ledger.account.shop, ledger.account.id, ledger.threads[order.id]

    def unit(tx: Tx) -> Claim:
        message = tx.messages.add_out(
            shop,
            account,
            thread.id,
            key="operator:1",
            origin=Origin.OPERATOR,
            content=Text("在的"),
            now=ledger.now(),
        )
        assert message is not None
        work = SendMessage(account, thread.id, message)
        lane = send_lane(account, thread.id)
        tx.outbox.enqueue(shop, work, lane=lane, key="send:operator", due_at=ledger.now())
        until = ledger.now() + timedelta(minutes=1)
        found = tx.outbox.claim("worker", ledger.now(), until, 10, [TaskKind.SEND])
        (task,) = [task for task in found if task.work == work]
        tx.outbox.mark_wire(task, "worker", ledger.now())
        tx.messages.set_state(shop, message, M.SENDING, now=ledger.now())
        tx.outbox.release(task, "worker", ledger.now())
        (task,) = tx.outbox.claim("worker", ledger.now(), until, 10, [TaskKind.SEND])
        return Claim(task, "worker")

    return await ledger.write(unit)


async def settle_tasks(ledger: Ledger) -> None:
    """As the worker does that gave the card up."""

    def unit(tx: Tx) -> None:
        until = ledger.now() + timedelta(minutes=1)
        for task in tx.outbox.claim("worker", ledger.now(), until, 10, [TaskKind.SEND]):
            tx.outbox.settle(task, "worker", TaskState.UNCERTAIN, now=ledger.now())

    await ledger.write(unit)


async def test_a_card_that_another_messages_history_shows_counts_as_received(
    tmp_path: Path,
) -> None:
    """L3: nobody is asked to send it again any more."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.UNCERTAIN))
        await settle_tasks(ledger)
        assert await ledger.kinds(paid) == [NeedKind.UNCERTAIN]
        claim = await another_message_on_the_wire(ledger, paid)
        thread = ledger.threads[paid.id].platform_id
        shown = OwnMessage(
            PlatformMessage("4300000000001.PNM"), thread, None, Text(CODES[0]), ledger.now()
        )
        sends = BuyerSends(
            ledger.store,
            lambda _: cast("Session", Line(shown)),
            cast("Any", None),
            pacer=Pacer(0),
            look_for=timedelta(seconds=30),
            now=ledger.now,
        )

        await sends.perform(claim)

        assert await ledger.states(paid) == [D.SENT]
        assert await ledger.kinds(paid) == []
