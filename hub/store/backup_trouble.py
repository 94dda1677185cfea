"""What is wrong with backups, so that every door can show it."""

from __future__ import annotations

import json

from hub.model import BackupTrouble, ShopId
from hub.store.codec import micros, moment
from hub.store.values import Values

KEY = "backup.trouble"


class BackupTroubles:
    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def get(self, shop: ShopId) -> BackupTrouble | None:
        text = self._values.get(shop, KEY)
        if not text:
            return None
        reason, since = json.loads(text)
        return BackupTrouble(reason, moment(since))

    def set(self, shop: ShopId, trouble: BackupTrouble) -> None:
        text = json.dumps([trouble.reason, micros(trouble.since)], ensure_ascii=False)
        self._values.set(shop, KEY, text)

    def clear(self, shop: ShopId) -> None:
        if self.get(shop) is not None:
            self._values.set(shop, KEY, "")
