"""Rules that answer no words: each step of an order speaks once, a new buyer is greeted once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.model import Moment, RuleKind, Scope
from tests.e2e.shop import KEYBOARD, POT, Shop, open_shop

GREETING = "第一次来，有事直接问"
SAID = {
    Moment.UNPAID: "拍下了，付款就发",
    Moment.PAID: "收到，订单 {order_id}",
    Moment.SHIPPED: "发出去了",
    Moment.RECEIVED: "谢谢确认，给个好评吧",
    Moment.RATED: "谢谢评价",
}


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        for moment, reply in SAID.items():
            await shop.stage.hub.desk.rules.add(
                shop.stage.operator, kind=RuleKind.MOMENT, moment=moment, reply=reply
            )
        yield shop


async def got(shop: Shop, *said: str, item: str = POT) -> None:
    await shop.stage.until(
        lambda: len(shop.got(item=item)) >= len(said), f"{said} in {shop.got(item=item)}"
    )
    await shop.stage.settled()
    assert shop.got(item=item) == list(said)


async def test_each_step_of_an_order_speaks_once_whatever_is_told_again(shop: Shop) -> None:
    trade = shop.stage.sandbox.trade
    order = await shop.order()
    words = [SAID[Moment.UNPAID]]
    await got(shop, *words)
    await shop.pay(order)
    words.append(f"收到，订单 {order.id}")
    await got(shop, *words)
    await trade.ship(order)
    words.append(SAID[Moment.SHIPPED])
    await got(shop, *words)
    await shop.step(order, "receive")
    words.append(SAID[Moment.RECEIVED])
    await got(shop, *words)
    await shop.step(order, "rate")
    words.append(SAID[Moment.RATED])
    await got(shop, *words)
    for event in ("placed", "paid"):
        await trade.tell(order, event)
    await shop.stage.buyer_says("好的")
    await shop.stage.wait_for_notice("好的")
    await got(shop, *words)


async def test_a_second_order_is_spoken_of_as_well(shop: Shop) -> None:
    await shop.order()
    await got(shop, SAID[Moment.UNPAID])
    await shop.order()
    await got(shop, *[SAID[Moment.UNPAID]] * 2)


async def test_a_pause_silences_moments_too(shop: Shop) -> None:
    stage = shop.stage
    await stage.hub.desk.holds.pause(stage.operator, Scope(account=stage.account.id))
    order = await shop.order()
    await stage.wait_for_notice("买家已拍下，还没付款")
    await got(shop)
    await stage.hub.desk.holds.resume(stage.operator, Scope(account=stage.account.id))
    await shop.pay(order)
    await got(shop, f"收到，订单 {order.id}")


async def test_a_new_buyer_is_greeted_once_and_a_keyword_comes_first(shop: Shop) -> None:
    stage = shop.stage
    await stage.hub.desk.rules.add(
        stage.operator, kind=RuleKind.MOMENT, moment=Moment.FIRST_WORDS, reply=GREETING
    )
    await stage.sandbox.stage.say(shop.thread(item=POT), [{"text": "有人吗"}])
    await got(shop, GREETING)
    await stage.sandbox.stage.say(shop.thread(item=POT), [{"text": "还有吗"}])
    await stage.wait_for_notice("还有吗")
    await got(shop, GREETING)
    await stage.sandbox.stage.say(shop.thread(item=KEYBOARD), [{"text": "在吗"}])
    await got(shop, "在的，直接拍就可以", item=KEYBOARD)
