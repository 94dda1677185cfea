"""Rules of a shop, for one account or for all of them."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, time

from hub.model import AccountId, Hours, Match, Moment, Rule, RuleId, RuleKind, ShopId
from hub.store.codec import (
    micros,
    stored_pictures_from_text,
    stored_pictures_to_text,
    words_from_text,
    words_to_text,
)
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "id, shop_id, account_id, kind, match, keywords, items, reply, pictures, priority, hours, once,"
    " moment, enabled"
)
_ALL = Statement(f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop ORDER BY id")
_ENABLED = Statement(
    f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop"
    " AND (account_id = :account OR account_id IS NULL) AND enabled"
    " ORDER BY priority DESC, account_id IS NULL, id"
)
_VERSION = Statement("SELECT rules_version FROM shops WHERE id = :shop")
_NEW_VERSION = Statement("UPDATE shops SET rules_version = :version WHERE id = :shop")
_GET = Statement(f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop AND id = :id")
_ADD = Statement(
    "INSERT INTO rules (shop_id, account_id, kind, match, keywords, items, reply, pictures,"
    " priority, hours, once, moment, enabled, created_at) VALUES (:shop, :account, :kind, :match,"
    " :keywords, :items, :reply, :pictures, :priority, :hours, :once, :moment, :enabled, :now)"
    " RETURNING id"
)
_UPDATE = Statement(
    "UPDATE rules SET account_id = :account, kind = :kind, match = :match, keywords = :keywords,"
    " items = :items, reply = :reply, pictures = :pictures, priority = :priority, hours = :hours,"
    " once = :once, moment = :moment, enabled = :enabled WHERE shop_id = :shop AND id = :id"
)
_REMOVE = Statement("DELETE FROM rules WHERE shop_id = :shop AND id = :id")


class Rules:
    """Remembers the rules of an account while their version in the database stays the same.

    They are read for every buyer message and changed by hand. The version is random, not counted:
    a number that was rolled back never comes again, and other processes are noticed too.
    """

    __slots__ = ("_known", "_sql")

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._known: dict[tuple[ShopId, AccountId], tuple[int, tuple[Rule, ...]]] = {}

    def all(self, shop: ShopId) -> list[Rule]:
        """The oldest first, disabled ones included."""
        return [_to_rule(row) for row in self._sql.rows(_ALL, shop=shop)]

    def enabled(self, shop: ShopId, account: AccountId) -> tuple[Rule, ...]:
        """What applies to an account: the highest priority first, then its own rules before those
        for all, then the older ones. The same tuple as last time while nothing has changed."""
        version: int = self._sql.value(_VERSION, shop=shop)
        known = self._known.get((shop, account))
        if known is None or known[0] != version:
            rows = self._sql.rows(_ENABLED, shop=shop, account=account)
            known = self._known[shop, account] = version, tuple(_to_rule(row) for row in rows)
        return known[1]

    def version(self, shop: ShopId) -> int:
        """Another one after each change of the shop's rules."""
        version: int = self._sql.value(_VERSION, shop=shop)
        return version

    def get(self, shop: ShopId, id_: RuleId) -> Rule | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_rule(row)

    def add(self, rule: Rule, now: datetime) -> Rule:
        """A new rule of `rule.shop`; its id is given here."""
        id_: int = self._sql.value(_ADD, **_values(rule), now=micros(now))
        self._changed(rule.shop, id_)
        return replace(rule, id=RuleId(id_))

    def save(self, rule: Rule) -> bool:
        """False: there is no such rule in this shop."""
        saved = self._sql.run(_UPDATE, id=rule.id, **_values(rule)) > 0
        if saved:
            self._changed(rule.shop, rule.id)
        return saved

    def remove(self, shop: ShopId, id_: RuleId) -> bool:
        removed = self._sql.run(_REMOVE, shop=shop, id=id_) > 0
        if removed:
            self._changed(shop, id_)
        return removed

    def put(
        self, shop: ShopId, added: Iterable[Rule], changed: Iterable[Rule], now: datetime
    ) -> None:
        """Many at once, told as one change. The added ones become rules of `shop` in their order,
        changed ones that are gone stay so."""
        for rule in added:
            self._sql.value(_ADD, **_values(rule), now=micros(now))
        for rule in changed:
            self._sql.run(_UPDATE, id=rule.id, **_values(rule))
        self._changed(shop, 0)

    def _changed(self, shop: ShopId, id_: int) -> None:
        self._sql.run(_NEW_VERSION, shop=shop, version=secrets.randbits(62))
        self._sql.changed(shop, "rule", id_)


def _values(rule: Rule) -> dict[str, object]:
    return {
        "shop": rule.shop,
        "account": rule.account,
        "kind": rule.kind,
        "match": rule.match,
        "keywords": words_to_text(rule.keywords),
        "items": words_to_text(rule.items),
        "reply": rule.reply,
        "pictures": stored_pictures_to_text(rule.pictures),
        "priority": rule.priority,
        "hours": _hours_to_text(rule.hours),
        "once": rule.once,
        "moment": rule.moment,
        "enabled": rule.enabled,
    }


def _to_rule(row: Row) -> Rule:
    id_, shop, account, kind, match, keywords, items, reply, pictures = row[:9]
    priority, hours, once, moment, enabled = row[9:]
    return Rule(
        id=RuleId(id_),
        shop=ShopId(shop),
        account=None if account is None else AccountId(account),
        kind=RuleKind(kind),
        match=Match(match),
        keywords=words_from_text(keywords),
        items=words_from_text(items),
        reply=reply,
        pictures=stored_pictures_from_text(pictures),
        priority=priority,
        hours=_hours_from_text(hours),
        once=bool(once),
        moment=None if moment is None else Moment(moment),
        enabled=bool(enabled),
    )


def _hours_to_text(hours: Hours | None) -> str:
    return "" if hours is None else f"{hours.start:%H:%M}-{hours.end:%H:%M}"


def _hours_from_text(text: str) -> Hours | None:
    if not text:
        return None
    start, _, end = text.partition("-")
    return Hours(time.fromisoformat(start), time.fromisoformat(end))
