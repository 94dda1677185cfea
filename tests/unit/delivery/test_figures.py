"""What Prometheus and the log tell about deliveries, and what they keep to themselves."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from loguru import logger

from hub.model import MessageState, OrderStatus
from hub.ops import Metrics
from tests.unit.delivery.ledger_stage import CODES, Ledger, open_ledger

S, M = OrderStatus, MessageState


async def scrape(ledger: Ledger) -> dict[str, float]:
    metrics = Metrics()
    await metrics.refresh(ledger.store, ledger.now())
    lines = metrics.page().decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
        if "delivery" in name or "deliveries" in name or "need" in name or "unserved" in name
    }


async def test_the_figures_tell_what_waits_and_for_how_long(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        assert (await scrape(ledger))["yuqiao_unserved_seconds"] == 0
        paid = await ledger.page(1, S.PAID, quantity=2)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        first = (await ledger.units(paid))[0]
        await ledger.write(lambda tx: ledger.end_unit(tx, first, M.ACCEPTED))
        second = (await ledger.units(paid))[1]
        await ledger.write(lambda tx: ledger.end_unit(tx, second, M.REJECTED))
        shop = ledger.account.shop
        await ledger.write(lambda tx: tx.stops.stop(shop, None, reason="查货", now=ledger.now()))
        ledger.time[0] = second.created_at + timedelta(minutes=5)

        told = await scrape(ledger)

        assert told['yuqiao_deliveries{state="sent"}'] == 1
        assert told['yuqiao_deliveries{state="review"}'] == 1
        assert told['yuqiao_deliveries{state="reserved"}'] == 0
        assert told['yuqiao_needs_open{kind="rejected"}'] == 1
        assert told["yuqiao_delivery_stops"] == 1
        assert told["yuqiao_unserved_seconds"] == 300


async def test_an_order_that_nobody_serves_counts_from_the_question_on(tmp_path: Path) -> None:
    async with open_ledger(tmp_path) as ledger:
        await ledger.change_rule(enabled=False)
        paid = await ledger.page(1, S.PAID)
        await ledger.write(lambda tx: ledger.read(tx, paid))
        ledger.time[0] += timedelta(seconds=90)
        told = await scrape(ledger)
        assert told["yuqiao_unserved_seconds"] == 90
        assert told['yuqiao_needs_open{kind="no_rule"}'] == 1


async def test_each_change_of_state_is_logged_without_the_card(tmp_path: Path) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format="{message}", level="INFO")
    try:
        async with open_ledger(tmp_path) as ledger:
            paid = await ledger.page(1, S.PAID)
            await ledger.write(lambda tx: ledger.read(tx, paid))
            await ledger.write(lambda tx: ledger.settle(tx, paid, M.ACCEPTED))
    finally:
        logger.remove(sink)
    about = [line.strip() for line in lines if paid.id in line]
    assert f"order {paid.id} unit 1: pending -> reserved (reserved)" in about
    assert f"order {paid.id} unit 1: reserved -> sent (accepted)" in about
    assert not [line for line in lines if any(code in line for code in CODES)]
