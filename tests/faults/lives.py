"""A hub in a process of its own that is started, stopped and killed, again and again: the real
program, `yuqiao serve`, in hundreds of lives."""

from __future__ import annotations

import itertools
import os
import random
import signal
import socket
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import aiohttp

from hub.app import utc_now
from hub.settings import Settings
from hub.store import Database, Store, open_store
from tests.programs import HASTY, SECONDS, Program
from tests.waiting import wait_until

_WORKERS = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_WORKER = int("".join(filter(str.isdigit, os.environ.get("PYTEST_XDIST_WORKER", ""))) or 0)
_SHARE = 10_000 // _WORKERS
_PORTS = itertools.count(20_000 + _WORKER * _SHARE + random.SystemRandom().randrange(_SHARE // 2))
"""Below those that the system gives to outgoing connections: a hub comes back to its port. Each
test process has its own share: a port is free while its hub is dead, and would go to another
world."""


class Life:
    """The lives of one hub, one after the other. `store` is open, as a guest's, while it lives."""

    def __init__(
        self, settings: Settings, log: str = "hub.log", lease_seconds: float | None = None
    ) -> None:
        """`log`: the name of the file beside the database that gets what it says. `lease_seconds`:
        how long its word among other nodes lasts, if not as long as the settings say."""
        self.number = 0
        """Of the current life, or of the last one."""
        self.store: Store | None = None
        self._settings = settings
        self._hasty = {} if lease_seconds is None else {HASTY: str(lease_seconds)}
        self._program: Program | None = None
        self._guest = AsyncExitStack()
        self.log: Path = settings.database.path.with_name(log)

    async def start(self) -> None:
        """Start it and wait until it answers."""
        assert self._program is None
        self.number += 1
        given = {**os.environ, **environment(self._settings), **self._hasty}
        self._program = Program("serve", env=given, out=self.log, err=self.log)
        await wait_until(self._answers, SECONDS)
        place = Database.chosen(self._settings.database)
        beside = open_store(place, now=utc_now, guest=True)
        self.store = await self._guest.enter_async_context(beside)

    async def _answers(self) -> bool:
        assert self._program is not None
        assert self._program.alive, f"the hub has ended by itself: {self._program.tail()}"
        with suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as http,
                http.get(f"http://127.0.0.1:{self._settings.web.port}/health/live") as response,
            ):
                return response.status == 200
        return False

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is finished."""
        if self._program is not None:
            await self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """SIGSTOP: it lives, and does nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on where it was, and knows of nothing."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._program is not None
        self._program.signal(number)

    async def stop(self) -> None:
        """SIGTERM, as its owner would."""
        code = await self._end(signal.SIGTERM)
        assert code == 0, f"the hub ended with {code}: {self.tail()}"

    async def _end(self, number: signal.Signals) -> int | None:
        assert self._program is not None
        self._program.signal(number)
        code = await self._program.over()
        self._program = self.store = None
        await self._guest.aclose()
        return code

    def tail(self) -> str:
        """The last lines of its log."""
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return "\n".join(lines[-20:])


def environment(settings: Settings) -> dict[str, str]:
    """What was set, as variables."""
    given = settings.model_dump(mode="json", exclude_unset=True)
    return {
        f"YUQIAO_{section.upper()}__{key.upper()}": (
            ",".join(value) if isinstance(value, list) else str(value)
        )
        for section, values in given.items()
        for key, value in values.items()
    }


def free_port() -> int:
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
