"""Which pool serves which purchases; rules of one shop, for one account or for all."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hub.model import AccountId, DeliveryRule, DeliveryRuleId, PoolId, ShopId, StepOrder
from hub.store.codec import (
    micros,
    spec_from_text,
    spec_to_text,
    words_from_text,
    words_to_text,
)
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "id, shop_id, account_id, pool_id, items, keywords, spec, fallback, cards, most_units,"
    " delay_seconds, steps, enabled"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM delivery_rules WHERE shop_id = :shop ORDER BY id")
_GET = Statement(f"SELECT {_COLUMNS} FROM delivery_rules WHERE shop_id = :shop AND id = :id")
_ADD = Statement(
    "INSERT INTO delivery_rules (shop_id, account_id, pool_id, items, keywords, spec, fallback,"
    " cards, most_units, delay_seconds, steps, enabled, created_at) VALUES (:shop, :account,"
    " :pool, :items, :keywords, :spec, :fallback, :cards, :most_units, :delay_seconds, :steps,"
    " :enabled, :now) RETURNING id"
)
_UPDATE = Statement(
    "UPDATE delivery_rules SET account_id = :account, pool_id = :pool, items = :items,"
    " keywords = :keywords, spec = :spec, fallback = :fallback, cards = :cards,"
    " most_units = :most_units, delay_seconds = :delay_seconds, steps = :steps,"
    " enabled = :enabled WHERE shop_id = :shop AND id = :id"
)
_EVER = Statement(
    "SELECT EXISTS (SELECT 1 FROM delivery_rules WHERE shop_id = :shop) OR EXISTS"
    " (SELECT 1 FROM deliveries WHERE shop_id = :shop AND rule_id IS NOT NULL)"
)
_REMOVE = Statement("DELETE FROM delivery_rules WHERE shop_id = :shop AND id = :id")


class DeliveryRules:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def all(self, shop: ShopId) -> list[DeliveryRule]:
        """The oldest first, disabled ones included."""
        return [_to_rule(row) for row in self._sql.rows(_ALL, shop=shop)]

    def get(self, shop: ShopId, id_: DeliveryRuleId) -> DeliveryRule | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_rule(row)

    def ever(self, shop: ShopId) -> bool:
        """Whether the shop has a rule, disabled ones included, or ever delivered by one."""
        return bool(self._sql.value(_EVER, shop=shop))

    def add(self, rule: DeliveryRule, now: datetime) -> DeliveryRule:
        """A new rule of `rule.shop`; its id is given here."""
        id_: int = self._sql.value(_ADD, **_values(rule), now=micros(now))
        self._sql.changed(rule.shop, "delivery_rule", id_)
        return replace(rule, id=DeliveryRuleId(id_))

    def save(self, rule: DeliveryRule) -> bool:
        """False: there is no such rule in this shop."""
        saved = self._sql.run(_UPDATE, id=rule.id, **_values(rule))
        return self._changed(rule.shop, rule.id, saved)

    def remove(self, shop: ShopId, id_: DeliveryRuleId) -> bool:
        return self._changed(shop, id_, self._sql.run(_REMOVE, shop=shop, id=id_))

    def _changed(self, shop: ShopId, id_: DeliveryRuleId, touched: int) -> bool:
        if touched:
            self._sql.changed(shop, "delivery_rule", id_)
        return touched > 0


def _values(rule: DeliveryRule) -> dict[str, object]:
    return {
        "shop": rule.shop,
        "account": rule.account,
        "pool": rule.pool,
        "items": words_to_text(rule.items),
        "keywords": words_to_text(rule.keywords),
        "spec": spec_to_text(rule.spec),
        "fallback": rule.fallback,
        "cards": rule.cards,
        "most_units": rule.most_units,
        "delay_seconds": rule.delay_seconds,
        "steps": rule.steps,
        "enabled": rule.enabled,
    }


def _to_rule(row: Row) -> DeliveryRule:
    id_, shop, account, pool, items, keywords, spec, fallback, cards = row[:9]
    most_units, delay_seconds, steps, enabled = row[9:]
    return DeliveryRule(
        id=DeliveryRuleId(id_),
        shop=ShopId(shop),
        account=None if account is None else AccountId(account),
        pool=PoolId(pool),
        items=words_from_text(items),
        keywords=words_from_text(keywords),
        spec=spec_from_text(spec),
        fallback=bool(fallback),
        cards=cards,
        most_units=most_units,
        delay_seconds=delay_seconds,
        steps=StepOrder(steps),
        enabled=bool(enabled),
    )
