"""`yuqiao sandbox`: one line of JSON, then it serves until it is told to stop."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import sys

import aiohttp
import pytest

from hub.sandbox import SandboxOptions, run_sandbox, start_sandbox

PROGRAM = """
import asyncio
from hub.sandbox import run_sandbox
asyncio.run(run_sandbox())
"""


async def test_the_program_announces_itself_and_leaves_at_sigterm() -> None:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    async with asyncio.timeout(30):
        line = json.loads(await program.stdout.readline())
        assert line["ready"] is True
        (account,) = line["accounts"]
        assert account["user"] == "2200111122223"
        assert "cookie2=" in account["cookies"]
        assert set(line["qq"]) == {"bot_id", "operator_id"}
        async with aiohttp.ClientSession() as http, http.get(line["playground_url"]) as page:
            assert page.status == 200
        program.send_signal(signal.SIGTERM)
        assert await program.wait() == 0


class Announced(io.StringIO):
    """A stdout that tells when its line is complete."""

    def __init__(self) -> None:
        super().__init__()
        self.done = asyncio.Event()

    def flush(self) -> None:
        self.done.set()


async def test_cancelling_the_program_closes_its_port() -> None:
    out = Announced()
    running = asyncio.ensure_future(run_sandbox(out=out))
    async with asyncio.timeout(30):
        await out.done.wait()
    url = json.loads(out.getvalue())["playground_url"]
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientConnectionError):
            await http.get(url)


async def test_a_taken_port_is_an_error_at_once() -> None:
    async with start_sandbox() as sandbox:
        port = int(sandbox.origin.rpartition(":")[2])
        with pytest.raises(OSError, match="address already in use"):
            async with start_sandbox(SandboxOptions(port=port)):
                pass


async def test_an_empty_world_has_nobody_in_it() -> None:
    async with start_sandbox(SandboxOptions(furnished=False)) as sandbox:
        assert sandbox.world.sellers == {}
        assert sandbox.world.conversations == {}
