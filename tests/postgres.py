"""A throw-away PostgreSQL server of the test run's own: no system service, no fixed port, no fsync.

The database that `TEST_DATABASE_URL` names (`postgresql://user:password@host:port/name`) is used
instead if it is set: its user must be allowed to make databases.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

MISSING = (
    "no PostgreSQL is installed: `sh tests/find-postgresql.sh` says how, or names a database in "
    "TEST_DATABASE_URL"
)
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "listen_addresses": "127.0.0.1",
}


def programs() -> Path | None:
    """The folder of the newest `initdb`."""
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: int(one.parts[4])
    )
    return versions[-1].parent if versions else None


def program(name: str) -> str:
    """One of those for users of a server."""
    found, beside = shutil.which(name), programs()
    assert found or beside, MISSING
    return found or str((beside or Path()) / name)


def can_serve() -> bool:
    return bool(os.environ.get("TEST_DATABASE_URL")) or programs() is not None


@dataclass(slots=True)
class Server:
    url: str
    """Of a database in which nothing is kept."""
    folder: Path | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def named(self, name: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{name}"))

    def make(self, template: str = "template0", **words: str) -> str:
        """The address of a new database."""
        name = f"yuqiao_{os.getpid()}_{next(self._numbers)}"
        more = " ".join(f"{word} '{value}'" for word, value in words.items())
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} " + more).format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.named(name)

    def remove(self, url: str) -> None:
        """Whoever is still connected is thrown out."""
        name = urlsplit(url).path.removeprefix("/")
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _run(self, statement: Any) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        self._control("stop", "-m", "immediate")

    def start(self) -> None:
        assert self.folder is not None
        port = urlsplit(self.url).port
        options = [f"-c {name}={value}" for name, value in _SETTINGS.items()]
        options += [f"-p {port}", f"-c unix_socket_directories={self.folder}"]
        self._control("start", "-t", "60", "-l", str(self.folder / "log"), "-o", " ".join(options))

    def copy(self) -> None:
        """A standby that is behind from now on."""
        assert self.folder is not None
        self.stop()
        # By the server's user, so that the files stay its own.
        _as_nobody(self.folder, "/bin/cp", "-R", "data", "standby")
        self.start()

    def fail_over(self, *, behind: bool) -> None:
        """A standby takes over at the same address: one that has everything, or if `behind` the
        copy."""
        assert self.folder is not None
        self.stop()
        if behind:
            (self.folder / "data").rename(self.folder / "old")
            (self.folder / "standby").rename(self.folder / "data")
        (self.folder / "data" / "standby.signal").touch()
        self.start()
        self._control("promote", "-t", "60")

    def come_back(self) -> None:
        """The server from before a standby took over that was behind."""
        assert self.folder is not None
        self.stop()
        (self.folder / "data").rename(self.folder / "newer")
        (self.folder / "old").rename(self.folder / "data")
        self.start()

    def _control(self, *words: str) -> None:
        assert self.folder is not None
        _as_nobody(self.folder, "pg_ctl", "-D", str(self.folder / "data"), "-w", *words)


@contextmanager
def server() -> Iterator[Server]:
    """Runs while inside."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield Server(given)
        return
    # Below /tmp itself: the server's user must be able to come here, and a socket's name is short.
    with tempfile.TemporaryDirectory(prefix="yq-pg-", dir="/tmp") as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _as_nobody(folder, "initdb", "-D", str(folder / "data"), "-U", "app", "--auth=trust", *_NEW)
        started = Server(f"postgresql://app:secret@127.0.0.1:{_free_port()}/postgres", folder)
        started.start()
        try:
            yield replace(started)
        finally:
            started.stop()


_NEW = ("-E", "UTF8", "--locale=C.UTF-8", "--no-sync")


def _as_nobody(folder: Path, program: str, *words: str) -> None:
    """PostgreSQL refuses to run as root."""
    bin_ = programs()
    assert bin_ is not None, MISSING
    command = [str(bin_ / program), *words]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "HOME": str(folder)}
    )
    assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
