"""Waiting for what only looking can tell, such as a row in another process's database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def wait_until(met: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Look again and again until it is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await met():  # noqa: ASYNC110 - nobody can set an event for it
            await asyncio.sleep(0.02)
