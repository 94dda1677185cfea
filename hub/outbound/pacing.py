"""Turns: at least so long between two effects of the same key."""

from __future__ import annotations

import asyncio


class Pacer:
    """Gives out turns in the order they are asked for; the first one is immediate."""

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._next: dict[str, float] = {}

    async def turn(self, key: str) -> None:
        """Wait for the next turn of `key`. Keys are few: accounts and bots."""
        if not self._spacing:
            return
        now = asyncio.get_running_loop().time()
        at = max(now, self._next.get(key, now))
        self._next[key] = at + self._spacing
        if at > now:
            await asyncio.sleep(at - now)
