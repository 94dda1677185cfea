"""Rules of a shop, for one account or for all of them."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Literal

from hub.model import AccountId, Rule, RuleId, RuleKind, ShopId
from hub.store.codec import micros, words_from_text, words_to_text
from hub.store.sql import Row, Sql, Statement

_COLUMNS = "id, shop_id, account_id, kind, keywords, reply, enabled"

_ALL = Statement(f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop ORDER BY id")
_ENABLED = Statement(
    f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop"
    " AND (account_id = :account OR account_id IS NULL) AND enabled"
    " ORDER BY account_id IS NULL, id"
)
_VERSION = Statement("SELECT rules_version FROM shops WHERE id = :shop")
_NEW_VERSION = Statement("UPDATE shops SET rules_version = :version WHERE id = :shop")
_GET = Statement(f"SELECT {_COLUMNS} FROM rules WHERE shop_id = :shop AND id = :id")
_ADD = Statement(
    "INSERT INTO rules (shop_id, account_id, kind, keywords, reply, enabled, created_at)"
    " VALUES (:shop, :account, :kind, :keywords, :reply, :enabled, :now) RETURNING id"
)
_UPDATE = Statement(
    "UPDATE rules SET account_id = :account, kind = :kind, keywords = :keywords, reply = :reply,"
    " enabled = :enabled WHERE shop_id = :shop AND id = :id"
)
_REMOVE = Statement("DELETE FROM rules WHERE shop_id = :shop AND id = :id")


class Unset(Enum):
    """Tells "leave the account as it is" from None, which means every account."""

    UNSET = "unset"


UNSET: Literal[Unset.UNSET] = Unset.UNSET


class Rules:
    """Remembers the rules of an account while their version in the database stays the same.

    They are read for every buyer message and changed by hand. The version is random, not counted:
    a number that was rolled back never comes again, and other processes are noticed too.
    """

    __slots__ = ("_known", "_sql")

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._known: dict[tuple[ShopId, AccountId], tuple[int, list[Rule]]] = {}

    def all(self, shop: ShopId) -> list[Rule]:
        return [_to_rule(row) for row in self._sql.rows(_ALL, shop=shop)]

    def enabled(self, shop: ShopId, account: AccountId) -> list[Rule]:
        """What applies to an account: its own rules first, then those for all; older ones first."""
        version: int = self._sql.value(_VERSION, shop=shop)
        known = self._known.get((shop, account))
        if known is None or known[0] != version:
            rows = self._sql.rows(_ENABLED, shop=shop, account=account)
            known = self._known[shop, account] = version, [_to_rule(row) for row in rows]
        return list(known[1])

    def get(self, shop: ShopId, id_: RuleId) -> Rule | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_rule(row)

    def add(
        self,
        shop: ShopId,
        *,
        account: AccountId | None,
        kind: RuleKind,
        keywords: Iterable[str],
        reply: str,
        enabled: bool = True,
        now: datetime,
    ) -> Rule:
        words = tuple(keywords)
        id_: int = self._sql.value(
            _ADD,
            shop=shop,
            account=account,
            kind=kind,
            keywords=words_to_text(words),
            reply=reply,
            enabled=enabled,
            now=micros(now),
        )
        self._changed(shop, id_)
        return Rule(RuleId(id_), shop, account, kind, words, reply, enabled)

    def update(
        self,
        shop: ShopId,
        id_: RuleId,
        *,
        account: AccountId | Literal[Unset.UNSET] | None = UNSET,
        kind: RuleKind | None = None,
        keywords: Iterable[str] | None = None,
        reply: str | None = None,
        enabled: bool | None = None,
    ) -> Rule | None:
        """Change only what is given (L54). Returns the rule as it is now; None: no such rule."""
        old = self.get(shop, id_)
        if old is None:
            return None
        words = old.keywords if keywords is None else tuple(keywords)
        new = Rule(
            id=id_,
            shop=shop,
            account=old.account if account is UNSET else account,
            kind=old.kind if kind is None else kind,
            keywords=words,
            reply=old.reply if reply is None else reply,
            enabled=old.enabled if enabled is None else enabled,
        )
        self._sql.run(
            _UPDATE,
            shop=shop,
            id=id_,
            account=new.account,
            kind=new.kind,
            keywords=words_to_text(words),
            reply=new.reply,
            enabled=new.enabled,
        )
        self._changed(shop, id_)
        return new

    def remove(self, shop: ShopId, id_: RuleId) -> bool:
        removed = self._sql.run(_REMOVE, shop=shop, id=id_) > 0
        if removed:
            self._changed(shop, id_)
        return removed

    def _changed(self, shop: ShopId, id_: int) -> None:
        self._sql.run(_NEW_VERSION, shop=shop, version=secrets.randbits(62))
        self._sql.changed(shop, "rule", id_)


def _to_rule(row: Row) -> Rule:
    id_, shop, account, kind, keywords, reply, enabled = row
    return Rule(
        id=RuleId(id_),
        shop=ShopId(shop),
        account=None if account is None else AccountId(account),
        kind=RuleKind(kind),
        keywords=words_from_text(keywords),
        reply=reply,
        enabled=bool(enabled),
    )
