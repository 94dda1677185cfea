"""The shop at a glance: accounts, holds, what waits to go out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from hub.cluster import Cluster
from hub.desk.holds import Held, all_held
from hub.desk.operator import Operator
from hub.model import Account, BackupTrouble, NodeView, Role, Stop, TaskKind
from hub.store import AuditEntry, Change, Store, Tx


@dataclass(frozen=True, slots=True)
class Overview:
    accounts: tuple[Account, ...]
    holds: tuple[Held, ...]
    """Active pauses and takeovers."""
    stops: tuple[Stop, ...]
    """Emergency stops of deliveries."""
    needs: int
    """What waits for a decision."""
    waiting: dict[TaskKind, int]
    drafts: int
    """Conversations in which a proposed answer waits for a person."""
    quarantined: int
    """Entries from the platform that could not be read."""
    backup_trouble: BackupTrouble | None
    """Why the backup of the day fails, if it does."""
    nodes: Sequence[NodeView]
    """The hubs that share the database; empty where there is one."""


class System:
    def __init__(
        self, store: Store, now: Callable[[], datetime], cluster: Cluster | None = None
    ) -> None:
        self._store = store
        self._now = now
        self._cluster = cluster or Cluster(store)

    async def overview(self, operator: Operator) -> Overview:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> Overview:
            shop = operator.shop
            return Overview(
                tuple(tx.accounts.all(shop)),
                all_held(tx, operator, now),
                tuple(tx.stops.all(shop)),
                tx.needs.count_open(shop),
                tx.outbox.backlog(shop),
                len(tx.drafts.conversations(shop)),
                tx.quarantine.count(shop),
                tx.backup_troubles.get(shop),
                self._cluster.view_in(tx),
            )

        return await self._store.read(unit)

    async def audit(self, operator: Operator, limit: int = 100) -> Sequence[AuditEntry]:
        operator.require(Role.OWNER)
        return await self._store.read(lambda tx: tx.audit.recent(operator.shop, limit))

    def changes(self) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """Live: what was committed since; the door filters by the operator's shop."""
        return self._store.changes()
