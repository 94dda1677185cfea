"""The sandbox as a program of its own, for `yuqiao sandbox`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from typing import Any, TextIO

from hub.sandbox.server import Sandbox, SandboxOptions, start_sandbox


async def run_sandbox(options: SandboxOptions | None = None, *, out: TextIO | None = None) -> None:
    """Serve until SIGINT or SIGTERM; print one JSON line to `out` (stdout) when ready."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with start_sandbox(options) as sandbox:
        print(json.dumps(announcement(sandbox), ensure_ascii=False), file=out or sys.stdout)
        (out or sys.stdout).flush()
        await stop.wait()


def announcement(sandbox: Sandbox) -> dict[str, Any]:
    """What a script needs in order to drive the sandbox."""
    return {
        "ready": True,
        **sandbox.urls,
        "accounts": [
            {"user": seller.user, "name": seller.name, "cookies": sandbox.cookies(seller.user)}
            for seller in sandbox.world.sellers.values()
        ],
        "qq": {"bot_id": sandbox.options.bot_id, "operator_id": sandbox.options.operator_id},
        "official": {"app_id": sandbox.official.app_id, "secret": sandbox.official.secret},
    }
