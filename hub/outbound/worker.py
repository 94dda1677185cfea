"""The one loop that takes due tasks from the outbox, has them performed and obeys the verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from loguru import logger

from hub.errors import StoreError
from hub.model import Task, TaskKind
from hub.store import Store, Tx

PERFORMANCE_SECONDS = 45.0
LEASE_MORE = 15.0
"""A lease is so many seconds longer than any one performance may take; a worker that died is
relieved after it."""
IDLE_SECONDS = 1.0
BROKEN_AGAIN = timedelta(seconds=30)
BROKEN_STORE_SECONDS = 60.0
"""How long a store that fails is borne with, such as one on a full disk."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A task in the hands of this worker."""

    task: Task
    holder: str


class Performer(Protocol):
    """Does one kind of task. It settles or releases the task itself, in one transaction with what
    the outcome changes, so that no crash can separate the two."""

    async def perform(self, claim: Claim) -> None: ...


class InOneUnit:
    """Performs what happens in the store alone: all of it, the settling included, in one unit of
    work."""

    def __init__(self, store: Store, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def perform(self, claim: Claim) -> None:
        await self._store.write(lambda tx: self._unit(tx, claim))

    def _unit(self, tx: Tx, claim: Claim) -> None:
        raise NotImplementedError


class Worker:
    """Claims tasks of the given kinds, at most `most` at a time, lanes in parallel."""

    def __init__(
        self,
        store: Store,
        performers: Mapping[TaskKind, Performer],
        *,
        holder: str,
        most: int,
        now: Callable[[], datetime],
        seconds: float = PERFORMANCE_SECONDS,
    ) -> None:
        """`seconds`: how long one performance may take before it is broken off."""
        self._store = store
        self._performers = performers
        self._kinds = frozenset(performers)
        self._holder = holder
        self._most = most
        self._now = now
        self._seconds = seconds
        self._lease = timedelta(seconds=seconds + LEASE_MORE)
        self._running = 0
        self._claiming = False
        self._freed = asyncio.Event()
        self._stopping = False
        self._store_broken_at: float | None = None

    async def run(self) -> None:
        """Work until cancelled. What is in hand then keeps its lease and its wire mark, and the
        next worker looks before it sends."""
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping:
                while self._running >= self._most:
                    self._freed.clear()
                    await self._freed.wait()
                self._claiming = True
                claimed, idle = await self._claim()
                for task in claimed:
                    self._running += 1
                    tasks.create_task(self._perform(task), name=f"task {task.id}")
                self._claiming = False
                self._freed.set()
                if idle and not self._stopping:
                    await self._store.wait_for_tasks(idle, self._kinds)

    async def stop(self) -> None:
        """Claim no more and return when what is in hand is settled."""
        self._stopping = True
        while self._running or self._claiming:
            self._freed.clear()
            await self._freed.wait()

    async def _claim(self) -> tuple[list[Task], float]:
        """What is due, and in how many seconds there may be more; 0 if not all of it was taken."""
        now, room = self._now(), self._most - self._running

        def unit(tx: Tx) -> tuple[list[Task], datetime | None]:
            claimed = tx.outbox.claim(self._holder, now, now + self._lease, room, self._kinds)
            return claimed, tx.outbox.next_due(self._holder)

        try:
            claimed, due_at = await self._store.write(unit)
        except StoreError as error:
            await self._bear(error)
            return [], IDLE_SECONDS
        self._store_broken_at = None
        if len(claimed) == room:
            return claimed, 0.0
        if due_at is None or due_at <= now:  # what is due already is another worker's
            return claimed, IDLE_SECONDS
        return claimed, min(IDLE_SECONDS, (due_at - now).total_seconds())

    async def _bear(self, error: StoreError) -> None:
        """A full disk or a locked file may pass; what does not pass must end the program. A server
        is somebody else's, and is waited for."""
        now = asyncio.get_running_loop().time()
        if self._store_broken_at is None:
            self._store_broken_at = now
        if self._store.alone and now - self._store_broken_at > BROKEN_STORE_SECONDS:
            raise error
        logger.error("no tasks can be claimed: {}", error)
        await asyncio.sleep(IDLE_SECONDS)

    async def _perform(self, task: Task) -> None:
        about = getattr(task.work, "conversation", None)
        with logger.contextualize(task=task.id, conversation=about):
            await self._perform_known(task)

    async def _perform_known(self, task: Task) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._performers[task.kind].perform(Claim(task, self._holder))
        except Exception:
            # A bug or a broken store: the row stays and comes back, the other lanes go on.
            logger.exception("task {} ({}) broke off", task.id, task.kind)
            await self._put_back(task)
        finally:
            self._running -= 1
            self._freed.set()

    async def _put_back(self, task: Task) -> None:
        due_at = self._now() + BROKEN_AGAIN
        try:
            await self._store.write(
                lambda tx: tx.outbox.release(task, self._holder, due_at, error="broke off, see log")
            )
        except Exception:
            logger.exception("task {} could not be put back; its lease will run out", task.id)
