"""Records for looking back: who did what, and what could not be read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.model import AccountId, MemberId, ShopId
from hub.store.codec import micros, moment, words_to_text
from hub.store.nouns import AuditEntry, QuarantineEntry
from hub.store.sql import Sql, Statement

_AUDIT_ADD = Statement(
    "INSERT INTO audit (shop_id, member_id, door, action, target, detail, at)"
    " VALUES (:shop, :member, :door, :action, :target, :detail, :now)"
)
_AUDIT_RECENT = Statement(
    "SELECT member_id, door, action, target, detail, at FROM audit"
    " WHERE shop_id = :shop ORDER BY id DESC LIMIT :limit"
)
_AUDIT_COUNT = Statement(
    "SELECT count(*) FROM audit WHERE shop_id = :shop AND member_id = :member AND at > :since"
    " AND action IN (SELECT value FROM json_each(:actions))"
)
_QUARANTINE_ADD = Statement(
    "INSERT INTO quarantine (shop_id, account_id, raw, reason, at)"
    " VALUES (:shop, :account, :raw, :reason, :now)"
)
_QUARANTINE_TRIM = Statement(
    "DELETE FROM quarantine WHERE shop_id = :shop AND id <= ("
    "SELECT q.id FROM quarantine q WHERE q.shop_id = :shop"
    " ORDER BY q.id DESC LIMIT 1 OFFSET :kept)"
)
_QUARANTINE_RECENT = Statement(
    "SELECT id, account_id, raw, reason, at FROM quarantine"
    " WHERE shop_id = :shop ORDER BY id DESC LIMIT :limit"
)
_QUARANTINE_COUNT = Statement("SELECT count(*) FROM quarantine WHERE shop_id = :shop")

_QUARANTINE_KEPT = 1_000
_RAW_KEPT = 64 * 1024
"""Characters. A platform gone mad must not fill the disk."""


class Audit:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        *,
        member: MemberId | None,
        door: str,
        action: str,
        target: str = "",
        detail: str = "",
        now: datetime,
    ) -> None:
        self._sql.run(
            _AUDIT_ADD,
            shop=shop,
            member=member,
            door=door,
            action=action,
            target=target,
            detail=detail,
            now=micros(now),
        )

    def count(self, shop: ShopId, member: MemberId, actions: Sequence[str], since: datetime) -> int:
        """How often a member has done any of these since then."""
        found: int = self._sql.value(
            _AUDIT_COUNT,
            shop=shop,
            member=member,
            actions=words_to_text(tuple(actions)),
            since=micros(since),
        )
        return found

    def recent(self, shop: ShopId, limit: int) -> list[AuditEntry]:
        """The newest first."""
        return [
            AuditEntry(
                member=None if member is None else MemberId(member),
                door=door,
                action=action,
                target=target,
                detail=detail,
                at=moment(at),
            )
            for member, door, action, target, detail, at in self._sql.rows(
                _AUDIT_RECENT, shop=shop, limit=limit
            )
        ]


class Quarantine:
    """Keeps the newest thousand of a shop."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self, shop: ShopId, *, account: AccountId, raw: str, reason: str, now: datetime
    ) -> None:
        self._sql.run(
            _QUARANTINE_ADD,
            shop=shop,
            account=account,
            raw=raw[:_RAW_KEPT],
            reason=reason,
            now=micros(now),
        )
        self._sql.run(_QUARANTINE_TRIM, shop=shop, kept=_QUARANTINE_KEPT)

    def recent(self, shop: ShopId, limit: int) -> list[QuarantineEntry]:
        """The newest first."""
        return [
            QuarantineEntry(id_, AccountId(account), raw, reason, moment(at))
            for id_, account, raw, reason, at in self._sql.rows(
                _QUARANTINE_RECENT, shop=shop, limit=limit
            )
        ]

    def count(self, shop: ShopId) -> int:
        found: int = self._sql.value(_QUARANTINE_COUNT, shop=shop)
        return found
