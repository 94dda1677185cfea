"""Shops, the tenants."""

from __future__ import annotations

from hub.errors import StoreError
from hub.model import ShopId
from hub.store.work import Statement, Work

_DEFAULT = Statement("SELECT min(id) FROM shops")


class Shops:
    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    def default(self) -> ShopId:
        """The shop that exists from the first start. System-wide: it answers which shop."""
        found = self._work.value(_DEFAULT)
        if found is None:
            raise StoreError("the database holds no shop")
        return ShopId(found)
