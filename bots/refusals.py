"""Connections that did not come about: told once, shown on the status page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from loguru import logger

ELSEWHERE = "这个机器人已经用另一种协议连着，一个号只用一种"
QUIET = 60.0
"""Seconds in which the same refused connection is logged once."""
MOST_QUIET = 100


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """A connection that did not come about; `reason` is Chinese, for the status page."""

    at: datetime
    bot: str
    reason: str


class Refusals:
    """Of one port."""

    def __init__(self) -> None:
        self.last: TurnedAway | None = None
        self._logged: dict[tuple[str, str], datetime] = {}

    def came(self, bot: str) -> None:
        """This bot is connected now: what was in its way, or in nobody's in particular, is over."""
        if self.last is not None and self.last.bot in ("", bot):
            self.last = None

    def note(self, bot: str, reason: str) -> None:
        """`bot`: as far as it is known."""
        now, last = datetime.now(UTC), self.last
        logged = self._logged.get((bot, reason))
        quiet = logged is not None and (now - logged).total_seconds() <= QUIET
        if quiet and last is not None and (last.bot, last.reason) == (bot, reason):
            return
        self.last = TurnedAway(now, bot, reason)
        if quiet:
            return
        if len(self._logged) >= MOST_QUIET:
            self._logged.clear()
        self._logged[bot, reason] = now
        logger.warning("QQ connection turned away (bot {}): {}", bot or "unknown", reason)
