"""Backups while the hub runs: one at a time, one a day by itself, and a word when one failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, time
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from loguru import logger

from hub.errors import StoreError, Unavailable
from hub.model import BackupTrouble, NoticeKind, StoredBackup, Urgent, UrgentNews
from hub.notices import tell_owners_of_shop
from hub.ops.backup import Backups
from hub.policy import backup_due, believed
from hub.settings import BackupSettings
from hub.store import Store, Tx, outlast
from hub.text import backups as words

LOOK_SECONDS = 300.0
"""Clocks are set and machines sleep: the longest sleep between two looks at the time."""


class BackupClock:
    """`count` hears `done` or `failed` of each backup. `mine`: whether this hub is the one that
    makes those of the day."""

    def __init__(
        self,
        store: Store,
        backups: Backups,
        settings: BackupSettings,
        zone: ZoneInfo,
        *,
        now: Callable[[], datetime],
        count: Callable[[str], None] = lambda _: None,
        mine: Callable[[], bool] = lambda: True,
    ) -> None:
        self._mine = mine
        self._store = store
        self._backups = backups
        self._settings = settings
        self._zone = zone
        self._now = now
        self._count = count
        self._one = asyncio.Lock()
        self.last: StoredBackup | None = None
        """The newest good one, once somebody looked."""

    @property
    def seals(self) -> bool:
        """Whether backups hold the key."""
        return bool(self._settings.passphrase)

    @property
    def folder(self) -> Path:
        return self._backups.folder

    async def all(self) -> Sequence[StoredBackup]:
        """The newest first."""
        found = await asyncio.to_thread(self._backups.all)
        self.last = next((one for one in found if one.good), None)
        return found

    def find(self, name: str) -> Path | None:
        return self._backups.find(name)

    async def make(self, *, daily: bool = False) -> StoredBackup:
        """A new backup. Raises Unavailable with one sentence, also while another one is made."""
        if self._one.locked():
            raise Unavailable(words.BUSY)
        async with self._one:
            try:
                made = await outlast(
                    asyncio.to_thread(partial(self._backups.make, self._now(), daily=daily))
                )
            except Unavailable as error:
                self._count("failed")
                logger.error("no backup: {}", error.text)
                raise
            self._count("done")
            self.last = made
            await self._store.write(lambda tx: tx.backup_troubles.clear(tx.shops.default()))
            return made

    async def run(self) -> None:
        """One a day, until cancelled."""
        if not self._settings.enabled:
            await self.all()
            logger.warning("backups are switched off (backup.enabled)")
            return
        started, failed_at = self._now(), None
        if not self.seals:
            logger.warning("backups do not hold the key file: keep a copy of it elsewhere")
        while True:
            now = self._now()
            # Clocks are set back: what was remembered by a wrong one is no reason to wait.
            started, failed_at = min(started, now), believed(failed_at, now)
            daily = [one.at for one in await self.all() if one.daily and one.good]
            last = max((one for one in daily if believed(one, now) is not None), default=None)
            at = time.fromisoformat(self._settings.at)
            due = backup_due(last, failed_at, at, self._zone, started)
            if now < due or not self._mine():
                wait = (due - now).total_seconds() if now < due else LOOK_SECONDS
                await asyncio.sleep(min(wait, LOOK_SECONDS))
            elif not await self.make_daily():
                failed_at = self._now()

    async def make_daily(self) -> bool:
        """False: it failed, and the owners are told, once a day."""
        try:
            made = await self.make(daily=True)
        except Unavailable as error:
            await self._tell(error.text)
            return False
        except StoreError as error:  # it is made, only that could not be written down
            logger.warning("the backup is made, but: {}", error)
            return True
        logger.info("daily backup {} ({} bytes)", made.name, made.size)
        return True

    async def _tell(self, why: str) -> None:
        now = self._now()
        last = self.last.at if self.last is not None else None

        def unit(tx: Tx) -> None:
            shop = tx.shops.default()
            before = tx.backup_troubles.get(shop)
            since = before.since if before is not None else now
            tx.backup_troubles.set(shop, BackupTrouble(why, since))
            tell_owners_of_shop(
                tx,
                shop,
                words.failed_daily(why, last, self._zone, now),
                key=f"backup-failed:{now.astimezone(self._zone):%Y-%m-%d}",
                now=now,
                kind=NoticeKind.SYSTEM,
                urgent=UrgentNews(Urgent.BACKUP),
            )

        try:
            await self._store.write(unit)
        except StoreError as error:  # on a full disk nothing can be told, only logged
            logger.error("nobody could be told of the failed backup: {}", error)
