"""What all commands share: the loop they run on, the clock, exit codes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

try:
    import uvloop
except ImportError:  # Windows has none; the standard loop does there
    uvloop = None  # type: ignore[assignment]

EXIT_REFUSED = 1
SHOWN_FROM = 5000
"""Lines of a file from which on a command shows how far it is."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run on uvloop where it exists."""
    return (asyncio if uvloop is None else uvloop).run(work)
