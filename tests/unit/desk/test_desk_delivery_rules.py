"""Delivery rules and block rules as owners set them: checked, scoped, never half saved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from stock_stage import StockStage, open_stock_stage

from hub.errors import Forbidden, Invalid, NotFound
from hub.model import AccountId, DeliveryRuleId, Guards, PoolId, PoolKind

ITEM = "880011223344"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[StockStage]:
    async with open_stock_stage(tmp_path) as stage:
        yield stage


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "items"),
        ({"items": ["  "]}, "items"),
        ({"items": ["abc"]}, "items"),
        ({"items": [str(n) for n in range(201)]}, "items"),
        ({"keywords": ["长" * 51]}, "keywords"),
        ({"items": [ITEM], "spec": (("套餐", "长" * 61),)}, "spec"),
        ({"items": [ITEM], "cards": 0}, "cards"),
        ({"items": [ITEM], "most_units": 101}, "most_units"),
        ({"items": [ITEM], "delay_seconds": 3601}, "delay_seconds"),
        ({"items": [ITEM], "delay_seconds": -1}, "delay_seconds"),
        ({"items": [ITEM], "account": AccountId(99)}, "account"),
    ],
)
async def test_a_rule_that_cannot_work_is_refused_field_by_field(
    stage: StockStage, values: dict[str, Any], field: str
) -> None:
    pool = await stage.pool()
    with pytest.raises(Invalid) as refused:
        await stage.desk.delivery_rules.add(stage.owner, pool=pool.id, **values)
    assert field in refused.value.fields
    assert await stage.desk.delivery_rules.all(stage.owner) == []


async def test_a_supplier_is_asked_for_each_piece_and_says_itself_how_many_cards_that_is(
    stage: StockStage,
) -> None:
    rules = stage.desk.delivery_rules
    supplier = await stage.desk.stock.create(stage.owner, name="接口", kind=PoolKind.API)
    with pytest.raises(Invalid, match="由供货方决定") as refused:
        await rules.add(stage.owner, pool=supplier.id, items=[ITEM], cards=2)
    assert "cards" in refused.value.fields
    await rules.add(stage.owner, pool=supplier.id, items=[ITEM])


async def test_a_pool_that_is_not_there_is_refused(stage: StockStage) -> None:
    rules = stage.desk.delivery_rules
    with pytest.raises(NotFound):
        await rules.add(stage.owner, pool=PoolId(99), items=[ITEM])


async def test_two_rules_for_the_same_item_and_choice_are_refused(stage: StockStage) -> None:
    pool, rules = await stage.pool(), stage.desk.delivery_rules
    first = await rules.add(stage.owner, pool=pool.id, items=[ITEM, " 1 ", "1"])
    assert first.items == (ITEM, "1")
    await rules.add(stage.owner, pool=pool.id, items=[ITEM], spec=(("套餐", "月卡"),))
    with pytest.raises(Invalid, match="同样的商品和规格"):
        await rules.add(stage.owner, pool=pool.id, items=[ITEM])
    with pytest.raises(Invalid, match="同样的商品和规格"):
        await rules.add(stage.owner, pool=pool.id, items=[ITEM], spec=(("", "月卡 "),))


async def test_rules_are_changed_and_removed_by_owners_only(stage: StockStage) -> None:
    pool, rules = await stage.pool(), stage.desk.delivery_rules
    rule = await rules.add(stage.owner, pool=pool.id, items=[ITEM])
    with pytest.raises(Forbidden):
        await rules.add(stage.agent, pool=pool.id, items=["2"])
    with pytest.raises(Forbidden):
        await rules.change(stage.agent, replace(rule, enabled=False))
    changed = await rules.change(stage.owner, replace(rule, enabled=False, delay_seconds=60))
    assert await rules.all(stage.viewer) == [changed]
    with pytest.raises(NotFound):
        await rules.change(stage.owner, replace(rule, id=DeliveryRuleId(99)))
    await rules.remove(stage.owner, rule.id)
    with pytest.raises(NotFound):
        await rules.get(stage.owner, rule.id)


@pytest.mark.parametrize(
    ("guards", "field"),
    [
        (Guards(blocked_buyers=("小林",)), "blocked_buyers"),
        (Guards(most_amount=Decimal(0)), "most_amount"),
        (Guards(most_amount=Decimal("NaN")), "most_amount"),
        (Guards(most_amount_new_buyer=Decimal(-1)), "most_amount_new_buyer"),
        (Guards(brake_per_minute=-1), "brake_per_minute"),
        (Guards(brake_failures=10_001), "brake_failures"),
    ],
)
async def test_block_rules_that_cannot_work_are_refused(
    stage: StockStage, guards: Guards, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await stage.desk.delivery_rules.set_guards(stage.owner, guards)
    assert field in refused.value.fields
    assert await stage.desk.delivery_rules.guards(stage.viewer) == Guards()
