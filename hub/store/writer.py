"""Makes durability cheap: units of work that wait are written and committed together.

One thread owns the only connection that writes. While it commits, further units gather; the next
transaction takes them all, each in a savepoint of its own. A caller hears of the result after the
commit, never before. Units are synchronous functions, so nothing outside can happen inside a
transaction, and a caller that is cancelled leaves nothing half open: its unit happened completely
or not at all.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import cycle
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from loguru import logger
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from hub.errors import StoreError
from hub.store.ground import Announce, Writing
from hub.store.rewinds import Timeline
from hub.store.sql import Announcement, Sql, told
from hub.store.tx import Tx

T = TypeVar("T")

First = Callable[[Tx, Timeline | None], None]
"""What comes before anything else on each new connection, given the timeline that it is on."""

_MOST_PER_COMMIT = 256
"""Bounds how long the first of a burst waits for the last."""
_SECONDS_PER_COMMIT = 2.0
"""What has not begun by then is left to the next: as long as this one lasts, no other hub on the
database gets its turn."""
_SAVEPOINTS = ("odd", "even")
"""In turns: where one could not be made, nobody goes back to the one before by mistake."""
_AGAIN_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Between attempts to reach the database."""


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    unit: Callable[[Tx], T]
    future: asyncio.Future[T]
    context: Context = field(default_factory=copy_context)
    """Lines that a unit logs say what its caller is about."""
    result: T | None = None
    error: BaseException | None = None

    def resolve(self) -> None:
        """Runs on the loop."""
        if self.future.done():  # the caller was cancelled meanwhile
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Batch:
    jobs: list[_Job[Any]]
    announcements: list[Announcement] = field(default_factory=list)

    def fail(self, error: BaseException) -> None:
        """Whatever the units did is gone; those that failed by themselves keep their own error."""
        self.announcements.clear()
        for job in self.jobs:
            if job.error is None:  # each gets an exception of its own: raising changes them
                job.error = StoreError(str(error))
                job.error.__cause__ = error


class Writer:
    """Use as `async with`: leaving it writes what waits, then ends the thread."""

    def __init__(
        self,
        writing: Writing,
        make_tx: Callable[[Sql], Tx],
        announce: Announce,
        first: First,
    ) -> None:
        """`announce(changes, tasks)` is called after each commit that has something to tell. What
        `first` does is committed with the first units of a connection, or these are not."""
        self._writing = writing
        self._make_tx = make_tx
        self._announce = announce
        self._first = first
        # Needs no bound of its own: for each entry one caller waits.
        self._queue: SimpleQueue[_Job[Any] | None] = SimpleQueue()
        self._left: list[_Job[Any]] = []
        """Units whose connection was dead before the first of them began, or that were too many."""
        self._doubtful: list[Announcement] = []
        """What units would have told whose connection was lost, perhaps after they were committed:
        told once the next turn begins, because by then it is decided."""
        self._more = True
        """Whether anything may still come; known to the thread only."""
        self._open = False

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._open = True
        threading.Thread(target=self._run, name="store-writer", daemon=True).start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            self._open = False
            self._queue.put(None)
        await outlast(self._stopped)

    def submit(self, unit: Callable[[Tx], T]) -> asyncio.Future[T]:
        """The result, once it is committed. Called on the loop."""
        if not self._open:
            raise StoreError("the store is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Job(unit, future))
        return future

    # --- on the writer's thread ---

    def _run(self) -> None:
        try:
            self._write_until_closed()
        except Exception:
            logger.exception("the writer of the store broke down")
        finally:
            self._tell_loop(self._finish)

    def _write_until_closed(self) -> None:
        """On one connection after another, where they come and go."""
        failures = 0
        while self._more or self._left:
            try:
                with self._writing.engine.connect() as connection:
                    failures = 0
                    self._write_on(connection)
            except (SQLAlchemyError, StoreError) as error:
                if not self._writing.reconnects:
                    raise
                pause = _AGAIN_SECONDS[min(failures, len(_AGAIN_SECONDS) - 1)]
                failures += 1
                self._refuse(StoreError(f"the database cannot be reached: {_why(error)}"), pause)

    def _write_on(self, connection: Connection) -> None:
        """Until the store is closed, or the connection lost."""
        sql = self._writing.make_sql(connection)
        tx = self._make_tx(sql)
        fresh = True
        try:
            while (self._more or self._left) and not sql.lost:
                jobs = self._gather()
                if jobs and self._serve(_Batch(jobs), sql, tx, fresh=fresh):
                    fresh = False
        finally:
            if sql.lost:
                logger.warning("the connection to the database was lost")
                connection.invalidate()

    def _refuse(self, error: StoreError, seconds: float) -> None:
        """For as long as it makes no sense to try again, say so to everybody at once."""
        logger.warning("{}; the next attempt is in {} s", error, seconds)
        left, self._left = self._left, []
        self._give_up(left, error)
        until = time.monotonic() + seconds
        while self._more and (wait := until - time.monotonic()) > 0:
            try:
                job = self._queue.get(timeout=wait)
            except Empty:
                return
            if job is None:
                self._more = False
            else:
                self._give_up([job], error)

    def _give_up(self, jobs: list[_Job[Any]], error: StoreError) -> None:
        batch = _Batch(jobs)
        batch.fail(error)
        self._tell_loop(self._resolve, batch)

    def _serve(self, batch: _Batch, sql: Sql, tx: Tx, *, fresh: bool) -> bool:
        try:
            return self._commit(batch, sql, tx, fresh=fresh)
        except Exception as error:
            batch.fail(error)
            raise
        finally:
            self._tell_loop(self._resolve, batch)

    def _gather(self) -> list[_Job[Any]]:
        """Wait for a unit, then take all that wait."""
        jobs, self._left = self._left, []
        try:
            job = self._queue.get_nowait() if jobs else self._queue.get()
            while job is not None:
                if not job.future.cancelled():
                    jobs.append(job)
                if len(jobs) >= _MOST_PER_COMMIT:
                    return jobs
                job = self._queue.get_nowait()
        except Empty:
            return jobs
        self._more = False
        return jobs

    def _commit(self, batch: _Batch, sql: Sql, tx: Tx, *, fresh: bool) -> bool:
        """`fresh`: nothing was committed on this connection, and it cannot have died of old age.
        Returns whether the transaction came to its end, which on a fresh one is a commit."""
        sql.forget_announcement()
        begun = False
        try:
            alone = len(batch.jobs) == 1 and not fresh
            sql.control(*self._writing.begin)
            begun = True
            batch.announcements.extend(self._doubtful)
            if fresh:
                self._first(tx, self._writing.look(sql))
                batch.announcements.append(sql.take_announcement())
            if alone:
                self._perform_alone(batch, sql, tx)
            else:
                self._perform_together(batch, sql, tx)
            self._doubtful.clear()
        except Exception as error:
            if sql.lost and not (begun or fresh):
                self._left, batch.jobs = batch.jobs, []
                return False
            logger.opt(exception=error).error("a commit of {} units failed", len(batch.jobs))
            if sql.lost:
                self._doubtful = list(batch.announcements)
            batch.fail(error)
            if sql.in_transaction:
                sql.control("ROLLBACK")
            return False
        if fresh:
            self._writing.followed()
        return True

    def _perform_alone(self, batch: _Batch, sql: Sql, tx: Tx) -> None:
        """The transaction itself is savepoint enough."""
        (job,) = batch.jobs
        done = _perform(job, sql, tx)
        if done:
            batch.announcements.append(sql.take_announcement())
        sql.control(*(self._writing.commit(batch.announcements) if done else ("ROLLBACK",)))

    def _perform_together(self, batch: _Batch, sql: Sql, tx: Tx) -> None:
        jobs, until = batch.jobs, time.monotonic() + _SECONDS_PER_COMMIT
        for done, (job, name) in enumerate(zip(jobs, cycle(_SAVEPOINTS), strict=False)):
            if done and time.monotonic() > until:
                batch.jobs, self._left = jobs[:done], jobs[done:]
                break
            sql.control_ahead(f"SAVEPOINT {name}")
            if _perform(job, sql, tx):
                batch.announcements.append(sql.take_announcement())
                sql.control_ahead(f"RELEASE {name}")
            else:
                sql.forget_announcement()
                sql.control(f"ROLLBACK TO {name}", f"RELEASE {name}")
        sql.control(*self._writing.commit(batch.announcements))

    def _tell_loop(self, call: Callable[..., None], *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:
            logger.error("the event loop was closed before the store")

    # --- on the loop ---

    def _resolve(self, batch: _Batch) -> None:
        changes, tasks = told(batch.announcements)
        if changes or tasks:
            self._announce(changes, tasks)
        for job in batch.jobs:
            job.resolve()

    def _finish(self) -> None:
        """The thread is at its end; nobody may wait for it in vain, even if it broke down."""
        self._open = False
        left: list[_Job[Any] | None] = [*self._left]
        with suppress(Empty):
            while True:
                left.append(self._queue.get_nowait())
        for job in left:
            if job is not None:
                job.error = StoreError("the writer of the store broke down; see the log")
                job.resolve()
        self._stopped.set_result(None)


def _perform(job: _Job[Any], sql: Sql, tx: Tx) -> bool:
    """Run the unit and keep what came of it; a boundary, because units are anybody's code.

    Raises StoreError if the whole transaction is gone: a full disk may take it away, whether the
    unit noticed or not.
    """
    try:
        job.result = job.context.run(job.unit, tx)
    except StopIteration as error:  # the one exception that a future does not take
        job.error = RuntimeError("a unit of work raised StopIteration")
        job.error.__cause__ = error
    except BaseException as error:
        job.error = error
    if sql.spoiled and job.error is None:
        job.error = StoreError("a unit of work went on after a statement had failed")
    if not sql.in_transaction:
        raise StoreError(f"the transaction was lost: {job.error or 'for no reason known'}")
    return job.error is None


def _why(error: BaseException) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    return " ".join(str(cause).split())


async def outlast(work: Awaitable[T]) -> T:
    """Wait for something that cannot be interrupted; a cancellation takes effect afterwards."""
    waiting = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not waiting.done():
        try:
            await asyncio.shield(waiting)
        except asyncio.CancelledError as error:
            if waiting.cancelled():
                raise
            cancelled = error
        except BaseException:  # noqa: S110 - it is in `waiting`, and raised from there
            pass
    if cancelled is not None:
        raise cancelled
    return waiting.result()
