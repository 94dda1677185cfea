"""A database of the original where ours should be: it is moved out of the way, whole.

Its log goes with it, before the file itself, and the old names go last: whenever this is cut short,
one complete set is there and doing it again ends it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from hub.errors import Invalid, StoreError
from hub.store.lock import locked
from hub.store.originals import open_original

ASIDE = ".original"
_BESIDE = ("-wal", "-journal", "-shm")


def is_original(path: Path) -> bool:
    """Whether this is a database of the original. One that is too new, or too broken, is none that
    can be brought over, so it is none."""
    try:
        with open_original(path):
            return True
    except Invalid:
        return False


def set_aside(path: Path) -> Path | None:
    """Move a database of the original away; returns where it lies now. None: there is none here.

    Raises InUse if another hub is at it, StoreError where the folder cannot be written.
    """
    if not path.is_file() or not is_original(path):
        return None
    try:
        with locked(path):
            target = _free(path)
            for suffix in ("-wal", "-journal", ""):
                _copy(_beside(path, suffix), _beside(target, suffix))
            for suffix in ("", *_BESIDE):
                _beside(path, suffix).unlink(missing_ok=True)
                _keep_private(_beside(target, suffix))
    except OSError as error:
        raise StoreError(f"cannot move {path} aside: {error.strerror or error}") from error
    return target


def _keep_private(file: Path) -> None:
    """Logins stand in it in clear. What lies elsewhere, behind a link, is not ours to change."""
    if not file.is_symlink():
        with suppress(OSError):
            file.chmod(0o600)


def set_aside_before(path: Path) -> list[Path]:
    """What lies aside of this database, the oldest first."""
    found = path.parent.glob(f"{path.name}{ASIDE}*")
    return sorted(one for one in found if _is_aside(one.name.removeprefix(path.name)))


def _is_aside(ending: str) -> bool:
    number = ending.removeprefix(ASIDE)
    return not number or (number[0] == "." and number[1:].isdecimal())


def _free(path: Path) -> Path:
    """A name that nobody has; one that a run before this did not finish counts as free."""
    number = 1
    while True:
        target = path.with_name(f"{path.name}{ASIDE}{'' if number == 1 else f'.{number}'}")
        if not target.exists() or target.samefile(path):
            return target
        number += 1


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _copy(source: Path, target: Path) -> None:
    """Under another name, complete or not at all."""
    if not source.exists() or (target.exists() and target.samefile(source)):
        return
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        half = _beside(target, ".half")
        shutil.copy2(source, half)
        with suppress(OSError), half.open("rb") as file:
            os.fsync(file.fileno())
        half.replace(target)
