"""What every page needs to know, under one typed key of the application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from aiohttp import web

from hub.desk import Desk
from hub.model import OfficialBot
from hub.settings import Settings


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Site:
    """The surroundings of the pages.

    `qq` tells the ids of the bots that are connected right now; `qq_token` is the OneBot access
    token, shown to owners so that they can connect a bot, `link_token` that of the plugin in a
    NoneBot of their own; `qq_refusals` tells which connections did not come about lately.
    `official`: the official bot, None if there is none.
    """

    desk: Desk
    settings: Settings
    version: str
    qq: Callable[[], tuple[str, ...]]
    qq_token: str
    link_token: str = ""
    qq_refusals: Callable[[], tuple[tuple[datetime, str], ...]] = tuple
    official: Callable[[], OfficialBot | None] = lambda: None
    now: Callable[[], datetime] = _utc_now

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.text.timezone)


SITE = web.AppKey("site", Site)
