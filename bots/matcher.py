"""NoneBot's one matcher, for all ports: it only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nonebot.adapters import Bot, Event
from nonebot.matcher import Matcher as NoneBotMatcher
from nonebot.matcher import MatcherSource

from hub.model import OperatorMessage

Read = Callable[[Any, Any], OperatorMessage]
SOURCE = MatcherSource(module_name=__name__)
"""What NoneBot's log says of where the matcher comes from."""


class Matcher:
    """Each matcher costs time for every message, so there is one.

    NoneBot shields matchers from cancellation: a slow desk in here would hold up a stop. So what
    was read waits until the adapter has finished with the event and takes it, in the same task.
    """

    def __init__(self) -> None:
        self._reads: list[tuple[type[Bot], Read]] = []
        self._read: dict[int, OperatorMessage] = {}
        """By identity of the event, which lives until it is taken."""
        # Not by `on_message`: that looks through all modules for the one that it is called from.
        NoneBotMatcher.new("message", handlers=[self._on_message], block=True, source=SOURCE)

    def add(self, bot: type[Bot], read: Read) -> None:
        """`read` makes an operator's message of a bot of this kind and its event."""
        self._reads.append((bot, read))

    async def _on_message(self, bot: Bot, event: Event) -> None:
        for kind, read in self._reads:
            if isinstance(bot, kind):
                self._read[id(event)] = read(bot, event)

    def take(self, event: Event) -> OperatorMessage | None:
        """What was read from an event that NoneBot is done with; None if it was dropped."""
        return self._read.pop(id(event), None)
