"""Keeps a second process off the database file, and tells of two lives of a node which is over."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hub.errors import InUse

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30
    """Windows forbids others to read a locked byte; the holder's number must stay readable."""

    def _try_lock(handle: int) -> bool:
        os.lseek(handle, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Tells one run of the system's kernel from any other; where there is none, nothing does."""


@contextmanager
def node_home(folder: Path, name: str) -> Iterator[str]:
    """Hold the lock of that node while inside, and yield a name for it that no other lock has under
    this kernel. Whoever holds it next knows that we are dead. Empty: it cannot be held or named.
    """
    try:
        boot = BOOT.read_text("ascii").strip()
        handle = os.open(folder / f"node-{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield ""
        return
    try:
        yield _home(boot, handle)
    finally:
        os.close(handle)


def _home(boot: str, handle: int) -> str:
    try:
        file = os.fstat(handle)
        return f"{boot}:{file.st_dev}:{file.st_ino}" if boot and _try_lock(handle) else ""
    except OSError:  # a file system without locks
        return ""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the lock beside the database while inside.

    The operating system gives it back when the process ends, however it ends. The file stays: to
    remove it could take it away under a process that has just opened it. Raises InUse, or OSError
    where the file cannot be written.
    """
    place = database.resolve()  # by whatever links it is reached, the lock is the same
    file = place.with_name(place.name + ".lock")
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _try_lock(handle):
            holder = os.read(handle, 32).decode("ascii", "replace").strip() or "unknown"
            raise InUse(
                f"{database} is in use by another process (pid {holder}); stop that one first, "
                "or choose another file with DB_PATH"
            )
        os.ftruncate(handle, 0)
        os.write(handle, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(handle)
