"""One SQLite file, and one process at a time that has it open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from hub.errors import InUse, StoreError
from hub.store.ground import Announce, Writing
from hub.store.lock import locked
from hub.store.opening import prepare, prepare_as_guest, read_engine, write_engine
from hub.store.sql import Sql
from hub.store.vault import Vault
from hub.store.writer import outlast

T = TypeVar("T")


class SqliteGround:
    shared = False

    def __init__(self, path: Path) -> None:
        self._path = path

    async def prepare(
        self, stack: AsyncExitStack, *, key: str, now: datetime, guest: bool
    ) -> Vault:
        if self._enter(stack, guest=guest):
            work = asyncio.to_thread(prepare, self._path, key=key, now=now)
        else:
            work = asyncio.to_thread(prepare_as_guest, self._path, key=key)
        return await outlast(work)

    def _enter(self, stack: AsyncExitStack, *, guest: bool) -> bool:
        """Take the lock until the stack is left. False: somebody has it, and we are a guest."""
        try:
            stack.enter_context(locked(self._path))
        except InUse:
            if not guest:
                raise
            return False
        return True

    def writing(self) -> Writing:
        return Writing(write_engine(self._path), Sql, ("BEGIN IMMEDIATE",), lambda _: ("COMMIT",))

    def readers(self) -> _Readers:
        return _Readers(read_engine(self._path))

    def hearing(self, announce: Announce) -> AbstractAsyncContextManager[object]:
        """Nobody else writes; a guest is not heard."""
        return nullcontext()


class _Readers:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, work: Callable[[Sql], T]) -> T:
        try:
            async with self._engine.connect() as connection:
                return await connection.run_sync(_read, work)
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be read: {error}") from error

    async def close(self) -> None:
        await self._engine.dispose()


def _read(connection: Connection, work: Callable[[Sql], T]) -> T:
    sql = Sql(connection)
    sql.control("BEGIN")
    try:
        return work(sql)
    finally:
        sql.control("ROLLBACK")
