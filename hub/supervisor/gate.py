"""The way to the platform for many accounts: one after the other, not all at once."""

from __future__ import annotations

import asyncio
import random

JITTER = 0.25
"""Part of the time between two turns by which it varies: nobody dials like clockwork."""


class Gate:
    """Gives out turns in the order they are asked for; the first one is immediate.

    Shared by all lines of the hub. However many fall together, and however long this machine was
    busy with something else, the platform sees them come back one by one. Ways out of their own
    have turns of their own: to the platform they are different people.
    """

    def __init__(self, per_second: float) -> None:
        self._spacing = 1 / per_second
        self._ways: dict[str | None, _Way] = {}

    async def turn(self, way_out: str | None = None) -> None:
        """Wait for the next turn through a proxy, or directly (None). Whoever is cancelled
        meanwhile costs the others nothing."""
        way = self._ways.setdefault(way_out, _Way())
        loop = asyncio.get_running_loop()
        async with way.queue:
            await asyncio.sleep(way.next - loop.time())
            jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads, guards nothing
            # From the moment it was really taken: turns that are late are not made up for.
            way.next = loop.time() + self._spacing * jitter


class _Way:
    def __init__(self) -> None:
        self.queue = asyncio.Lock()
        self.next = 0.0
        """Seconds of the loop's clock."""
