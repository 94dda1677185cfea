"""What is over goes: cards that are too old leave the stock when they are, and not only when the
next buyer comes; what QQ told, and what people were asked there, is forgotten in time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from loguru import logger

from hub.errors import StoreError
from hub.model import ASKED_STEM, CHAT_STEM, HEARD_STEM, PoolId, PoolKind, ShopId
from hub.notices import tell_stock
from hub.policy import stock_level
from hub.store import Store, Tx

EVERY_SECONDS = 300.0
REMEMBERED = {
    CHAT_STEM: timedelta(days=30),
    ASKED_STEM: timedelta(days=1),
    HEARD_STEM: timedelta(days=1),
}
"""By what their keys begin with. Events that QQ tells again come within minutes, second words
within one; what is known of orders is kept for ever."""
AT_ONCE = 200
"""Cards that one unit of work voids, so that buyers' messages do not wait."""


class Expiry:
    """Voids what nobody may get any more, so that owners hear of stock that ran low by itself, and
    forgets what was said long ago in QQ."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime],
        mine: Callable[[], bool] = lambda: True,
    ) -> None:
        """`mine`: whether this hub is the one that does it."""
        self._mine = mine
        self._store = store
        self._now = now

    async def run(self) -> None:
        while True:
            try:
                if self._mine():
                    await self.sweep()
            except StoreError as error:  # the next time may be better; a draw looks for itself
                logger.warning("what has expired is left for now: {}", error)
            await asyncio.sleep(EVERY_SECONDS)

    async def sweep(self) -> None:
        """Once through everything."""
        now = self._now()
        shop, pools = await self._store.read(lambda tx: _pools(tx, now))
        for pool in pools:
            total = 0
            while gone := await self._store.write(partial(self._void, shop, pool)):
                total += gone
            if total:
                logger.info("{} expired cards of pool {} are void", total, pool)
        for stem, lasts in REMEMBERED.items():
            await self._store.write(partial(_forget, shop, stem, now - lasts))

    def _void(self, shop: ShopId, pool: PoolId, tx: Tx) -> int:
        now = self._now()
        gone = tx.cards.void_expired(shop, pool, now, AT_ONCE)
        tell_stock(tx, shop, pool, now)
        return gone


def _forget(shop: ShopId, stem: str, before: datetime, tx: Tx) -> int:
    return tx.inputs.forget(shop, stem, before)


def _pools(tx: Tx, now: datetime) -> tuple[ShopId, list[PoolId]]:
    """Where something is over, or a draw found it so and had nothing to tell of."""
    shop = tx.shops.default()
    return shop, [
        pool.id
        for pool in tx.pools.all(shop)
        if pool.kind is PoolKind.CODES
        and (
            stock_level(pool.counts.available, pool.low_at) is not pool.told
            or tx.card_records.expired_count(shop, pool.id, now)
        )
    ]
