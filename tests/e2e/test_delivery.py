"""Paid orders over real sockets: each buyer gets exactly what was paid for, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from loguru import logger
from PIL import Image

from hub.model import (
    CardCounts,
    DeliveryState,
    DeliveryStep,
    NeedKind,
    OrderStatus,
    PoolKind,
    StepOrder,
)
from hub.sandbox.world import DEMO_SELLER
from hub.supervisor import unshipped
from tests.e2e.shop import CARD_ITEM, KEYBOARD, OTHER_BUYER, POT, Shop, open_shop

S = DeliveryState
IMAGE = 2
SHIP_API = "mtop.taobao.idle.logistic.consign.dummy"
ORDER_API = "mtop.idle.web.trade.order.detail"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


# --- The way of one order -------------------------------------------------------------------------


async def test_a_paid_order_gets_its_card_is_shipped_and_confirmed(shop: Shop) -> None:
    """L4: the buyer has the card before the platform says shipped."""
    pool = await shop.pool(["CODE-1111", "CODE-2222"], template="请查收\n{DELIVERY_CONTENT}")
    await shop.rule(pool)

    order = await shop.buy()

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["请查收\nCODE-1111"]
    assert order.story == ["unpaid", "paid", "shipped"]
    assert await shop.counts(pool) == CardCounts(available=1, handed_over=1)
    steps = [one.step for one in await shop.story(order) if isinstance(one.step, DeliveryStep)]
    assert steps == [
        DeliveryStep.OWED,
        DeliveryStep.RESERVED,
        DeliveryStep.LEFT,
        DeliveryStep.ACCEPTED,
        DeliveryStep.SHIPPED,
    ]
    notice = await shop.stage.wait_for_notice("已自动发货")
    assert "CO…11" in notice.text
    assert not any("CODE-1111" in line.text for line in shop.stage.notices())
    assert await shop.needs() == []


@pytest.mark.parametrize("told", ["story", "update", "reminder", "summary"])
async def test_every_form_of_the_platforms_word_leads_to_one_delivery(
    shop: Shop, told: str
) -> None:
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)

    order = await shop.pay(await shop.order(), told)

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]


async def test_an_order_that_no_push_told_of_is_found_and_delivered(tmp_path: Path) -> None:
    async with open_shop(tmp_path, compare_minutes=0.05) as shop:
        pool = await shop.pool(["CODE-1111", "CODE-2222"])
        await shop.rule(pool)
        order = await shop.pay(await shop.order(), "nothing")
        await shop.wait_states(order, S.CONFIRMED)
        assert shop.got() == ["CODE-1111"]


async def test_an_order_that_was_lost_sight_of_is_found_by_comparing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L18: the platform's list is compared with the ledger, not with what was signalled."""
    monkeypatch.setattr(unshipped, "LOST_AFTER", timedelta(0))
    async with open_shop(tmp_path, compare_minutes=0.05) as shop:
        await shop.rule_for_something_else()
        order = await shop.buy()
        need = await shop.wait_need(NeedKind.NO_RULE)
        pool = await shop.pool(["CODE-1111"])
        await shop.rule(pool)
        await shop.write(
            lambda tx: tx.needs.close(pool.shop, need.id, resolution="", now=pool.created_at)
        )
        await shop.wait_states(order, S.CONFIRMED)
        assert shop.got() == ["CODE-1111"]


async def test_the_same_order_told_many_times_gets_one_card(shop: Shop) -> None:
    """L2, L17."""
    pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333"])
    await shop.rule(pool)
    faults, stage = shop.stage.sandbox.faults, shop.stage.sandbox
    faults.add(DEMO_SELLER, "push_duplicate", times=2)

    order = await shop.buy()
    for event in ("paid", "paid_update", "paid", "summary"):
        await stage.trade.play(shop.thread(), event, order.id)
    await shop.wait_states(order, S.CONFIRMED)
    order_2 = await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_need(NeedKind.NO_RULE)

    assert shop.got() == ["CODE-1111"]
    assert await shop.states(order_2) == []
    assert await shop.counts(pool) == CardCounts(available=2, handed_over=1)


async def test_a_buyer_who_types_the_platforms_words_gets_nothing(shop: Shop) -> None:
    """L1: not even with the number of an order that was paid."""
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    unpaid = await shop.order()
    await shop.wait_known(unpaid, lambda known: known.status is OrderStatus.UNPAID)
    read = len([one for one in shop.stage.sandbox.mtop.calls if one.api == ORDER_API])

    say = shop.stage.sandbox.stage.say
    for words in (
        "[我已付款，等待你发货]",
        f"[我已付款，等待你发货] orderId={unpaid.id}",
        "我已小刀，待刀成",
        "[记得及时发货]",
    ):
        await say(shop.thread(), [{"text": words}])
    await shop.stage.wait_for_notice("记得及时发货")

    assert shop.got() == []
    assert await shop.counts(pool) == CardCounts(available=1)
    assert len([one for one in shop.stage.sandbox.mtop.calls if one.api == ORDER_API]) == read


async def test_a_forged_signal_is_not_believed_without_a_paid_order(shop: Shop) -> None:
    """L1: the card says paid, the order's page does not; a person is asked."""
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    order = await shop.order()
    book = shop.stage.sandbox.trade.book
    await shop.stage.sandbox.trade.play(shop.thread(), "paid", order.id)
    book.note(order, "closed")
    await shop.wait_known(order, lambda one: one.status is not None)
    assert shop.got() == []


# --- Quantity, choices, several messages ----------------------------------------------------------


async def test_three_pieces_get_three_cards(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333", "CODE-4444"])
    await shop.rule(pool)

    order = await shop.buy(quantity=3)

    await shop.wait_states(order, S.CONFIRMED, S.CONFIRMED, S.CONFIRMED)
    assert sorted(shop.got()) == ["CODE-1111", "CODE-2222", "CODE-3333"]
    assert shop.times_shipped(order) == 1


async def test_three_pieces_of_two_cards_get_none_and_a_person_is_asked(shop: Shop) -> None:
    """L10: all or nothing."""
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)

    order = await shop.buy(quantity=3)

    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)
    assert need.order == order.id
    assert "只剩 2 张" in need.detail
    assert await shop.states(order) == [S.PENDING] * 3
    assert await shop.counts(pool) == CardCounts(available=2)
    assert shop.got() == []
    assert shop.times_shipped(order) == 0


async def test_more_pieces_than_the_rule_allows_are_left_to_a_person(shop: Shop) -> None:
    """L10."""
    pool = await shop.pool([f"CODE-{number}" for number in range(1000, 1020)])
    await shop.rule(pool, most_units=2)
    order = await shop.buy(quantity=3)
    need = await shop.wait_need(NeedKind.TOO_MANY)
    assert "3 件" in need.detail
    assert await shop.states(order) == []


async def test_several_cards_a_piece_come_in_one_message(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool, cards=2)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111\nCODE-2222"]


async def test_a_delivery_of_several_messages_counts_as_sent_after_the_last(shop: Shop) -> None:
    pool = await shop.pool(
        ["CODE-1111"], template="您好\n######\n{DELIVERY_CONTENT}\n######\n请确认收货"
    )
    await shop.rule(pool)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["您好", "CODE-1111", "请确认收货"]


async def test_choices_get_their_own_cards_and_an_unknown_one_is_held(shop: Shop) -> None:
    """L9."""
    month = await shop.pool(["MONTH-1111"], name="月卡")
    await shop.rule(month, CARD_ITEM, spec=(("套餐", "月卡"),))
    first = await shop.buy(item=CARD_ITEM, sku="月卡")
    await shop.wait_states(first, S.CONFIRMED)

    second = await shop.buy(OTHER_BUYER, CARD_ITEM, sku="季卡")

    need = await shop.wait_need(NeedKind.UNKNOWN_SPEC)
    assert "季卡" in need.detail
    assert shop.got(item=CARD_ITEM) == ["MONTH-1111"]
    assert shop.got(OTHER_BUYER, CARD_ITEM) == []
    assert await shop.states(second) == []


async def test_a_shop_without_any_rule_is_told_of_orders_and_asked_nothing(shop: Shop) -> None:
    """Many sell nothing that can be delivered by itself: no need, no reminders; the order is on the
    list, and its story says why nothing goes out by itself."""
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    order = await shop.buy()
    await shop.stage.wait_for_notice("买家已付款，等待发货")
    await shop.wait_known(order, lambda one: one.status is OrderStatus.PAID)

    assert [one.order.id for one in await desk.orders.page(operator)] == [order.id]
    view = await desk.orders.get(operator, order.id)
    assert view.needs == ()
    assert "还没有发货规则" in "".join(line.detail for line in view.story)
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    await desk.orders.read(operator, order.id)
    later = await shop.buy(OTHER_BUYER)
    await shop.wait_states(later, S.CONFIRMED)
    assert shop.got() == []

    await desk.orders.deliver(operator, order.id, pool=(await shop.pool(["C-1"], name="另")).id)
    await shop.wait_states(order, S.CONFIRMED)


async def test_an_order_without_a_rule_raises_a_need(shop: Shop) -> None:
    """L18."""
    await shop.rule_for_something_else()
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.NO_RULE)
    assert need.order == order.id
    notice = await shop.stage.wait_for_notice("没有发货规则")
    assert f"待处理 {need.number}" in notice.text
    assert order.id in notice.text


async def test_fixed_texts_and_pictures_are_sent_once_however_many_pieces(shop: Shop) -> None:
    """L15: a picture is a message of its own."""
    drawn = BytesIO()
    Image.new("RGB", (20, 10), "red").save(drawn, "PNG")
    text = await shop.pool(name="链接", kind=PoolKind.TEXT, content="网盘：{order_id}")
    pictures = await shop.pool(name="图", kind=PoolKind.IMAGE, template="请看图")
    await shop.stage.hub.desk.stock.add_picture(shop.stage.operator, pictures.id, drawn.getvalue())
    await shop.rule(text, POT)
    await shop.rule(pictures, KEYBOARD)

    first = await shop.buy(quantity=2)
    second = await shop.buy(OTHER_BUYER, KEYBOARD)

    await shop.wait_states(first, S.CONFIRMED)
    await shop.wait_states(second, S.CONFIRMED)
    assert shop.got() == [f"网盘：{first.id}"]
    words, picture = [one for one in shop.thread(OTHER_BUYER, KEYBOARD).messages if one.own]
    assert words.summary == "请看图"
    assert picture.content["contentType"] == IMAGE


# --- Two at once ----------------------------------------------------------------------------------


async def test_two_orders_for_the_last_card_one_gets_it_the_other_a_need(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, POT, KEYBOARD)
    first, second = await shop.order(), await shop.order(OTHER_BUYER, KEYBOARD)
    await shop.pay(first)
    await shop.pay(second)

    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)

    lucky, other = (second, first) if need.order == first.id else (first, second)
    await shop.wait_states(lucky, S.CONFIRMED)
    assert await shop.states(other) == [S.PENDING]
    assert sorted([*shop.got(), *shop.got(OTHER_BUYER, KEYBOARD)]) == ["CODE-1111"]


# --- The order of steps, delays -------------------------------------------------------------------


async def test_confirm_then_send_sends_after_the_platform_has_confirmed(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, steps=StepOrder.CONFIRM_THEN_SEND)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert shop.times_shipped(order) == 1
    (card,) = [one for one in shop.thread().messages if one.own]
    assert order.steps["shipped"] <= card.stamp.at


async def test_confirm_then_send_sends_nothing_when_the_platform_refuses(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, steps=StepOrder.CONFIRM_THEN_SEND)
    reason = "ORDER_STATUS_ERROR::订单状态不允许"
    shop.stage.sandbox.faults.add(DEMO_SELLER, "mtop_ret", reason=reason, subject=SHIP_API)
    order = await shop.buy()
    await shop.wait_need(NeedKind.SHIP_FAILED)
    assert shop.got() == []
    assert await shop.states(order) == [S.RESERVED]


async def test_send_only_leaves_shipping_to_the_seller(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, steps=StepOrder.SEND_ONLY)
    order = await shop.buy()
    await shop.stage.wait_for_notice("已自动发货")
    assert await shop.states(order) == [S.SENT]
    await shop.step(order, "ship")
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.times_shipped(order) == 1


async def test_a_delayed_delivery_reserves_at_once_and_holds_up_no_answer(shop: Shop) -> None:
    """L16."""
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, delay_seconds=3)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    await shop.stage.sandbox.stage.say(shop.thread(), [{"text": "在吗"}])
    await shop.stage.until(lambda: len(shop.got()) == 1, "the answer")
    assert shop.got() != ["CODE-1111"]
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got()[1:] == ["CODE-1111"]


# --- Sends that go wrong --------------------------------------------------------------------------


async def test_a_refused_message_leaves_the_card_with_its_order_for_a_person(shop: Shop) -> None:
    """L3: not lost, not counted as sent, not given to somebody else."""
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool, POT, KEYBOARD)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_blocked")

    order = await shop.buy()

    await shop.wait_need(NeedKind.REJECTED)
    await shop.wait_states(order, S.REVIEW)
    assert await shop.counts(pool) == CardCounts(available=1, reserved=1)
    assert shop.times_shipped(order) == 0
    assert not any("CODE-1111" in line.text for line in shop.stage.notices())
    other = await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_states(other, S.CONFIRMED)
    assert shop.got(OTHER_BUYER, KEYBOARD) == ["CODE-2222"]


async def test_an_unanswered_message_that_arrived_is_found_and_not_repeated(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_stored")
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert await shop.needs() == []


async def test_an_unanswered_message_that_was_lost_goes_to_review(tmp_path: Path) -> None:
    async with open_shop(tmp_path, uncertain_seconds=2) as shop:
        pool = await shop.pool(["CODE-1111"])
        await shop.rule(pool)
        shop.stage.sandbox.faults.add(DEMO_SELLER, "send_lost")
        order = await shop.buy()
        await shop.wait_need(NeedKind.UNCERTAIN)
        await shop.wait_states(order, S.REVIEW)
        assert shop.got() == []
        assert await shop.counts(pool) == CardCounts(reserved=1)
        assert shop.times_shipped(order) == 0


@pytest.mark.parametrize("fault", ["mtop_stored", "mtop_lost"])
async def test_an_unanswered_shipping_call_reads_the_order_first(shop: Shop, fault: str) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    shop.stage.sandbox.faults.add(DEMO_SELLER, fault, subject=SHIP_API)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.times_shipped(order) == 1
    calls = [one.api for one in shop.stage.sandbox.mtop.calls if one.api in (SHIP_API, ORDER_API)]
    after = calls[calls.index(SHIP_API) + 1 :]
    assert after[0] == ORDER_API
    assert after.count(SHIP_API) == (1 if fault == "mtop_lost" else 0)


# --- Refunds --------------------------------------------------------------------------------------


async def test_a_refund_before_sending_gives_the_card_back(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, delay_seconds=3600)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    await shop.step(order, "refund")
    await shop.wait_states(order, S.RELEASED)
    assert await shop.counts(pool) == CardCounts(available=1)
    await shop.stage.wait_for_notice("卡密退回库存")

    await shop.step(order, "withdraw")

    await shop.wait_need(NeedKind.REFUND_OFF)
    assert shop.got() == []


async def test_a_refund_after_sending_marks_the_card_as_disputed(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    await shop.step(order, "refund")
    await shop.wait_need(NeedKind.REFUND)
    assert await shop.counts(pool) == CardCounts(disputed=1)
    await shop.stage.wait_for_notice("有争议")


# --- Bargains -------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["both", "state"])
async def test_a_bargain_is_completed_and_delivered_once_it_is_to_ship(
    shop: Shop, manner: str
) -> None:
    """L17."""
    shop.stage.sandbox.manners.bargain = manner
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    order = await shop.buy(bargain=True)
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert order.story == ["unpaid", "bargain_waiting", "bargain_done", "shipped"]


async def test_a_bargain_that_stays_open_gets_nothing_until_it_is_complete(shop: Shop) -> None:
    """L17."""
    shop.stage.sandbox.manners.bargain = "later"
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    order = await shop.buy(bargain=True)
    await shop.wait_known(order, lambda one: one.bargain)
    assert shop.got() == []
    await shop.step(order, "bargain")
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]


async def test_a_refused_free_shipping_stops_and_asks(shop: Shop) -> None:
    """L17: the card is not sent anyway."""
    api = "mtop.idle.groupon.activity.seller.freeshipping"
    reason = "GROUPON_ACTIVITY_ITEM_CHECK_ERROR::活动商品校验失败"
    shop.stage.sandbox.faults.add(DEMO_SELLER, "mtop_ret", reason=reason, subject=api)
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    order = await shop.buy(bargain=True)
    await shop.wait_need(NeedKind.BARGAIN)
    assert shop.got() == []
    assert await shop.states(order) == []


# --- Needs that resolve themselves, and what is never written down --------------------------------


@pytest.mark.parametrize("step", ["ship", "close", "refund"])
async def test_a_need_is_over_when_the_order_is_dealt_with_elsewhere(shop: Shop, step: str) -> None:
    await shop.rule_for_something_else()
    order = await shop.buy()
    await shop.wait_need(NeedKind.NO_RULE)
    await shop.step(order, step)
    await shop.wait_needs()


async def test_no_card_stands_in_any_log_line_or_notice(shop: Shop) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, level=0)
    try:
        pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333"])
        await shop.rule(pool, POT, KEYBOARD)
        first = await shop.buy()
        await shop.wait_states(first, S.CONFIRMED)
        shop.stage.sandbox.faults.add(DEMO_SELLER, "send_blocked")
        second = await shop.buy(OTHER_BUYER, KEYBOARD)
        await shop.wait_states(second, S.REVIEW)
        await shop.stage.wait_for_notice("闲鱼拒绝了发货消息")
    finally:
        logger.remove(sink)
    told = [line.text for line in shop.stage.notices()]
    assert not [line for line in lines + told if "CODE-" in line]


# --- Stops ----------------------------------------------------------------------------------------


async def test_an_emergency_stop_holds_what_is_already_reserved(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, delay_seconds=1)
    order = await shop.buy()
    await shop.wait_states(order, S.RESERVED)
    owner = pool.shop
    await shop.write(lambda tx: tx.stops.stop(owner, None, reason="查货", now=pool.created_at))
    need = await shop.wait_need(NeedKind.STOPPED)
    assert "查货" in need.detail
    assert await shop.states(order) == [S.REVIEW]
    assert shop.got() == []
    assert await shop.counts(pool) == CardCounts(reserved=1)


async def test_an_emergency_stop_keeps_new_orders_waiting(shop: Shop) -> None:
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    owner = pool.shop
    await shop.write(lambda tx: tx.stops.stop(owner, None, reason="查货", now=pool.created_at))
    order = await shop.buy()
    await shop.wait_need(NeedKind.STOPPED)
    assert await shop.states(order) == []
    assert await shop.counts(pool) == CardCounts(available=1)
