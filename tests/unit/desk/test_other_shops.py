"""Ids and numbers of another shop are those of nothing: read by nobody else, changed by nobody."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from delivery_stage import FIRST, DeliveryStage, open_delivery_stage

from hub.desk import Desk, Operator
from hub.errors import Invalid, NotFound
from hub.model import Choice, Guards, PoolKind, ShopId, SupplierCall

Use = Callable[[Desk, Operator], Awaitable[Any]]

LOOKS: dict[str, Use] = {
    "orders": lambda desk, who: desk.orders.page(who),
    "orders by words": lambda desk, who: desk.orders.page(who, "手冲"),
    "orders after one": lambda desk, who: desk.orders.page(who, before=FIRST),
    "orders by their end": lambda desk, who: desk.orders.ending(who, "6778"),
    "orders by number": lambda desk, who: desk.orders.ending(who, FIRST),
    "needs": lambda desk, who: desk.needs.open(who),
    "stops": lambda desk, who: desk.needs.stops(who),
    "pools": lambda desk, who: desk.stock.overview(who),
    "cards by code": lambda desk, who: desk.cards.look_up(who, "CODE-1111"),
    "cards by order": lambda desk, who: desk.cards.look_up(who, FIRST),
    "rules": lambda desk, who: desk.delivery_rules.all(who),
    "rules in words": lambda desk, who: desk.delivery_rules.told(who),
}
"""Lists, which are empty for somebody else."""


def uses(stage: DeliveryStage, ids: dict[str, Any]) -> dict[str, Use]:
    pool, api, rule, card = ids["pool"], ids["api"], ids["rule"], ids["card"]
    shown = ids["shown"]
    return {
        "order": lambda desk, who: desk.orders.get(who, FIRST),
        "deliver": lambda desk, who: desk.orders.deliver(who, FIRST, code="6778"),
        "resend": lambda desk, who: desk.orders.resend(who, FIRST, code="6778"),
        "arrived": lambda desk, who: desk.orders.arrived(who, FIRST),
        "outside": lambda desk, who: desk.orders.outside(who, FIRST),
        "release": lambda desk, who: desk.orders.release(who, FIRST, code="6778"),
        "refuse": lambda desk, who: desk.orders.refuse(who, FIRST),
        "ship": lambda desk, who: desk.orders.ship(who, FIRST, code="6778"),
        "read": lambda desk, who: desk.orders.read(who, FIRST),
        "need": lambda desk, who: desk.needs.get(who, 1),
        "answer": lambda desk, who: desk.needs.answer(who, 1, Choice.REFUSE),
        "stop": lambda desk, who: desk.needs.stop(who, stage.account.id),
        "resume": lambda desk, who: desk.needs.resume(who, stage.account.id),
        "pool": lambda desk, who: desk.stock.pool(who, pool),
        "change pool": lambda desk, who: desk.stock.change(who, pool, name="我的"),
        "remove pool": lambda desk, who: desk.stock.remove(who, pool),
        "picture": lambda desk, who: desk.stock.picture(who, pool, "x"),
        "remove picture": lambda desk, who: desk.stock.remove_picture(who, pool, "x"),
        "preview": lambda desk, who: desk.restock.preview(who, pool, "N-1"),
        "restock": lambda desk, who: desk.restock.add(who, pool, "N-1"),
        "cards": lambda desk, who: desk.cards.page(who, pool),
        "card": lambda desk, who: desk.cards.get(who, card),
        "note": lambda desk, who: desk.cards.set_note(who, card, "x"),
        "void": lambda desk, who: desk.cards.void(who, card, "x"),
        "void by code": lambda desk, who: desk.cards.void_by_code(who, "CODE-1111 x", code="0001"),
        "supplier": lambda desk, who: desk.suppliers.get(who, api),
        "configure": lambda desk, who: desk.suppliers.configure(
            who, api, SupplierCall("https://example.com/")
        ),
        "try": lambda desk, who: desk.suppliers.test(who, api),
        "rule": lambda desk, who: desk.delivery_rules.get(who, rule),
        "add rule": lambda desk, who: desk.delivery_rules.add(who, pool=pool, items=["1"]),
        "change rule": lambda desk, who: desk.delivery_rules.change(who, shown),
        "remove rule": lambda desk, who: desk.delivery_rules.remove(who, rule),
    }


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[DeliveryStage]:
    async with open_delivery_stage(tmp_path) as stage:
        yield stage


async def test_nothing_of_a_shop_is_there_for_the_owner_of_another(stage: DeliveryStage) -> None:
    desk, owner = stage.desk, stage.stock.owner
    await stage.need(await stage.order())
    pool = await stage.served("CODE-1111")
    api = await desk.stock.create(owner, name="接口", kind=PoolKind.API)
    (rule,) = await desk.delivery_rules.all(owner)
    (card,) = await desk.cards.page(owner, pool.id)
    await desk.needs.stop(owner, stage.account.id)
    ids = {"pool": pool.id, "api": api.id, "rule": rule.id, "card": card.id, "shown": rule}
    stranger = Operator(replace(owner.member, shop=ShopId(owner.shop + 1)), owner.door)

    async def facts() -> list[object]:
        got = [await look(desk, owner) for look in LOOKS.values()]
        return [*got, await desk.orders.get(owner, FIRST), await stage.stock.audit()]

    before = await facts()
    for name, look in LOOKS.items():
        assert not await look(desk, stranger), name
    for name, use in uses(stage, ids).items():
        with pytest.raises((NotFound, Invalid)) as refused:
            await use(desk, stranger)
        assert isinstance(refused.value, NotFound) or name == "resume", name
    assert await desk.delivery_rules.guards(stranger) == Guards()
    assert await facts() == before
