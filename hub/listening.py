"""The one port: opened, or a word why it cannot be."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from hub.errors import SettingsError
from hub.settings import WebSettings


@asynccontextmanager
async def listening(app: web.Application, settings: WebSettings) -> AsyncIterator[int]:
    """Serve while inside; the port, which the system chose if it was asked for as 0.

    Raises SettingsError, in one line that says what to mend.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=3)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        try:
            await site.start()
        except OSError as error:
            raise SettingsError(_why_deaf(settings, error)) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _why_deaf(settings: WebSettings, error: OSError) -> str:
    where = f"cannot listen on {settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        mend = "another program uses the port: stop it, or set web.port (WEB_PORT) to another"
    elif error.errno in (errno.EACCES, errno.EPERM):
        mend = "this user may not use the port: set web.port (WEB_PORT) to one above 1023"
    else:
        mend = "web.host must be an address of this machine, or 0.0.0.0 for all of them"
    return f"{where}; {mend}"
