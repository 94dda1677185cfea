"""What waits for a person is told at once and again, until somebody resolves it."""

from __future__ import annotations

from datetime import timedelta

from outbound_stage import Stage

from hub.delivery import open_need, start
from hub.model import (
    DeliveryState,
    NeedKind,
    Order,
    OrderStatus,
    OrderUnit,
    PoolKind,
    TaskKind,
)
from hub.outbound import Reminders
from hub.store import Tx


async def test_owners_are_reminded_until_the_need_is_closed(stage: Stage) -> None:
    reminders = Reminders(stage.store, now=stage.clock)
    need = await stage.store.write(
        lambda tx: open_need(
            tx,
            stage.shop,
            NeedKind.NO_RULE,
            account=stage.account.id,
            order="4400112233445566778",
            conversation=stage.conversation.id,
            detail="键盘",
            now=stage.now,
        )
    )
    assert need is not None
    (first,) = await stage.told()
    assert "待处理 1｜没有发货规则" in first
    assert "1 发货" in first
    assert first.endswith(f"#{stage.conversation.ticket}")

    for minutes in (10, 20, 90, 480):
        stage.now += timedelta(minutes=minutes - 1)
        await stage.work(reminders.perform, TaskKind.REMIND)
        assert await stage.told() == []
        stage.now += timedelta(minutes=1)
        await stage.work(reminders.perform, TaskKind.REMIND)
        (again,) = await stage.told()
        assert "还没处理" in again

    await stage.store.write(
        lambda tx: tx.needs.close(stage.shop, need.id, resolution="发了", now=stage.now)
    )
    stage.now += timedelta(hours=9)
    await stage.work(reminders.perform, TaskKind.REMIND)
    assert await stage.told() == []
    assert TaskKind.REMIND not in await stage.open_tasks()


async def test_the_same_need_is_told_once_however_often_it_is_opened(stage: Stage) -> None:
    for _ in range(3):
        await stage.store.write(
            lambda tx: open_need(
                tx,
                stage.shop,
                NeedKind.NO_RULE,
                account=stage.account.id,
                order="4400112233445566778",
                detail="键盘",
                now=stage.now,
            )
        )
    assert len(await stage.told()) == 1


async def test_a_delivery_that_waits_long_for_its_account_is_told_once(stage: Stage) -> None:
    """L18: the account is not connected, so nobody else would say it."""
    order = Order("4400112233445566778", OrderStatus.PAID, "待发货", "1", "键盘", quantity=1)

    def unit(tx: Tx) -> None:
        shop, account = stage.shop, stage.account.id
        now, where = stage.now, stage.conversation.id
        pool = tx.pools.add(shop, name="链接", kind=PoolKind.TEXT, text="网盘", now=now)
        tx.orders.save(shop, account, order, conversation=where, now=now)
        delivery = tx.deliveries.owe(
            shop, OrderUnit(account, order.id, 1), pool=pool.id, rule=None, cards=1, now=now
        )
        assert delivery is not None
        tx.deliveries.set_state(shop, delivery.id, DeliveryState.RESERVED, now)
        known = tx.orders.get(shop, account, order.id)
        assert known is not None
        start(tx, known, now)

    await stage.store.write(unit)
    await stage.send_all()
    assert await stage.told() == []
    stage.now += timedelta(minutes=6)
    await stage.send_all(rounds=3)
    (told,) = await stage.told()
    assert "账号不在线" in told
