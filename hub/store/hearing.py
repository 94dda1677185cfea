"""Lets the processes on one PostgreSQL database hear what the others have committed.

What a commit has to tell goes out with it, so it arrives when the rows are there, and not at all if
they never are. While the ear is not connected it hears nothing: afterwards everybody looks again.
"""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Self, get_args

from loguru import logger
from psycopg import Connection, Error

from hub.model import ShopId, TaskKind
from hub.store.ground import Announce
from hub.store.nouns import Change, ChangedNoun
from hub.store.postgres_sql import connect
from hub.store.sql import Announcement, told

CHANNEL = "yuqiao"
_PER_NOTE = 150
"""Changes in one note, which must stay below 8000 bytes."""
_MOST = 256
"""Changes of one commit that others hear of: the newest, as a slow listener in this process."""
_AGAIN_SECONDS = (0.2, 1.0, 3.0, 5.0)
_QUIET_SECONDS = 30.0


def heard_by_others(announcements: Sequence[Announcement], node: str) -> Iterator[str]:
    """The statements that tell it, to be run in the transaction that they are about."""
    changes, tasks = told(announcements)
    latest = changes[-_MOST:]
    parts = [latest[at : at + _PER_NOTE] for at in range(0, len(latest), _PER_NOTE)]
    if tasks and not parts:
        parts = [[]]
    for part in parts:
        note = {
            "tasks": sorted(tasks),
            "changes": [[one.shop, one.noun, one.id] for one in part],
        }
        rest = json.dumps(note, separators=(",", ":")).removeprefix("{")
        yield f"NOTIFY {CHANNEL}, '{_beginning(node)}{rest}'"


def _beginning(node: str) -> str:
    """By this a node knows its own notes without reading them: it gets each of them back."""
    return f'{{"node":"{node}",'


class Ear:
    """Use as `async with`. A thread of its own: it must also hear while the loop is busy."""

    def __init__(self, conninfo: str, node: str, announce: Announce) -> None:
        self._conninfo = conninfo
        self._own = _beginning(node)
        self._announce = announce
        self._stop, self._stopped = socket.socketpair()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="store-ear", daemon=True)
        self._thread.start()
        await self._ready.wait()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.close()
        await asyncio.to_thread(self._thread.join)
        self._stopped.close()

    # --- on the thread ---

    def _run(self) -> None:
        failures = 0
        while True:
            try:
                with connect(self._conninfo) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._listening(again=failures > 0)
                    failures = 0
                    if self._listen(connection):
                        return
            except (Error, OSError) as error:
                logger.warning("nothing is heard of other nodes: {}", " ".join(str(error).split()))
            failures += 1
            self._tell(self._ready.set)
            if self._told_to_stop(_AGAIN_SECONDS[min(failures, len(_AGAIN_SECONDS)) - 1]):
                return

    def _listening(self, *, again: bool) -> None:
        if again:
            logger.info("other nodes are heard again")
            self._tell(self._announce, _anything(), set(TaskKind))
        self._tell(self._ready.set)

    def _listen(self, connection: Connection[Any]) -> bool:
        """True: told to stop. Raises Error when the connection is lost."""
        while True:
            for note in connection.notifies(timeout=0):
                self._pass_on(note.payload)
            both: list[Any] = [connection, self._stopped]
            readable, _, _ = select.select(both, [], [], _QUIET_SECONDS)
            if self._stopped in readable:
                return True
            if not readable:
                connection.execute("SELECT 1")

    def _pass_on(self, payload: str) -> None:
        if payload.startswith(self._own):
            return
        try:
            note = json.loads(payload)
            changes = [Change(ShopId(shop), noun, id_) for shop, noun, id_ in note["changes"]]
            known = {kind.value: kind for kind in TaskKind}
            tasks = {known[kind] for kind in note["tasks"] if kind in known}
        except (ValueError, KeyError, TypeError) as error:
            logger.warning("another program speaks on the channel {!r}: {}", CHANNEL, error)
            return
        self._tell(self._announce, changes, tasks)

    def _told_to_stop(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._stopped], [], [], seconds)
        return bool(readable)

    def _tell(self, call: Any, *values: object) -> None:
        try:
            self._loop.call_soon_threadsafe(call, *values)
        except RuntimeError:
            logger.error("the event loop was closed before the store")


def _anything() -> list[Change]:
    """Nobody knows what was missed."""
    return [Change(ShopId(0), noun, 0) for noun in get_args(ChangedNoun)]
