"""The shop at a glance: accounts, holds, what waits to go out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from hub.desk.operator import Operator
from hub.model import Account, Conversation, Hold, Role, TaskKind
from hub.store import AuditEntry, Change, Store, Tx


@dataclass(frozen=True, slots=True)
class Overview:
    accounts: tuple[Account, ...]
    holds: tuple[tuple[Hold, Conversation | None], ...]
    """Active pauses and takeovers with their conversation; None means the whole shop."""
    waiting: dict[TaskKind, int]
    quarantined: int
    """Entries from the platform that could not be read."""


class System:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def overview(self, operator: Operator) -> Overview:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> Overview:
            shop = operator.shop
            holds = tx.holds.all_active(shop, now)
            return Overview(
                tuple(tx.accounts.all(shop)),
                tuple(
                    (h, tx.conversations.get(shop, h.conversation) if h.conversation else None)
                    for h in holds
                ),
                tx.outbox.backlog(shop),
                tx.quarantine.count(shop),
            )

        return await self._store.read(unit)

    async def audit(self, operator: Operator, limit: int = 100) -> Sequence[AuditEntry]:
        operator.require(Role.OWNER)
        return await self._store.read(lambda tx: tx.audit.recent(operator.shop, limit))

    def changes(self) -> AbstractAsyncContextManager[AsyncIterator[Change]]:
        """Live: what was committed since; the door filters by the operator's shop."""
        return self._store.changes()
