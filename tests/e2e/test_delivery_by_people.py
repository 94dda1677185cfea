"""What people decide about orders, from the notice to what the buyer sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.desk import Door, Operator
from hub.errors import AlreadyDelivered, Forbidden, Invalid, NotConfirmed, OnHold, OutOfStock
from hub.model import CardCounts, Choice, DeliveryState, Guards, NeedKind, Role
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.shop import BUYER, KEYBOARD, OTHER_BUYER, POT, Shop, open_shop

S = DeliveryState


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, uncertain_seconds=1) as shop:
        yield shop


async def restock(shop: Shop, pool_id: object, *codes: str) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.restock.add(operator, pool_id, "\n".join(codes))  # type: ignore[arg-type]


async def test_what_had_no_stock_is_delivered_after_restocking(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool()
    await shop.rule(pool)
    order = await shop.buy(quantity=2)
    need = await shop.wait_need(NeedKind.OUT_OF_STOCK)
    await restock(shop, pool.id, "CODE-1111")
    with pytest.raises(OutOfStock, match="只剩 1 张"):
        await desk.needs.answer(operator, need.number, Choice.DELIVER)
    await restock(shop, pool.id, "CODE-2222")

    await desk.needs.answer(operator, need.number, Choice.DELIVER)

    await shop.wait_states(order, S.CONFIRMED, S.CONFIRMED)
    assert sorted(shop.got()) == ["CODE-1111", "CODE-2222"]
    assert await shop.needs() == []
    with pytest.raises(Invalid, match="已经处理过"):
        await desk.needs.answer(operator, need.number, Choice.DELIVER)
    with pytest.raises(AlreadyDelivered):
        await desk.orders.deliver(operator, order.id)


async def test_an_order_without_a_rule_is_delivered_from_a_chosen_pool(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await shop.rule_for_something_else()
    pool = await shop.pool(["CODE-1111"])
    order = await shop.buy()
    await shop.wait_need(NeedKind.NO_RULE)
    with pytest.raises(Exception, match="请选一个卡池"):
        await desk.orders.deliver(operator, order.id)

    view = await desk.orders.deliver(operator, order.id, pool=pool.id)

    assert [line.cards for line in view.units] == [("CO…11",)]
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert await shop.needs() == []


async def test_a_refused_card_is_sent_again_as_the_same_card_after_a_second_word(
    shop: Shop,
) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_blocked")
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.REJECTED)
    with pytest.raises(NotConfirmed) as asked:
        await desk.needs.answer(operator, need.number, Choice.RESEND)
    assert asked.value.confirm == order.id[-4:]

    await desk.needs.answer(operator, need.number, Choice.RESEND, code=asked.value.confirm)

    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert await shop.counts(pool) == CardCounts(available=1, handed_over=1)


async def test_a_delivered_order_is_sent_again_as_the_same_card(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    await desk.orders.resend(operator, order.id, code=order.id[-4:])
    await shop.stage.until(lambda: len(shop.got()) == 2, "the second message")
    assert shop.got() == ["CODE-1111", "CODE-1111"]
    await shop.stage.wait_for_notice("✅ 已再发一次 1 份「月卡」：CO…11")
    assert await shop.states(order) == [S.CONFIRMED]
    assert await shop.counts(pool) == CardCounts(available=1, handed_over=1)


async def test_an_uncertain_card_that_the_operator_sees_in_the_chat_counts_as_sent(
    shop: Shop,
) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_lost")
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.UNCERTAIN)
    await desk.needs.answer(operator, need.number, Choice.ARRIVED)
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.times_shipped(order) == 1
    assert await shop.counts(pool) == CardCounts(handed_over=1)


async def test_what_was_delivered_outside_is_never_delivered_by_itself(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await shop.rule_for_something_else()
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.NO_RULE)
    await desk.needs.answer(operator, need.number, Choice.OUTSIDE)
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, POT, KEYBOARD)

    await desk.orders.read(operator, order.id)
    other = await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_states(other, S.CONFIRMED)

    assert await shop.states(order) == [S.OUTSIDE]
    assert shop.got() == []
    with pytest.raises(AlreadyDelivered):
        await desk.orders.deliver(operator, order.id, pool=pool.id)


async def test_cards_go_back_only_after_a_second_word_if_the_buyer_may_have_seen_them(
    shop: Shop,
) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_blocked")
    order = await shop.buy()
    await shop.wait_need(NeedKind.REJECTED)
    with pytest.raises(NotConfirmed):
        await desk.orders.release(operator, order.id)
    await desk.orders.release(operator, order.id, code=order.id[-4:])
    assert await shop.states(order) == [S.RELEASED]
    assert await shop.counts(pool) == CardCounts(available=1)
    assert await shop.needs() == []


async def test_an_order_is_shipped_without_a_card_or_refused_for_good(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await shop.rule_for_something_else()
    first, second = await shop.buy(), await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_need(NeedKind.NO_RULE, NeedKind.NO_RULE)
    with pytest.raises(NotConfirmed):
        await desk.orders.ship(operator, first.id)
    await desk.orders.ship(operator, first.id, code=first.id[-4:])
    await shop.wait_known(first, lambda one: one.shipped_at is not None)
    assert shop.times_shipped(first) == 1

    await desk.orders.refuse(operator, second.id)

    assert await shop.states(second) == [S.FAILED]
    assert [one.order for one in await shop.needs()] == []


async def test_after_a_stop_what_it_held_goes_on(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool, delay_seconds=1)
    reserved = await shop.buy()
    await shop.wait_states(reserved, S.RESERVED)
    assert await desk.needs.stop(operator, None, "查货")
    await shop.wait_need(NeedKind.STOPPED)
    await shop.rule(pool, KEYBOARD)
    new = await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_need(NeedKind.STOPPED, NeedKind.STOPPED)
    with pytest.raises(OnHold):
        await desk.orders.deliver(operator, new.id)

    assert await desk.needs.resume(operator, None) == 2

    await shop.wait_states(reserved, S.CONFIRMED)
    await shop.wait_states(new, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    assert shop.got(OTHER_BUYER, KEYBOARD) == ["CODE-2222"]
    assert await shop.needs() == []


async def test_the_brake_stops_the_shop_after_failures_in_a_row(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.delivery_rules.set_guards(operator, Guards(brake_failures=2))
    pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333"])
    await shop.rule(pool, POT, KEYBOARD)
    shop.stage.sandbox.faults.add(DEMO_SELLER, "send_blocked", times=2)
    await shop.buy()
    await shop.wait_need(NeedKind.REJECTED)
    await shop.buy(OTHER_BUYER, KEYBOARD)
    need = await shop.wait_need(NeedKind.REJECTED, NeedKind.REJECTED, NeedKind.BRAKE)
    third = await shop.buy(OTHER_BUYER, POT)
    await shop.wait_need(NeedKind.REJECTED, NeedKind.REJECTED, NeedKind.BRAKE, NeedKind.STOPPED)
    assert await shop.states(third) == []

    await desk.needs.answer(operator, need.number, Choice.RESUME)

    await shop.wait_states(third, S.CONFIRMED)


async def test_a_block_rule_holds_and_a_person_lets_it_go(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.delivery_rules.set_guards(operator, Guards(blocked_buyers=(BUYER,)))
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool)
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.HELD)
    assert "黑名单" in need.detail
    await desk.needs.answer(operator, need.number, Choice.DELIVER)
    await shop.wait_states(order, S.CONFIRMED)


async def test_viewers_look_agents_deliver_owners_resume(shop: Shop) -> None:
    desk, owner = shop.stage.hub.desk, shop.stage.operator
    await shop.rule_for_something_else()
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.NO_RULE)
    people = {}
    for role in (Role.VIEWER, Role.AGENT):
        member = await desk.members.add(owner, name=role.value, role=role)
        people[role] = Operator(member, Door.QQ)
    viewer, agent = people[Role.VIEWER], people[Role.AGENT]

    assert (await desk.orders.get(viewer, order.id)).order.id == order.id
    assert [line.need.number for line in await desk.needs.open(viewer)] == [need.number]
    with pytest.raises(Forbidden):
        await desk.orders.refuse(viewer, order.id)
    with pytest.raises(Forbidden):
        await desk.needs.answer(viewer, need.number, Choice.REFUSE)
    await desk.needs.stop(agent, None)
    with pytest.raises(Forbidden):
        await desk.needs.resume(agent, None)
    await desk.needs.answer(agent, need.number, Choice.REFUSE)
    assert await shop.states(order) == [S.FAILED]


async def test_orders_are_found_by_number_buyer_and_title(shop: Shop) -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await shop.rule_for_something_else()
    order = await shop.buy()
    await shop.wait_need(NeedKind.NO_RULE)
    for words in ("", order.id[3:9], "小林", "咖啡"):
        found = await desk.orders.page(operator, words)
        assert [line.order.id for line in found] == [order.id]
    assert await desk.orders.page(operator, "没有这个") == []
