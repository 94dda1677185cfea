"""Whether the database went back in time: what was done after that is not known in it (L22).

A restore writes so into the database that it brings, and a server is asked which timeline it is
on. Both are looked at before anything else is written.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from hub.errors import StoreError
from hub.store.codec import moment
from hub.store.lock import locked
from hub.store.opening import is_ours
from hub.store.sql import Sql, Statement

T = TypeVar("T")

TIMELINE = "timeline"
_REWIND = "rewind"
_GET = Statement("SELECT value FROM installation WHERE name = :name")
_SET = Statement(
    "INSERT INTO installation (name, value) VALUES (:name, :value)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)
_REMOVE = Statement("DELETE FROM installation WHERE name = :name")
_LAST_SEEN = Statement(
    "SELECT max(at) FROM (SELECT max(seen_at) AS at FROM nodes"
    " UNION ALL SELECT max(settled_at) FROM outbox) AS seen"
)
_LEAPS = tuple(
    Statement(f"SELECT setval('{table}_id_seq', last_value + 1000000) FROM {table}_id_seq")  # noqa: S608 - a name of ours
    for table in ("outbox", "deliveries")
)
_KNOWN = "postgresql.timeline"
_LONG = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Which database on which server a connection leads to, and on which of its timelines."""

    database: str
    """Another one after a dump was brought back."""
    number: int
    """A standby that takes over begins the next one."""
    behind: bool = False
    """This node has been on a later one, or on another database: it is an old server that came
    back, or that somebody went back to."""

    def text(self) -> str:
        return f"{self.database}/{self.number}"


NO_TIMELINE = Timeline("", 0)
"""Where no connection leads to."""


def timeline_of(text: str) -> Timeline:
    """Of a text that is none, one that no connection leads to."""
    database, _, number = text.rpartition("/")
    return Timeline(database, int(number) if number.isdecimal() else 0)


def known_timeline(folder: Path) -> Timeline | None:
    """The last one that the node with this data folder was on."""
    try:
        return timeline_of((folder / _KNOWN).read_text("ascii"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return NO_TIMELINE


def note_timeline(folder: Path, timeline: Timeline) -> None:
    """It is what `known_timeline` says from now on. Raises OSError."""
    draft = folder / f".{_KNOWN}"
    draft.write_text(timeline.text(), "ascii")
    draft.replace(folder / _KNOWN)


def _leave_server(folder: Path) -> None:
    """If one was used with this data folder. No connection is on the timeline that is noted, so
    whoever comes back to any server is behind."""
    if (folder / _KNOWN).exists():
        note_timeline(folder, NO_TIMELINE)


@dataclass(frozen=True, slots=True)
class Switch:
    """The database is on another timeline than the one that it was last written on."""

    at: datetime
    """Of this time is what it holds, as far as anybody can tell."""
    onward: bool
    """A standby took over what was there; else anything may have happened."""


@dataclass(frozen=True, slots=True)
class Rewind:
    at: datetime
    """Of this time is what the database holds."""
    moved: bool
    """Since then something may have been sent that it does not know."""
    kept: str = ""
    """The folder with what a restore took the place of, by its name."""
    left: bool = False
    """Since then a server was used instead of this file."""

    def text(self) -> str:
        said = {"at": self.at.isoformat(), "moved": self.moved, "kept": self.kept}
        return json.dumps(said | ({"left": True} if self.left else {}))


def _rewind_of(text: str) -> Rewind:
    fields = json.loads(text)
    at = datetime.fromisoformat(fields["at"])
    return Rewind(at, fields["moved"], fields["kept"], fields.get("left", False))


def read_rewind(path: Path) -> Rewind | None:
    """What a file that nobody works on says of itself; None: nothing, or a hub has minded it.

    Raises StoreError if it cannot be read.
    """
    return _in_file(path, lambda sql: _row(sql.execute(_GET.text, {"name": _REWIND}).fetchone()))


def write_rewind(path: Path, rewind: Rewind) -> None:
    """In the place of what it said before. Raises StoreError."""
    _in_file(path, lambda sql: sql.execute(_SET.text, {"name": _REWIND, "value": rewind.text()}))


def leave_unused(path: Path, now: datetime, *, server: bool) -> None:
    """A hub works on the file at `path`, or on a `server`: whoever comes back to the other one
    shall know that it is of this time. Raises InUse, OSError or StoreError where that cannot be
    said."""
    if server:
        _leave_file(path, now)
    else:
        _leave_server(path.parent)


def _leave_file(path: Path, now: datetime) -> None:
    """If it is one of ours; what an earlier leaving said of it stays."""
    if not is_ours(path):
        return
    with locked(path):
        before = read_rewind(path)
        if before is None or not before.left:
            at = now if before is None else before.at
            write_rewind(path, Rewind(at, moved=True, left=True))


def _row(row: tuple[str] | None) -> Rewind | None:
    return None if row is None else _rewind_of(row[0])


def _in_file(path: Path, work: Callable[[sqlite3.Connection], T]) -> T:
    try:
        with closing(sqlite3.connect(path)) as sql, sql:
            return work(sql)
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} cannot be asked about its past: {error}") from error


class Rewinds:
    __slots__ = ("_clock", "_sql")

    def __init__(self, sql: Sql, clock: Callable[[], datetime]) -> None:
        self._sql = sql
        self._clock = clock

    def take(self) -> Rewind | None:
        """What a restore has left to be minded; whoever takes it minds it in the same unit."""
        text = self._sql.value(_GET, name=_REWIND)
        if text is None:
            return None
        self._sql.run(_REMOVE, name=_REWIND)
        return _rewind_of(text)

    def follow(self, timeline: Timeline) -> Switch | None:
        """It is the one from now on; None: as so far. Of another one what was committed last may be
        missing; since when nobody can tell, so since a node was last seen or a task ended. Numbers
        that may be missing, and that somebody may still have in hand, are given to no others. A
        database that was on none is new, or was just restored, which has its own word."""
        text = self._sql.value(_GET, name=TIMELINE)
        if text == timeline.text() and not timeline.behind:
            return None
        self._sql.run(_SET, name=TIMELINE, value=timeline.text())
        if text is None:
            return None
        for leap in _LEAPS:
            self._sql.value(leap)
        seen = self._sql.value(_LAST_SEEN)
        known = timeline_of(text)
        return Switch(
            self._clock() - _LONG if seen is None else moment(seen),
            known.database == timeline.database
            and known.number < timeline.number
            and not timeline.behind,
        )
