"""API pools: how their supplier is asked, and a try before buyers depend on it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hub.desk.operator import Operator
from hub.desk.stock import SAMPLE, find_pool
from hub.errors import Invalid, PeerError
from hub.model import Pool, PoolId, PoolKind, Role, SupplierCall, masked
from hub.policy import (
    DeliveryPart,
    compose,
    supplier_request,
)
from hub.store import Store, Tx
from hub.suppliers import check_call, fetch_cards

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of asking a supplier for an invented order."""

    parts: tuple[DeliveryPart, ...]
    """What a buyer would have received, the card masked; empty when there was none."""
    trouble: str
    """Why there was none, a sentence for people."""


class Suppliers:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def get(self, operator: Operator, pool: PoolId) -> SupplierCall | None:
        """With its secrets in clear: for owners, and for no page to print the headers of."""
        operator.require(Role.OWNER)

        def unit(tx: Tx) -> SupplierCall | None:
            _find(tx, operator, pool)
            return tx.pools.supplier(operator.shop, pool)

        return await self._store.read(unit)

    async def configure(
        self, operator: Operator, pool: PoolId, call: SupplierCall, *, keep_headers: bool = False
    ) -> None:
        """Raises Invalid that names the field. `keep_headers`: those of before, `call` has none;
        a page that never shows them can leave them alone."""
        operator.require(Role.OWNER)
        check_call(call)
        now = self._now()

        def unit(tx: Tx) -> None:
            found = _find(tx, operator, pool)
            old = tx.pools.supplier(operator.shop, pool)
            new = replace(call, headers=old.headers) if keep_headers and old is not None else call
            tx.pools.update(operator.shop, pool, supplier=new)
            operator.record(tx, "pool.supplier", found.name, now)

        await self._store.write(unit)

    async def test(self, operator: Operator, pool: PoolId) -> Trial:
        """Really ask the supplier, with an invented order. The card goes to nobody."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> tuple[Pool, SupplierCall | None]:
            found = _find(tx, operator, pool)
            operator.record(tx, "pool.test", found.name, now)
            return found, tx.pools.supplier(operator.shop, pool)

        found, call = await self._store.write(unit)
        if call is None:
            raise Invalid("先填好接口，再试取")
        url, body = supplier_request(call, SAMPLE)
        try:
            cards = await fetch_cards(
                call, url=url, body=body, key=f"yuqiao-test-{secrets.token_hex(8)}"
            )
        except PeerError as error:
            return Trial((), error.reason)
        codes = [masked(card) for card in cards]
        return Trial(compose(found.template, SAMPLE, codes=codes), "")


def parse_headers(words: str) -> tuple[tuple[str, str], ...]:
    """`Name: value`, one a line. Raises Invalid."""
    headers = []
    for line in words.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        name, separator, value = line.partition(":")
        if not separator or _TOKEN.fullmatch(name.strip()) is None:
            raise Invalid("请求头写成「名字: 值」，一行一个", {"headers": "写成「名字: 值」"})
        headers.append((name.strip(), value.strip()))
    return tuple(headers)


def _find(tx: Tx, operator: Operator, id_: PoolId) -> Pool:
    pool = find_pool(tx, operator, id_)
    if pool.kind is not PoolKind.API:
        raise Invalid(f"「{pool.name}」不是接口卡池")
    return pool
