"""An original that somebody brought to us, and what an import says about it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file while it arrives; its chunks can be had once, before the next file."""

    field: str
    name: str
    """What the browser says; empty: none was chosen."""
    chunks: AsyncIterator[bytes]


class ImportStage(StrEnum):
    LOOKING = "looking"
    """It is found out what would come over; nothing is written."""
    LOOKED = "looked"
    """The report lies before a person, who says whether it is to be done."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """It cannot be brought over at all."""


@dataclass(frozen=True, slots=True)
class ImportedPart:
    """What a report says about one kind of things."""

    summary: str
    lines: tuple[tuple[str, str], ...]
    """A mark for what became of it, and the words."""


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """A report laid out for people; it holds no secrets."""

    dry: bool
    title: str
    about: tuple[str, ...]
    """Of the whole file."""
    changed: int
    """How many things came over, or would."""
    parts: tuple[ImportedPart, ...]
    secrets: str
    settings: str
    """Lines for our settings file; empty: none."""
    todo: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One original that was uploaded."""

    id: str
    name: str
    """As the file was called where it came from."""
    size: int
    """Bytes, with everything that came along."""
    stage: ImportStage
    at: datetime
    """When it came to this stage."""
    progress: str = ""
    summary: ImportSummary | None = None
    trouble: str = ""
    """Why it did not go on; at LOOKED, doing it again may help."""

    @property
    def busy(self) -> bool:
        return self.stage in (ImportStage.LOOKING, ImportStage.RUNNING)
