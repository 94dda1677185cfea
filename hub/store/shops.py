"""Shops, the tenants."""

from __future__ import annotations

from hub.errors import StoreError
from hub.model import ShopId
from hub.store.sql import Sql, Statement

_DEFAULT = Statement("SELECT min(id) FROM shops")


class Shops:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def default(self) -> ShopId:
        """The shop that exists from the first start. System-wide: it answers which shop."""
        found = self._sql.value(_DEFAULT)
        if found is None:
            raise StoreError("the database holds no shop")
        return ShopId(found)
