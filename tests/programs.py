"""Our program in processes of their own, forked from one that has imported everything.

It is the real command line, with the words, the environment and the streams that it is given; but
a start costs a hundredth of what an interpreter and its imports cost.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

import anyio._backends._asyncio  # noqa: F401 - imported late by those who use it
from argon2 import PasswordHasher

from hub import app, cluster
from hub.cli import accounts, backups, check, imports, mail, main, rules, serve, stock
from hub.desk import members

ROOT = Path(__file__).parents[1]
SECONDS = 90.0
"""Deadline of a whole run, on a machine that has much else to do."""
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload([__name__])
HASTY = "TEST_LEASE_SECONDS"
"""A variable of the tests' own: how long the word of a node lasts, less than people may set, and
with it how long a node must have lived to be given accounts of others."""
COMMANDS = (accounts, backups, check, imports, mail, rules, serve, stock)
"""Loaded when they are asked for: at each start, that is, if they were not here before."""


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Program:
    """One run. What it says is appended to the files `out` and `err`, which may be the same."""

    def __init__(
        self,
        *words: str,
        env: Mapping[str, str],
        out: Path,
        err: Path,
        given: Path | None = None,
        cwd: Path = ROOT,
    ) -> None:
        self.out, self.err = out, err
        said = (words, dict(env), given or Path(os.devnull), out, err, cwd)
        self._process: ForkServerProcess = _FORKED.Process(target=_live, args=said)
        self._process.start()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def signal(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)

    async def over(self) -> int | None:
        """Wait for its end; returns the exit code, negative for a signal."""
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._process.sentinel, over.set)
        try:
            async with asyncio.timeout(SECONDS):
                await over.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        return self.join()

    def join(self) -> int | None:
        """As `over`, for those who have no loop."""
        self._process.join(SECONDS)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise TimeoutError(f"still running after {SECONDS} s: {self.tail()}")
        self._process.close()
        return code

    def tail(self) -> str:
        """The last lines of what it said."""
        lines = self.err.read_text(encoding="utf-8").splitlines() if self.err.exists() else []
        return "\n".join(lines[-20:])


def run(
    *words: str, env: Mapping[str, str], given: bytes = b"", cwd: Path = ROOT, plain: bool = False
) -> Done:
    """Run it to its end. `env` comes on top of the environment here; `plain`: is all there is."""
    with tempfile.TemporaryDirectory(prefix="yuqiao-run-") as name:
        folder = Path(name)
        stdin, out, err = (folder / stream for stream in ("in", "out", "err"))
        stdin.write_bytes(given)
        around = {} if plain else os.environ
        program = Program(*words, env={**around, **env}, out=out, err=err, given=stdin, cwd=cwd)
        code = program.join()
        assert code is not None
        return Done(code, out.read_bytes().decode(), err.read_bytes().decode())


def _live(
    words: tuple[str, ...], env: dict[str, str], given: Path, out: Path, err: Path, cwd: Path
) -> None:
    """The main function of the process."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    stdin = os.open(given, os.O_RDONLY)
    os.dup2(stdin, 0)
    raw = io.FileIO(0, closefd=False)
    raw.name = "<stdin>"
    sys.stdin = io.TextIOWrapper(io.BufferedReader(raw), encoding="utf-8")
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    # How long guessing takes is not what these tests are about; what it costs here adds up.
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    members.PasswordHasher = cheap  # type: ignore[attr-defined, assignment]
    if hasty := env.get(HASTY):
        app.Cluster = partial(_hasty_cluster, float(hasty))  # type: ignore[misc, assignment]
        cluster.SETTLED = 1
    sys.argv = ["yuqiao", *words]
    main()


def _hasty_cluster(seconds: float, *words: Any, **named: Any) -> cluster.Cluster:
    return cluster.Cluster(*words, **{**named, "lasts": timedelta(seconds=seconds)})
