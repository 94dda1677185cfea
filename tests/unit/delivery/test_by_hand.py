"""What a person delivers and what then stands in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from hub.delivery import deliver, resend
from hub.model import (
    Cause,
    DeliveryState,
    MessageState,
    NeedKind,
    OrderNote,
    OrderStatus,
    PoolKind,
    Role,
)
from hub.store import Tx
from tests.unit.delivery.ledger_stage import open_ledger


async def test_the_notice_tells_who_had_it_delivered_and_how_long_that_took(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.hire()
        lin = await ledger.write(
            lambda tx: tx.members.add(ledger.account.shop, "小李", Role.AGENT, now=ledger.now())
        )
        by = Cause(lin.id, "qq")
        paid = await ledger.page(1, OrderStatus.PAID)
        unserved = replace(paid, item_id="880011229999")
        await ledger.write(lambda tx: ledger.read(tx, unserved))
        order = await ledger.known(paid)
        await ledger.all_notices()

        def by_hand(tx: Tx) -> None:
            deliver(tx, ledger.account, order, pool=ledger.pool, by=by, now=ledger.now())

        await ledger.write(by_hand)
        ledger.time[0] += timedelta(seconds=11)
        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.ACCEPTED))

        (told,) = await ledger.all_notices()
        assert told.startswith("✅ 已手动发货 1 份「月卡」：")
        assert "\n小李 让发的，12 秒后发到\n" in told

        await ledger.write(lambda tx: resend(tx, order, by=by, now=ledger.now()))
        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.ACCEPTED))
        (told,) = await ledger.all_notices()
        assert told.startswith("✅ 已再发一次 1 份「月卡」：")
        assert "\n小李 让发的，1 秒后发到\n" in told


async def test_who_did_not_wait_for_a_delay_is_told_and_stands_in_the_story(
    tmp_path: Path,
) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.hire()
        await ledger.change_rule(delay_seconds=600)
        paid = await ledger.page(1, OrderStatus.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        order = await ledger.known(paid)

        def by_hand(tx: Tx) -> None:
            (owner,) = tx.members.all(order.shop)
            deliver(tx, ledger.account, order, by=Cause(owner.id, "qq"), now=ledger.now())

        await ledger.write(by_hand)
        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.ACCEPTED))

        (told,) = await ledger.all_notices()
        assert "已手动发货" in told
        assert "\n店主 让发的，" in told
        story = await ledger.store.read(
            lambda tx: tx.orders.story(order.shop, order.account, order.id)
        )
        assert OrderNote.HURRIED in {line.step for line in story}


async def test_what_nobody_asked_for_was_delivered_by_itself(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.hire()
        paid = await ledger.page(1, OrderStatus.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        await ledger.write(lambda tx: ledger.settle(tx, paid, MessageState.ACCEPTED))
        (told,) = await ledger.all_notices()
        assert told.startswith("✅ 已自动发货 1 份「月卡」：")
        assert "让发的" not in told


async def test_what_cannot_be_sent_by_hand_either_is_asked_about_again(tmp_path: Path) -> None:
    """L18: the command answers the old need; the one that it meets itself stays open."""
    async with open_ledger(tmp_path) as ledger:
        paid = await ledger.page(1, OrderStatus.PAID)
        unserved = replace(paid, item_id="880011229999")
        await ledger.write(lambda tx: ledger.read(tx, unserved))
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.NO_RULE]
        order = await ledger.known(paid)

        def by_hand(tx: Tx) -> None:
            blank = tx.pools.add(
                order.shop, name="空白", kind=PoolKind.TEXT, text=" ", now=ledger.now()
            )
            by = Cause(None, "qq")
            deliver(tx, ledger.account, order, pool=blank, by=by, now=ledger.now())

        await ledger.write(by_hand)

        assert [one.state for one in await ledger.units(paid)] == [DeliveryState.REVIEW]
        assert [one.kind for one in await ledger.needs(paid)] == [NeedKind.OUT_OF_STOCK]
