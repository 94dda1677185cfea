"""The price of an unpaid order is changed from QQ and the web, once, and everybody learns how it
went; offers below the floor are decided by people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest

from hub.bargains import check_automatic, guard_words, hear_offer
from hub.errors import Invalid, NotConfirmed
from hub.model import (
    Conversation,
    Floor,
    FloorKind,
    Item,
    MessageId,
    NeedKind,
    OrderNote,
    OrderStatus,
    PlatformConversation,
)
from hub.policy import BargainMove, HitKind
from hub.sandbox.orders import Order
from hub.sandbox.world import DEMO_SELLER
from hub.settings import BargainSettings
from tests.e2e.shop import PATIENCE, POT, Shop, open_shop
from tests.waiting import wait_until

ADJUST = "mtop.taobao.idle.trade.user.adjust.price"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, uncertain_seconds=1) as shop:
        yield shop


async def unpaid(shop: Shop, **wish: object) -> Order:
    order = await shop.order(**wish)
    await shop.wait_known(order, lambda known: known.status is OrderStatus.UNPAID)
    return order


def asked(shop: Shop) -> int:
    """How often the platform was asked for another price."""
    return sum(f"/h5/{ADJUST}/" in one.path for one in shop.stage.sandbox.recorder.seen)


async def wait_step(shop: Shop, order: Order, step: OrderNote) -> str:
    async def so() -> bool:
        return step in [line.step for line in await shop.story(order)]

    await wait_until(so, PATIENCE)
    return next(line.detail for line in await shop.story(order) if line.step is step)


async def change(shop: Shop, order: Order, price: str, key: str = "k1") -> None:
    desk, operator = shop.stage.hub.desk, shop.stage.operator
    await desk.bargains.change_price(operator, order.id, price, key=key, code=order.id[-4:])


async def test_a_price_is_changed_from_qq_after_a_second_word_and_the_asker_is_told(
    shop: Shop,
) -> None:
    stage, order = shop.stage, await unpaid(shop)
    await stage.operator_writes(f"/改价 {order.id[-6:]} 15.5")
    question = await stage.wait_for_notice("改成买家一共付 15.5 元")
    assert f"确认 {order.id[-4:]}" in question.text
    assert asked(shop) == 0

    said = await stage.operator_writes(f"确认 {order.id[-4:]}")

    await stage.wait_for_notice("正在把订单")
    await stage.wait_for_notice(f"✅ 已改价：订单 {order.id} 现在是 15.5 元")
    assert order.paid_cents == 1550
    assert asked(shop) == 1
    await stage.sandbox.qq.repeat(said)
    await shop.wait_known(order, lambda known: known.paid_amount == Decimal("15.50"))
    await stage.settled()
    assert asked(shop) == 1
    assert order.story.count("price_changed") == 1


async def test_the_ticket_names_the_unpaid_order_too(shop: Shop) -> None:
    stage, order = shop.stage, await unpaid(shop)
    known = await shop.known(order)
    assert known is not None
    conversation = await stage.read(lambda tx: tx.conversations.get(known.shop, known.conversation))
    await stage.operator_writes(f"/改价 #{conversation.ticket} 9")
    await stage.wait_for_notice("改成买家一共付 9 元")
    await stage.operator_writes(f"确认 {order.id[-4:]}")
    await stage.wait_for_notice("✅ 已改价")
    assert order.paid_cents == 900


async def test_too_early_is_tried_again_until_it_works(shop: Shop) -> None:
    order = await unpaid(shop)
    shop.stage.sandbox.manners.settle_seconds = 7
    await change(shop, order, "12")
    assert await wait_step(shop, order, OrderNote.PRICED) == "12 元"
    assert order.paid_cents == 1200
    assert asked(shop) > 1
    assert order.story.count("price_changed") == 1


async def test_an_order_that_was_paid_meanwhile_keeps_its_price_and_owners_are_told(
    shop: Shop,
) -> None:
    order = await unpaid(shop)
    cents = order.paid_cents
    await change(shop, order, "12")
    await shop.pay(order)
    assert await wait_step(shop, order, OrderNote.PRICE_FAILED)
    await shop.stage.wait_for_notice("❌ 没有改成 12 元")
    assert order.paid_cents == cents
    with pytest.raises(Invalid, match="只有待付款的能改价"):
        await change(shop, order, "11", key="k2")


async def test_what_the_platform_refuses_is_final(shop: Shop) -> None:
    order = await unpaid(shop)
    shop.stage.sandbox.faults.add(
        DEMO_SELLER, "mtop_ret", subject=ADJUST, reason="FAIL_BIZ_ORDER_CLOSED::订单已关闭"
    )
    await change(shop, order, "12")
    assert await wait_step(shop, order, OrderNote.PRICE_FAILED) == "订单已关闭"
    await shop.stage.settled()
    assert asked(shop) == 1


@pytest.mark.parametrize(("trouble", "calls"), [("mtop_stored", 1), ("mtop_lost", 2)])
async def test_a_lost_answer_is_looked_up_before_anything_is_changed_again(
    shop: Shop, trouble: str, calls: int
) -> None:
    order = await unpaid(shop)
    shop.stage.sandbox.faults.add(DEMO_SELLER, trouble, subject=ADJUST)
    await change(shop, order, "12")
    await wait_step(shop, order, OrderNote.PRICED)
    assert order.paid_cents == 1200
    assert asked(shop) == calls
    assert order.story.count("price_changed") == 1


async def test_the_same_act_changes_the_price_once(shop: Shop) -> None:
    order = await unpaid(shop)
    await change(shop, order, "12")
    await change(shop, order, "12")
    await wait_step(shop, order, OrderNote.PRICED)
    await shop.stage.settled()
    assert asked(shop) == 1


async def test_prices_that_make_no_sense_are_refused_before_anything_leaves(shop: Shop) -> None:
    order = await unpaid(shop)
    for price in ("", "0", "-3", "abc", "1.234", "99999999", "12 元 3", "NaN"):
        with pytest.raises(Invalid):
            await change(shop, order, price)
    assert asked(shop) == 0


async def test_a_price_below_the_floor_is_said_before_it_is_changed(shop: Shop) -> None:
    stage, order = shop.stage, await unpaid(shop)
    await known_item(shop, "20")
    await stage.hub.desk.bargains.set_floor(stage.operator, "18", item=POT)
    with pytest.raises(NotConfirmed, match="低于底价 18 元"):
        await stage.hub.desk.bargains.change_price(stage.operator, order.id, "15", key="k")


# --- Offers ---------------------------------------------------------------------------------------


async def known_item(shop: Shop, price: str) -> None:
    account, now = shop.stage.account, shop.stage.account.state_since
    item = Item(POT, "手冲咖啡壶", price=Decimal(price), highest_price=Decimal(price))
    await shop.write(lambda tx: tx.items.save(account.shop, account.id, item, now))


async def talk(shop: Shop) -> Conversation:
    """A conversation about the pot, as the hub knows it."""
    account, thread = shop.stage.account, shop.thread()
    await shop.stage.sandbox.stage.say(thread, [{"text": "你好"}])
    found: list[Conversation | None] = [None]

    async def so() -> bool:
        found[0] = await shop.stage.read(
            lambda tx: tx.conversations.by_platform(
                account.shop, account.id, PlatformConversation(thread.id)
            )
        )
        return found[0] is not None and found[0].item_id == POT

    await wait_until(so, PATIENCE)
    assert found[0] is not None
    return found[0]


async def hear(
    shop: Shop, conversation: Conversation, text: str, number: int
) -> BargainMove | None:
    now = shop.stage.account.state_since
    heard = await shop.write(
        lambda tx: hear_offer(
            tx, conversation, text, MessageId(9000 + number), BargainSettings(), now
        )
    )
    return None if heard is None else heard.verdict.move


async def test_an_offer_below_the_floor_waits_for_a_person_who_agrees_by_quoting_it(
    shop: Shop,
) -> None:
    stage = shop.stage
    await known_item(shop, "20")
    await stage.hub.desk.bargains.set_floor(stage.operator, "10%", item=POT)
    conversation = await talk(shop)

    assert await hear(shop, conversation, "15卖不卖", 1) is BargainMove.ASK_PERSON

    notice = await stage.wait_for_notice("买家还价，等你定")
    assert "15卖不卖" in notice.text
    assert "低于底价 18 元" in notice.text
    await stage.operator_writes("1", notice)
    told = "可以，15 元。您拍下后先不要付款，我改好价格再付。"
    await stage.until(lambda: told in shop.got(), "the buyer is told")
    assert await shop.needs() == []
    # What a person promised may be said from now on, and nothing below it.
    settings, now = BargainSettings(), stage.account.state_since
    for text, kinds in (("15给您", []), ("14给您", [HitKind.PRICE])):
        hits = await stage.read(
            lambda tx, text=text: check_automatic(
                tx, conversation, text, guard_words(tx, conversation.shop), settings, now
            )
        )
        assert [hit.kind for hit in hits] == kinds


async def test_an_offer_is_countered_with_a_price_or_declined(shop: Shop) -> None:
    stage = shop.stage
    await known_item(shop, "20")
    await stage.hub.desk.bargains.set_floor(stage.operator, "18", item=POT)
    conversation = await talk(shop)
    await hear(shop, conversation, "10块卖吗", 1)
    (need,) = await shop.wait_needs(NeedKind.OFFER)
    await stage.operator_writes(f"/处理 {need.number} 还价")
    await stage.wait_for_notice("写上要报的价")
    await stage.operator_writes(f"/处理 {need.number} 还价 17")
    await stage.until(lambda: any("最低 17 元" in one for one in shop.got()), "countered")

    await hear(shop, conversation, "5块", 2)
    assert await shop.needs() == []  # the agreed price stands
    assert await hear(shop, conversation, "17可以", 3) is BargainMove.ACCEPT


async def test_the_same_message_counts_once_and_rounds_are_per_buyer_and_item(shop: Shop) -> None:
    await known_item(shop, "100")
    account, now = shop.stage.account, shop.stage.account.state_since
    floor = Floor(FloorKind.AMOUNT, Decimal(30))
    await shop.write(lambda tx: tx.floors.set(account.shop, None, None, floor, now))
    conversation = await talk(shop)
    for number in (1, 1, 1, 2, 3):
        assert await hear(shop, conversation, "便宜点", number) is BargainMove.COUNTER
    assert await hear(shop, conversation, "便宜点", 4) is BargainMove.REFUSE
    assert await hear(shop, conversation, "在吗", 5) is None
