"""A price is asked for as long as that makes sense, never blindly twice, and its asker is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

import pytest
from outbound_stage import ASKED_BY, HOLDER, Stage

from hub.errors import AuthExpired, PeerError, Rejected, Throttled, Uncertain, Unreachable
from hub.model import (
    AskedBy,
    ChangePrice,
    Done,
    Order,
    OrderNote,
    OrderStatus,
    SendNotice,
    SendReceipt,
    Task,
    TaskKind,
    order_lane,
)
from hub.outbound import Claim, PriceChanges
from hub.store import Tx
from hub.xianyu import Client

NUMBER = "4400112233445566778"
TOO_EARLY = Throttled("xianyu", "price", "暂无法修改价格，请稍后重试", after=3.0)
UNCLEAR = Uncertain("xianyu", "price")


@dataclass
class Platform:
    """Does with each change what `fates` says; the last one happens for ever."""

    fates: list[PeerError | None]
    page: Order = field(default_factory=lambda: Order(NUMBER, OrderStatus.UNPAID, "等待买家付款"))
    asked: list[tuple[str, int]] = field(default_factory=list)
    read: int = 0

    async def change_price(self, order: str, cents: int) -> Done:
        self.asked.append((order, cents))
        fate = self.fates.pop(0) if len(self.fates) > 1 else self.fates[0]
        if fate is not None:
            raise fate
        return Done()

    async def order(self, order: str) -> Order:
        self.read += 1
        return self.page


async def enqueue(
    stage: Stage, asked_by: AskedBy | None = ASKED_BY, status: OrderStatus = OrderStatus.UNPAID
) -> None:
    account = stage.account
    page = Order(NUMBER, status, "", paid_amount=Decimal(20))

    def unit(tx: Tx) -> None:
        tx.orders.save(
            account.shop, account.id, page, conversation=stage.conversation.id, now=stage.now
        )
        tx.outbox.enqueue(
            account.shop,
            ChangePrice(account.id, NUMBER, Decimal("15.50"), asked_by),
            lane=order_lane(account.id, f"price:{NUMBER}"),
            key="price",
            due_at=stage.now,
            now=stage.now,
        )

    await stage.store.write(unit)


async def work(stage: Stage, platform: Platform | None, rounds: int = 1) -> list[Task]:
    """Perform what is due, so many times, each time when it is due; returns what was claimed."""
    client = None if platform is None else cast("Client", platform)
    prices = PriceChanges(stage.store, lambda _: client, now=stage.clock)
    done: list[Task] = []
    for _ in range(rounds):
        now = stage.now
        tasks: Sequence[Task] = await stage.store.write(
            lambda tx, now=now: tx.outbox.claim(
                HOLDER, now, now + timedelta(minutes=1), 5, [TaskKind.PRICE]
            )
        )
        for task in tasks:
            await prices.perform(Claim(task, HOLDER))
        done += tasks
        stage.now += timedelta(seconds=31)
    return done


async def outcome(stage: Stage) -> tuple[list[str], list[Any]]:
    """Steps of the story, and what people were told."""
    account = stage.account

    def unit(tx: Tx) -> tuple[list[str], list[Any]]:
        story = tx.orders.story(account.shop, account.id, NUMBER)
        told = []
        kinds = [TaskKind.NOTICE, TaskKind.RECEIPT]
        for task in tx.outbox.claim("look", stage.now, stage.now, 50, kinds):
            told.append(task.work)
        return [line.step.value for line in story], told

    return await stage.store.write(unit)


async def test_the_asker_is_told_that_it_worked(stage: Stage) -> None:
    platform = Platform([None])
    await enqueue(stage)
    await work(stage, platform, 2)
    assert platform.asked == [(NUMBER, 1550)]
    steps, told = await outcome(stage)
    assert steps == [OrderNote.PRICED]
    (receipt,) = told
    assert isinstance(receipt, SendReceipt)
    assert receipt.asked_by == ASKED_BY
    assert "✅ 已改价" in receipt.text
    assert receipt.text.endswith(f"#{stage.conversation.ticket}")


async def test_too_early_is_tried_six_times(stage: Stage) -> None:
    platform = Platform([TOO_EARLY])
    await enqueue(stage)
    await work(stage, platform, 9)
    assert len(platform.asked) == 6
    assert platform.read == 0
    steps, told = await outcome(stage)
    assert steps == [OrderNote.PRICE_FAILED]
    assert "过一会儿再改一次" in told[0].text


async def test_too_early_and_then_accepted_is_a_success(stage: Stage) -> None:
    platform = Platform([TOO_EARLY, TOO_EARLY, None])
    await enqueue(stage)
    await work(stage, platform, 5)
    assert len(platform.asked) == 3
    assert (await outcome(stage))[0] == [OrderNote.PRICED]


async def test_what_may_have_happened_is_looked_up_and_found(stage: Stage) -> None:
    platform = Platform([UNCLEAR])
    platform.page = Order(NUMBER, OrderStatus.PAID, "", paid_amount=Decimal("15.50"))
    await enqueue(stage)
    await work(stage, platform, 3)
    assert len(platform.asked) == 1
    assert platform.read == 1
    assert (await outcome(stage))[0] == [OrderNote.PRICED]


async def test_what_stays_unclear_is_left_to_a_person_after_a_minute(stage: Stage) -> None:
    platform = Platform([UNCLEAR])
    await enqueue(stage, None)
    await work(stage, platform, 6)
    steps, told = await outcome(stage)
    assert steps == [OrderNote.PRICE_FAILED]
    assert isinstance(told[0], SendNotice)
    assert "不确定" in told[0].text
    assert platform.read == len(platform.asked) - 1


@pytest.mark.parametrize(
    "error", [Unreachable("xianyu", "price"), AuthExpired("xianyu", "price", "登录失效"), None]
)
async def test_what_cannot_be_asked_for_is_given_up_after_ten_minutes(
    stage: Stage, error: PeerError | None
) -> None:
    platform = None if error is None else Platform([error])
    await enqueue(stage)
    await work(stage, platform, 19)
    assert (await outcome(stage))[0] == []
    await work(stage, platform, 3)
    steps, told = await outcome(stage)
    assert steps == [OrderNote.PRICE_FAILED]
    assert "❌ 没有改成 15.5 元" in told[0].text


async def test_a_refusal_is_final_and_told_with_its_reason(stage: Stage) -> None:
    platform = Platform([Rejected("xianyu", "price", "订单已关闭")])
    await enqueue(stage)
    await work(stage, platform, 3)
    assert len(platform.asked) == 1
    assert "订单已关闭" in (await outcome(stage))[1][0].text


async def test_an_order_that_is_known_to_be_paid_is_not_asked_about(stage: Stage) -> None:
    platform = Platform([None])
    await enqueue(stage, status=OrderStatus.PAID)
    await work(stage, platform)
    assert platform.asked == []
    assert "待发货" in (await outcome(stage))[1][0].text
