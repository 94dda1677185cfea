"""What a shop keeps about its buyers. Who is blocked is written in the shop's guards alone."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from hub.model import BuyerCard, PlatformUser, ShopId
from hub.store.codec import micros
from hub.store.needs import GUARDS, StoredGuards
from hub.store.sql import Sql, Statement

_GET = Statement(
    "SELECT b.note, b.tags, g.value FROM shops s"
    " LEFT JOIN buyers b ON b.shop_id = s.id AND b.buyer = :buyer"
    " LEFT JOIN settings g ON g.shop_id = s.id AND g.key = :guards WHERE s.id = :shop"
)
_SAVE = Statement(
    "INSERT INTO buyers (shop_id, buyer, note, tags, changed_at)"
    " VALUES (:shop, :buyer, :note, :tags, :now)"
    " ON CONFLICT (shop_id, buyer) DO UPDATE SET note = :note, tags = :tags, changed_at = :now"
)
_FORGET = Statement("DELETE FROM buyers WHERE shop_id = :shop AND buyer = :buyer")


class Buyers:
    __slots__ = ("_guards", "_sql")

    def __init__(self, sql: Sql, guards: StoredGuards) -> None:
        self._sql = sql
        self._guards = guards

    def get(self, shop: ShopId, buyer: PlatformUser) -> BuyerCard:
        """A blank card for a buyer of whom nothing is kept."""
        row = self._sql.row(_GET, shop=shop, buyer=buyer, guards=GUARDS)
        note, tags, guards = row or (None, None, None)
        blocked = guards is not None and buyer in json.loads(guards)["blocked_buyers"]
        return BuyerCard(shop, buyer, note or "", tuple(json.loads(tags or "[]")), blocked)

    def is_blocked(self, shop: ShopId, buyer: PlatformUser) -> bool:
        return buyer in self._guards.get(shop).blocked_buyers

    def save(self, card: BuyerCard, now: datetime) -> None:
        """The whole card, in the place of what was kept before."""
        shop, buyer = card.shop, card.buyer
        if card.note or card.tags:
            tags = json.dumps(card.tags, ensure_ascii=False)
            self._sql.run(_SAVE, shop=shop, buyer=buyer, note=card.note, tags=tags, now=micros(now))
        else:
            self._sql.run(_FORGET, shop=shop, buyer=buyer)
        guards = self._guards.get(shop)
        others = tuple(one for one in guards.blocked_buyers if one != buyer)
        blocked = (*others, buyer) if card.blocked else others
        if card.blocked is not (buyer in guards.blocked_buyers):
            self._guards.set(shop, replace(guards, blocked_buyers=blocked))
        self._sql.changed(shop, "buyer", 0)
