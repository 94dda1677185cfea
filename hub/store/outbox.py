"""The outbox: effects that must happen, each lane in order, each task by one worker at a time.

Only the oldest open task of a lane, its head, can be claimed; which one that is is kept in the row,
so that claiming reads the claimable tasks and no others, however many wait behind them. A claim
is a lease. Whoever comes back with an older attempt than the row's own is too late and changes
nothing.
"""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from hub.model import ShopId, Task, TaskId, TaskKind, TaskState, Work, seat_of
from hub.store.codec import (
    kind_of,
    micros,
    micros_or_none,
    moment,
    moment_or_none,
    work_from_text,
    work_to_text,
)
from hub.store.sql import Row, Sql, Statement

_COLUMNS = "id, shop_id, kind, lane, key, work, attempt, wire_at, created_at, expires_at"
_WAITING = "state = 'ready' AND NOT head"
"""Behind the head of their lane. Heads are ready or running; all other tasks are settled."""
_FENCE = (
    "shop_id = :shop AND id = :id AND state = 'running' AND holder = :holder AND attempt = :attempt"
)

_NOT_ANOTHERS = (
    "NOT EXISTS (SELECT 1 FROM leases l WHERE l.seat = outbox.seat AND l.node <> :holder)"
)
"""Where several hubs share the database: its seat is the holder's, or nobody's. Nobody's is soon
somebody's; until then what has to be given up must not wait."""
_NOT_IN_HAND = (
    "(state = 'ready' OR holder = :holder"
    " OR NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = outbox.holder))"
)
"""Leases end by the clocks of machines, which differ: as long as another node lives, what it has in
hand is its own, whatever the clock here says."""

_ENQUEUE = Statement(
    "INSERT INTO outbox (shop_id, kind, lane, seat, key, work, state, head, due_at, expires_at,"
    " attempt, error, created_at)"
    " VALUES (:shop, :kind, :lane, :seat, :key, :work, 'ready',"
    " NOT EXISTS (SELECT 1 FROM outbox h WHERE h.shop_id = :shop AND h.lane = :lane AND h.head),"
    " :due_at, :expires_at, 0, '', :now) ON CONFLICT (shop_id, key) DO NOTHING"
)
_PROMOTE = Statement(
    "UPDATE outbox SET head = TRUE WHERE shop_id = :shop AND id = ("
    f"SELECT min(id) FROM outbox WHERE shop_id = :shop AND lane = :lane AND {_WAITING})"
    " AND NOT EXISTS"
    " (SELECT 1 FROM outbox h WHERE h.shop_id = :shop AND h.lane = :lane AND h.head) RETURNING kind"
)
_MARK_WIRE = Statement(f"UPDATE outbox SET wire_at = :now WHERE {_FENCE}")
_MARK_WIRE_SHARED = Statement(
    f"UPDATE outbox SET wire_at = :now WHERE {_FENCE} AND {_NOT_ANOTHERS}"
)
_EXTEND = Statement(f"UPDATE outbox SET due_at = :lease_until WHERE {_FENCE}")
_SETTLE = Statement(
    "UPDATE outbox SET state = :state, head = FALSE, holder = NULL, error = :error,"
    f" settled_at = :now WHERE {_FENCE}"
)
_RELEASE = Statement(
    "UPDATE outbox SET state = 'ready', holder = NULL, due_at = :due_at, error = :error"
    f" WHERE {_FENCE}"
)
_RELEASE_OFF_WIRE = Statement(
    "UPDATE outbox SET state = 'ready', holder = NULL, due_at = :due_at, error = :error,"
    f" wire_at = NULL WHERE {_FENCE}"
)
_RELIEVE = Statement("UPDATE outbox SET due_at = :now WHERE state = 'running'")
_RELIEVE_DEAD = Statement(
    "UPDATE outbox SET due_at = :now WHERE state = 'running' AND due_at > :now"
    " AND NOT EXISTS (SELECT 1 FROM nodes n WHERE n.id = outbox.holder)"
)
_PRESUME_SENT = Statement(
    "UPDATE outbox SET wire_at = :at WHERE shop_id = :shop AND kind = 'send'"
    f" AND state IN ('ready', 'running') AND wire_at IS NULL RETURNING {_COLUMNS}"
)
_PUT_OFF_ANSWERS = Statement(
    "UPDATE outbox SET state = 'ready', holder = NULL, due_at = :until WHERE shop_id = :shop"
    " AND kind = 'answer' AND state IN ('ready', 'running') AND due_at < :until"
)
_DROP = Statement(
    "UPDATE outbox SET state = 'dropped', head = FALSE, error = :error, settled_at = :now"
    " WHERE shop_id = :shop AND id = :id AND state IN ('ready', 'uncertain') RETURNING lane"
)
_OF_LANE = Statement(
    f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} FROM outbox WHERE shop_id = :shop AND lane = :lane"
    " AND head AND wire_at IS NULL"
    f" UNION ALL SELECT {_COLUMNS} FROM outbox WHERE shop_id = :shop AND lane = :lane"
    f" AND {_WAITING}"
    ") AS waiting ORDER BY id"
)
_DUE_OF_LANE = Statement(
    f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS}, due_at FROM outbox WHERE shop_id = :shop"
    " AND lane = :lane AND head AND wire_at IS NULL"
    f" UNION ALL SELECT {_COLUMNS}, due_at FROM outbox WHERE shop_id = :shop AND lane = :lane"
    f" AND {_WAITING}"
    ") AS waiting WHERE attempt > 0 OR due_at <= :now ORDER BY id"
)
_POSTPONE = Statement(
    "UPDATE outbox SET due_at = CASE WHEN due_at < :due_at THEN :due_at ELSE due_at END,"
    " expires_at = :expires_at"
    " WHERE shop_id = :shop AND id = :id AND state = 'ready' AND wire_at IS NULL"
)
_CANCEL = Statement(
    "UPDATE outbox SET state = 'dropped', head = FALSE, error = :error, settled_at = :now"
    " WHERE shop_id = :shop AND key = :key AND state IN ('ready', 'running')"
    " AND wire_at IS NULL RETURNING lane"
)
_REWRITE = Statement(f"UPDATE outbox SET work = :work WHERE {_FENCE} AND wire_at IS NULL")
_REWRITE_FOR_LONGER = Statement(
    f"UPDATE outbox SET work = :work, expires_at = :expires_at WHERE {_FENCE} AND wire_at IS NULL"
)
_RELEASE_CHANGED = Statement(
    "UPDATE outbox SET state = 'ready', holder = NULL, due_at = :due_at, error = :error,"
    f" wire_at = NULL, work = :work WHERE {_FENCE}"
)
_TOLD_WITH = Statement(
    "UPDATE outbox SET state = 'done' WHERE shop_id = :shop AND id = :id AND state = 'dropped'"
)
_REACHED = Statement(
    "SELECT 1 FROM outbox WHERE shop_id = :shop AND key >= :first AND key < :beyond"
    " AND state = 'done' LIMIT 1"
)
_DONE = Statement("SELECT 1 FROM outbox WHERE shop_id = :shop AND key = :key AND state = 'done'")
_KNOWS = Statement("SELECT 1 FROM outbox WHERE shop_id = :shop AND key = :key")
_GET = Statement(f"SELECT {_COLUMNS} FROM outbox WHERE id = :id")
_STATE = Statement("SELECT state FROM outbox WHERE id = :id")
_NEXT_DUE = Statement("SELECT min(due_at) FROM outbox WHERE head")
_NEXT_DUE_SHARED = Statement(
    f"SELECT min(due_at) FROM outbox WHERE head AND {_NOT_ANOTHERS} AND {_NOT_IN_HAND}"
)
_BACKLOG = Statement(
    "SELECT kind, count(*) FROM (SELECT kind FROM outbox WHERE head"
    f" UNION ALL SELECT kind FROM outbox WHERE {_WAITING}) AS waiting GROUP BY kind"
)
_OLDEST = Statement(
    "SELECT kind, min(created_at) FROM (SELECT kind, created_at FROM outbox WHERE head"
    f" UNION ALL SELECT kind, created_at FROM outbox WHERE {_WAITING}) AS waiting GROUP BY kind"
)
_BACKLOG_OF_SHOP = Statement(
    "SELECT kind, count(*) FROM (SELECT kind FROM outbox WHERE shop_id = :shop AND head"
    f" UNION ALL SELECT kind FROM outbox WHERE shop_id = :shop AND {_WAITING}) AS waiting"
    " GROUP BY kind"
)
_HASTEN = tuple(
    Statement(
        f"UPDATE outbox SET due_at = :now WHERE {rows} AND due_at > :now AND attempt > 0"
        " AND substr(lane, 1, :length) = :prefix"
    )
    for rows in ("head AND state = 'ready'", _WAITING)
)


@lru_cache
def claim_statement(kinds: frozenset[TaskKind], *, shared: bool = False) -> Statement:
    """One text per set of kinds; an empty set means all of them. `shared`: with other hubs."""
    names = ", ".join(f"'{kind.value}'" for kind in sorted(kinds))
    only = f" AND kind IN ({names})" if names else ""
    if shared:
        only += f" AND {_NOT_ANOTHERS} AND {_NOT_IN_HAND}"
    return Statement(
        "UPDATE outbox SET state = 'running', holder = :holder, due_at = :lease_until,"
        " attempt = attempt + 1 WHERE id IN ("
        f"SELECT id FROM outbox WHERE head AND due_at <= :now{only}"
        f" ORDER BY due_at, id LIMIT :limit) RETURNING {_COLUMNS}"
    )


class Outbox:
    __slots__ = ("_sql",)

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def enqueue(
        self,
        shop: ShopId,
        work: Work,
        *,
        lane: str,
        key: str,
        due_at: datetime,
        expires_at: datetime | None = None,
        now: datetime | None = None,
    ) -> TaskId | None:
        """Put an effect at the end of its lane; None if the shop has used `key` already.

        `expires_at` is only carried along: the worker decides what an expired task means. `now` is
        when it was created, `due_at` if not given.
        """
        kind = kind_of(work)
        id_ = self._sql.insert(
            _ENQUEUE,
            shop=shop,
            kind=kind,
            lane=lane,
            seat=seat_of(work),
            key=key,
            work=work_to_text(work),
            due_at=micros(due_at),
            expires_at=micros_or_none(expires_at),
            now=micros(due_at if now is None else now),
        )
        if id_ is None:
            return None
        self._sql.tasks_changed((kind,))
        return TaskId(id_)

    def claim(
        self,
        holder: str,
        now: datetime,
        lease_until: datetime,
        limit: int,
        kinds: Iterable[TaskKind] | None = None,
    ) -> list[Task]:
        """Lease up to `limit` lane heads that are due, or whose lease ran out; oldest first.

        System-wide: the workers serve all shops. With other hubs on the database, `holder` is the
        id of the node, and what is another one's seat, or in the hands of one that lives, is left
        to it.
        """
        rows = self._sql.rows(
            claim_statement(frozenset(() if kinds is None else kinds), shared=self._sql.shared),
            holder=holder,
            now=micros(now),
            lease_until=micros(lease_until),
            limit=limit,
        )
        return [_to_task(row) for row in sorted(rows)]

    def relieve(self, now: datetime) -> int:
        """End all leases at once: their holders are dead. Returns how many there were.

        System-wide, and only for a process that knows to be alone on the database.
        """
        relieved = self._sql.run(_RELIEVE, now=micros(now))
        if relieved:
            self._sql.tasks_changed()
        return relieved

    def relieve_dead(self, now: datetime) -> int:
        """End the leases of whoever is no node any more. Returns how many there were.

        System-wide, where hubs share the database. One that is not dead but slow is fenced by the
        number of the attempt, as after any lease that ran out.
        """
        relieved = self._sql.run(_RELIEVE_DEAD, now=micros(now))
        if relieved:
            self._sql.tasks_changed()
        return relieved

    def presume_sent(self, shop: ShopId, at: datetime) -> list[Task]:
        """Take all messages that wait for sent since `at`: they are looked for, and none is sent
        without a person. For a database that was brought back. Returns their tasks."""
        rows = self._sql.rows(_PRESUME_SENT, shop=shop, at=micros(at))
        return [_to_task(row) for row in rows]

    def put_off_answers(self, shop: ShopId, until: datetime) -> None:
        """Have AI asked nothing before then, so that what was answered already is known first. For
        a database that was brought back."""
        self._sql.run(_PUT_OFF_ANSWERS, shop=shop, until=micros(until))

    def mark_wire(self, task: Task, holder: str, now: datetime) -> bool:
        """Write down that it is about to leave, before it leaves. False: the lease is lost, or its
        seat went to another node."""
        statement = _MARK_WIRE_SHARED if self._sql.shared else _MARK_WIRE
        return self._fenced(statement, task, holder, now=micros(now))

    def extend(self, task: Task, holder: str, lease_until: datetime) -> bool:
        """Keep the lease for longer. False: it is lost."""
        return self._fenced(_EXTEND, task, holder, lease_until=micros(lease_until))

    def settle(
        self, task: Task, holder: str, state: TaskState, *, error: str = "", now: datetime
    ) -> bool:
        """Close the task in a final state and let the next of its lane come. False: lease lost."""
        if state in (TaskState.READY, TaskState.RUNNING):
            raise ValueError(f"{state} does not settle a task")
        settled = self._fenced(_SETTLE, task, holder, state=state, error=error, now=micros(now))
        if settled:
            self._promote(task.shop, task.lane)
        return settled

    def release(
        self,
        task: Task,
        holder: str,
        due_at: datetime,
        *,
        error: str = "",
        clear_wire: bool = False,
        work: Work | None = None,
    ) -> bool:
        """Back to ready, at the head of its lane as before. False: the lease is lost.

        `clear_wire`: it is certain that nothing left, so the next attempt need not look first.
        `work`: what is to be done then instead, of the same kind; nothing left in this case either.
        """
        due = micros(due_at)
        if work is not None:
            text = self._same_kind(task, work)
            released = self._fenced(
                _RELEASE_CHANGED, task, holder, due_at=due, error=error, work=text
            )
        else:
            statement = _RELEASE_OFF_WIRE if clear_wire else _RELEASE
            released = self._fenced(statement, task, holder, due_at=due, error=error)
        if released:
            self._sql.tasks_changed((task.kind,))
        return released

    def hasten(self, lane_prefix: str, now: datetime) -> int:
        """Tasks that were tried and wait in lanes with this prefix become due now: what they waited
        for is there again. Returns how many. What was never tried waits for its own time.

        System-wide: the prefix names accounts and chats of any shop.
        """
        hastened = sum(
            self._sql.run(part, prefix=lane_prefix, length=len(lane_prefix), now=micros(now))
            for part in _HASTEN
        )
        if hastened:
            self._sql.tasks_changed()
        return hastened

    def drop(self, shop: ShopId, id_: TaskId, *, error: str = "", now: datetime) -> bool:
        """Give up a task that waits or is uncertain. False: it runs, is settled, or unknown."""
        lane = self._sql.value(_DROP, shop=shop, id=id_, error=error, now=micros(now))
        if lane is not None:
            self._promote(shop, lane)
        return lane is not None

    def waiting(self, shop: ShopId, lane: str) -> list[Task]:
        """What is still to come in a lane and has certainly not left, in its order: also what a
        worker has in hand and has not marked as on the wire."""
        return [_to_task(row) for row in self._sql.rows(_OF_LANE, shop=shop, lane=lane)]

    def due(self, shop: ShopId, lane: str, now: datetime) -> list[Task]:
        """Of what waits in a lane, that whose time has come; what was tried before waits for
        something else than its time."""
        rows = self._sql.rows(_DUE_OF_LANE, shop=shop, lane=lane, now=micros(now))
        return [_to_task(row) for row in rows]

    def postpone(
        self, shop: ShopId, id_: TaskId, due_at: datetime, expires_at: datetime | None
    ) -> bool:
        """Let a waiting task wait until then, if it does not wait longer already. False: it is in
        hand, or settled."""
        touched = self._sql.run(
            _POSTPONE,
            shop=shop,
            id=id_,
            due_at=micros(due_at),
            expires_at=micros_or_none(expires_at),
        )
        return touched > 0

    def cancel(self, shop: ShopId, key: str, *, error: str = "", now: datetime) -> bool:
        """Give up a task that certainly had no effect yet, also one in a worker's hand: that can
        not put it on the wire any more. False: it is on the wire, or settled."""
        lane = self._sql.value(_CANCEL, shop=shop, key=key, error=error, now=micros(now))
        if lane is not None:
            self._promote(shop, lane)
        return lane is not None

    def rewrite(
        self, task: Task, holder: str, work: Work, *, expires_at: datetime | None = None
    ) -> bool:
        """Have a claimed task do this instead, of the same kind. False: the lease is lost, or it is
        on the wire. `expires_at`: until when it is worth doing now; None: as before."""
        text = self._same_kind(task, work)
        if expires_at is None:
            return self._fenced(_REWRITE, task, holder, work=text)
        expires = micros(expires_at)
        return self._fenced(_REWRITE_FOR_LONGER, task, holder, work=text, expires_at=expires)

    def told_with(self, shop: ShopId, ids: Iterable[TaskId]) -> None:
        """These were dropped because another task does what they should; now it has."""
        for id_ in ids:
            self._sql.run(_TOLD_WITH, shop=shop, id=id_)

    def reached(self, shop: ShopId, prefix: str) -> bool:
        """Whether a task whose key begins with the prefix is done."""
        beyond = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        return self._sql.value(_REACHED, shop=shop, first=prefix, beyond=beyond) is not None

    def is_done(self, shop: ShopId, key: str) -> bool:
        """Whether the task with exactly this key is done."""
        return self._sql.value(_DONE, shop=shop, key=key) is not None

    def knows(self, shop: ShopId, key: str) -> bool:
        """Whether the shop has used this key."""
        return self._sql.value(_KNOWS, shop=shop, key=key) is not None

    def get(self, id_: TaskId) -> Task | None:
        """System-wide: for workers and reports that know nothing but the id."""
        row = self._sql.row(_GET, id=id_)
        return None if row is None else _to_task(row)

    def state(self, id_: TaskId) -> TaskState | None:
        """System-wide, like `get`."""
        state = self._sql.value(_STATE, id=id_)
        return None if state is None else TaskState(state)

    def next_due(self, holder: str = "") -> datetime | None:
        """When the next claim can find something: a due time or the end of a lease, perhaps past.

        System-wide, like `claim`.
        """
        if self._sql.shared:
            return moment_or_none(self._sql.value(_NEXT_DUE_SHARED, holder=holder))
        return moment_or_none(self._sql.value(_NEXT_DUE))

    def backlog(self, shop: ShopId | None = None) -> dict[TaskKind, int]:
        """Open tasks by kind. Without a shop system-wide: a figure about the program."""
        if shop is None:
            rows = self._sql.rows(_BACKLOG)
        else:
            rows = self._sql.rows(_BACKLOG_OF_SHOP, shop=shop)
        return {TaskKind(kind): count for kind, count in rows}

    def oldest(self) -> dict[TaskKind, datetime]:
        """Since when the oldest open task of each kind waits. System-wide: figures about the
        program."""
        return {TaskKind(kind): moment(at) for kind, at in self._sql.rows(_OLDEST)}

    def _same_kind(self, task: Task, work: Work) -> str:
        if kind_of(work) is not task.kind:
            raise ValueError(f"task {task.id} is no {kind_of(work)}")
        return work_to_text(work)

    def _fenced(self, statement: Statement, task: Task, holder: str, **values: object) -> bool:
        touched = self._sql.run(
            statement,
            shop=task.shop,
            id=task.id,
            holder=holder,
            attempt=task.attempt,
            **values,
        )
        return touched > 0

    def _promote(self, shop: ShopId, lane: str) -> None:
        kind = self._sql.value(_PROMOTE, shop=shop, lane=lane)
        if kind is not None:
            self._sql.tasks_changed((TaskKind(kind),))


def _to_task(row: Row) -> Task:
    id_, shop, kind, lane, key, work, attempt, wire_at, created_at, expires_at = row
    return Task(
        id=TaskId(id_),
        shop=ShopId(shop),
        kind=TaskKind(kind),
        lane=lane,
        key=key,
        work=work_from_text(TaskKind(kind), work),
        attempt=attempt,
        wire_at=moment_or_none(wire_at),
        created_at=moment(created_at),
        expires_at=moment_or_none(expires_at),
    )
