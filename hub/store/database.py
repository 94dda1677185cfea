"""Says where the rows lie: in a file, or in a PostgreSQL database that several hubs may share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from hub.settings import DatabaseSettings


@dataclass(frozen=True, slots=True)
class Database:
    path: Path
    """The SQLite file. Whatever the engine, its folder holds the key file and the pictures."""
    url: str = field(default="", repr=False)
    """`postgresql://user:password@host:port/name`; empty: SQLite."""

    @classmethod
    def chosen(cls, settings: DatabaseSettings) -> Self:
        return cls(settings.path, settings.server)

    @property
    def folder(self) -> Path:
        return self.path.parent

    def __str__(self) -> str:
        """For people: never with the password."""
        if not self.url:
            return str(self.path)
        parts = urlsplit(self.url)
        return f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
