"""`Store`: units of work in, committed results out; wake-ups and changes after the commit."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from weakref import WeakKeyDictionary

from hub.errors import StoreError
from hub.model import TaskKind
from hub.store.database import Database
from hub.store.ground import Ground, Readers, Writing
from hub.store.nouns import Change
from hub.store.pictures import PictureFolder
from hub.store.postgres import PostgresGround
from hub.store.rewinds import Timeline
from hub.store.sql import Sql
from hub.store.sqlite import SqliteGround
from hub.store.tx import Tx
from hub.store.vault import Vault
from hub.store.writer import First, Writer

T = TypeVar("T")

EVERY_KIND = frozenset(TaskKind)

_CHANGES_KEPT = 256
"""Per listener; who is slower than that misses the oldest."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def nothing_first(_tx: Tx, _timeline: Timeline | None) -> None:
    """For who neither sends nor gives out anything."""


class Store:
    """The database of one hub. Made by `open_store`, used from one event loop."""

    def __init__(
        self,
        readers: Readers,
        vault: Vault,
        folder: Path,
        clock: Callable[[], datetime],
        *,
        alone: bool,
    ) -> None:
        self.alone = alone
        """Whether no other hub can have the same database open."""
        self.pictures = PictureFolder(folder / "pictures" / "stock")
        self._readers = readers
        self._vault = vault
        self._clock = clock
        self._writer: Writer | None = None
        self._wakes = 0
        self._woken: dict[TaskKind, int] = {}
        """Number of the last wake-up that was for tasks of this kind."""
        self._wakes_seen: WeakKeyDictionary[asyncio.Task[object], int] = WeakKeyDictionary()
        self._waiting: dict[asyncio.Future[None], frozenset[TaskKind]] = {}
        self._listeners: set[_Listener] = set()

    async def write(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit of work and return its result once it is committed.

        `unit` runs on another thread, must not block, and must touch nothing but `Tx` and values.
        What it raises is raised here, and nothing it did remains. Cancelled while waiting: it
        happened completely or not at all. Raises StoreError if the database fails.
        """
        if self._writer is None:
            raise StoreError("the store is closed")
        return await self._writer.submit(unit)

    async def read(self, unit: Callable[[Tx], T]) -> T:
        """Run a unit that only reads, on one consistent view of what is committed.

        Raises StoreError if it tries to write.
        """
        if self._writer is None:
            raise StoreError("the store is closed")
        return await self._readers.read(lambda sql: unit(self._tx(sql)))

    async def ping(self) -> None:
        """Raises StoreError unless both ways to the database work."""
        await self.write(lambda tx: tx.shops.default())
        await self.read(lambda tx: tx.shops.default())

    async def wait_for_tasks(
        self,
        timeout: float,  # noqa: ASYNC109 - returns, never raises
        kinds: frozenset[TaskKind] = EVERY_KIND,
    ) -> None:
        """Return when tasks of these kinds may have become claimable since the last return, or
        after `timeout` s.

        A commit between the last claim and this call counts, so claim, then wait, misses nothing.
        Several workers may wait: what each of them (each asyncio task) has seen is kept apart.
        Each asks for the same kinds every time.
        """
        me = asyncio.current_task()
        assert me is not None  # noqa: S101 - inside a coroutine there is one
        if self._last_wake(kinds) <= self._wakes_seen.get(me, 0):
            wake = asyncio.get_running_loop().create_future()
            self._waiting[wake] = kinds
            try:
                async with asyncio.timeout(timeout):
                    await wake
            except TimeoutError:
                return
            finally:
                del self._waiting[wake]
        self._wakes_seen[me] = self._last_wake(kinds)

    def _last_wake(self, kinds: frozenset[TaskKind]) -> int:
        return max(self._woken.get(kind, 0) for kind in kinds)

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[AsyncIterator[Change]]:
        """What is changed by commits from now on; ends when the store closes."""
        listener = _Listener()
        if self._writer is None:
            listener.close()
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def seal(self, text: str) -> str:
        return self._vault.seal(text)

    def unseal(self, sealed: str) -> str:
        """Raises StoreError if it was not sealed with the key of this store."""
        return self._vault.unseal(sealed)

    def _tx(self, sql: Sql) -> Tx:
        return Tx(sql, self._vault, self._clock)

    def _announce(self, changes: list[Change], tasks: set[TaskKind]) -> None:
        if tasks:
            self._wakes += 1
            self._woken.update(dict.fromkeys(tasks, self._wakes))
            for wake, kinds in self._waiting.items():
                if not wake.done() and not tasks.isdisjoint(kinds):
                    wake.set_result(None)
        for listener in self._listeners:
            listener.tell(changes)

    @asynccontextmanager
    async def _writing(self, writing: Writing, first: First) -> AsyncIterator[None]:
        """Accept units of work while inside; afterwards tell the listeners that it is over."""
        async with Writer(writing, self._tx, self._announce, first) as writer:
            self._writer = writer
            try:
                yield
            finally:
                self._writer = None
        for listener in self._listeners:
            listener.close()


class _Listener:
    """An iterator over changes, bounded: the oldest go first."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque(maxlen=_CHANGES_KEPT)
        self._news = asyncio.Event()
        self._closed = False

    def tell(self, changes: list[Change]) -> None:
        self._changes.extend(changes)
        self._news.set()

    def close(self) -> None:
        self._closed = True
        self._news.set()

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        while not self._changes:
            if self._closed:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._changes.popleft()


@asynccontextmanager
async def open_store(
    place: Path | Database,
    *,
    key: str = "",
    now: Callable[[], datetime] = utc_now,
    guest: bool = False,
    first: First = nothing_first,
) -> AsyncIterator[Store]:
    """Open the database at `place` (a path is an SQLite file); a new one with one shop if there is
    none.

    `key` seals credentials (32 bytes in URL-safe base64); empty: the key file beside the database,
    which is made with a new database. An older database is copied and migrated first.

    One process at a time may open a file; several may share a PostgreSQL database. A `guest` is
    let in beside another one, for a command that is given while the hub runs: it commits like the
    hub itself, but on a file it wakes nobody there.

    `first` is done before any other unit, here and again whenever the connection is a new one; it
    is told which timeline that is on (None: there is no server, or it does not say).

    Raises InUse, NotOurs, SchemaTooNew or StoreError with one line that says what to mend.
    """
    database = place if isinstance(place, Database) else Database(place)
    ground = _ground(database)
    async with AsyncExitStack() as stack:
        try:
            database.folder.mkdir(parents=True, exist_ok=True)
            vault = await ground.prepare(stack, key=key, now=now(), guest=guest)
        except OSError as error:
            raise StoreError(f"cannot use {database}: {error.strerror or error}") from error
        readers = ground.readers()
        stack.push_async_callback(readers.close)
        store = Store(readers, vault, database.folder, now, alone=not ground.shared)
        await stack.enter_async_context(store._writing(ground.writing(), first))
        await stack.enter_async_context(ground.hearing(store._announce))
        await store.ping()
        yield store


def _ground(database: Database) -> Ground:
    return PostgresGround(database) if database.url else SqliteGround(database.path)
