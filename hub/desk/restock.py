"""Restocking: codes from a paste or a file, looked at before they are added."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from hub.desk.operator import Operator
from hub.desk.stock import cause, find_pool
from hub.errors import Invalid
from hub.model import BatchId, Pool, PoolId, PoolKind, Role
from hub.notices import tell_stock
from hub.policy import CodesRead, decode_codes, read_codes
from hub.store import Store, Tx

MOST_CODES = 200_000
"""In one go."""
ADDED_AT_ONCE = 1000
"""Codes that one unit of work adds: some ten milliseconds, so that buyers' messages do not wait."""
LONGEST_LABEL = 100


@dataclass(frozen=True, slots=True)
class Restocking:
    """What came of a text with codes, or would come of it; lines by number."""

    pool: Pool
    """As it is now."""
    read: CodesRead
    new: int
    """Codes that are added."""
    known: tuple[int, ...]
    """Lines with codes that the shop has or had."""


class Restock:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def preview(self, operator: Operator, pool: PoolId, codes: str | bytes) -> Restocking:
        """What adding would do; adds nothing. `codes`: one a line, or a file with that.

        Raises Invalid when there is nothing to add them to or nothing in it.
        """
        operator.require(Role.AGENT)
        read = await asyncio.to_thread(_read, codes)

        def unit(tx: Tx) -> Restocking:
            found = _find(tx, operator, pool)
            known = tx.card_records.known(operator.shop, read.codes)
            return _restocking(found, read, known)

        return await self._store.read(unit)

    async def add(
        self,
        operator: Operator,
        pool: PoolId,
        codes: str | bytes,
        *,
        label: str = "",
        expires_at: datetime | None = None,
        progress: Callable[[int, int], None] = lambda done, all_: None,
    ) -> Restocking:
        """Add codes, in portions: what is done stays done if it is cut short, and doing it again
        adds the rest. `label` names the batch. `progress` hears how many of how many are done.
        """
        operator.require(Role.AGENT)
        read, name = await asyncio.to_thread(_read, codes), label.strip()[:LONGEST_LABEL]
        now = self._now()
        if expires_at is not None and expires_at <= now:
            raise Invalid("有效期已经过了", {"expires": "填一个将来的日期"})
        batch: BatchId | None = None
        known: set[str] = set()

        def unit(
            portion: Sequence[str], into: BatchId | None, last: bool, tx: Tx
        ) -> tuple[BatchId, list[str]]:
            found = _find(tx, operator, pool)
            if into is None:
                into = tx.card_records.new_batch(
                    operator.shop, pool, name, by=cause(operator), now=now
                )
            refused = tx.cards.add(
                operator.shop, pool, portion, batch=into, expires_at=expires_at, now=now
            )
            tell_stock(tx, operator.shop, pool, now)
            if last:
                added = len(read.codes) - len(known) - len(refused)
                operator.record(tx, "stock.add", f"{found.name} +{added}", now)
            return into, refused

        for start in range(0, len(read.codes), ADDED_AT_ONCE):
            end = min(start + ADDED_AT_ONCE, len(read.codes))
            portion = read.codes[start:end]
            batch, refused = await self._store.write(
                partial(unit, portion, batch, end == len(read.codes))
            )
            known.update(refused)
            progress(end, len(read.codes))
        found = await self._store.read(lambda tx: _find(tx, operator, pool))
        return _restocking(found, read, known)


def _restocking(pool: Pool, read: CodesRead, known: set[str]) -> Restocking:
    lines = tuple(line for code, line in zip(read.codes, read.lines, strict=True) if code in known)
    return Restocking(pool, read, len(read.codes) - len(known), lines)


def _read(codes: str | bytes) -> CodesRead:
    words = decode_codes(codes) if isinstance(codes, bytes) else codes
    if words is None:
        raise Invalid(
            "这个文件不是文本文件。请另存为 .txt 或 .csv，一行一张卡密",
            {"file": "要文本文件，表格请先另存为 .txt"},
        )
    read = read_codes(words)
    if len(read.codes) > MOST_CODES:
        raise Invalid(
            f"一次最多 {MOST_CODES} 张，这里有 {len(read.codes)} 张，请分几次",
            {"codes": f"一次最多 {MOST_CODES} 张"},
        )
    if not read.codes and not read.left_out:
        raise Invalid("没有看到卡密，一行写一张", {"codes": "一行写一张卡密"})
    return read


def _find(tx: Tx, operator: Operator, id_: PoolId) -> Pool:
    pool = find_pool(tx, operator, id_)
    if pool.kind is not PoolKind.CODES:
        raise Invalid(f"「{pool.name}」不是卡密池，不用补货")
    return pool
