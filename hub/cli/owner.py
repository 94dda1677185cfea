"""Acting as the owner of the machine. Apart from the rest because the desk takes long to load."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from hub.cli.shell import utc_now
from hub.desk import Desk, Door, Operator
from hub.model import Member, MemberId, Role
from hub.settings import Settings, load_settings
from hub.store import Database, open_store


async def at_the_desk(config: Path | None, act: Callable[[Desk, Operator], Awaitable[str]]) -> str:
    """Run one use case as the machine's owner: who can start the program owns the shop."""
    settings: Settings = load_settings(config)
    database, key = Database.chosen(settings.database), settings.database.key
    async with open_store(database, key=key, now=utc_now, guest=True) as store:
        desk = Desk(store, settings, utc_now)
        shop = await store.read(lambda tx: tx.shops.default())
        member = Member(MemberId(0), shop, "command line", Role.OWNER)
        return await act(desk, Operator(member, Door.CLI))
