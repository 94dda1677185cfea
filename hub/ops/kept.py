"""What a restore took the place of, kept beside the database with a record of where it belongs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.errors import Invalid
from hub.text import backups as words

KEPT = "before-restore-"
"""Begins the names of the folders."""
RECORD = "kept.json"


@dataclass(frozen=True, slots=True)
class Place:
    """One file. `existed`: it was there; if not, taking back means that it goes."""

    target: Path
    name: str
    """Under which it lies in the folder, if it was replaced."""
    existed: bool


@dataclass(frozen=True, slots=True)
class Kept:
    folder: Path
    at: datetime
    """When it was replaced."""
    database: str
    """The name of the database's file."""
    places: Sequence[Place]

    def text(self) -> str:
        data = self.folder.parent
        places = [[_within(data, one.target), one.name, one.existed] for one in self.places]
        said = {"at": self.at.isoformat(), "database": self.database, "places": places}
        return json.dumps(said, ensure_ascii=False, indent=1)


def _within(data: Path, target: Path) -> str:
    """Relative below the data folder, which may be mounted elsewhere the next time."""
    target, data = target.absolute(), data.absolute()
    return str(target.relative_to(data) if data in target.parents else target)


def free_folder(data: Path, now: datetime, zone: str) -> Path:
    """Named by the clock of the shop, as backups are. Never one that is there: what it keeps would
    be lost (clocks are set back)."""
    stem = f"{KEPT}{now.astimezone(ZoneInfo(zone)):%Y%m%d-%H%M%S}"
    names = (stem, *(f"{stem}-{number}" for number in range(2, 1000)))
    return next(one for name in names if not (one := data / name).exists())


def read_kept(folder: Path) -> Kept:
    """Raises Invalid, with one sentence, for a folder that is none of these."""
    try:
        fields = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        places = [
            Place(folder.parent / target, str(name), bool(existed))
            for target, name, existed in fields["places"]
        ]
        return Kept(folder, datetime.fromisoformat(fields["at"]), str(fields["database"]), places)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Invalid(words.nothing_kept(folder)) from error


def newest_kept(data: Path) -> Kept:
    """Of the restore before. Raises Invalid if there was none."""
    found = []
    for record in data.glob(f"{KEPT}*/{RECORD}"):
        found.append((record.stat().st_mtime_ns, record.parent))
    if not found:
        raise Invalid(words.nothing_kept(data))
    return read_kept(max(found)[1])
