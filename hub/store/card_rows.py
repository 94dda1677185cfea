"""How a card and its unit of an order lie in their row."""

from __future__ import annotations

from hub.model import (
    AccountId,
    BatchId,
    CardId,
    CardState,
    OrderUnit,
    PoolId,
    ShopId,
    StockCard,
)
from hub.store.codec import moment, moment_or_none
from hub.store.sql import Row

COLUMNS = (
    "id, shop_id, pool_id, code, state, batch_id, note, expires_at, account_id, order_id, unit,"
    " created_at, changed_at, handed_over_at"
)
CARD = f"SELECT {COLUMNS} FROM cards WHERE shop_id = :shop"  # noqa: S608
NEVER = 2**63 - 1
"""`expires_at` of a card that never does."""


def to_unit(account: int | None, order: str | None, unit: int | None) -> OrderUnit | None:
    if account is None or order is None or unit is None:
        return None
    return OrderUnit(AccountId(account), order, unit)


def to_card(row: Row) -> StockCard:
    id_, shop, pool, code, state, batch, note, expires_at, account, order, unit = row[:11]
    created_at, changed_at, handed_over_at = row[11:]
    return StockCard(
        id=CardId(id_),
        shop=ShopId(shop),
        pool=PoolId(pool),
        code=code,
        state=CardState(state),
        batch=None if batch is None else BatchId(batch),
        note=note,
        expires_at=None if expires_at == NEVER else moment(expires_at),
        unit=to_unit(account, order, unit),
        created_at=moment(created_at),
        changed_at=moment(changed_at),
        handed_over_at=moment_or_none(handed_over_at),
    )
