"""Holds: where the automation is stopped, why, and until when."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from hub.model import ConversationId, Hold, HoldId, HoldKind, MemberId, ShopId
from hub.store.codec import micros, micros_or_none, moment, moment_or_none
from hub.store.sql import Row, Sql, Statement

_COLUMNS = "id, shop_id, kind, conversation_id, reason, since, until"
_RUNNING = "ended_at IS NULL AND (until IS NULL OR until > :now)"
_WEIGHT = "CASE kind WHEN 'pause' THEN 0 ELSE 1 END, conversation_id IS NULL, id"
"""A pause before a takeover, what is about the conversation before what is about the shop."""


def _of_conversation_or_shop(columns: str, condition: str) -> dict[bool, Statement]:
    """By whether the scope is a conversation: SQL compares nothing with NULL."""
    return {
        of_conversation: Statement(
            f"SELECT {columns} FROM holds WHERE shop_id = :shop"
            f" AND conversation_id {'= :conversation' if of_conversation else 'IS NULL'}"
            f" AND {condition}"
        )
        for of_conversation in (True, False)
    }


_OPEN = _of_conversation_or_shop(_COLUMNS, "kind = :kind AND ended_at IS NULL")
_RUNNING_IN_SCOPE = _of_conversation_or_shop("id, kind", _RUNNING)
_ADD = Statement(
    "INSERT INTO holds (shop_id, kind, conversation_id, reason, member_id, since, until)"
    " VALUES (:shop, :kind, :conversation, :reason, :member, :now, :until) RETURNING id"
)
_REPLACE = Statement(
    "UPDATE holds SET reason = :reason, member_id = :member, until = :until"
    " WHERE shop_id = :shop AND id = :id"
)
_CLOSE = Statement("UPDATE holds SET ended_at = :ended WHERE shop_id = :shop AND id = :id")
_ACTIVE = Statement(
    f"SELECT {_COLUMNS} FROM holds"
    " WHERE shop_id = :shop AND (conversation_id = :conversation OR conversation_id IS NULL)"
    f" AND {_RUNNING} ORDER BY {_WEIGHT} LIMIT 1"
)
_ALL_ACTIVE = Statement(
    f"SELECT {_COLUMNS} FROM holds WHERE shop_id = :shop AND {_RUNNING} ORDER BY {_WEIGHT}"
)


class Holds:
    """At most one hold of a kind is open per scope (a conversation, or the shop)."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def add(
        self,
        shop: ShopId,
        *,
        kind: HoldKind,
        conversation: ConversationId | None,
        reason: str,
        member: MemberId | None = None,
        now: datetime,
        until: datetime | None = None,
    ) -> Hold:
        """Hold this scope until then; None: until somebody resumes.

        A hold of the same kind that still runs keeps its id and start and takes the new reason and
        end: the newest word counts.
        """
        sql = self._sql
        open_ = sql.row(
            _OPEN[conversation is not None], shop=shop, conversation=conversation, kind=kind
        )
        end = micros_or_none(until)
        if open_ is not None and (open_[6] is None or open_[6] > micros(now)):
            id_, since = open_[0], open_[5]
            sql.run(_REPLACE, shop=shop, id=id_, reason=reason, member=member, until=end)
        else:
            if open_ is not None:  # ran out, and nobody wrote that down
                sql.run(_CLOSE, shop=shop, id=open_[0], ended=open_[6])
            since = micros(now)
            id_ = sql.value(
                _ADD,
                shop=shop,
                kind=kind,
                conversation=conversation,
                reason=reason,
                member=member,
                now=since,
                until=end,
            )
        self._changed(shop, conversation, id_)
        return _to_hold((id_, shop, kind, conversation, reason, since, end))

    def active(self, shop: ShopId, conversation: ConversationId, now: datetime) -> Hold | None:
        """What stops the automation here: a pause before a takeover."""
        row = self._sql.row(_ACTIVE, shop=shop, conversation=conversation, now=micros(now))
        return None if row is None else _to_hold(row)

    def all_active(self, shop: ShopId, now: datetime) -> list[Hold]:
        """Pauses first, conversations before the shop."""
        return [_to_hold(row) for row in self._sql.rows(_ALL_ACTIVE, shop=shop, now=micros(now))]

    def end(
        self,
        shop: ShopId,
        conversation: ConversationId | None,
        now: datetime,
        kinds: Collection[HoldKind] | None = None,
    ) -> int:
        """End the holds of exactly this scope (None: the shop's own). Returns how many ran."""
        rows = self._sql.rows(
            _RUNNING_IN_SCOPE[conversation is not None],
            shop=shop,
            conversation=conversation,
            now=micros(now),
        )
        ending = [id_ for id_, kind in rows if kinds is None or kind in kinds]
        for id_ in ending:
            self._sql.run(_CLOSE, shop=shop, id=id_, ended=micros(now))
            self._changed(shop, conversation, id_)
        return len(ending)

    def _changed(self, shop: ShopId, conversation: ConversationId | None, id_: int) -> None:
        self._sql.changed(shop, "hold", id_)
        if conversation is not None:
            self._sql.changed(shop, "conversation", conversation)


def _to_hold(row: Row) -> Hold:
    id_, shop, kind, conversation, reason, since, until = row
    return Hold(
        id=HoldId(id_),
        shop=ShopId(shop),
        kind=HoldKind(kind),
        conversation=None if conversation is None else ConversationId(conversation),
        reason=reason,
        since=moment(since),
        until=moment_or_none(until),
    )
