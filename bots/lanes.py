"""Bounded work: lanes run in parallel, within a lane one thing follows the other."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

T = TypeVar("T")


class Lanes(Generic[T]):
    """What is offered waits in its lane until one of `at_once` workers takes it.

    Offering never blocks, so that whoever reads a socket can go on reading: the work may be
    waiting for an answer on that very socket.
    """

    def __init__(
        self, work: Callable[[T], Awaitable[None]], *, at_once: int = 8, most: int = 500
    ) -> None:
        self._work = work
        self._at_once = at_once
        self._most = most
        self._waiting = 0
        self._lanes: dict[str, deque[T]] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()

    def waiting(self, lane: str) -> int:
        """How many things of a lane have not been finished."""
        return len(self._lanes.get(lane, ()))

    def offer(self, lane: str, thing: T) -> bool:
        """False: too much is waiting, the thing was not taken."""
        if self._waiting >= self._most:
            return False
        self._waiting += 1
        queue = self._lanes.get(lane)
        if queue is None:
            self._lanes[lane] = deque((thing,))
            self._ready.put_nowait(lane)
        else:
            queue.append(thing)
        return True

    async def run(self) -> None:
        """Work until cancelled; what still waits then is dropped, and the lanes start empty.

        The group is anyio's: it repeats a cancellation until it is obeyed. NoneBot's shielded
        matchers swallow asyncio's, which is said only once, and the worker would live on.
        """
        self._lanes.clear()
        self._waiting = 0
        self._ready = asyncio.Queue()
        async with anyio.create_task_group() as group:
            for number in range(self._at_once):
                group.start_soon(self._labour, name=f"qq lane worker {number}")

    async def _labour(self) -> None:
        while True:
            lane = await self._ready.get()
            queue = self._lanes[lane]
            try:
                await self._work(queue[0])
            finally:
                queue.popleft()
                self._waiting -= 1
                if queue:
                    self._ready.put_nowait(lane)
                else:
                    del self._lanes[lane]
