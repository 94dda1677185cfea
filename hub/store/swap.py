"""Takes several files' places at once: after a crash all of them are new, or all are old.

What shall be there is prepared beside the database. Then one small file, the journal, says what
goes where: from the moment it exists the exchange happens, if not now then whenever the database is
opened next. Each step can be done again.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loguru import logger

from hub.errors import StoreError

JOURNAL = "exchange.json"
STAGING = ".restoring-"
"""Begins the names of folders in which something is prepared."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """`new` takes the place of `target`; None: `target` only goes away. What was there is kept as
    `kept`."""

    new: Path | None
    target: Path
    kept: Path


def exchange(folder: Path, steps: Sequence[Exchange]) -> None:
    """Do all of it or nothing. The caller holds the lock of the database in `folder`.

    Raises OSError with everything as it was.
    """
    rows = []
    for step in steps:
        if step.new is not None:
            _persist(step.new)
        rows.append(
            [str(one.absolute()) if one else "" for one in (step.new, step.target, step.kept)]
        )
    text = json.dumps(rows)
    draft = folder / f".{JOURNAL}"
    draft.write_text(text, encoding="utf-8")
    _persist(draft)
    draft.replace(folder / JOURNAL)
    _persist(folder)
    finish(folder)


def under_way(folder: Path) -> bool:
    return (folder / JOURNAL).exists()


def finish(folder: Path) -> bool:
    """Complete an exchange that was decided and cut short, and clear away what never was.

    The caller holds the lock. True: there was one. Raises StoreError if a step cannot be done; it
    can be tried again then.
    """
    journal = folder / JOURNAL
    try:
        steps = _read(journal)
        for step in steps or ():
            _do(step)
        if steps is not None:
            _persist(folder)
            journal.unlink()
    except (OSError, ValueError) as error:
        raise StoreError(
            f"a restore was cut short and cannot be completed ({error}); mend that, {journal} says "
            "what goes where"
        ) from error
    for rest in folder.glob(f"{STAGING}*"):
        shutil.rmtree(rest, ignore_errors=True)
    if steps:
        logger.info("{} files were exchanged; the old ones are in {}", len(steps), folder)
    return steps is not None


def _read(journal: Path) -> list[Exchange] | None:
    try:
        rows = json.loads(journal.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return [Exchange(Path(n) if n else None, Path(t), Path(k)) for n, t, k in rows]


def _do(step: Exchange) -> None:
    if step.new is not None and not step.new.exists():
        return  # done before
    if step.target.exists() and not step.kept.exists():
        step.kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _move(step.target, step.kept)
    if step.new is None:
        step.target.unlink(missing_ok=True)
    else:
        step.target.parent.mkdir(parents=True, exist_ok=True)
        _move(step.new, step.target)
        _persist(step.target.parent)


def _move(source: Path, target: Path) -> None:
    """Also onto another file system, where the target appears complete; and into a file that is
    mounted by itself, which cannot be replaced, only written."""
    try:
        source.replace(target)
        return
    except OSError:
        draft = target.with_name(f".{target.name}.half")
        shutil.copy2(source, draft)
    _persist(draft)
    try:
        draft.replace(target)
    except OSError:
        shutil.copyfile(draft, target)
        _persist(target)
        draft.unlink()
    with suppress(OSError):
        source.unlink()


def _persist(path: Path) -> None:
    """Whatever happens to the power, it stays."""
    if sys.platform == "win32":
        return  # it flushes handles that may write only, and folders not at all
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
