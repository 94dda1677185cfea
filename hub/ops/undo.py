"""Taking a restore back: what it took the place of comes back, by copies, so that it stays kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.errors import Invalid, StoreError
from hub.ops.kept import RECORD, Kept, Place, free_folder, newest_kept, read_kept
from hub.ops.restore import (
    SIDES,
    Restored,
    alone,
    compare,
    is_writable,
    staging_in,
    translated,
    write_private,
)
from hub.ops.stand_in import as_file
from hub.settings import Settings
from hub.store import (
    Exchange,
    Rewind,
    contents,
    copy_database,
    exchange,
    known_schemas,
    opens,
    read_key,
    read_rewind,
    write_rewind,
)
from hub.text import backups as words


@dataclass(slots=True)
class _Undoing:
    settings: Settings
    last: Kept
    staging: Path
    kept: Path
    now: datetime
    steps: list[Exchange] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.settings.database.path.parent


def undo(
    settings: Settings, folder: Path | None = None, *, now: datetime, do: bool = True
) -> Restored:
    """Bring back what lies in `folder`, one of those that restores leave; None: the newest one.

    What it takes the place of is kept in the same way, so it can be taken back as well. Pictures
    that came stay. Raises Invalid or Unavailable with one sentence: then nothing was changed.
    """
    with as_file(settings, do=do) as local:
        return _undo(local, folder, now=now, do=do)


def _undo(settings: Settings, folder: Path | None, *, now: datetime, do: bool) -> Restored:
    path = settings.database.path
    with translated(path), alone(path) as data, staging_in(data) as staging:
        last = newest_kept(data) if folder is None else read_kept(folder.absolute())
        if last.database != path.name or last.folder.parent.resolve() != data.resolve():
            raise Invalid(words.kept_elsewhere(last.folder, path))
        kept = free_folder(data, now, settings.text.timezone)
        work = _Undoing(settings, last, staging, kept, now)
        _plan(work)
        parts = [
            words.as_before(last.at.astimezone(ZoneInfo(settings.text.timezone)), last.folder.name)
        ]
        if not do:
            return Restored(parts, None, work.warnings)
        exchange(data, work.steps)
        return Restored(parts, work.kept, work.warnings)


def _plan(work: _Undoing) -> None:
    place = {one.name: one for one in work.last.places}
    if work.last.database in place and (work.last.folder / work.last.database).is_file():
        _plan_database(work, place.pop(work.last.database).target)
    files = [one for one in place.values() if not _is_side(work, one)]
    for one in files:
        old = work.last.folder / one.name
        if one.existed and not old.is_file():
            continue  # it was never replaced
        if not is_writable(one.target):
            work.warnings.append(words.CONFIG_LOCKED)
            continue
        new = None
        if one.existed:
            new = work.staging / one.name
            new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            shutil.copy2(old, new)
        work.steps.append(Exchange(new, one.target, work.kept / one.name))
    places = [
        Place(step.target, str(step.kept.relative_to(work.kept)), step.target.exists())
        for step in work.steps
    ]
    record = Kept(work.kept, work.now, work.last.database, places).text()
    written = write_private(work.staging / RECORD, record)
    work.steps.append(Exchange(written, work.kept / RECORD, work.kept / f"{RECORD}.none"))


def _is_side(work: _Undoing, place: Place) -> bool:
    return place.name in {work.last.database + side for side in SIDES}


def _plan_database(work: _Undoing, target: Path) -> None:
    coming = work.staging / "coming.db"
    copy_database(work.last.folder / work.last.database, coming)  # with what its log holds
    found = contents(coming)
    if found.schema not in known_schemas():
        raise Invalid(words.newer(work.last.folder.name, "?"))
    if not opens(_key(work), found.key_check):
        raise Invalid(words.FOREIGN_KEY)
    rewind = _rewind(work, coming)
    if rewind is not None:
        write_rewind(coming, rewind)
    work.steps.append(Exchange(coming, target, work.kept / work.last.database))
    for side in SIDES:
        kept = work.kept / (work.last.database + side)
        work.steps.append(Exchange(None, target.with_name(target.name + side), kept))


def _key(work: _Undoing) -> str:
    """Which it will be."""
    if work.settings.database.key:
        return work.settings.database.key
    return read_key(work.last.folder) or read_key(work.data) or ""


def _rewind(work: _Undoing, coming: Path) -> Rewind | None:
    """For the hub's first start. None: what it says of itself goes on being true."""
    before = read_rewind(coming)
    at = work.last.at if before is None else before.at
    rewind = Rewind(at, moved=True, kept=work.kept.name)
    present = work.staging / "present.db"
    try:
        copy_database(work.settings.database.path, present)
        here = read_rewind(present)
        if here is not None and here.kept == work.last.folder.name:
            return None  # no hub ran since that restore: all is as if it had never been
        moved = compare(present, coming, work.warnings, now=work.now)
    except StoreError:
        work.warnings.append(words.CARDS_UNKNOWN)
        return rewind
    finally:
        present.unlink(missing_ok=True)
    return rewind if moved or any(one is not None and one.moved for one in (here, before)) else None
