"""What a person delivers and what then stands in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hub.delivery import deliver
from hub.model import Cause, DeliveryState, NeedKind, OrderStatus, PoolKind
from hub.store import Tx
from tests.unit.delivery.ledger_stage import open_ledger


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
