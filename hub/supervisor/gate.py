"""The way to the platform for many accounts: one after the other, not all at once."""

from __future__ import annotations

import asyncio
import random

JITTER = 0.25
"""Part of the time between two turns by which it varies: nobody dials like clockwork."""


class Gate:
    """Gives out turns in the order they are asked for; the first one is immediate.

    Shared by all lines of the hub. However many fall together, and however long this machine was
    busy with something else, the platform sees them come back one by one.
    """

    def __init__(self, per_second: float) -> None:
        self._spacing = 1 / per_second
        self._next = 0.0
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Wait for the next turn. Whoever is cancelled meanwhile costs the others nothing."""
        loop = asyncio.get_running_loop()
        async with self._queue:
            await asyncio.sleep(self._next - loop.time())
            jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads, guards nothing
            # From the moment it was really taken: turns that are late are not made up for.
            self._next = loop.time() + self._spacing * jitter
