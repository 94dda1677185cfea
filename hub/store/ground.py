"""What the store asks of an engine. SQLite and PostgreSQL each answer in a module of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from hub.model import TaskKind
from hub.store.nouns import Change
from hub.store.rewinds import Timeline
from hub.store.sql import Announcement, Sql
from hub.store.vault import Vault

T = TypeVar("T")

Announce = Callable[[list[Change], set[TaskKind]], None]
"""What was changed, and of which kinds tasks may have become claimable. Called on the loop."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How the one thread that writes goes about it."""

    engine: Engine
    make_sql: Callable[[Connection], Sql]
    begin: Sequence[str]
    """Begins a transaction in which nobody else writes."""
    commit: Callable[[Sequence[Announcement]], Sequence[str]]
    """Ends it, and tells other processes what it brought."""
    look: Callable[[Sql], Timeline | None] = lambda _: None
    """Within the first transaction on each connection: on which timeline it is; None: there is no
    server, or it does not say. Raises StoreError if nothing may be written on it."""
    followed: Callable[[], None] = lambda: None
    """That transaction is committed."""
    reconnects: bool = False
    """Whether the connection may go and come back. The file of SQLite does not."""


class Readers(Protocol):
    """A few connections that cannot write."""

    async def read(self, work: Callable[[Sql], T]) -> T:
        """Run it within one consistent view of what is committed."""

    async def close(self) -> None: ...


class Ground(Protocol):
    """A database that was chosen and perhaps not opened yet."""

    shared: bool
    """Whether other processes may write at the same time."""

    async def prepare(
        self, stack: AsyncExitStack, *, key: str, now: datetime, guest: bool
    ) -> Vault:
        """Check, lock and migrate; what must last until the store closes goes onto the stack."""

    def writing(self) -> Writing: ...

    def readers(self) -> Readers: ...

    def hearing(self, announce: Announce) -> AbstractAsyncContextManager[object]:
        """Pass on what other processes have committed, while inside."""
