"""What a bot may still answer to, by the address of the chat."""

from __future__ import annotations

import json
from datetime import datetime

from hub.model import Anchor, AnchorKind, ReplyUse
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement

_HEAR = Statement(
    "INSERT INTO reply_anchors (peer, anchor, kind, at, uses, over)"
    " VALUES (:peer, :anchor, :kind, :at, '[]', FALSE) ON CONFLICT DO NOTHING"
)
_FORGET = Statement("DELETE FROM reply_anchors WHERE at <= :limit")
_OF = Statement(
    "SELECT anchor, kind, at, uses, over FROM reply_anchors WHERE peer = :peer ORDER BY at, anchor"
)
_PUT = Statement(
    "UPDATE reply_anchors SET uses = :uses, over = :over WHERE peer = :peer AND anchor = :anchor"
)


class ReplyAnchors:
    """Belongs to no shop: a chat knows none."""

    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def hear(self, peer: str, anchor: Anchor, *, forget: datetime) -> None:
        """Keep one that is new; whatever is as old as `forget` goes."""
        self._sql.run(_FORGET, limit=micros(forget))
        self._sql.run(_HEAR, peer=peer, anchor=anchor.id, kind=anchor.kind, at=micros(anchor.at))

    def of(self, peer: str) -> list[Anchor]:
        """The oldest first, good or not."""
        return [_to_anchor(row) for row in self._sql.rows(_OF, peer=peer)]

    def put(self, peer: str, anchor: Anchor) -> None:
        """Keep what became of it; nothing happens if it is forgotten."""
        uses = json.dumps([[use.said, micros(use.at), use.message_id] for use in anchor.uses])
        self._sql.run(_PUT, peer=peer, anchor=anchor.id, uses=uses, over=anchor.over)


def _to_anchor(row: Row) -> Anchor:
    anchor, kind, heard_at, uses, over = row
    return Anchor(
        id=anchor,
        kind=AnchorKind(kind),
        at=moment(heard_at),
        uses=tuple(ReplyUse(said, moment(at), id_) for said, at, id_ in json.loads(uses)),
        over=bool(over),
    )
