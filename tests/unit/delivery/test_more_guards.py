"""The last look before a message of a delivery leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hub.delivery import (
    deliver,
    give_back,
    look_again,
    on_message_settled,
    on_ship_refused,
    on_signal,
    outside,
    refuse,
    resend,
    resume,
    why_not,
)
from hub.desk import Door, Operator
from hub.desk.orders import Orders
from hub.errors import Invalid, NotConfirmed
from hub.model import (
    AccountState,
    CardState,
    Cause,
    DeliveryState,
    Guards,
    Message,
    MessageState,
    NeedKind,
    Order,
    OrderSignal,
    OrderStatus,
    PlatformUser,
    Role,
    SignalSource,
    StepOrder,
    TaskKind,
)
from hub.store import Tx
from tests.unit.delivery.ledger_stage import Ledger, open_ledger
from tests.unit.delivery.test_platform_tasks import Platform, perform

S, M, D = OrderStatus, MessageState, DeliveryState
BY = Cause(None, "web")


def first_message(ledger: Ledger, tx: Tx, order: Order) -> Message:
    (unit,) = ledger.units_in(tx, order)
    ((id_, _),) = tx.deliveries.parts(unit.shop, unit.id, unit.attempt)
    message = tx.messages.get(unit.shop, id_)
    assert message is not None
    return message


async def test_goods_go_to_the_buyer_of_their_order_and_to_nobody_else(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        account, shop = ledger.account, ledger.account.shop
        paid, other = await ledger.page(1, S.PAID), await ledger.page(2, S.SHIPPED)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.read(tx, other))
        known = await ledger.known(other)

        for order in (paid, other):
            thread = ledger.threads[order.id].platform_id
            await ledger.write(
                lambda tx, thread=thread: tx.conversations.upsert(  # type: ignore[misc]
                    shop, account.id, thread, buyer=PlatformUser("999999"), at=ledger.now()
                )
            )
        refusal = await ledger.store.read(
            lambda tx: why_not(tx, first_message(ledger, tx, paid), shop, ledger.now())
        )
        assert refusal == "这个会话的对方不是这笔订单的买家"
        with pytest.raises(Invalid, match="不是这笔订单的买家"):
            await ledger.write(lambda tx: deliver(tx, account, known, by=BY, now=ledger.now()))


async def test_a_clock_that_goes_back_holds_no_delivery_up(tmp_path: Path) -> None:
    """The account came online at a moment that lies in the future by now."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        platform = Platform({paid.id: paid})
        await ledger.write(lambda tx: ledger.read(tx, paid))
        ledger.time[0] += timedelta(days=400)
        for state in (AccountState.CONNECTING, AccountState.ONLINE):
            await come(ledger, state)
        ledger.time[0] -= timedelta(days=399)

        async def waits() -> bool:
            return await ledger.write(
                lambda tx: look_again(tx, shop, first_message(ledger, tx, paid).id, ledger.now())
            )

        assert await waits(), "a refund may have gone unheard"
        assert await waits()
        await perform(ledger, platform, TaskKind.READ_ORDER)
        assert not await waits()


async def come(ledger: Ledger, state: AccountState) -> None:
    account = ledger.account
    await ledger.write(
        lambda tx: tx.accounts.set_state(
            account.shop, account.id, state, reason="", now=ledger.now()
        )
    )


async def test_a_session_that_is_not_noted_yet_lets_no_goods_leave(tmp_path: Path) -> None:
    """Until it is, the account seems to have been where it is since before the order was read."""
    async with open_ledger(tmp_path) as ledger:
        await come(ledger, AccountState.CONNECTING)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        shop = ledger.account.shop

        async def waits() -> bool:
            return await ledger.write(
                lambda tx: look_again(tx, shop, first_message(ledger, tx, paid).id, ledger.now())
            )

        assert await waits()
        ledger.time[0] += timedelta(seconds=1)
        await come(ledger, AccountState.ONLINE)
        assert await waits()
        await perform(ledger, Platform({paid.id: paid}), TaskKind.READ_ORDER)
        assert not await waits()


async def test_what_was_read_while_connected_is_not_read_again(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        shop = ledger.account.shop
        assert not await ledger.write(
            lambda tx: look_again(tx, shop, first_message(ledger, tx, paid).id, ledger.now())
        )
        assert await ledger.waiting(TaskKind.READ_ORDER) == 0


async def test_a_mark_that_was_refused_says_that_the_goods_wait_for_it(tmp_path: Path) -> None:
    """L4, L18: who only reads that a mark is missing may think that the buyer is served."""
    async with open_ledger(tmp_path, steps=StepOrder.CONFIRM_THEN_SEND) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: on_ship_refused(tx, known, "不允许", ledger.now()))
        (need,) = await ledger.needs(paid)
        assert need.kind is NeedKind.SHIP_FAILED
        assert "货还没有发给买家" in need.detail


async def test_an_older_time_that_it_was_written_does_not_leave_any_more(tmp_path: Path) -> None:
    """A person had it sent again; what was written before must not come on top."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))
        second = await ledger.store.read(lambda tx: first_message(ledger, tx, paid))
        assert await ledger.store.read(lambda tx: why_not(tx, second, shop, ledger.now())) is None

        await ledger.write(lambda tx: resend(tx, known, by=BY, now=ledger.now()))

        reason = await ledger.store.read(lambda tx: why_not(tx, second, shop, ledger.now()))
        assert reason == "已经重新发送"


async def test_what_arrives_although_a_refund_was_asked_is_disputed_and_not_marked_as_shipped(
    tmp_path: Path,
) -> None:
    """It was on the wire when the refund was heard of."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        refunding = replace(paid, status=S.REFUND_REQUESTED)
        await ledger.write(lambda tx: ledger.read(tx, refunding))

        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))

        assert await ledger.states(paid) == [D.SENT]
        assert await ledger.waiting(TaskKind.SHIP) == 0
        assert [[card.state for card in held] for held in await ledger.cards(paid)] == [
            [CardState.DISPUTED]
        ]


async def test_what_an_emergency_stop_held_counts_as_no_failure(tmp_path: Path) -> None:
    """Else resuming after a stop would pull the brake at once."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        await ledger.write(lambda tx: tx.guards.set(shop, Guards(brake_failures=2)))
        refused, stopped, last = [await ledger.page(number, S.PAID) for number in (1, 2, 3)]
        for order in (refused, stopped, last):
            await ledger.write(lambda tx, order=order: ledger.read(tx, order))  # type: ignore[misc]

        await ledger.write(lambda tx: ledger.settle(tx, refused, M.REJECTED))
        await ledger.write(lambda tx: ledger.settle(tx, stopped, M.DROPPED))
        assert await ledger.store.read(lambda tx: tx.stops.all(shop)) == []

        await ledger.write(lambda tx: ledger.settle(tx, last, M.UNCERTAIN))
        (stop,) = await ledger.store.read(lambda tx: tx.stops.all(shop))
        assert stop.by_brake


async def test_a_refund_and_an_emergency_stop_keep_back_what_is_written(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))

        async def reason() -> str | None:
            return await ledger.store.read(
                lambda tx: why_not(tx, first_message(ledger, tx, paid), shop, ledger.now())
            )

        assert await reason() is None
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))
        assert await reason() == "发货急停中：查货"
        await ledger.write(lambda tx: tx.stops.resume(shop, None, ledger.now()))
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=1))
        assert await reason() == "买家申请了退款，或订单已关闭"


async def test_what_the_account_bought_itself_is_no_order_of_the_shop(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        account = ledger.account
        bought = replace(await ledger.page(1, S.PAID), buyer=account.user)
        await ledger.write(lambda tx: ledger.read(tx, bought))
        known = await ledger.store.read(
            lambda tx: tx.orders.get(account.shop, account.id, bought.id)
        )
        assert known is None


async def test_as_many_pieces_as_the_rule_allows_are_delivered(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(most_units=2)
        two, three = await ledger.page(1, S.PAID, quantity=2), await ledger.page(2, S.PAID, 3)
        await ledger.write(lambda tx: ledger.read(tx, two))
        await ledger.write(lambda tx: ledger.read(tx, three))
        assert await ledger.states(two) == [D.RESERVED] * 2
        assert await ledger.states(three) == []
        assert await ledger.kinds(three) == [NeedKind.TOO_MANY]


async def test_a_supplier_is_not_asked_for_what_is_refunded_or_stopped(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        shop, pool = ledger.account.shop, await ledger.api_pool()
        await ledger.change_rule(pool=pool.id)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        (unit,) = await ledger.units(paid)
        assert await ledger.supplier_key(unit) is not None

        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))
        assert await ledger.supplier_key(unit) is None
        await ledger.write(lambda tx: tx.stops.resume(shop, None, ledger.now()))
        assert await ledger.supplier_key(unit) is not None
        await ledger.write(lambda tx: ledger.signal(tx, paid, S.REFUND_REQUESTED, message=1))
        assert await ledger.supplier_key(unit) is None


async def test_pieces_of_a_supplier_leave_together_and_the_delay_counts_from_the_payment(
    tmp_path: Path,
) -> None:
    """L10, L16."""
    async with open_ledger(tmp_path) as ledger:
        pool = await ledger.api_pool()
        await ledger.change_rule(pool=pool.id, delay_seconds=600)
        paid = await ledger.page(1, S.PAID, quantity=2)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        first, second = await ledger.units(paid)
        await ledger.supply(first, "FETCHED-1")
        assert await ledger.waiting(TaskKind.DELIVER) == 0

        ledger.time[0] = first.created_at + timedelta(seconds=400)
        await ledger.supply(second, "FETCHED-2")
        (task,) = await ledger.store.read(
            lambda tx: tx.outbox.waiting(first.shop, f"delayed:{ledger.account.id}:{paid.id}")
        )
        assert task.created_at == ledger.now()
        assert await ledger.store.read(lambda tx: tx.outbox.next_due()) is not None
        ledger.time[0] = first.created_at + timedelta(seconds=600)
        assert await perform(ledger, Platform(), TaskKind.DELIVER) == 1
        assert [text for text, _ in await ledger.messages(paid)] == ["FETCHED-1", "FETCHED-2"]


async def test_nobody_decides_about_what_is_on_the_wire(tmp_path: Path) -> None:
    """L3: its end is known in a moment."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        known = await ledger.known(paid)
        for act in (give_back, outside, refuse):
            with pytest.raises(Invalid, match="正在发送"):
                await ledger.write(
                    lambda tx, act=act: act(tx, known, by=BY, now=ledger.now())  # type: ignore[misc]
                )
        assert await ledger.states(paid) == [D.SENDING]


async def test_a_stop_of_the_shop_holds_although_that_of_the_account_is_over(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        account, shop = ledger.account, ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        for where in (None, account.id):
            await ledger.write(
                lambda tx, where=where: tx.stops.stop(  # type: ignore[misc]
                    shop, where, reason="查货", now=ledger.now()
                )
            )
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.DROPPED))

        assert (
            await ledger.write(lambda tx: resume(tx, shop, account.id, by=BY, now=ledger.now()))
            == 0
        )
        assert await ledger.states(paid) == [D.REVIEW]
        assert await ledger.write(lambda tx: resume(tx, shop, None, by=BY, now=ledger.now())) == 1
        assert await ledger.states(paid) == [D.RESERVED]


async def test_cards_that_were_settled_after_leaving_go_back_only_after_a_second_word(
    tmp_path: Path,
) -> None:
    """L3: the buyer may have them, whatever a person called the order since."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.leave(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.UNCERTAIN))
        known = await ledger.known(paid)
        await ledger.write(lambda tx: outside(tx, known, by=BY, now=ledger.now()))
        owner = await ledger.write(
            lambda tx: tx.members.add(shop, "店主", Role.OWNER, now=ledger.now())
        )
        orders = Orders(ledger.store, ledger.now)

        with pytest.raises(NotConfirmed):
            await orders.release(Operator(owner, Door.WEB), paid.id)

        assert await ledger.states(paid) == [D.OUTSIDE]
        await orders.release(Operator(owner, Door.WEB), paid.id, code=paid.id[-4:])
        assert await ledger.states(paid) == [D.RELEASED]


async def test_a_piece_that_came_does_not_answer_for_one_that_did_not(tmp_path: Path) -> None:
    """L10, L18."""
    async with open_ledger(tmp_path) as ledger:
        pool = await ledger.api_pool()
        await ledger.change_rule(pool=pool.id)
        paid = await ledger.page(1, S.PAID, quantity=2)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        first, second = await ledger.units(paid)
        await ledger.unsupplied(first)

        await ledger.supply(second, "FETCHED-2")

        assert await ledger.kinds(paid) == [NeedKind.SUPPLY_UNCERTAIN]
        assert await ledger.states(paid) == [D.PENDING, D.RESERVED]
        assert await ledger.waiting(TaskKind.SEND) == 0


async def test_the_same_good_news_twice_is_marked_and_told_once(tmp_path: Path) -> None:
    """The platform's answer, and then the echo."""
    async with open_ledger(tmp_path) as ledger:
        shop = ledger.account.shop
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        message = await ledger.store.read(lambda tx: first_message(ledger, tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
        await ledger.write(
            lambda tx: on_message_settled(tx, shop, message.id, M.ACCEPTED, "", ledger.now())
        )
        assert await ledger.waiting(TaskKind.SHIP) == 1


async def test_a_red_line_where_the_account_buys_is_no_order_of_the_shop(tmp_path: Path) -> None:
    """It looks the same on both sides."""
    async with open_ledger(tmp_path) as ledger:
        account = ledger.account
        paid = await ledger.page(1, S.PAID)
        thread = ledger.threads[paid.id]
        bought = OrderSignal(
            S.PAID, SignalSource.CARD, thread.platform_id, ledger.now(), as_buyer=True
        )
        await ledger.write(lambda tx: on_signal(tx, account, thread, bought, ledger.now()))
        await ledger.write(lambda tx: ledger.red_line(tx, paid))
        assert await ledger.waiting(TaskKind.READ_ORDER) == 0
