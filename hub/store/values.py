"""Small values of a shop, by key, sealed if they are secret."""

from __future__ import annotations

from hub.model import ShopId
from hub.store.sql import Sql, Statement
from hub.store.vault import Vault

_GET = Statement("SELECT value, sealed FROM settings WHERE shop_id = :shop AND key = :key")
_SET = Statement(
    "INSERT INTO settings (shop_id, key, value, sealed) VALUES (:shop, :key, :value, :sealed)"
    " ON CONFLICT (shop_id, key)"
    " DO UPDATE SET value = excluded.value, sealed = excluded.sealed"
)


class Values:
    __slots__ = ("_sql", "_vault")

    def __init__(self, sql: Sql, vault: Vault) -> None:
        self._sql = sql
        self._vault = vault

    def get(self, shop: ShopId, key: str) -> str | None:
        """In clear, however it is stored."""
        row = self._sql.row(_GET, shop=shop, key=key)
        if row is None:
            return None
        value, sealed = row
        return self._vault.unseal(value) if sealed else value

    def set(self, shop: ShopId, key: str, value: str, *, sealed: bool = False) -> None:
        stored = self._vault.seal(value) if sealed else value
        self._sql.run(_SET, shop=shop, key=key, value=stored, sealed=sealed)
