"""Orders, the ledger, needs and stops: each unit once, each shop its own, nothing forgotten."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from cards_stage import BY, ORDER, add_pool, unit_of
from store_stage import Opener, Stage, add_account, at

from hub.model import (
    Cause,
    Delivery,
    DeliveryId,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    DeliveryStep,
    FreeShipping,
    Guards,
    KnownOrder,
    MessageState,
    NeedId,
    NeedKind,
    Order,
    OrderNote,
    OrderStatus,
    PlatformConversation,
    PlatformUser,
    PoolId,
    ReadOrder,
    Remind,
    ShipOrder,
    ShopId,
    StartDelivery,
    StepOrder,
    Supply,
)
from hub.store import Tx

BUYER = PlatformUser("3100444455556")
STRANGER = ShopId(999)


def page(status: OrderStatus | None = OrderStatus.PAID, id: str = ORDER) -> Order:
    return Order(
        id=id,
        status=status,
        raw_status="待发货",
        item_id="900100200300",
        item_title="会员月卡",
        buyer=BUYER,
        buyer_name="小林",
        spec=(("套餐", "月卡"),),
        quantity=2,
        paid_amount=Decimal("25.00"),
        paid_at=at(-60),
    )


def save(stage: Stage, tx: Tx, order: Order | None = None, seconds: float = 0) -> KnownOrder:
    return tx.orders.save(
        stage.shop,
        stage.account.id,
        order or page(),
        conversation=stage.conversation.id,
        now=at(seconds),
    )


def owe(stage: Stage, tx: Tx, number: int = 1, order: str = ORDER) -> Delivery | None:
    return tx.deliveries.owe(
        stage.shop,
        unit_of(stage, order, number),
        pool=PoolId(7),
        rule=DeliveryRuleId(3),
        cards=1,
        now=at(),
    )


# --- Orders ---------------------------------------------------------------------------------------


async def test_what_a_page_does_not_say_stays_as_it_was_known(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        first = save(stage, tx)
        assert first.paid_amount == Decimal("25.00")
        again = save(stage, tx, Order(ORDER, OrderStatus.SHIPPED, "已发货"), seconds=60)
        assert again == replace(
            first,
            status=OrderStatus.SHIPPED,
            raw_status="已发货",
            shipped_at=at(60),
            read_at=at(60),
        )

    await stage.do(unit)


async def test_the_first_time_an_order_counted_as_shipped_or_refunded_stays(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        save(stage, tx)
        assert tx.orders.set_shipped(shop, account, ORDER, at(1))
        assert not tx.orders.set_shipped(shop, account, ORDER, at(2))
        assert tx.orders.set_refund(shop, account, ORDER, at(3))
        assert not tx.orders.set_refund(shop, account, ORDER, at(4))
        found = tx.orders.get(shop, account, ORDER)
        assert found is not None
        assert (found.shipped_at, found.refund_at) == (at(1), at(3))
        assert tx.orders.clear_refund(shop, account, ORDER)
        assert not tx.orders.clear_refund(shop, account, ORDER)

    await stage.do(unit)


async def test_orders_are_found_by_number_buyer_and_words_in_their_own_shop_only(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        known = save(stage, tx)
        assert tx.orders.by_number(stage.shop, ORDER) == [known]
        assert tx.orders.of_buyer(stage.shop, BUYER) == [known]
        assert tx.orders.recent(stage.shop) == [known]
        for words in ("小林", "会员", ORDER[4:9]):
            assert tx.orders.search(stage.shop, words) == [known]
        assert tx.orders.search(stage.shop, "%") == []
        assert tx.orders.by_number(STRANGER, ORDER) == []
        assert tx.orders.get(STRANGER, stage.account.id, ORDER) is None
        assert tx.orders.unknown(stage.shop, stage.account.id, [ORDER, "1"]) == ["1"]

    await stage.do(unit)


async def test_orders_are_paged_without_gap_or_repetition_even_when_seen_at_once(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        numbers = [f"44001122334455{n:05d}" for n in range(7)]
        for n, number in enumerate(numbers):
            save(stage, tx, page(id=number), seconds=n // 3)
        wanted = numbers[::-1]
        for words in ("", "会员"):
            read: list[str] = []
            while part := tx.orders.search(
                stage.shop, words, before=read[-1] if read else "", limit=2
            ):
                read += [one.id for one in part]
            assert read == wanted
        assert tx.orders.search(stage.shop, "", before="123") == []
        assert tx.orders.search(STRANGER, "", before=numbers[-1]) == []

    await stage.do(unit)


async def test_every_word_of_a_search_has_to_be_there_in_whatever_width_or_case(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        title = replace(page(), item_title="ＶＩＰ Member 会员", buyer_name="Tb_小林")
        known = save(stage, tx, title)
        for words in ("小林 会员", "  member　tb_ ", "ＶＩＰ", "月卡 小林", "a b c d e"):
            wanted = [] if words == "a b c d e" else [known]
            assert tx.orders.search(stage.shop, words) == wanted, words
        assert tx.orders.search(stage.shop, "小林 别的") == []

    await stage.do(unit)


async def test_orders_are_found_by_how_their_number_ends(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for number in ("4400112233440006778", "6778112233440000001", "4400112233441236778"):
            save(stage, tx, page(id=number))
        found = [one.id for one in tx.orders.ending(stage.shop, "6778")]
        assert found == ["4400112233441236778", "4400112233440006778"]
        assert tx.orders.ending(STRANGER, "6778") == []

    await stage.do(unit)


async def test_what_pools_gave_is_counted_by_units(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        save(stage, tx)
        for number, state in enumerate((DeliveryState.SENT, DeliveryState.CONFIRMED), 1):
            one = owe(stage, tx, number)
            assert one is not None
            tx.deliveries.set_state(stage.shop, one.id, state, at(number * 100))
        assert owe(stage, tx, 3) is not None
        assert tx.deliveries.given(stage.shop, at(150)) == {PoolId(7): (2, 1)}
        assert tx.deliveries.given(STRANGER, at()) == {}

    await stage.do(unit)


async def test_the_story_of_an_order_is_told_in_order(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        save(stage, tx)
        tx.orders.note_down(shop, account, ORDER, OrderNote.READ, detail="待发货", now=at(1))
        tx.orders.note_down(shop, account, ORDER, DeliveryStep.OUTSIDE, unit=1, by=BY, now=at(2))
        story = tx.orders.story(shop, account, ORDER)
        assert [(line.step, line.unit, line.door) for line in story] == [
            (OrderNote.READ, None, "hub"),
            (DeliveryStep.OUTSIDE, 1, "cli"),
        ]
        assert tx.orders.story(STRANGER, account, ORDER) == []

    await stage.do(unit)


async def test_the_newest_outcomes_are_told_newest_first(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        save(stage, tx)
        steps = (DeliveryStep.REJECTED, DeliveryStep.LEFT, DeliveryStep.ACCEPTED)
        for number, step in enumerate(steps):
            tx.orders.note_down(shop, account, ORDER, step, unit=1, now=at(number))
        assert tx.orders.outcomes(shop, at(-60), 5) == [
            DeliveryStep.ACCEPTED,
            DeliveryStep.REJECTED,
        ]
        assert tx.orders.outcomes(shop, at(1), 5) == [DeliveryStep.ACCEPTED]

    await stage.do(unit)


# --- The ledger -----------------------------------------------------------------------------------


async def test_a_unit_of_an_order_is_owed_once(opener: Opener) -> None:
    """L2: asked again, after a restart as well, the ledger has it."""
    async with opener() as store:
        from_start = Stage(store, *await store.write(_furnish))
        first = await from_start.do(lambda tx: (save(from_start, tx), owe(from_start, tx))[1])
        assert first is not None
        assert first.state is DeliveryState.PENDING
    async with opener() as store:
        again = Stage(store, from_start.shop, from_start.account, from_start.conversation)
        assert await again.do(lambda tx: owe(again, tx)) is None
        ledger = await again.do(
            lambda tx: tx.deliveries.of_order(again.shop, again.account.id, ORDER)
        )
        assert ledger == [first]


def _furnish(tx: Tx) -> tuple[ShopId, object, object]:
    shop = tx.shops.default()
    account = add_account(tx, shop, "1")
    conversation = tx.conversations.upsert(
        shop, account.id, PlatformConversation("60010020030"), buyer=BUYER
    )
    return shop, account, conversation


async def test_the_messages_of_a_delivery_are_found_by_the_time_they_were_written(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        save(stage, tx)
        delivery = owe(stage, tx)
        assert delivery is not None
        texts = ("一", "二", "又")
        first, second, again = (stage.say(tx, words) for words in texts)
        assert tx.deliveries.written_again(stage.shop, delivery.id) == 1
        tx.deliveries.add_part(stage.shop, delivery.id, 1, first)
        tx.deliveries.add_part(stage.shop, delivery.id, 1, second)
        assert tx.deliveries.written_again(stage.shop, delivery.id) == 2
        tx.deliveries.add_part(stage.shop, delivery.id, 2, again)
        tx.messages.set_state(stage.shop, second, MessageState.REJECTED)
        assert tx.deliveries.parts(stage.shop, delivery.id, 1) == [
            (first, MessageState.QUEUED),
            (second, MessageState.REJECTED),
        ]
        found = tx.deliveries.of_message(stage.shop, again)
        assert found is not None
        assert (found[0].id, found[1]) == (delivery.id, 2)
        assert tx.deliveries.of_message(STRANGER, again) is None
        assert tx.deliveries.of_message(stage.shop, stage.say(tx, "别的")) is None

    await stage.do(unit)


async def test_what_a_buyer_had_before_is_counted_by_order(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for number, status in (("1", OrderStatus.COMPLETED), ("2", OrderStatus.SHIPPED)):
            save(stage, tx, page(status, number))
            for piece in (1, 2):
                delivery = owe(stage, tx, piece, number)
                assert delivery is not None
                tx.deliveries.set_state(stage.shop, delivery.id, DeliveryState.SENT, at())
        save(stage, tx, page(id="3"))
        owe(stage, tx, 1, "3")
        assert tx.deliveries.of_buyer(stage.shop, BUYER, "3") == (2, 1)
        assert tx.deliveries.of_buyer(stage.shop, BUYER, "2") == (1, 0)
        assert tx.deliveries.of_buyer(STRANGER, BUYER, "3") == (0, 0)

    await stage.do(unit)


async def test_reservations_are_counted_from_a_moment_on(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        save(stage, tx)
        delivery = owe(stage, tx)
        assert delivery is not None
        tx.deliveries.set_state(stage.shop, delivery.id, DeliveryState.RESERVED, at(10))
        assert tx.deliveries.reserved_since(stage.shop, at(10)) == 1
        assert tx.deliveries.reserved_since(stage.shop, at(11)) == 0

    await stage.do(unit)


# --- Rules and guards -----------------------------------------------------------------------------


async def test_a_delivery_rule_comes_back_as_it_was_saved(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        pool = add_pool(stage, tx)
        new = DeliveryRule(
            id=DeliveryRuleId(0),
            shop=stage.shop,
            account=stage.account.id,
            pool=pool.id,
            items=("900100200300",),
            keywords=("月卡",),
            spec=(("套餐", "月卡"),),
            fallback=True,
            cards=2,
            most_units=3,
            delay_seconds=60,
            steps=StepOrder.SEND_ONLY,
        )
        rule = tx.delivery_rules.add(new, at())
        assert tx.delivery_rules.all(stage.shop) == [rule]
        changed = replace(rule, enabled=False, account=None)
        assert tx.delivery_rules.save(changed)
        assert tx.delivery_rules.get(stage.shop, rule.id) == changed
        assert not tx.delivery_rules.save(replace(changed, shop=STRANGER))
        assert tx.delivery_rules.get(STRANGER, rule.id) is None
        assert tx.delivery_rules.all(STRANGER) == []
        assert not tx.delivery_rules.remove(STRANGER, rule.id)
        assert tx.delivery_rules.remove(stage.shop, rule.id)

    await stage.do(unit)


async def test_guards_come_back_as_they_were_set(stage: Stage) -> None:
    guards = Guards(("31", "32"), True, Decimal("99.90"), None, 5, 2)

    def unit(tx: Tx) -> None:
        assert tx.guards.get(stage.shop) == Guards()
        tx.guards.set(stage.shop, guards)
        assert tx.guards.get(stage.shop) == guards

    await stage.do(unit)


# --- Needs and stops ------------------------------------------------------------------------------


async def test_a_need_is_open_once_and_numbers_never_come_again(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        first = tx.needs.open(
            shop, NeedKind.NO_RULE, account=account, order=ORDER, detail="没有规则", now=at()
        )
        assert first is not None
        assert first.number == 1
        again = tx.needs.open(
            shop, NeedKind.NO_RULE, account=account, order=ORDER, detail="还是", now=at()
        )
        assert again is None
        other = tx.needs.open(
            shop, NeedKind.HELD, account=account, order=ORDER, detail="", now=at()
        )
        assert other is not None
        assert tx.needs.open_about(shop, account, ORDER) == [first, other]
        assert tx.needs.close(shop, other.id, resolution="发了", now=at(5))
        assert not tx.needs.close(shop, other.id, resolution="又发了", now=at(6))
        closed = tx.needs.by_number(shop, 2)
        assert closed is not None
        assert (closed.closed_at, closed.resolution) == (at(5), "发了")
        third = tx.needs.open(
            shop, NeedKind.HELD, account=account, order=ORDER, detail="", now=at(7)
        )
        assert third is not None
        assert third.number == 3
        assert tx.needs.all_open(shop) == [first, third]
        assert tx.needs.all_open(STRANGER) == []
        assert tx.needs.by_number(STRANGER, 1) is None

    await stage.do(unit)


async def test_a_stop_is_for_one_account_or_for_the_shop(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        other = add_account(tx, shop, "2").id
        assert tx.stops.stop(shop, account, reason="查货", now=at())
        assert not tx.stops.stop(shop, account, reason="又", now=at())
        assert tx.stops.active(shop, other) is None
        assert tx.stops.stop(shop, None, reason="刹车", by_brake=True, now=at(1))
        assert not tx.stops.stop(shop, None, reason="又", now=at(2))
        active = tx.stops.active(shop, other)
        assert active is not None
        assert (active.account, active.by_brake) == (None, True)
        assert tx.stops.resume(shop, None, at(3))
        assert not tx.stops.resume(shop, None, at(3))
        assert tx.stops.active(shop, other) is None
        found = tx.stops.active(shop, account)
        assert found is not None
        assert found.reason == "查货"
        assert tx.stops.all(STRANGER) == []

    await stage.do(unit)


async def test_the_tasks_of_orders_come_back_as_they_were_enqueued(stage: Stage) -> None:
    account = stage.account.id
    works = (
        ReadOrder(account, PlatformConversation("60010020030"), None, "9", OrderStatus.PAID),
        StartDelivery(account, ORDER),
        Supply(DeliveryId(7)),
        ShipOrder(account, ORDER),
        FreeShipping(account, ORDER),
        Remind(NeedId(4)),
    )

    def unit(tx: Tx) -> None:
        for number, work in enumerate(works):
            tx.outbox.enqueue(
                stage.shop, work, lane=f"lane {number}", key=f"key {number}", due_at=at()
            )

    await stage.do(unit)
    claimed = await stage.do(lambda tx: stage.claim(tx, now=1))
    assert {task.work for task in claimed} == set(works)


async def test_what_a_shop_had_goes_with_its_account_but_its_cards_stay(stage: Stage) -> None:
    """L50: nothing is left for a later account to inherit."""

    def unit(tx: Tx) -> None:
        save(stage, tx)
        owe(stage, tx)
        tx.needs.open(
            stage.shop,
            NeedKind.NO_RULE,
            account=stage.account.id,
            order=ORDER,
            detail="",
            now=at() + timedelta(0),
        )
        tx.orders.note_down(
            stage.shop, stage.account.id, ORDER, OrderNote.READ, by=Cause(None, "x"), now=at()
        )
        tx.accounts.remove(stage.shop, stage.account.id)
        assert tx.orders.recent(stage.shop) == []
        assert tx.deliveries.of_order(stage.shop, stage.account.id, ORDER) == []
        assert tx.needs.all_open(stage.shop) == []
        assert tx.orders.story(stage.shop, stage.account.id, ORDER) == []

    await stage.do(unit)
