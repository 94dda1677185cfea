"""When stock is low, when owners hear of it, and how long it will last."""

from __future__ import annotations

from datetime import timedelta

from hub.model import Pool, PoolKind, StockLevel

LOOKS_BACK = timedelta(days=14)
"""The sales of that time say how fast stock goes."""

_ORDER = (StockLevel.FINE, StockLevel.LOW, StockLevel.EMPTY)


def stock_level(available: int, low_at: int) -> StockLevel:
    if available <= 0:
        return StockLevel.EMPTY
    return StockLevel.LOW if available <= low_at else StockLevel.FINE


def why_short(pool: Pool | None, *, wanted: int, there: int, supplied: bool) -> str | None:
    """Why so many cards cannot be had of a pool; None: they can, or its supplier decides.

    `there`: those that can still be drawn. `supplied`: its supplier is known.
    """
    if pool is None:
        return "卡池已经不在了"
    if not pool.enabled:
        return f"卡池「{pool.name}」已停用"
    if pool.kind is PoolKind.API and not supplied:
        return f"卡池「{pool.name}」还没有填供货接口"
    if pool.kind is PoolKind.IMAGE and not pool.pictures:
        return f"卡池「{pool.name}」里还没有图片"
    if pool.kind is PoolKind.CODES and there < wanted:
        return f"卡池「{pool.name}」要 {wanted} 张，只剩 {there} 张"
    return None


def is_worse(level: StockLevel, told: StockLevel) -> bool:
    """Owners hear of a level that is worse than the one they know; a better one is just noted, so
    that they hear of the next fall."""
    return _ORDER.index(level) > _ORDER.index(told)


def days_left(available: int, sold: int, selling: timedelta) -> float | None:
    """For how many days stock lasts if sales go on as they did; None: nothing was sold.

    `sold` in the last `LOOKS_BACK`; `selling`: how long the pool exists, a day at least counts.
    """
    if sold <= 0:
        return None
    days = max(min(selling, LOOKS_BACK), timedelta(days=1)) / timedelta(days=1)
    return available * days / sold
