"""Small values of a shop, by key, sealed if they are secret."""

from __future__ import annotations

from hub.model import ShopId
from hub.store.vault import Vault
from hub.store.work import Statement, Work

_GET = Statement("SELECT value, sealed FROM settings WHERE shop_id = :shop AND key = :key")
_SET = Statement(
    "INSERT INTO settings (shop_id, key, value, sealed) VALUES (:shop, :key, :value, :sealed)"
    " ON CONFLICT (shop_id, key)"
    " DO UPDATE SET value = excluded.value, sealed = excluded.sealed"
)


class Values:
    __slots__ = ("_vault", "_work")

    def __init__(self, work: Work, vault: Vault) -> None:
        self._work = work
        self._vault = vault

    def get(self, shop: ShopId, key: str) -> str | None:
        """In clear, however it is stored."""
        row = self._work.row(_GET, shop=shop, key=key)
        if row is None:
            return None
        value, sealed = row
        return self._vault.unseal(value) if sealed else value

    def set(self, shop: ShopId, key: str, value: str, *, sealed: bool = False) -> None:
        stored = self._vault.seal(value) if sealed else value
        self._work.run(_SET, shop=shop, key=key, value=stored, sealed=sealed)
