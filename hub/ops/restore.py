"""Bringing a backup back: looked at from end to end first, then all of it at once or none."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from hub.errors import Conflict, InUse, Invalid, SettingsError, StoreError, Unavailable
from hub.ops.archive import DATABASE, SEALED, Manifest, check_database, read_manifest, unpack
from hub.ops.kept import RECORD, Kept, Place, free_folder
from hub.ops.sealing import Secrets, unseal
from hub.ops.stand_in import STAND_IN, as_file
from hub.settings import Settings, load_settings
from hub.store import (
    KEY_FILE,
    STAGING,
    Contents,
    Exchange,
    Rewind,
    carry_given_out,
    contents,
    copy_database,
    exchange,
    finish,
    locked,
    merge,
    opens,
    read_key,
    read_rewind,
    under_way,
    write_rewind,
)
from hub.text import backups as words

GROUPS = ("rules", "canned", "pools", "delivery-rules")
"""Parts of a database that can be brought back alone, in an order in which they refer to others."""
PARTS = ("database", "pictures", "config", *GROUPS)
SIDES = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a database."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be restored. `key`: the text of the key file that was kept apart."""

    archive: Path
    only: Collection[str] = ()
    """Empty: everything."""
    passphrase: str = ""
    """Empty: that of the settings, if they have one."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Restored:
    parts: Sequence[str]
    kept: Path | None
    """Where the files lie that were replaced; None: there were none."""
    warnings: Sequence[str]


@dataclass(slots=True)
class _Work:
    """One restore while it is prepared: the archive lies unpacked in `staging`."""

    wish: Wish
    settings: Settings
    config: Path
    staging: Path
    kept: Path
    manifest: Manifest
    found: Contents
    now: datetime
    sealed: Secrets | None = None
    steps: list[Exchange] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.settings.database.path.parent


def checked_parts(only: Collection[str]) -> None:
    """Raises Invalid for a part that there is not, or two that exclude each other."""
    for name in only:
        if name not in PARTS:
            raise Invalid(words.unknown_part(name, PARTS))
    if "database" in only and any(one in GROUPS for one in only):
        raise Invalid(words.WHOLE_AND_PART)


def restore(
    settings: Settings, config: Path, wish: Wish, *, now: datetime, do: bool = True
) -> Restored:
    """Bring it back, or with `do` False only tell what would come back. Blocks.

    Raises Invalid or Unavailable with one sentence: then nothing was changed.
    """
    checked_parts(wish.only)
    read_manifest(wish.archive)
    with as_file(settings, do=do) as local:
        return _restore(local, config, wish, now=now, do=do)


def _restore(settings: Settings, config: Path, wish: Wish, *, now: datetime, do: bool) -> Restored:
    path = settings.database.path
    with translated(path), alone(path) as folder, staging_in(folder) as staging:
        work = _prepare(settings, config, wish, staging, now)
        return _carry_out(work) if do else Restored(work.parts, None, work.warnings)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """What the disk and the store say is one sentence for whoever restores the database `path`."""
    try:
        yield
    except OSError as error:
        why = words.cannot_write(error.filename or path, str(error.strerror))
        raise Unavailable(why) from error
    except StoreError as error:
        why = _cut_short(path) if under_way(path.parent) else str(error)
        raise Unavailable(why) from error


def _cut_short(path: Path) -> str:
    """A hub on a server does not go on with what it does not open."""
    return words.CUT_SHORT_NOW_ON_SERVER if path.name == STAND_IN else words.CUT_SHORT_NOW


@contextmanager
def alone(database: Path) -> Iterator[Path]:
    """The folder of the database while nobody else is at it. Raises Unavailable if somebody is."""
    folder = database.parent
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with locked(database):
            finish(folder)
            yield folder
    except InUse:
        raise Unavailable(words.running(database)) from None


@contextmanager
def staging_in(folder: Path) -> Iterator[Path]:
    """On the same file system as what it is to replace."""
    staging = folder / f"{STAGING}{secrets.token_hex(4)}"
    staging.mkdir(mode=0o700)
    try:
        yield staging
    finally:
        if not under_way(folder):  # else it is still needed, whatever went wrong
            shutil.rmtree(staging, ignore_errors=True)


def _prepare(settings: Settings, config: Path, wish: Wish, staging: Path, now: datetime) -> _Work:
    """Everything that can go wrong goes wrong in here."""
    manifest = unpack(wish.archive, staging)
    found = check_database(staging / DATABASE, wish.archive.name, manifest)
    kept = free_folder(settings.database.path.parent, now, settings.text.timezone)
    work = _Work(wish, settings, config, staging, kept, manifest, found, now)
    if manifest.sealed:
        work.sealed = _unsealed(work)
    wanted = set(wish.only) or {"database", "pictures", "config"}
    if "database" in wanted:
        _plan_database(work)
    elif any(group in wanted for group in GROUPS) and not settings.database.path.is_file():
        raise Invalid(words.nothing_there(settings.database.path))
    if "config" in wanted:
        _plan_config(work)
    work.parts += [words.PARTS[group] for group in GROUPS if group in wanted]
    shown = {"pictures", "pools", "rules"} & wanted
    if shown and (staging / "pictures").is_dir():
        work.parts.append(words.PARTS["pictures"])
    return work


def _unsealed(work: _Work) -> Secrets | None:
    """None: nobody said how, or the passphrase of the settings is another one by now, which matters
    only where the key is needed. Raises Invalid if one was given for this and is wrong."""
    sealed = (work.staging / SEALED).read_text(encoding="utf-8")
    if work.wish.passphrase:
        return unseal(sealed, work.wish.passphrase)
    if not work.settings.backup.passphrase:
        return None
    try:
        return unseal(sealed, work.settings.backup.passphrase)
    except Invalid:
        work.warnings.append(words.OTHER_PASSPHRASE)
        return None


def _carry_out(work: _Work) -> Restored:
    groups = [group for group in GROUPS if group in work.wish.only]
    _bring_pictures(work)
    record = _record(work, of_database=bool(groups))
    if groups:
        _merge(work, groups, record)
    elif any(one.existed for one in record.places):
        written = write_private(work.staging / RECORD, record.text())
        work.steps.append(Exchange(written, work.kept / RECORD, work.kept / f"{RECORD}.none"))
    if work.steps:
        exchange(work.folder, work.steps)
    kept = work.kept if work.kept.exists() else None
    return Restored(work.parts, kept, work.warnings)


def _record(work: _Work, *, of_database: bool) -> Kept:
    """`of_database`: a copy of it is kept, that needs nothing beside it."""
    places = [
        Place(step.target, str(step.kept.relative_to(work.kept)), step.target.exists())
        for step in work.steps
    ]
    path = work.settings.database.path
    if of_database:
        places.append(Place(path.resolve(), path.name, existed=True))
    return Kept(work.kept, work.now, path.name, places)


def _plan_database(work: _Work) -> None:
    path = work.settings.database.path
    real = path.resolve()  # a link stays one
    _plan_key(work)
    coming = work.staging / DATABASE
    moved = _has_moved(work)
    before = read_rewind(coming)  # of a backup that was made before a hub had minded it
    if before is not None and before.moved:
        write_rewind(coming, replace(before, kept=work.kept.name))
    else:
        write_rewind(coming, Rewind(work.manifest.made_at, moved, work.kept.name))
    work.steps.append(Exchange(coming, real, work.kept / path.name))
    for side in SIDES:
        name = real.name + side
        work.steps.append(Exchange(None, real.with_name(name), work.kept / (path.name + side)))
    work.parts.append(words.PARTS["database"])


def _plan_key(work: _Work) -> None:
    """The key must open what comes back, or it is refused while the old one is still in place."""
    check, setting = work.found.key_check, work.settings.database.key
    if setting:
        if not opens(setting, check):
            raise Invalid(words.FOREIGN_KEY)
        return
    here = read_key(work.folder)
    if here is not None and opens(here, check):
        return
    given = work.wish.key or (work.sealed.key if work.sealed else "")
    if not given or not opens(given, check):
        sealed = work.manifest.sealed and work.sealed is None and not work.wish.key
        raise Invalid(words.NEED_PASSPHRASE if sealed else words.NEED_KEY)
    new = write_private(work.staging / KEY_FILE, given.strip() + "\n")
    work.steps.append(Exchange(new, work.folder / KEY_FILE, work.kept / KEY_FILE))
    work.parts.append(words.PARTS["key"])


def _has_moved(work: _Work) -> bool:
    """False only where the database that is replaced proves that nothing was sent since. What it
    gave out is not free in the one that comes back."""
    path = work.settings.database.path
    if not path.is_file():
        return True
    try:
        copy = work.staging / "present.db"
        copy_database(path, copy)
        before = read_rewind(copy)
        moved = compare(copy, work.staging / DATABASE, work.warnings, now=work.now)
        copy.unlink()
    except StoreError:
        work.warnings.append(words.CARDS_UNKNOWN)
        return True
    return moved or (before is not None and before.moved)


def compare(present: Path, coming: Path, warnings: list[str], *, now: datetime) -> bool:
    """Whether anything may have been sent that `coming` does not know; the cards that `present`
    knows as given out are that in `coming` too. Raises StoreError if one cannot be read."""
    here, there = contents(present), contents(coming)
    if (here.key_check, here.progress) == (there.key_check, there.progress):
        return False
    if here.key_check != there.key_check:
        return True  # of another shop: nothing to compare
    if here.schema != there.schema:
        warnings.append(words.CARDS_UNKNOWN)
        return True
    carried = carry_given_out(
        coming, present, why=words.CARRIED, unused=words.NUMBER_UNUSED, now=now
    )
    if carried:
        warnings.append(words.carried(carried))
    return True


def _plan_config(work: _Work) -> None:
    """Only what differs; a place where nothing can be written is told of and left alone."""
    pairs, what = [], words.PARTS["config"]
    if work.sealed is not None and work.sealed.config is not None:
        full = write_private(work.staging / "hub.yml", work.sealed.config)
        pairs.append((full, work.config))
    elif (blank := work.staging / "config" / "hub.yml").is_file() and not work.config.exists():
        # One that is there knows its secrets, and these would be lost.
        pairs.append((blank, work.config))
        work.warnings.append(words.CONFIG_BLANK)
    elif blank.is_file():
        what = words.CONFIG_BUT_SETTINGS
        work.warnings.append(words.CONFIG_LEFT)
    prompts = work.staging / "config" / "prompts"
    if prompts.is_dir():
        pairs += [(one, work.settings.ai.prompts / one.name) for one in sorted(prompts.iterdir())]
    forbidden = work.staging / "config" / "words" / "forbidden.txt"
    if forbidden.is_file():
        pairs.append((forbidden, work.settings.bargain.forbidden_words))
    differing = [(new, target) for new, target in pairs if not _same(new, target)]
    if not all(is_writable(target) for _, target in differing):
        work.warnings.append(words.CONFIG_LOCKED)
        return
    for number, (new, target) in enumerate(differing):
        work.steps.append(Exchange(new, target, work.kept / "config" / f"{number}-{target.name}"))
    if pairs:
        work.parts.append(what)
    _warn_of_other_place(work)


def _warn_of_other_place(work: _Work) -> None:
    new = next((step.new for step in work.steps if step.target == work.config), None)
    if new is None:
        return
    try:
        said = load_settings(new).database.path
    except SettingsError as error:
        work.warnings.append(str(error))
        return
    here = work.settings.database.path
    if here.name != STAND_IN and said.absolute() != here.absolute():
        work.warnings.append(words.other_place(said, work.settings.database.path))


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def is_writable(target: Path) -> bool:
    folder = next(one for one in target.absolute().parents if one.exists())
    return os.access(folder, os.W_OK) and not _is_mounted_read_only(target)


def _is_mounted_read_only(file: Path) -> bool:
    """Containers are given single files, in a folder that can be written to."""
    if sys.platform == "win32" or not file.exists():
        return False
    return bool(os.statvfs(file).f_flag & os.ST_RDONLY)


def _bring_pictures(work: _Work) -> None:
    """Their names say what is in them: more of them never hurts, and each comes whole."""
    for source in sorted((work.staging / "pictures").glob("*/*")):
        target = work.folder / "pictures" / source.parent.name / source.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            half = target.with_name(f"{target.name}.half")
            shutil.move(source, half)  # the pictures may lie on another disk
            half.replace(target)


def _merge(work: _Work, groups: Sequence[str], record: Kept) -> None:
    path = work.settings.database.path
    work.kept.mkdir(mode=0o700)
    copy_database(path, work.kept / path.name)
    write_private(work.kept / RECORD, record.text())
    key = work.settings.database.key or read_key(work.folder) or ""
    given = work.wish.key or (work.sealed.key if work.sealed else "")
    try:
        done = merge(path, work.staging / DATABASE, groups, key=key, other_key=given, now=work.now)
    except StoreError as error:
        shutil.rmtree(work.kept, ignore_errors=True)  # nothing was replaced
        if isinstance(error, Conflict):
            raise Invalid(str(error)) from None
        raise
    told = [words.group_done(one.group, one.came, one.left) for one in done]
    alone = [words.PARTS[group] for group in groups]
    work.parts[:] = told + [part for part in work.parts if part not in alone]
    if any(one.switched_off for one in done):
        work.warnings.append(words.POOLS_OFF)
    if any(one.without_supplier for one in done):
        work.warnings.append(words.NO_SUPPLIER)


def write_private(path: Path, text: str) -> Path:
    handle = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path
