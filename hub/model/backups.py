"""What every room knows of backups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StoredBackup:
    """One archive in the folder of backups."""

    path: Path
    at: datetime
    size: int
    daily: bool
    """Made by the hub itself or by cron, and gone when its time is over."""
    good: bool
    """False: it cannot be read."""
    sealed: bool
    """The key is in it, behind a passphrase."""
    rows: int = 0
    program: str = ""
    schema: str = ""

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True, slots=True)
class BackupTrouble:
    """Why backups fail, and since when."""

    reason: str
    since: datetime
