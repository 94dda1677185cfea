"""A running sandbox, and somebody outside who acts on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from hub.sandbox import SandboxOptions, start_sandbox

from .client import Rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """The demo shop, its lists without the quiet time after registration."""
    async with (
        start_sandbox(SandboxOptions(list_quiet_seconds=0)) as sandbox,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        yield Rig(sandbox, http)
