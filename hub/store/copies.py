"""Copies of a database while it is worked on, and whether a copy can be trusted."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from alembic.script import ScriptDirectory

from hub.errors import StoreError
from hub.store.opening import MIGRATIONS, create_private
from hub.store.vault import Vault

_BUSY_SECONDS = 30
_FACTS = {"alembic_version", "installation", "shops"}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds, as far as a backup has to know."""

    schema: str
    key_check: str | None
    """Opens with the key of this database only; no two installations have the same."""
    rows: Mapping[str, int]
    """Number of rows by table."""
    progress: tuple[int, ...]
    """The last numbers of tasks, messages and moves of cards, the last end of a task, how often
    tasks were begun and how many were on the wire: as long as all of them are the same nothing is
    sent."""


def copy_database(source: Path, target: Path) -> None:
    """One consistent copy, whoever writes meanwhile; it is one file without a log beside it.

    Takes as long as reading the file. Raises StoreError and leaves no half.
    """
    try:
        create_private(target)
        with closing(_open(source)) as there, closing(sqlite3.connect(target)) as copy:
            there.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise StoreError(f"cannot copy {source}: {error}") from error


def contents(path: Path) -> Contents:
    """Open a database that nobody works on, check every page of it, and count.

    Raises StoreError if it is damaged or is none of this program.
    """
    try:
        with closing(_open(path)) as database:
            found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if found != "ok":
                raise StoreError(f"{path.name} is damaged: {found}")
            return _contents(database, path)
    except sqlite3.Error as error:
        raise StoreError(f"{path.name} cannot be read: {error}") from error


def known_schemas() -> frozenset[str]:
    """The revisions that this version can open or bring up to date."""
    script = ScriptDirectory(str(MIGRATIONS))
    return frozenset(revision.revision for revision in script.walk_revisions())


def opens(key: str, key_check: str | None) -> bool:
    """Whether this key is the one of a database with this check."""
    try:
        vault = Vault(key)
        if key_check is not None:
            vault.unseal(key_check)
    except StoreError:
        return False
    return True


def _open(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)


def _contents(database: sqlite3.Connection, path: Path) -> Contents:
    names = sorted(
        name
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    )
    if not set(names) >= _FACTS:
        raise StoreError(f"{path.name} is no database of this program")
    revision = database.execute("SELECT version_num FROM alembic_version").fetchone()
    check = database.execute("SELECT value FROM installation WHERE name = 'key_check'").fetchone()
    rows = {
        name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - as listed
        for name in names
    }
    last = dict(database.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
    moves = database.execute("SELECT coalesce(max(id), 0) FROM card_history").fetchone()[0]
    tasks = database.execute(
        "SELECT coalesce(max(settled_at), 0), coalesce(sum(attempt), 0), count(wire_at) FROM outbox"
    ).fetchone()
    return Contents(
        revision[0] if revision else "",
        check[0] if check else None,
        rows,
        (last.get("outbox", 0), last.get("messages", 0), moves, *tasks),
    )
