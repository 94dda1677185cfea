"""Who is asked about an order that was paid, and who is left in peace (L18)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from hub.delivery import is_lost, on_unread, outside
from hub.desk import Desk, Door, Operator
from hub.model import (
    CardStep,
    Cause,
    Choice,
    DeliveryState,
    Guards,
    MessageState,
    NeedKind,
    Order,
    OrderNote,
    OrderStatus,
    PlatformUser,
    ReadOrder,
    Role,
    TaskKind,
)
from hub.settings import Settings
from hub.store import Tx
from tests.unit.delivery.ledger_stage import ITEM, Ledger, open_ledger
from tests.unit.delivery.test_platform_tasks import Platform, perform

S, M, D = OrderStatus, MessageState, DeliveryState
BY = Cause(None, "web")


async def without_rules(ledger: Ledger) -> None:
    def unit(tx: Tx) -> None:
        (rule,) = tx.delivery_rules.all(ledger.account.shop)
        tx.delivery_rules.remove(rule.shop, rule.id)

    await ledger.write(unit)


async def lost(ledger: Ledger, order: Order) -> bool:
    account = ledger.account
    return await ledger.store.read(lambda tx: is_lost(tx, account.shop, account.id, order.id))


async def notes(ledger: Ledger, order: Order) -> list[object]:
    account = ledger.account
    story = await ledger.store.read(lambda tx: tx.orders.story(account.shop, account.id, order.id))
    return [line.step for line in story]


# --- Before the first rule ------------------------------------------------------------------------


async def test_a_shop_that_has_no_rule_yet_is_asked_nothing(tmp_path: Path) -> None:
    """Its orders are on the list, and each says why nothing is delivered."""
    async with open_ledger(tmp_path) as ledger:
        await without_rules(ledger)
        paid, strange = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        strange = replace(strange, status=None, raw_status="验货中", buyer=None)

        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.read(tx, strange))

        for order in (paid, strange):
            assert await ledger.kinds(order) == []
            assert (await notes(ledger, order)).count(OrderNote.LEFT_ALONE) == 1
            assert not await lost(ledger, order)
        assert (await ledger.known(paid)).status is S.PAID


async def test_a_page_that_cannot_be_read_troubles_nobody_before_the_first_rule(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        await without_rules(ledger)
        paid = await ledger.page(1, S.PAID)
        await unread(ledger, paid)
        assert await ledger.kinds(paid) == []
        assert await lost(ledger, paid), "so it is read when the lists are compared"


async def test_orders_from_before_the_first_rule_are_not_delivered_by_it(tmp_path: Path) -> None:
    """The seller may have sent them by hand."""
    async with open_ledger(tmp_path) as ledger:
        account, pool = ledger.account, ledger.pool
        (rule,) = await ledger.store.read(lambda tx: tx.delivery_rules.all(account.shop))
        await without_rules(ledger)
        old, new = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, old))

        await ledger.write(
            lambda tx: tx.delivery_rules.add(replace(rule, pool=pool.id), ledger.now())
        )
        await ledger.write(lambda tx: ledger.read(tx, old))
        await ledger.write(lambda tx: ledger.read(tx, new))

        assert await ledger.states(old) == []
        assert await ledger.kinds(old) == []
        assert not await lost(ledger, old)
        assert await ledger.states(new) == [D.RESERVED]


async def test_a_rule_that_is_switched_off_is_a_rule(tmp_path: Path) -> None:
    """The shop delivers by itself, so a person is asked."""
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(enabled=False)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.kinds(paid) == [NeedKind.NO_RULE]


async def test_a_shop_that_lost_its_last_rule_is_asked(tmp_path: Path) -> None:
    """It has delivered by one, so that may have been a mistake."""
    async with open_ledger(tmp_path) as ledger:
        first, second = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, first))
        await without_rules(ledger)
        await ledger.write(lambda tx: ledger.read(tx, second))
        assert await ledger.kinds(second) == [NeedKind.NO_RULE]


# --- Questions that are gone ----------------------------------------------------------------------


async def close_all(ledger: Ledger, order: Order) -> None:
    for need in await ledger.needs(order):
        await ledger.write(
            lambda tx, need=need: tx.needs.close(  # type: ignore[misc]
                need.shop, need.id, resolution="", now=ledger.now()
            )
        )


async def test_what_waits_for_a_person_whom_nobody_asks_is_found(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        shop, pool = ledger.account.shop, ledger.pool.id
        stopped, short = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, stopped))
        await ledger.write(lambda tx: ledger.settle(tx, stopped, M.REJECTED))
        await ledger.write(lambda tx: tx.cards.discard(shop, pool, 1000))
        await ledger.write(lambda tx: ledger.read(tx, short))
        for order in (stopped, short):
            assert not await lost(ledger, order)
            await close_all(ledger, order)
            assert await lost(ledger, order)

        await ledger.write(lambda tx: ledger.read(tx, stopped))
        await ledger.write(lambda tx: ledger.read(tx, short))

        assert await ledger.kinds(stopped) == [NeedKind.UNCERTAIN]
        assert await ledger.kinds(short) == [NeedKind.OUT_OF_STOCK]
        assert not await lost(ledger, short)


async def unread(ledger: Ledger, order: Order) -> None:
    thread = ledger.threads[order.id]
    account = ledger.account
    work = ReadOrder(account.id, thread.platform_id, order.id, ITEM, S.PAID)
    kind = NeedKind.UNREADABLE
    await ledger.write(lambda tx: on_unread(tx, account.shop, work, kind, "读不到", ledger.now()))


async def test_an_order_that_was_never_read_can_be_settled_by_a_person(tmp_path: Path) -> None:
    """The need names it, so it has to be found under its number."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await unread(ledger, paid)
        assert await ledger.kinds(paid) == [NeedKind.UNREADABLE]

        known = await ledger.known(paid)
        await ledger.write(lambda tx: outside(tx, known, by=BY, now=ledger.now()))
        await ledger.write(lambda tx: ledger.read(tx, paid))

        assert await ledger.kinds(paid) == []
        assert await ledger.states(paid) == [D.OUTSIDE]


async def test_an_order_that_was_never_read_is_delivered_once_it_is(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await unread(ledger, paid)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.states(paid) == [D.RESERVED]
        assert await ledger.kinds(paid) == []


async def test_a_payment_of_which_nobody_knows_the_order_is_looked_up_again(tmp_path: Path) -> None:
    """The need knows its conversation, so that a person can have it looked up."""
    async with open_ledger(tmp_path) as ledger:
        paid, account = await ledger.page(1, S.PAID), ledger.account
        thread = ledger.threads[paid.id]
        work = ReadOrder(account.id, thread.platform_id, None, ITEM, S.PAID)
        kind = NeedKind.UNCLEAR
        await ledger.write(
            lambda tx: on_unread(tx, account.shop, work, kind, "找不到", ledger.now())
        )
        owner = Operator(
            await ledger.write(
                lambda tx: tx.members.add(account.shop, "店主", Role.OWNER, now=ledger.now())
            ),
            Door.WEB,
        )

        needs = Desk(ledger.store, Settings(), ledger.now).needs
        await needs.answer(owner, 1, Choice.READ)

        assert await needs.open(owner) == []
        await perform(ledger, Platform({paid.id: paid}, newest=paid.id), TaskKind.READ_ORDER)
        assert await ledger.states(paid) == [D.RESERVED]


# --- Guards ---------------------------------------------------------------------------------------


async def test_a_second_order_is_held_while_the_first_waits_for_its_delay(tmp_path: Path) -> None:
    """It is as unfinished as one that was delivered."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        await ledger.change_rule(delay_seconds=600)
        await ledger.write(lambda tx: tx.guards.set(shop, Guards(hold_second_order=True)))
        first, second = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        second = replace(second, buyer=first.buyer)
        await ledger.write(lambda tx: ledger.read(tx, first))

        await ledger.write(lambda tx: ledger.read(tx, second))

        assert await ledger.states(first) == [D.RESERVED]
        assert await ledger.states(second) == []
        assert await ledger.kinds(second) == [NeedKind.HELD]


async def test_a_buyer_is_new_until_something_was_delivered(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        await ledger.change_rule(delay_seconds=600)
        guards = Guards(most_amount_new_buyer=Decimal("9.90"))
        await ledger.write(lambda tx: tx.guards.set(shop, guards))
        first, second = await ledger.page(1, S.PAID), await ledger.page(2, S.PAID)
        second = replace(second, buyer=first.buyer, paid_amount=Decimal("10.00"))
        await ledger.write(lambda tx: ledger.read(tx, first))

        await ledger.write(lambda tx: ledger.read(tx, second))

        assert await ledger.kinds(second) == [NeedKind.HELD]


async def test_a_purchase_between_two_accounts_of_the_shop_waits_for_a_person(
    tmp_path: Path,
) -> None:
    """The account that buys sees an order with the seller as the other side: it must not deliver
    what it bought."""
    async with open_ledger(tmp_path) as ledger:
        shop, me = ledger.account.shop, PlatformUser("2200111199999")

        def another(tx: Tx) -> None:
            tx.accounts.add(
                shop,
                name="二号店",
                user=me,
                device_id="other",
                cookies="unb=2",
                takeover_minutes=10,
                now=ledger.now(),
            )

        await ledger.write(another)
        paid = replace(await ledger.page(1, S.PAID), buyer=me)

        await ledger.write(lambda tx: ledger.read(tx, paid))

        assert await ledger.states(paid) == []
        assert await ledger.kinds(paid) == [NeedKind.HELD]


# --- Refunds --------------------------------------------------------------------------------------


async def test_a_refund_says_of_a_suppliers_card_that_it_stays(tmp_path: Path) -> None:
    """It was made for this order and does not go into stock."""
    async with open_ledger(tmp_path) as ledger:
        await ledger.hire()
        pool = await ledger.api_pool()
        first = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, first))
        await ledger.change_rule(pool=pool.id)
        second = await ledger.page(2, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, second))
        (unit,) = await ledger.units(second)
        await ledger.supply(unit, "FETCHED-1")

        told = []
        for order in (first, second):
            page = replace(order, status=S.REFUND_REQUESTED)
            await ledger.write(lambda tx, page=page: ledger.read(tx, page))  # type: ignore[misc]
            told += await ledger.all_notices()

        mine, fetched = (one for one in told if "还没发出的 1 份已停下" in one)
        assert "还没发出的 1 份已停下，卡密退回库存" in mine
        assert "退回库存" not in fetched
        ((card,),) = await ledger.cards(second)
        events = await ledger.store.read(lambda tx: tx.card_records.history(unit.shop, card.id))
        assert [one.step for one in events] == [CardStep.FETCHED]


async def test_nothing_is_sent_twice_by_asking_for_it_twice(tmp_path: Path) -> None:
    """L2."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        for _ in range(3):
            await ledger.write(lambda tx: ledger.read(tx, paid))
        assert await ledger.waiting(TaskKind.SEND) == 1
