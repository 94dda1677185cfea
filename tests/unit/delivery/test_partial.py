"""Several pieces in one order, of which some arrived: only what is missing is sent again."""

from __future__ import annotations

from pathlib import Path

from hub.delivery import deliver, on_message_settled, on_ship_done, outside, refuse, resend
from hub.model import (
    Cause,
    Delivery,
    DeliveryState,
    MessageState,
    NeedKind,
    Order,
    OrderStatus,
    Pool,
    PoolKind,
    TaskKind,
)
from hub.store import Tx
from tests.unit.delivery.ledger_stage import Ledger, open_ledger

S, M = OrderStatus, MessageState
BY = Cause(None, "web")


async def two_of_three_arrive(ledger: Ledger) -> Order:
    paid = await ledger.page(1, S.PAID, quantity=3)
    await ledger.write(lambda tx: ledger.read(tx, paid))
    for number, state in enumerate((M.ACCEPTED, M.REJECTED, M.ACCEPTED)):
        unit = (await ledger.units(paid))[number]
        await ledger.write(lambda tx, u=unit, s=state: ledger.end_unit(tx, u, s))  # type: ignore[misc]
    return paid


def arrive(tx: Tx, unit: Delivery) -> None:
    for message, _ in tx.deliveries.parts(unit.shop, unit.id, unit.attempt):
        tx.messages.set_state(unit.shop, message, M.ACCEPTED, now=unit.changed_at)
        on_message_settled(tx, unit.shop, message, M.ACCEPTED, "", unit.changed_at)


async def a_text(ledger: Ledger) -> Pool:
    shop = ledger.account.shop
    return await ledger.write(
        lambda tx: tx.pools.add(
            shop, name="文字", kind=PoolKind.TEXT, text="网盘链接", now=ledger.now()
        )
    )


async def test_what_arrived_is_not_sent_again_with_what_was_refused(tmp_path: Path) -> None:
    """L10: the answer is about the pieces that wait for one."""
    async with open_ledger(tmp_path) as ledger:
        paid = await two_of_three_arrive(ledger)
        known = await ledger.known(paid)

        count = await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))

        assert count == 1
        assert [one.attempt for one in await ledger.units(paid)] == [1, 2, 1]


async def test_once_all_arrived_all_of_it_can_be_sent_again(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID, quantity=2)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        known = await ledger.known(paid)

        assert await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now())) == 2


async def test_that_the_buyer_has_all_of_it_again_is_told_once(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.hire()
        paid = await ledger.page(1, S.PAID, quantity=2)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        known = await ledger.known(paid)
        await ledger.all_notices()
        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))
        one, other = await ledger.units(paid)

        await ledger.write(lambda tx: ledger.end_unit(tx, one, M.ACCEPTED))
        assert await ledger.all_notices() == []
        for _ in ("the answer", "our own echo"):
            await ledger.write(lambda tx: arrive(tx, other))

        (told,) = await ledger.all_notices()
        assert told.startswith("✅ 已再发一次 2 份「月卡」")


async def test_an_order_whose_last_piece_a_person_delivered_is_marked_as_shipped(
    tmp_path: Path,
) -> None:
    """L10: the buyer has all of it, so the platform has to know."""
    async with open_ledger(tmp_path) as ledger:
        paid = await two_of_three_arrive(ledger)
        known = await ledger.known(paid)

        await ledger.write(lambda tx: outside(tx, known, by=BY, now=ledger.now()))

        assert await ledger.waiting(TaskKind.SHIP) == 1
        await ledger.write(lambda tx: on_ship_done(tx, known, ledger.now()))
        assert await ledger.states(paid) == [
            DeliveryState.CONFIRMED,
            DeliveryState.OUTSIDE,
            DeliveryState.CONFIRMED,
        ]


async def test_an_order_that_was_declined_before_it_was_looked_into_can_still_be_delivered(
    tmp_path: Path,
) -> None:
    """L10: all pieces, from the rule's pool."""
    async with open_ledger(tmp_path) as ledger:
        unpaid = await ledger.page(1, S.UNPAID, quantity=3)
        await ledger.write(lambda tx: ledger.read(tx, unpaid))
        known = await ledger.known(unpaid)
        await ledger.write(lambda tx: refuse(tx, known, by=BY, now=ledger.now()))
        paid = await ledger.page(1, S.PAID, quantity=3)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.states(paid) == [DeliveryState.FAILED]

        order = await ledger.known(paid)
        account = ledger.account
        await ledger.write(lambda tx: deliver(tx, account, order, by=BY, now=ledger.now()))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))

        assert await ledger.states(paid) == [DeliveryState.SENT] * 3
        assert [len(cards) for cards in await ledger.cards(paid)] == [1, 1, 1]


async def test_a_pool_chosen_instead_serves_every_piece(tmp_path: Path) -> None:
    """L10: the rule's pool gives one text for all pieces, the chosen one a card for each."""
    async with open_ledger(tmp_path) as ledger:
        account, codes = ledger.account, ledger.pool
        words = await a_text(ledger)
        await ledger.change_rule(pool=words.id)
        await ledger.write(lambda tx: tx.pools.update(account.shop, words.id, enabled=False))
        paid = await ledger.page(1, S.PAID, quantity=3)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.kinds(paid) == [NeedKind.OUT_OF_STOCK]
        order = await ledger.known(paid)

        await ledger.write(
            lambda tx: deliver(tx, account, order, pool=codes, by=BY, now=ledger.now())
        )

        assert await ledger.states(paid) == [DeliveryState.RESERVED] * 3


async def test_a_text_chosen_instead_is_said_once(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        account, codes = ledger.account, ledger.pool
        words = await a_text(ledger)
        paid = await ledger.page(1, S.PAID, quantity=3)
        await ledger.write(lambda tx: tx.cards.discard(account.shop, codes.id, 1000))
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.kinds(paid) == [NeedKind.OUT_OF_STOCK]
        order = await ledger.known(paid)

        await ledger.write(
            lambda tx: deliver(tx, account, order, pool=words, by=BY, now=ledger.now())
        )

        assert await ledger.waiting(TaskKind.SEND) == 1
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        assert await ledger.waiting(TaskKind.SHIP) == 1
