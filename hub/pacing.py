"""Turns: at least so long between two effects of the same key."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

PATIENCE = 3.0
"""Seconds that a turn is waited for. Whoever waits holds one of the worker's places, and those are
for everybody."""


@dataclass(slots=True)
class _Line:
    """Who waits at one key."""

    free_at: float
    """When the next turn may be given out, in the loop's time."""
    ahead: deque[asyncio.Future[None]] = field(default_factory=deque)
    others: deque[asyncio.Future[None]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None
    asking_again_at: float = 0.0

    @property
    def waiting(self) -> int:
        return len(self.ahead) + len(self.others)


class Pacer:
    """Gives out turns in the order they are asked for; the first one is immediate.

    Whoever may go `ahead` passes all who may not, and keeps its place among its like. Whoever stops
    waiting holds nobody up: the turn goes to the next.

    A turn that is far away is not waited for: that would hold places which are for everybody. The
    caller is told when to ask again.
    """

    def __init__(
        self,
        spacing: float,
        *,
        jitter: float = 0.0,
        patience: float = PATIENCE,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`spacing`: least seconds between two turns. `jitter`: the part of it, 0..1, by which a
        gap is longer at most. `patience`: longest wait in seconds; infinite: until it comes."""
        self._spacing = spacing
        self._jitter = jitter
        self._patience = patience
        self._chance = chance
        self._lines: dict[str, _Line] = {}

    def take(self, key: str) -> bool:
        """Take a turn that is free right now; False: it is not time yet, or others wait."""
        if not self._spacing:
            return True
        line, now = self._line(key)
        if line.waiting or now < line.free_at:
            return False
        self._use(line, now)
        return True

    async def turn(self, key: str, *, ahead: bool = False) -> float:
        """Wait for the next turn of `key` and return 0, or return in how many seconds to ask
        again. Keys are few: accounts and bots.
        """
        if self.take(key):
            return 0.0
        line, now = self._line(key)
        before = len(line.ahead) if ahead else line.waiting
        at = max(now, line.free_at) + before * self._usual
        if at - now > self._patience:
            return self._ask_again(line, at, ahead=ahead) - now
        return await self._wait(line, line.ahead if ahead else line.others)

    @property
    def _usual(self) -> float:
        return self._spacing * (1 + self._jitter / 2)

    def _line(self, key: str) -> tuple[_Line, float]:
        now = asyncio.get_running_loop().time()
        return self._lines.setdefault(key, _Line(now)), now

    def _use(self, line: _Line, now: float) -> None:
        line.free_at = now + self._spacing * (1 + self._jitter * self._chance())

    def _ask_again(self, line: _Line, at: float, *, ahead: bool) -> float:
        """Not all at the same moment, or most of them would be sent away again."""
        if ahead:
            return at
        line.asking_again_at = max(at, line.asking_again_at + self._usual)
        return line.asking_again_at

    async def _wait(self, line: _Line, queue: deque[asyncio.Future[None]]) -> float:
        place = asyncio.get_running_loop().create_future()
        queue.append(place)
        self._set_timer(line)
        try:
            # Those who go ahead may come faster than turns: then this one is not worth its place.
            async with asyncio.timeout(None if math.isinf(self._patience) else self._patience):
                await place
        except TimeoutError:
            return self._usual
        finally:
            with suppress(ValueError):  # it came
                queue.remove(place)
        return 0.0

    def _set_timer(self, line: _Line) -> None:
        if line.timer is None and line.waiting:
            loop = asyncio.get_running_loop()
            line.timer = loop.call_at(line.free_at, self._give_out, line)

    def _give_out(self, line: _Line) -> None:
        line.timer = None
        while line.waiting:
            place = (line.ahead or line.others).popleft()
            if not place.done():
                place.set_result(None)
                self._use(line, asyncio.get_running_loop().time())
                break
        self._set_timer(line)
