"""Turns: at least so long between two effects of the same key."""

from __future__ import annotations

import asyncio

PATIENCE = 3.0
"""Seconds that a turn is waited for. Whoever waits holds one of the worker's places, and those are
for everybody."""


class Pacer:
    """Gives out turns in the order they are asked for; the first one is immediate.

    A turn that is far away is not given out: a promise that nobody keeps would cost all the others
    their time. The caller is told when to ask again.
    """

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._next: dict[str, float] = {}
        self._asking_again: dict[str, float] = {}

    async def turn(self, key: str) -> float:
        """Wait for the next turn of `key` and return 0, or return at once in how many seconds to
        ask again. Keys are few: accounts and bots.
        """
        if not self._spacing:
            return 0.0
        now = asyncio.get_running_loop().time()
        at = max(now, self._next.get(key, now))
        if at - now > PATIENCE:
            again = max(at, self._asking_again.get(key, at))
            self._asking_again[key] = again + self._spacing
            return again - now
        self._next[key] = at + self._spacing
        if at > now:
            await asyncio.sleep(at - now)
        return 0.0
