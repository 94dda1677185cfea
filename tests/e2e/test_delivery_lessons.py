"""What went wrong in the programs that sellers use today, played against ours (L1-L20).

Those that are not here stand beside what they are about: search for the number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from hub.model import CardCounts, CardStep, DeliveryRule, DeliveryState, NeedKind, PlatformUser
from hub.store import Tx
from tests.e2e.shop import KEYBOARD, OTHER_BUYER, POT, Shop, open_shop

S = DeliveryState


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as shop:
        yield shop


async def test_a_sold_code_never_comes_back_into_stock(shop: Shop) -> None:
    """L5: neither by changing the pool that was opened before the sale, nor by pasting its codes
    again."""
    pool = await shop.pool(["CODE-1111", "CODE-2222"])
    await shop.rule(pool)
    desk, owner = shop.stage.hub.desk, shop.stage.operator
    order = await shop.buy()
    await shop.wait_states(order, S.CONFIRMED)

    await desk.stock.change(owner, pool.id, version=pool.version, note="开着页面的时候卖了一张")
    again = await desk.restock.add(owner, pool.id, "CODE-1111\nCODE-2222\nCODE-3333")

    assert (again.new, again.known) == (1, (1, 2))
    assert await shop.counts(pool) == CardCounts(available=2, handed_over=1)
    other = await shop.buy(OTHER_BUYER)
    await shop.wait_states(other, S.CONFIRMED)
    assert shop.got(OTHER_BUYER) == ["CODE-2222"]


async def test_each_sold_code_tells_who_got_it_when_and_for_which_order_and_unit(
    shop: Shop,
) -> None:
    """L6."""
    pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333"])
    await shop.rule(pool)
    desk, owner = shop.stage.hub.desk, shop.stage.operator
    first = await shop.buy()
    await shop.wait_states(first, S.CONFIRMED)
    second = await shop.buy(OTHER_BUYER, quantity=2)
    await shop.wait_states(second, S.CONFIRMED, S.CONFIRMED)

    for order, unit, code in (
        (first, 1, "CODE-1111"),
        (second, 1, "CODE-2222"),
        (second, 2, "CODE-3333"),
    ):
        (card,) = await desk.cards.look_up(owner, code)
        assert card.unit is not None
        assert (card.unit.order, card.unit.unit) == (order.id, unit)
        assert card.handed_over_at is not None
        view = await desk.cards.get(owner, card.id)
        steps = [one.step for one in view.events]
        assert CardStep.RESERVED in steps
        assert CardStep.HANDED_OVER in steps
        known = await shop.known(order)
        assert known is not None
        assert known.buyer == order.buyer


async def test_a_rule_of_another_account_delivers_nothing(shop: Shop) -> None:
    """L7: nor do its cards leave."""
    pool = await shop.pool(["CODE-1111"])
    rule = await shop.rule(pool)

    def hand_to_another(tx: Tx) -> DeliveryRule:
        account = tx.accounts.get(rule.shop, shop.stage.account.id)
        assert account is not None
        other = tx.accounts.add(
            rule.shop,
            name="别的店",
            user=PlatformUser("2200111199999"),
            device_id="other device",
            cookies="unb=2200111199999",
            takeover_minutes=10,
            now=account.state_since,
        )
        changed = replace(rule, account=other.id)
        assert tx.delivery_rules.save(changed)
        return changed

    await shop.write(hand_to_another)
    order = await shop.buy()

    await shop.wait_need(NeedKind.NO_RULE)
    assert shop.got() == []
    assert await shop.states(order) == []
    assert await shop.counts(pool) == CardCounts(available=1)


async def test_good_news_sounds_like_good_news_and_bad_news_does_not(shop: Shop) -> None:
    """L19: a success is marked as one and asks for nothing; what needs a person says so, with its
    number and the possible answers."""
    pool = await shop.pool(["CODE-1111"])
    await shop.rule(pool, POT)

    await shop.buy()
    good = (await shop.stage.wait_for_notice("已自动发货")).text
    await shop.buy(OTHER_BUYER, KEYBOARD)
    bad = (await shop.stage.wait_for_notice("没有发货规则")).text

    assert good.startswith("✅")
    assert not [word for word in ("🚨", "🔴", "🔔", "处理", "失败") if word in good]
    assert bad.startswith("🔔 待处理 1")
    assert "✅" not in bad
    assert [line for line in bad.splitlines() if line.startswith("1 ")]


async def test_what_a_pool_sold_is_what_buyers_got(shop: Shop) -> None:
    """L20: one for each card that was handed over; not for one that waits, and not once more when
    it is told or sent again."""
    pool = await shop.pool(["CODE-1111", "CODE-2222", "CODE-3333", "CODE-4444"])
    await shop.rule(pool, POT)
    sandbox = shop.stage.sandbox
    order = await shop.buy(quantity=2)
    await shop.wait_states(order, S.CONFIRMED, S.CONFIRMED)
    for event in ("paid_update", "ship_reminder", "summary"):
        await sandbox.trade.tell(order, event)
    sandbox.faults.add(order.seller, "send_blocked")
    refused = await shop.buy(OTHER_BUYER)
    await shop.wait_states(refused, S.REVIEW)

    assert await shop.counts(pool) == CardCounts(available=1, reserved=1, handed_over=2)
    assert len(shop.got()) == 2
