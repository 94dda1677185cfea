"""Holds: where the automation is stopped, why, and until when."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from hub.model import (
    AccountId,
    ConversationId,
    Hold,
    HoldId,
    HoldKind,
    MemberId,
    Scope,
    ShopId,
)
from hub.store.codec import micros, micros_or_none, moment, moment_or_none
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "h.id, h.shop_id, h.kind, h.scope, h.conversation_id, h.account_id, h.reason, h.since, h.until"
)
_RUNNING = "h.ended_at IS NULL AND (h.until IS NULL OR h.until > :now)"
_SHOP, _ACCOUNT, _ITEM, _CONVERSATION = "shop", "account:", "item:", "conversation:"

_OPEN = Statement(
    f"SELECT {_COLUMNS} FROM holds h"
    " WHERE h.shop_id = :shop AND h.scope = :scope AND h.kind = :kind AND h.ended_at IS NULL"
)
_RUNNING_IN_SCOPE = Statement(
    f"SELECT {_COLUMNS} FROM holds h WHERE h.shop_id = :shop AND h.scope = :scope AND {_RUNNING}"
)
_ADD = Statement(
    "INSERT INTO holds (shop_id, kind, scope, conversation_id, account_id, reason, member_id,"
    " since, until) VALUES (:shop, :kind, :scope, :conversation, :account, :reason, :member, :now,"
    " :until) RETURNING id"
)
_REPLACE = Statement(
    "UPDATE holds SET reason = :reason, member_id = :member, until = :until"
    " WHERE shop_id = :shop AND id = :id"
)
_CLOSE = Statement("UPDATE holds SET ended_at = :ended WHERE shop_id = :shop AND id = :id")
_ACTIVE = Statement(
    f"SELECT {_COLUMNS} FROM conversations c JOIN holds h ON h.shop_id = c.shop_id"
    f" AND h.scope IN ('{_SHOP}', '{_ACCOUNT}' || c.account_id, '{_ITEM}' || c.item_id, :own)"
    f" AND {_RUNNING} WHERE c.shop_id = :shop AND c.id = :conversation"
)
_ALL_ACTIVE = Statement(f"SELECT {_COLUMNS} FROM holds h WHERE h.shop_id = :shop AND {_RUNNING}")


class Holds:
    """At most one hold of a kind is open per scope (a conversation, an item, an account, or the
    shop)."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        scope: Scope,
        *,
        kind: HoldKind,
        reason: str,
        member: MemberId | None = None,
        now: datetime,
        until: datetime | None = None,
        shorten: bool = True,
    ) -> Hold:
        """Hold this scope until then; None: until somebody resumes.

        A hold of the same kind that still runs keeps its id and start and takes the new reason and
        end: the newest word counts. Without `shorten` one that lasts at least as long stays as it
        is.
        """
        sql, key, end = self._sql, _key(scope), micros_or_none(until)
        row = sql.row(_OPEN, shop=shop, scope=key, kind=kind)
        known = None if row is None else _to_hold(row)
        if known is not None and (known.until is None or known.until > now):
            if not shorten and _lasts(known, until):
                return known
            id_, since = int(known.id), known.since
            sql.run(_REPLACE, shop=shop, id=id_, reason=reason, member=member, until=end)
        else:
            if known is not None:  # ran out, and nobody wrote that down
                sql.run(_CLOSE, shop=shop, id=known.id, ended=micros_or_none(known.until))
            since = now
            id_ = sql.value(
                _ADD,
                shop=shop,
                kind=kind,
                scope=key,
                conversation=scope.conversation,
                account=scope.account,
                reason=reason,
                member=member,
                now=micros(now),
                until=end,
            )
        self._changed(shop, scope, id_)
        return Hold(HoldId(id_), shop, kind, scope, reason, since, until)

    def active(self, shop: ShopId, conversation: ConversationId, now: datetime) -> Hold | None:
        """What stops the automation here: a pause before a takeover, the narrower first."""
        return next(iter(self.here(shop, conversation, now)), None)

    def here(self, shop: ShopId, conversation: ConversationId, now: datetime) -> list[Hold]:
        """All that stops the automation here, the weightiest first."""
        rows = self._sql.rows(
            _ACTIVE,
            shop=shop,
            conversation=conversation,
            own=f"{_CONVERSATION}{conversation}",
            now=micros(now),
        )
        return _weighed(rows)

    def of_scope(self, shop: ShopId, scope: Scope, now: datetime) -> list[Hold]:
        """Those of exactly this scope that run."""
        rows = self._sql.rows(_RUNNING_IN_SCOPE, shop=shop, scope=_key(scope), now=micros(now))
        return _weighed(rows)

    def all_active(self, shop: ShopId, now: datetime) -> list[Hold]:
        """Takeovers last, conversations before items, accounts and the shop."""
        return _weighed(self._sql.rows(_ALL_ACTIVE, shop=shop, now=micros(now)))

    def end(
        self,
        shop: ShopId,
        scope: Scope,
        now: datetime,
        kinds: Collection[HoldKind] | None = None,
    ) -> int:
        """End the holds of exactly this scope. Returns how many ran."""
        running = self.of_scope(shop, scope, now)
        ending = [hold.id for hold in running if kinds is None or hold.kind in kinds]
        for id_ in ending:
            self._sql.run(_CLOSE, shop=shop, id=id_, ended=micros(now))
            self._changed(shop, scope, id_)
        return len(ending)

    def _changed(self, shop: ShopId, scope: Scope, id_: int) -> None:
        self._sql.changed(shop, "hold", id_)
        if scope.conversation is not None:
            self._sql.changed(shop, "conversation", scope.conversation)


def _key(scope: Scope) -> str:
    if scope.conversation is not None:
        return f"{_CONVERSATION}{scope.conversation}"
    if scope.item is not None:
        return f"{_ITEM}{scope.item}"
    return _SHOP if scope.account is None else f"{_ACCOUNT}{scope.account}"


def _lasts(hold: Hold, until: datetime | None) -> bool:
    """At least until then."""
    return hold.until is None or (until is not None and hold.until >= until)


def _weighed(rows: list[Row]) -> list[Hold]:
    return sorted(map(_to_hold, rows), key=_weight) if rows else []


def _weight(hold: Hold) -> tuple[bool, int, int]:
    scope = hold.scope
    refs = (scope.conversation, scope.item, scope.account)
    width = next((n for n, ref in enumerate(refs) if ref is not None), len(refs))
    return hold.kind is HoldKind.TAKEOVER, width, hold.id


def _to_hold(row: Row) -> Hold:
    id_, shop, kind, scope, conversation, account, reason, since, until = row
    return Hold(
        id=HoldId(id_),
        shop=ShopId(shop),
        kind=HoldKind(kind),
        scope=Scope(
            conversation=None if conversation is None else ConversationId(conversation),
            item=scope.removeprefix(_ITEM) if scope.startswith(_ITEM) else None,
            account=None if account is None else AccountId(account),
        ),
        reason=reason,
        since=moment(since),
        until=moment_or_none(until),
    )
