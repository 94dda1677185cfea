"""Who looks into the database, with eyes of its own, at the moment an acknowledgement arrives."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hub.sandbox import Sandbox
from hub.sandbox.lines import Push

_STORED = (
    "SELECT 1 FROM messages m JOIN accounts a ON a.id = m.account_id"
    " WHERE a.platform_user = ? AND m.platform_id = ?"
)


class Witness:
    """What is acknowledged must be committed: another connection to the same file can read it."""

    def __init__(self, database: Path) -> None:
        self.seen = 0
        """Messages that were acknowledged and found."""
        self.broken: list[str] = []
        """Promises that were not kept."""
        self._uri = f"{database.absolute().as_uri()}?mode=ro"

    @contextmanager
    def watching(self, sandbox: Sandbox) -> Iterator[Witness]:
        sandbox.lines.on_ack.append(self._look)
        try:
            yield self
        finally:
            sandbox.lines.on_ack.remove(self._look)

    def _look(self, push: Push) -> None:
        """Each time with a new connection. One that stayed would lose its locks, as everything in a
        process does when another part of it opens and closes the file without SQLite."""
        ids = [id for id in push.about if id]
        with closing(sqlite3.connect(self._uri, uri=True)) as reader:
            for id in ids:
                if reader.execute(_STORED, (push.user, id)).fetchone() is None:
                    self.broken.append(f"message {id} was acknowledged before it was stored")
                else:
                    self.seen += 1
