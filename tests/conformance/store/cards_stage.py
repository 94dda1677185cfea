"""Pools with cards, and shorthands for moving them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from store_stage import Stage, at

from hub.model import (
    CardCounts,
    CardState,
    Cause,
    OrderUnit,
    Pool,
    PoolId,
    PoolKind,
    StockCard,
)
from hub.store import Tx

BY = Cause(None, "cli")
ORDER = "4400112233445566778"


def add_pool(stage: Stage, tx: Tx, name: str = "月卡", kind: PoolKind = PoolKind.CODES) -> Pool:
    return tx.pools.add(stage.shop, name=name, kind=kind, now=at())


def restock(
    stage: Stage,
    tx: Tx,
    pool: PoolId,
    codes: Sequence[str],
    *,
    expires_at: datetime | None = None,
    seconds: float = 0,
) -> list[str]:
    batch = tx.card_records.new_batch(stage.shop, pool, "一批", by=BY, now=at(seconds))
    return tx.cards.add(
        stage.shop, pool, codes, batch=batch, expires_at=expires_at, now=at(seconds)
    )


def unit_of(stage: Stage, order: str = ORDER, number: int = 1) -> OrderUnit:
    return OrderUnit(stage.account.id, order, number)


def draw(
    stage: Stage, tx: Tx, pool: PoolId, unit: OrderUnit, count: int = 1, seconds: float = 0
) -> list[str] | None:
    """The codes that are drawn."""
    cards = tx.cards.reserve(stage.shop, pool, unit, count, now=at(seconds))
    return None if cards is None else codes_of(cards)


def codes_of(cards: Sequence[StockCard]) -> list[str]:
    return [card.code for card in cards]


def counts(stage: Stage, tx: Tx, pool: PoolId) -> CardCounts:
    found = tx.pools.get(stage.shop, pool)
    assert found is not None
    return found.counts


def counted_one_by_one(stage: Stage, tx: Tx, pool: PoolId) -> CardCounts:
    """The numbers as the cards themselves have them."""
    return CardCounts(
        **{
            state.value: len(tx.card_records.page(stage.shop, pool, state=state, limit=100_000))
            for state in CardState
        }
    )
