"""Nodes and what each of them holds. Used by hubs that share a database, and by nobody else.

All times are of the database's own clock, so that the clocks of the machines do not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hub.model import Fall, Lease, Node, NodeBot, NodeId, ShopId
from hub.store.codec import micros, moment
from hub.store.sql import Row, Sql, Statement

_CLOCK = Statement("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)")
_ANNOUNCE = Statement(
    "INSERT INTO nodes (id, name, started_at, seen_at, expires_at, bots, home)"
    " VALUES (:id, :name, :now, :now, :expires_at, :bots, :home) ON CONFLICT (id)"
    " DO UPDATE SET seen_at = excluded.seen_at, expires_at = excluded.expires_at,"
    " bots = excluded.bots"
)
_ALL = Statement(
    "SELECT id, name, started_at, seen_at, expires_at, bots, home FROM nodes"
    " ORDER BY started_at, id"
)
_SET_BACK = Statement(
    "UPDATE nodes SET expires_at = :now + expires_at - seen_at, seen_at = :now,"
    " started_at = CASE WHEN started_at > :now THEN :now ELSE started_at END WHERE seen_at > :now"
)
_NOTE_FALL = Statement(
    "INSERT INTO node_falls (name, at) VALUES (:name, :at) ON CONFLICT DO NOTHING"
)
_FORGET_FALLS = Statement("DELETE FROM node_falls WHERE at < :before")
_FALLS = Statement("SELECT name, at FROM node_falls ORDER BY at, name")
_REMOVE = Statement("DELETE FROM nodes WHERE id = :id")
_LEASES = Statement("SELECT seat, node, fence FROM leases ORDER BY seat")
_GIVE = Statement(
    "INSERT INTO leases (seat, node, fence) VALUES (:seat, :node, 1) ON CONFLICT (seat)"
    " DO UPDATE SET node = excluded.node, fence = leases.fence + 1"
)
_FREE = Statement("UPDATE leases SET node = NULL WHERE seat = :seat")
_HOLDS = Statement("SELECT 1 FROM leases WHERE seat = :seat AND node = :node")

SYSTEM = ShopId(0)
"""Of no shop: what is told of nodes concerns all of them."""


class Nodes:
    __slots__ = ("_clock", "_sql")

    def __init__(self, sql: Sql, clock: Callable[[], datetime]) -> None:
        self._sql = sql
        self._clock = clock

    def now(self) -> datetime:
        """By the one clock that all nodes share."""
        return moment(self._sql.value(_CLOCK)) if self._sql.shared else self._clock()

    def announce(
        self,
        id_: NodeId,
        name: str,
        now: datetime,
        lasts: timedelta,
        bots: Sequence[NodeBot],
        home: str = "",
    ) -> None:
        """It lives for so long from now on, and these bots are connected to it."""
        self._sql.run(
            _ANNOUNCE,
            id=id_,
            name=name,
            now=micros(now),
            expires_at=micros(now + lasts),
            bots=json.dumps([[bot.id, *bot.reacts] for bot in bots]),
            home=home,
        )

    def set_back(self, now: datetime) -> None:
        """The clock went back: whoever spoke later than it is now spoke now, and lives no longer
        for that."""
        self._sql.run(_SET_BACK, now=micros(now))

    def all(self) -> list[Node]:
        """Those that live and those that nobody has missed yet; the eldest first."""
        return [_to_node(row) for row in self._sql.rows(_ALL)]

    def remove(self, id_: NodeId) -> None:
        """It is gone; what it held is free."""
        if self._sql.run(_REMOVE, id=id_):
            self.changed()

    def note_fall(self, name: str, at: datetime, *, kept: timedelta) -> None:
        """It was missed. What is older than `kept` is forgotten."""
        self._sql.run(_NOTE_FALL, name=name, at=micros(at))
        self._sql.run(_FORGET_FALLS, before=micros(at - kept))

    def falls(self) -> list[Fall]:
        return [Fall(name, moment(at)) for name, at in self._sql.rows(_FALLS)]

    def leases(self) -> dict[str, Lease]:
        return {
            seat: Lease(None if node is None else NodeId(node), fence)
            for seat, node, fence in self._sql.rows(_LEASES)
        }

    def give(self, seat: str, node: NodeId) -> None:
        """From now on it is that node's, whoever had it."""
        self._sql.run(_GIVE, seat=seat, node=node)
        self.changed()
        self._sql.tasks_changed()

    def free(self, seat: str) -> None:
        self._sql.run(_FREE, seat=seat)
        self.changed()

    def holds(self, seat: str, node: NodeId) -> bool:
        """The fence: asked in the transaction that writes what only the holder may write."""
        return self._sql.value(_HOLDS, seat=seat, node=node) is not None

    def changed(self) -> None:
        """The other nodes should look."""
        self._sql.changed(SYSTEM, "node", 0)


def _to_node(row: Row) -> Node:
    id_, name, started_at, seen_at, expires_at, bots, home = row
    return Node(
        NodeId(id_),
        name,
        moment(started_at),
        moment(seen_at),
        moment(expires_at),
        tuple(NodeBot(bot, tuple(reacts)) for bot, *reacts in json.loads(bots)),
        home,
    )
