"""`yuqiao bench stock`: importing codes, and drawing them from little and from much stock.

On the real store with its commits to the disk. While codes are imported, somebody else writes as
well: how long that takes is what a buyer's message would wait.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import AccountId, Member, MemberId, OrderUnit, Pool, PoolKind, Role, ShopId
from hub.settings import Settings
from hub.store import Store, Tx, open_store

SIZES = (100, 10_000, 100_000)
ASIDE_EVERY = 0.02
"""Seconds between the writes of the others during the import."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """Milliseconds to draw one card, from the call to the commit, with `stock` cards there."""

    stock: int
    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class StockResult:
    codes: int
    import_seconds: float
    preview_seconds: float
    """Looking which of as many codes are known."""
    aside_p50: float
    aside_worst: float
    """Milliseconds that other writes took during the import."""
    drawings: tuple[Drawing, ...]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def run_stock(codes: int = SIZES[-1], draws: int = 200) -> StockResult:
    with tempfile.TemporaryDirectory(prefix="yuqiao-bench-") as folder:
        async with open_store(Path(folder) / "hub.db") as store:
            desk = Desk(store, Settings(), utc_now)
            shop = await store.read(lambda tx: tx.shops.default())
            owner = Operator(Member(MemberId(0), shop, "bench", Role.OWNER), Door.CLI)
            many = _codes(codes)
            pool = await _pool(desk, owner, codes)
            aside: list[float] = []
            async with asyncio.TaskGroup() as tasks:
                others = tasks.create_task(_write_aside(store, aside))
                began = time.perf_counter()
                await desk.restock.add(owner, pool.id, many)
                imported = time.perf_counter() - began
                others.cancel()
            began = time.perf_counter()
            await desk.restock.preview(owner, pool.id, many)
            looked = time.perf_counter() - began
            drawings = []
            for size in SIZES:
                small = pool
                if size < codes:
                    small = await _pool(desk, owner, size)
                    await desk.restock.add(owner, small.id, _codes(size))
                if size <= codes:
                    drawings.append(await _draw(store, small, size, min(draws, size)))
            return StockResult(
                codes,
                imported,
                looked,
                median(aside or [0.0]),
                max(aside or [0.0]),
                tuple(drawings),
            )


def report_stock(result: StockResult) -> str:
    lines = [
        f"import of {result.codes} codes: {result.import_seconds:.2f} s",
        f"look at {result.codes} known codes: {result.preview_seconds:.2f} s",
        f"other writes meanwhile: p50 {result.aside_p50:.1f} ms, worst {result.aside_worst:.1f} ms",
    ]
    lines += [
        f"draw one of {one.stock}: p50 {one.p50:.2f} ms, p95 {one.p95:.2f} ms"
        for one in result.drawings
    ]
    return "\n".join(lines)


def _codes(number: int) -> str:
    return "\n".join(secrets.token_hex(10) for _ in range(number))


async def _pool(desk: Desk, owner: Operator, size: int) -> Pool:
    return await desk.stock.create(owner, name=f"stock of {size}", kind=PoolKind.CODES)


async def _write_aside(store: Store, took: list[float]) -> None:
    shop = await store.read(lambda tx: tx.shops.default())
    while True:
        key = f"bench {len(took)}"
        began = time.perf_counter()
        await store.write(partial(_note, shop, key))
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(ASIDE_EVERY)


def _note(shop: ShopId, key: str, tx: Tx) -> None:
    tx.inputs.first_time(shop, key, utc_now())


async def _draw(store: Store, pool: Pool, stock: int, draws: int) -> Drawing:
    took: list[float] = []
    for number in range(draws):
        this = OrderUnit(AccountId(1), f"{pool.id}-{number}", 1)
        began = time.perf_counter()
        await store.write(partial(_reserve, pool, this))
        took.append((time.perf_counter() - began) * 1000)
    return Drawing(stock, median(took), _p95(took))


def _reserve(pool: Pool, this: OrderUnit, tx: Tx) -> None:
    tx.cards.reserve(pool.shop, pool.id, this, 1, now=utc_now())


def _p95(took: Sequence[float]) -> float:
    return quantiles(took, n=20)[-1]
