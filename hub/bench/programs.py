"""The programs of a benchmark: the platform, and the hub as an owner would start it."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from hub.errors import HubError
from hub.settings import GUIDE_NAMES, PREFIX

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
LOOK_SECONDS = 0.1
IN_VAIN = 408
RUN_SECONDS = 3600.0
"""Longest load run that is waited for."""


class Platform:
    """A sandbox in a process of its own, so that it takes no time from the hub's."""

    def __init__(self, addresses: Mapping[str, Any], http: aiohttp.ClientSession) -> None:
        self.accounts: list[dict[str, str]] = addresses["accounts"]
        """Of the demo shop: `user`, `name`, `cookies`."""
        self.urls = {
            name: str(addresses[name])
            for name in ("ws_url", "mtop_url", "passport_url", "upload_url")
        }
        self._admin = str(addresses["admin_url"])
        self._http = http

    async def ask(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """The admin door's answer; of a long poll in vain what there is. Raises HubError when it
        refuses.
        """
        async with self._http.request(
            method, self._admin + path, json=body, params=query
        ) as response:
            answer = await response.json()
            if response.status >= 400 and response.status != IN_VAIN:
                raise HubError(f"the sandbox refused {path}: {answer}")
            return answer


@asynccontextmanager
async def open_platform(
    *, furnished: bool = True, certificate: Path | None = None
) -> AsyncIterator[Platform]:
    """`certificate`: PEM file with certificate and key; everything is then spoken over TLS.

    Raises HubError when it does not start.
    """
    arguments = [] if furnished else ["--empty"]
    tls: ssl.SSLContext | bool = True
    if certificate is not None:
        arguments += ["--certificate", str(certificate)]
        tls = ssl.create_default_context(cafile=str(certificate))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hub", "sandbox", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # noqa: S101 - asked for above
        async with asyncio.timeout(READY_SECONDS):
            line = await process.stdout.readline()
        if not line:
            raise HubError("the sandbox did not start")
        timeout = aiohttp.ClientTimeout(total=RUN_SECONDS)
        connector = aiohttp.TCPConnector(ssl=tls)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as http:
            yield Platform(json.loads(line), http)
    finally:
        await _end(process)


class Program:
    """A running hub; `pid` is for the kernel's figures about it."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log

    def check(self) -> None:
        """Raises HubError with the end of its log when it is not running any more."""
        if self._process.returncode is not None:
            said = self._log.read_text(errors="replace").strip().splitlines()[-3:]
            raise HubError("the hub ended: " + " / ".join(said))


@asynccontextmanager
async def start_hub(
    config: Path, port: int, *, authorities: Path | None = None
) -> AsyncIterator[Program]:
    """`yuqiao serve` with this settings file, which names the port, and nothing of the caller's
    own; yields once it serves. Its log is written beside the file.

    `authorities`: PEM file of those it believes over TLS; None: the system's.
    Raises HubError when it does not start.
    """
    log = config.with_suffix(".log")
    own = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(PREFIX) and name not in GUIDE_NAMES
    }
    if authorities is not None:
        own["SSL_CERT_FILE"] = str(authorities)
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hub", "--config", str(config), "serve"),
            env=own,
            stdout=out,
            stderr=out,
        )
    try:
        hub = Program(process, log)
        await _serving(hub, port)
        yield hub
    finally:
        await _end(process)


async def _serving(hub: Program, port: int) -> None:
    async with aiohttp.ClientSession() as http, asyncio.timeout(READY_SECONDS):
        while True:
            hub.check()
            try:
                async with http.get(f"http://127.0.0.1:{port}/health/live") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(LOOK_SECONDS)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to go; insist if it does not."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
    await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
