"""A seller runs deliveries from QQ alone: what waits, what is decided, what buyers then hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.model import CardCounts, DeliveryState, NeedKind
from hub.sandbox.world import DEMO_SELLER
from tests.e2e.shop import BUYER, KEYBOARD, OTHER_BUYER, POT, Shop, open_shop

S = DeliveryState


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, uncertain_seconds=1) as shop:
        yield shop


async def test_out_of_stock_is_restocked_and_delivered_by_quoting_the_notice(shop: Shop) -> None:
    stage = shop.stage
    pool = await shop.pool()
    await shop.rule(pool)
    order = await shop.buy()
    notice = await stage.wait_for_notice("待处理 1｜库存不足")
    assert "1 发货" in notice.text
    await stage.operator_writes("/补货 月卡\nCODE-1111\nCODE-2222")
    await stage.wait_for_notice("「月卡」入库 2 张")

    message = await stage.operator_writes("1", notice)

    await stage.wait_for_notice("待处理 1：发货")
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]
    await stage.sandbox.qq.repeat(message)
    await stage.operator_writes("/待处理")
    await stage.wait_for_notice("没有待处理的事")
    assert shop.got() == ["CODE-1111"]
    done = await stage.wait_for_notice("✅ 已手动发货 1 份「月卡」：CO…11")
    await stage.operator_writes("/单", done)
    page = await stage.wait_for_notice("第 1 份「月卡」已完成：CODE-1111")
    assert f"订单 {order.id}" in page.text


async def test_a_delivered_card_is_sent_again_after_a_second_word(shop: Shop) -> None:
    stage = shop.stage
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)
    await stage.operator_writes(f"/补发 {order.id}")
    code = order.id[-4:]
    await stage.wait_for_notice(f"60 秒内回复：确认 {code}")
    assert shop.got() == ["CODE-1111"]

    await stage.operator_writes(f"确认 {code}")

    await stage.until(lambda: shop.got() == ["CODE-1111", "CODE-1111"], "the same card again")
    assert await shop.counts(pool) == CardCounts(available=1, handed_over=1)
    await stage.operator_writes(f"确认 {code}")
    await stage.wait_for_notice("没有等你确认的操作")
    assert shop.got() == ["CODE-1111", "CODE-1111"]


async def test_a_refused_message_is_sent_again_or_given_back_by_the_number_of_its_need(
    shop: Shop,
) -> None:
    stage = shop.stage
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    stage.sandbox.faults.add(DEMO_SELLER, "send_blocked")
    order = await shop.buy()
    need = await shop.wait_need(NeedKind.REJECTED)
    await stage.operator_writes(f"/处理 {need.number} 补发")
    await stage.wait_for_notice(f"确认 {order.id[-4:]}")
    await stage.operator_writes(f"确认{order.id[-4:]}")
    await shop.wait_states(order, S.CONFIRMED)
    assert shop.got() == ["CODE-1111"]


async def test_a_stop_from_qq_holds_the_next_order_until_it_is_over(shop: Shop) -> None:
    stage = shop.stage
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool, POT, KEYBOARD)
    await stage.operator_writes("/停发")
    await stage.wait_for_notice("⛔ 全店已停止发货")
    order = await shop.buy()
    await stage.wait_for_notice("待处理 1｜停下了，没有发")
    await stage.operator_writes(f"/发货 {order.id}")
    await stage.wait_for_notice("没有发货：发货急停中")
    assert shop.got() == []

    await stage.operator_writes("/开发")

    await stage.wait_for_notice("▶ 全店恢复发货，1 笔订单接着发")
    await shop.wait_states(order, S.CONFIRMED)
    other = await shop.buy(OTHER_BUYER, KEYBOARD)
    await shop.wait_states(other, S.CONFIRMED)
    assert (shop.got(), shop.got(OTHER_BUYER, KEYBOARD)) == (["CODE-1111"], ["CODE-2222"])


async def test_an_order_without_a_rule_goes_out_from_a_named_pool_or_is_settled_outside(
    shop: Shop,
) -> None:
    stage = shop.stage
    await shop.rule_for_something_else()
    await shop.pool(["CODE-1111"])
    first = await shop.buy()
    await stage.wait_for_notice("待处理 1｜没有发货规则")
    second = await shop.buy(OTHER_BUYER, KEYBOARD)
    notice = await stage.wait_for_notice("待处理 2｜没有发货规则")
    await stage.operator_writes(f"/发货 {first.id} 月卡")
    await stage.wait_for_notice("🚚 开始发货 1 份「月卡」：CO…11")
    await shop.wait_states(first, S.CONFIRMED)
    await stage.operator_writes("/发货完成", notice)
    await stage.wait_for_notice("已记为在别处发货")
    assert await shop.states(second) == [S.OUTSIDE]
    assert shop.got(BUYER) == ["CODE-1111"]
    assert shop.got(OTHER_BUYER, KEYBOARD) == []
    assert await shop.needs() == []


async def test_of_two_orders_of_a_buyer_the_quoted_notice_names_the_one(shop: Shop) -> None:
    stage = shop.stage
    await shop.rule_for_something_else()
    await shop.pool(["CODE-1111"])
    first = await shop.buy()
    notice = await stage.wait_for_notice("待处理 1｜没有发货规则")
    second = await shop.buy()
    other = await stage.wait_for_notice("待处理 2｜没有发货规则")
    await stage.operator_writes("不发", notice)
    await stage.wait_for_notice("要这样处理，写 /处理 1 不发；要对买家说，写 #")
    await stage.operator_writes("稍等，马上发", other)
    await stage.operator_writes("/单", notice)
    await stage.wait_for_notice(f"订单 {first.id}｜")
    await stage.operator_writes("１ 月卡", other)
    await stage.wait_for_notice("🚚 开始发货 1 份「月卡」：CO…11")
    await shop.wait_states(second, S.CONFIRMED)
    await stage.operator_writes("/不发", notice)
    await stage.wait_for_notice("已记为不发")
    assert await shop.states(first) == [S.FAILED]
    assert shop.got() == ["稍等，马上发", "CODE-1111"]
    assert await shop.needs() == []
