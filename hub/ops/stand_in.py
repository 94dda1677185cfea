"""PostgreSQL as a file for a while: what restores do with a file is done there, and moved over.

Cut short, it can be done again: until the last step the server holds what it held.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.errors import InUse, StoreError, Unavailable
from hub.settings import Settings
from hub.store import Database, copy_in, copy_out, is_used, kept_shut
from hub.text import backups as words

STAND_IN = "of-the-server.db"


@contextmanager
def as_file(settings: Settings, *, do: bool) -> Iterator[Settings]:
    """Settings by which the database is a file; on a server, with what the file holds at the end
    if `do`. Raises Unavailable with one sentence while a hub is at it, or it cannot be reached."""
    if not settings.database.server:
        yield settings
        return
    server = Database.chosen(settings.database)
    file = Database(settings.database.path.with_name(STAND_IN))
    try:
        file.folder.mkdir(parents=True, exist_ok=True)
        _remove(file)
        with kept_shut(server) as alone:
            if is_used(server, alone):
                copy_out(server, file.path)
            local = settings.database.model_copy(update={"path": file.path, "url": ""})
            yield settings.model_copy(update={"database": local})
            if do:
                copy_in(file.path, server, alone)
    except InUse as error:
        raise Unavailable(words.running(server)) from error
    except StoreError as error:
        raise Unavailable(str(error)) from error
    finally:
        _remove(file)


def _remove(file: Database) -> None:
    for side in ("", "-wal", "-shm", "-journal", ".lock"):
        file.path.with_name(file.path.name + side).unlink(missing_ok=True)
