"""Cards that lose their worth between being reserved and being sent, and cards that come back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from hub.delivery import deliver, give_back, on_message_settled, refuse, resend, why_not
from hub.model import (
    CardState,
    Cause,
    DeliveryState,
    MessageState,
    NeedKind,
    Order,
    OrderStatus,
    TaskKind,
)
from hub.store import Tx
from tests.unit.delivery.ledger_stage import CODES, Ledger, open_ledger

S, M, D = OrderStatus, MessageState, DeliveryState
BY = Cause(None, "web")


async def void(ledger: Ledger, code: str) -> None:
    shop = ledger.account.shop

    def unit(tx: Tx) -> None:
        card = tx.cards.by_code(shop, code)
        assert card is not None
        tx.cards.void(shop, card.id, by=BY, now=ledger.now())

    await ledger.write(unit)


async def refusals(ledger: Ledger, order: Order) -> list[str | None]:
    """What stands in the way of each of its messages now."""

    def unit(tx: Tx) -> list[str | None]:
        found = []
        for one in ledger.units_in(tx, order):
            for id_, _ in tx.deliveries.parts(one.shop, one.id, one.attempt):
                message = tx.messages.get(one.shop, id_)
                assert message is not None
                found.append(why_not(tx, message, one.shop, ledger.now()))
        return found

    return await ledger.store.read(unit)


async def soon_expiring(ledger: Ledger, code: str) -> None:
    shop, pool = ledger.account.shop, ledger.pool.id

    def unit(tx: Tx) -> None:
        batch = tx.card_records.new_batch(shop, pool, "", by=BY, now=ledger.now())
        end = ledger.now() + timedelta(minutes=5)
        tx.cards.add(shop, pool, [code], batch=batch, expires_at=end, now=ledger.now())

    await ledger.write(unit)


async def test_a_card_that_was_voided_while_its_message_waited_is_not_sent(tmp_path: Path) -> None:
    """The account was offline; another card goes out once a person says so."""
    async with open_ledger(tmp_path) as ledger:
        paid, account = await ledger.page(1, S.PAID), ledger.account
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await refusals(ledger, paid) == [None]

        await void(ledger, CODES[0])
        assert await refusals(ledger, paid) != [None]

        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))
        assert await ledger.kinds(paid) == [NeedKind.STOPPED]
        known = await ledger.known(paid)
        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))
        assert await ledger.messages(paid) == [(CODES[0], M.DROPPED), (CODES[1], M.QUEUED)]


async def test_a_card_that_ran_out_while_its_message_waited_is_not_sent(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await soon_expiring(ledger, "SOON-1")
        paid, account = await ledger.page(1, S.PAID), ledger.account
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert [text for text, _ in await ledger.messages(paid)] == ["SOON-1"]
        assert await refusals(ledger, paid) == [None]

        ledger.time[0] += timedelta(minutes=6)
        assert await refusals(ledger, paid) != [None]

        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))
        assert await ledger.messages(paid) == [("SOON-1", M.DROPPED), (CODES[0], M.QUEUED)]


async def test_a_card_that_runs_out_during_the_delay_is_replaced(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(delay_seconds=600)
        await soon_expiring(ledger, "SOON-1")
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))

        await ledger.pass_delay(paid)

        assert await ledger.messages(paid) == [(CODES[0], M.QUEUED)]
        shop = ledger.account.shop
        card = await ledger.store.read(lambda tx: tx.cards.by_code(shop, "SOON-1"))
        assert card is not None
        assert card.state is CardState.VOID


async def test_what_the_buyer_has_may_run_out(tmp_path: Path) -> None:
    """It is sent again as it was; that it is of no use any more is the buyer's."""
    async with open_ledger(tmp_path) as ledger:
        await soon_expiring(ledger, "SOON-1")
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        ledger.time[0] += timedelta(minutes=6)
        assert await refusals(ledger, paid) == [None]


async def test_a_card_that_reached_its_buyer_after_all_is_not_sold_again(tmp_path: Path) -> None:
    """L3: it was given back because nobody could see it in the conversation; then it appears
    there."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.UNCERTAIN))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: give_back(tx, known, by=BY, now=ledger.now()))

        def echo(tx: Tx) -> None:
            (one,) = ledger.units_in(tx, paid)
            for id_, _ in tx.deliveries.parts(one.shop, one.id, one.attempt):
                tx.messages.set_state(one.shop, id_, M.ACCEPTED, now=ledger.now())
                on_message_settled(tx, one.shop, id_, M.ACCEPTED, "", ledger.now())

        await ledger.write(echo)
        await ledger.write(echo)

        shop = ledger.account.shop
        card = await ledger.store.read(lambda tx: tx.cards.by_code(shop, CODES[0]))
        assert card is not None
        assert card.state is CardState.VOID
        assert await ledger.kinds(paid) == [NeedKind.UNCERTAIN]
        other = await ledger.page(2, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, other))
        assert await ledger.messages(other) == [(CODES[1], M.QUEUED)]


async def test_what_surely_nobody_saw_goes_back_when_the_order_is_declined(tmp_path: Path) -> None:
    """No card is lost: an emergency stop had held it before it left."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))
        known = await ledger.known(paid)

        await ledger.write(lambda tx: refuse(tx, known, by=BY, now=ledger.now()))

        assert await ledger.states(paid) == [D.FAILED]
        shop = ledger.account.shop
        card = await ledger.store.read(lambda tx: tx.cards.by_code(shop, CODES[0]))
        assert card is not None
        assert card.state is CardState.AVAILABLE


async def test_another_card_than_the_void_one_is_asked_of_the_supplier(tmp_path: Path) -> None:
    """A supplier that honours the key would give the void one again."""
    async with open_ledger(tmp_path) as ledger:
        pool, account = await ledger.api_pool(), ledger.account
        await ledger.change_rule(pool=pool.id)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        (unit,) = await ledger.units(paid)
        first = await ledger.supplier_key(unit)
        await ledger.supply(unit, "FETCHED-1")
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: give_back(tx, known, by=BY, now=ledger.now()))
        ((card,),) = await ledger.cards(paid)
        await ledger.write(lambda tx: tx.cards.void(unit.shop, card.id, by=BY, now=ledger.now()))

        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))

        assert await ledger.states(paid) == [D.SUPPLYING]
        assert await ledger.supplier_key(unit) not in (None, first)
        again = await ledger.supplier_key(unit)
        await ledger.unsupplied(unit)
        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))
        assert await ledger.supplier_key(unit) == again, "nothing came of it: the same wish"


async def test_a_supplier_that_gave_nothing_is_asked_with_the_same_key(tmp_path: Path) -> None:
    """It may have given out a card whose answer was lost."""
    async with open_ledger(tmp_path) as ledger:
        pool, account = await ledger.api_pool(), ledger.account
        await ledger.change_rule(pool=pool.id)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        (unit,) = await ledger.units(paid)
        first = await ledger.supplier_key(unit)
        await ledger.unsupplied(unit)
        known = await ledger.known(paid)

        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))

        assert first is not None
        assert await ledger.supplier_key(unit) == first


async def test_who_asks_for_it_now_does_not_wait_for_the_delay(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(delay_seconds=3600)
        paid, account = await ledger.page(1, S.PAID), ledger.account
        await ledger.write(lambda tx: ledger.read(tx, paid))
        known = await ledger.known(paid)

        await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))

        assert await ledger.waiting(TaskKind.SEND) == 1
        await ledger.pass_delay(paid)
        assert await ledger.waiting(TaskKind.SEND) == 1


async def arrives_after_all(ledger: Ledger, order: Order, attempt: int) -> None:
    """The messages of one time that it was written turn up in the conversation."""

    def unit(tx: Tx) -> None:
        (one,) = ledger.units_in(tx, order)
        for id_, _ in tx.deliveries.parts(one.shop, one.id, attempt):
            tx.messages.set_state(one.shop, id_, M.ACCEPTED, now=ledger.now())
            on_message_settled(tx, one.shop, id_, M.ACCEPTED, "", ledger.now())

    await ledger.write(unit)


async def test_what_turns_up_after_all_is_not_said_twice(tmp_path: Path) -> None:
    """Somebody had it sent again, and that had not left yet."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.UNCERTAIN))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))

        await arrives_after_all(ledger, paid, attempt=1)
        (unit,) = await ledger.units(paid)

        def worker(tx: Tx) -> None:
            for id_, _ in tx.deliveries.parts(unit.shop, unit.id, 2):
                message = tx.messages.get(unit.shop, id_)
                assert message is not None
                reason = why_not(tx, message, unit.shop, ledger.now())
                assert reason is not None
                on_message_settled(tx, unit.shop, id_, M.DROPPED, reason, ledger.now())

        await ledger.write(worker)
        assert await ledger.states(paid) == [D.SENT]
        assert await ledger.kinds(paid) == []


async def test_what_is_wanted_twice_is_said_twice(tmp_path: Path) -> None:
    """Old news of the first time does not stop the second."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))

        await arrives_after_all(ledger, paid, attempt=1)

        assert await ledger.messages(paid) == [(CODES[0], M.ACCEPTED), (CODES[0], M.QUEUED)]


async def test_a_card_sent_in_the_place_of_a_void_one_counts_as_handed_over(tmp_path: Path) -> None:
    """The unit had been sent before; what its buyer holds now is not reserved any more."""
    async with open_ledger(tmp_path) as ledger:
        paid, shop = await ledger.page(1, S.PAID), ledger.account.shop
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await void(ledger, CODES[0])
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        known = await ledger.known(paid)

        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))

        (unit,) = await ledger.units(paid)
        cards = await ledger.store.read(lambda tx: tx.cards.of_unit(shop, unit.unit))
        assert [(one.code, one.state) for one in cards] == [(CODES[1], CardState.HANDED_OVER)]
