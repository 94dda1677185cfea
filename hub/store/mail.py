"""What is wrong with sending mail, so that it is told once and every door can show it."""

from __future__ import annotations

import json

from hub.model import MailTrouble, ShopId
from hub.store.codec import micros, moment
from hub.store.values import Values

KEY = "mail.trouble"


class MailTroubles:
    __slots__ = ("_values",)

    def __init__(self, values: Values) -> None:
        self._values = values

    def get(self, shop: ShopId) -> MailTrouble | None:
        text = self._values.get(shop, KEY)
        if not text:
            return None
        reason, since, at, until = json.loads(text)
        return MailTrouble(reason, moment(since), moment(at), moment(until))

    def set(self, shop: ShopId, trouble: MailTrouble) -> None:
        times = [micros(at) for at in (trouble.since, trouble.at, trouble.until)]
        self._values.set(shop, KEY, json.dumps([trouble.reason, *times], ensure_ascii=False))

    def clear(self, shop: ShopId) -> bool:
        """False: there was none."""
        if self.get(shop) is None:
            return False
        self._values.set(shop, KEY, "")
        return True
