"""Pools: what cards are drawn from, with the numbers of their cards by state."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime

from hub.errors import Conflict
from hub.model import (
    CardCounts,
    Pool,
    PoolId,
    PoolKind,
    ShopId,
    StockLevel,
    StoredPicture,
    SupplierCall,
)
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement
from hub.store.vault import Vault

_COLUMNS = (
    "id, shop_id, name, kind, enabled, template, note, low_at, content, available, reserved,"
    " handed_over, void, disputed, told, version, created_at"
)
_THERE = f"SELECT {_COLUMNS} FROM pools WHERE shop_id = :shop AND removed_at IS NULL"

_ALL = Statement(f"{_THERE} ORDER BY id")
_GET = Statement(f"{_THERE} AND id = :id")
_BY_NAME = Statement(f"{_THERE} AND name = :name")
_SUPPLIER = Statement("SELECT supplier FROM pools WHERE shop_id = :shop AND id = :id")
_ADD = Statement(
    "INSERT INTO pools (shop_id, name, kind, enabled, template, note, content, supplier, low_at,"
    " told, version, available, reserved, handed_over, void, disputed, created_at)"
    " VALUES (:shop, :name, :kind, TRUE, :template, :note, :content, :supplier, :low_at,"
    " :told, 1, 0, 0, 0, 0, 0, :now) ON CONFLICT DO NOTHING RETURNING id"
)
_NAME_TAKEN = Statement(
    "SELECT 1 FROM pools WHERE shop_id = :shop AND name = :name AND removed_at IS NULL"
    " AND id <> :id"
)
_UPDATE = Statement(
    "UPDATE pools SET name = :name, enabled = :enabled, template = :template, note = :note,"
    " content = :content, low_at = :low_at, version = version + 1"
    " WHERE shop_id = :shop AND id = :id"
)
_SET_SUPPLIER = Statement(
    "UPDATE pools SET supplier = :supplier WHERE shop_id = :shop AND id = :id"
)
_SET_TOLD = Statement("UPDATE pools SET told = :told WHERE shop_id = :shop AND id = :id")
_REMOVE = Statement(
    "UPDATE pools SET removed_at = :now, enabled = FALSE WHERE shop_id = :shop AND id = :id"
    " AND removed_at IS NULL AND reserved = 0 AND available = 0"
)
_SHIFT = Statement(
    "UPDATE pools SET available = available + :available, reserved = reserved + :reserved,"
    " handed_over = handed_over + :handed_over, void = void + :void,"
    " disputed = disputed + :disputed WHERE shop_id = :shop AND id = :id"
)


class Pools:
    __slots__ = ("_sql", "_vault")

    def __init__(self, sql: Sql, vault: Vault) -> None:
        self._sql = sql
        self._vault = vault

    def all(self, shop: ShopId) -> list[Pool]:
        """Without removed ones, the oldest first."""
        return [_to_pool(row) for row in self._sql.rows(_ALL, shop=shop)]

    def get(self, shop: ShopId, id_: PoolId) -> Pool | None:
        """None: no such pool, or it was removed."""
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_pool(row)

    def by_name(self, shop: ShopId, name: str) -> Pool | None:
        row = self._sql.row(_BY_NAME, shop=shop, name=name)
        return None if row is None else _to_pool(row)

    def supplier(self, shop: ShopId, id_: PoolId) -> SupplierCall | None:
        """How the supplier of an API pool is asked, with its secrets in clear."""
        sealed = self._sql.value(_SUPPLIER, shop=shop, id=id_)
        return None if sealed is None else _to_supplier(self._vault.unseal(sealed))

    def add(
        self,
        shop: ShopId,
        *,
        name: str,
        kind: PoolKind,
        template: str = "",
        note: str = "",
        low_at: int = 0,
        text: str = "",
        pictures: Sequence[StoredPicture] = (),
        supplier: SupplierCall | None = None,
        now: datetime,
    ) -> Pool:
        """A new enabled pool. Nobody has to be told that it is empty.

        Raises Conflict if another pool of the shop has this name.
        """
        id_ = self._sql.value(
            _ADD,
            shop=shop,
            name=name,
            kind=kind,
            template=template,
            note=note,
            content=_content(text, pictures),
            supplier=None if supplier is None else self._sealed(supplier),
            low_at=low_at,
            told=StockLevel.EMPTY,
            now=micros(now),
        )
        if id_ is None:
            raise Conflict(f"pool name {name!r} is taken")
        self._sql.changed(shop, "pool", id_)
        pool = self.get(shop, PoolId(id_))
        assert pool is not None  # noqa: S101 - inserted above
        return pool

    def update(
        self,
        shop: ShopId,
        id_: PoolId,
        *,
        version: int | None = None,
        name: str | None = None,
        enabled: bool | None = None,
        template: str | None = None,
        note: str | None = None,
        low_at: int | None = None,
        text: str | None = None,
        pictures: Sequence[StoredPicture] | None = None,
        supplier: SupplierCall | None = None,
    ) -> Pool | None:
        """Change only what is given (L54). Returns the pool as it is now; None: no such pool.

        `version`: what the person saw who changes it. Raises Conflict if somebody changed it since,
        or if another pool has the name.
        """
        old = self.get(shop, id_)
        if old is None:
            return None
        if version is not None and version != old.version:
            raise Conflict("the pool was changed by somebody else")
        new = replace(
            old,
            name=old.name if name is None else name,
            enabled=old.enabled if enabled is None else enabled,
            template=old.template if template is None else template,
            note=old.note if note is None else note,
            low_at=old.low_at if low_at is None else low_at,
            text=old.text if text is None else text,
            pictures=old.pictures if pictures is None else tuple(pictures),
            version=old.version + 1,
        )
        if self._sql.value(_NAME_TAKEN, shop=shop, name=new.name, id=id_):
            raise Conflict(f"pool name {new.name!r} is taken")
        self._sql.run(
            _UPDATE,
            shop=shop,
            id=id_,
            name=new.name,
            enabled=new.enabled,
            template=new.template,
            note=new.note,
            content=_content(new.text, new.pictures),
            low_at=new.low_at,
        )
        if supplier is not None:
            self._sql.run(_SET_SUPPLIER, shop=shop, id=id_, supplier=self._sealed(supplier))
        self._sql.changed(shop, "pool", id_)
        return new

    def set_told(self, shop: ShopId, id_: PoolId, level: StockLevel) -> None:
        """Remember the level that owners know of."""
        self._sql.run(_SET_TOLD, shop=shop, id=id_, told=level)

    def remove(self, shop: ShopId, id_: PoolId, now: datetime) -> bool:
        """False while a card is available or reserved. What was sold stays known for ever."""
        removed = self._sql.run(_REMOVE, shop=shop, id=id_, now=micros(now)) > 0
        if removed:
            self._sql.changed(shop, "pool", id_)
        return removed

    def shift(self, shop: ShopId, id_: PoolId, by: CardCounts) -> None:
        """Add to the numbers of cards; for `Cards`, which moves them."""
        self._sql.run(
            _SHIFT,
            shop=shop,
            id=id_,
            available=by.available,
            reserved=by.reserved,
            handed_over=by.handed_over,
            void=by.void,
            disputed=by.disputed,
        )
        self._sql.changed(shop, "pool", id_)

    def _sealed(self, supplier: SupplierCall) -> str:
        return self._vault.seal(json.dumps(asdict(supplier), ensure_ascii=False))


def _content(text: str, pictures: Sequence[StoredPicture]) -> str:
    fields = {"text": text, "pictures": [asdict(picture) for picture in pictures]}
    return json.dumps(fields, ensure_ascii=False)


def _to_supplier(text: str) -> SupplierCall:
    fields = json.loads(text)
    fields["headers"] = tuple((name, value) for name, value in fields["headers"])
    fields["success_values"] = tuple(fields["success_values"])
    return SupplierCall(**fields)


def _to_pool(row: Row) -> Pool:
    id_, shop, name, kind, enabled, template, note, low_at, content = row[:9]
    *counts, told, version, created_at = row[9:]
    fields = json.loads(content)
    return Pool(
        id=PoolId(id_),
        shop=ShopId(shop),
        name=name,
        kind=PoolKind(kind),
        enabled=bool(enabled),
        template=template,
        note=note,
        low_at=low_at,
        text=fields["text"],
        pictures=tuple(StoredPicture(**picture) for picture in fields["pictures"]),
        counts=CardCounts(*counts),
        told=StockLevel(told),
        version=version,
        created_at=moment(created_at),
    )
