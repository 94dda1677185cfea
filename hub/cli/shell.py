"""What commands share: the loop they run on, and acting as the owner of the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from hub.app import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import Member, MemberId, Role
from hub.settings import Settings, load_settings
from hub.store import open_store

try:
    import uvloop
except ImportError:  # Windows has none; the standard loop does there
    uvloop = None  # type: ignore[assignment]

EXIT_REFUSED = 1
SHOWN_FROM = 5000
"""Lines of a file from which on a command shows how far it is."""


async def at_the_desk(config: Path | None, act: Callable[[Desk, Operator], Awaitable[str]]) -> str:
    """Run one use case as the machine's owner: who can start the program owns the shop."""
    settings: Settings = load_settings(config)
    path, key = settings.database.path, settings.database.key
    async with open_store(path, key=key, now=utc_now, guest=True) as store:
        desk = Desk(store, settings, utc_now)
        shop = await store.read(lambda tx: tx.shops.default())
        member = Member(MemberId(0), shop, "command line", Role.OWNER)
        return await act(desk, Operator(member, Door.CLI))


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run on uvloop where it exists."""
    return (asyncio if uvloop is None else uvloop).run(work)
