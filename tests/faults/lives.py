"""A hub in a process of its own that is started, stopped and killed, again and again.

It is the real program, `yuqiao serve`; but its process is forked from one that has imported
everything, so that a start costs little and hundreds of lives fit into minutes.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import aiohttp
import anyio._backends._asyncio  # noqa: F401 - imported late by those who use it
from argon2 import PasswordHasher

import hub.cli.serve  # noqa: F401 - loaded when it is asked for: at each start, that is
from hub.app import utc_now
from hub.cli import main
from hub.desk import members
from hub.settings import Settings
from hub.store import Database, Store, open_store
from tests.waiting import wait_until

SECONDS = 90.0
_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload([__name__])
_SHARE = 2_500
_WORKER = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_PORTS = itertools.count(
    20_000 + _WORKER % 4 * _SHARE + random.SystemRandom().randrange(_SHARE - 1_000)
)
"""Below those that the system gives to outgoing connections: a hub comes back to its port. Each
test process has its own share: a port is free while its hub is dead, and would go to another
world."""


class Life:
    """The lives of one hub, one after the other. `store` is open, as a guest's, while it lives."""

    def __init__(self, settings: Settings, log: str = "hub.log") -> None:
        """`log`: the name of the file beside the database that gets what it says."""
        self.number = 0
        """Of the current life, or of the last one."""
        self.store: Store | None = None
        self._settings = settings
        self._process: ForkServerProcess | None = None
        self._guest = AsyncExitStack()
        self.log: Path = settings.database.path.with_name(log)

    async def start(self) -> None:
        """Start it and wait until it answers."""
        assert self._process is None
        self.number += 1
        process = _FORKED.Process(target=_live, args=(environment(self._settings), self.log))
        process.start()
        self._process = process
        await wait_until(self._answers, SECONDS)
        place = Database.chosen(self._settings.database)
        beside = open_store(place, now=utc_now, guest=True)
        self.store = await self._guest.enter_async_context(beside)

    async def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.is_alive(), f"the hub has ended by itself: {self.tail()}"
        with suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{self._settings.web.port}/health/live") as response,
            ):
                return response.status == 200
        return False

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is finished."""
        if self._process is not None:
            await self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it lives, and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was, and knows of nothing."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def stop(self) -> None:
        """SIGTERM, as its owner would."""
        code = await self._end(signal.SIGTERM)
        assert code == 0, f"the hub ended with {code}: {self.tail()}"

    async def _end(self, number: signal.Signals) -> int | None:
        process = self._process
        assert process is not None
        assert process.pid is not None
        with suppress(ProcessLookupError):
            os.kill(process.pid, number)
        await _over(process)
        code, self._process, self.store = process.exitcode, None, None
        await self._guest.aclose()
        process.close()
        return code

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return "\n".join(lines[-20:])


async def _over(process: ForkServerProcess) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, over.set)
    try:
        async with asyncio.timeout(SECONDS):
            await over.wait()
    finally:
        loop.remove_reader(process.sentinel)
    process.join()


def _live(given: Mapping[str, str], log: Path) -> None:
    """The main function of the process."""
    os.environ.update(given)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(file, standard)
    # How long guessing takes is not what these tests are about; what it costs here adds up.
    cheap = partial(PasswordHasher, time_cost=1, memory_cost=8, parallelism=1)
    members.PasswordHasher = cheap  # type: ignore[attr-defined, assignment]
    sys.argv = ["yuqiao", "serve"]
    main()


def environment(settings: Settings) -> dict[str, str]:
    """What was set, as variables."""
    given = settings.model_dump(mode="json", exclude_unset=True)
    return {
        f"YUQIAO_{section.upper()}__{key.upper()}": str(value)
        for section, values in given.items()
        for key, value in values.items()
    }


def free_port() -> int:
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
