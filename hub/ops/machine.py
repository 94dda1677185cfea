"""What the machine has left: room on the disk, memory of the container or of all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
_UNLIMITED = 1 << 60
"""Version 1 of the kernel's groups says this or more where there is no limit."""


def disk(folder: Path) -> tuple[int, int]:
    """Bytes in all and free bytes of the disk that the folder is on; zeros if nobody knows."""
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return 0, 0
    return found.total, found.free


def memory_limit() -> int:
    """How many bytes this process may use: of its container, else of the machine; 0: unknown."""
    for place in _LIMITS:
        try:
            limit = int(place.read_text())
        except (OSError, ValueError):  # none, or the word `max`
            continue
        if 0 < limit < _UNLIMITED:
            return limit
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 0
