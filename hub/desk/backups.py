"""Backups: which there are, one more now, and taking one away to a safe place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from hub.desk.operator import Operator
from hub.errors import NotFound, TooOften, Unavailable
from hub.model import BackupTrouble, Role, StoredBackup
from hub.store import Store, Tx
from hub.text import backups as words

MOST, WITHIN = 10, timedelta(hours=1)
"""Backups by hand: each of them takes room on the disk until a person removes it."""


class BackupKeeper(Protocol):
    """Whoever makes the backups of this hub."""

    @property
    def seals(self) -> bool: ...

    @property
    def folder(self) -> Path: ...

    async def all(self) -> Sequence[StoredBackup]: ...

    async def make(self) -> StoredBackup: ...

    def find(self, name: str) -> Path | None: ...


@dataclass(frozen=True, slots=True)
class BackupOverview:
    backups: Sequence[StoredBackup]
    """The newest first."""
    trouble: BackupTrouble | None
    """Why the backup of the day fails, if it does."""
    seals: bool
    """Whether new ones hold the key."""
    folder: Path


class BackupDesk:
    def __init__(
        self, store: Store, keeper: BackupKeeper | None, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._keeper = keeper
        self._now = now

    async def overview(self, operator: Operator) -> BackupOverview:
        operator.require(Role.OWNER)
        keeper = self._there()
        trouble = await self._store.read(lambda tx: tx.backup_troubles.get(operator.shop))
        return BackupOverview(await keeper.all(), trouble, keeper.seals, keeper.folder)

    async def make(self, operator: Operator) -> StoredBackup:
        """One more now. Raises Unavailable with the reason if there is none, TooOften."""
        operator.require(Role.OWNER)
        keeper, now = self._there(), self._now()
        await self._store.write(lambda tx: _begin(tx, operator, now))
        return await keeper.make()

    async def take(self, operator: Operator, name: str) -> Path:
        """The file, for whoever carries it away. Raises NotFound."""
        operator.require(Role.OWNER)
        found = self._there().find(name)
        if found is None:
            raise NotFound(words.missing(name))
        now = self._now()
        await self._store.write(lambda tx: operator.record(tx, "backup.take", name, now))
        return found

    def _there(self) -> BackupKeeper:
        if self._keeper is None:
            raise Unavailable(words.NOT_HERE)
        return self._keeper


def _begin(tx: Tx, operator: Operator, now: datetime) -> None:
    key = f"backup:{operator.shop}"
    if tx.throttle.count(key, now - WITHIN) >= MOST:
        raise TooOften(words.TOO_OFTEN)
    tx.throttle.add(key, now)
    operator.record(tx, "backup.make", "", now)
