"""How to speak through an adapter; those that are installed are found by the adapter's name."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any, Protocol

from nonebot.adapters import Bot, Event

from nonebot_plugin_yuqiao.words import Words

MODULES = ("onebot", "milky")
TIMED_OUT = re.compile(r"timeout|timed out|超时", re.IGNORECASE)
LONGEST_REASON = 100


class Voice(Protocol):
    """Ids of messages are written as the hub writes them for bots that it reaches itself."""

    adapter: str
    reacts: tuple[str, ...]
    """Scenes in which reactions can be put."""

    def read(self, bot: Bot, event: Event) -> Words | None:
        """What somebody wrote; None for anything else."""

    async def say(
        self, bot: Bot, scene: str, peer: str, text: str, quote: str, pictures: list[bytes]
    ) -> list[str]: ...

    async def history(self, bot: Bot, scene: str, peer: str, most: int) -> list[Words]: ...

    async def picture(self, bot: Bot, file: str) -> dict[str, Any]: ...

    async def react(self, bot: Bot, scene: str, peer: str, message_id: str, face: str) -> None: ...

    def reason(self, error: Exception) -> str:
        """Why the bridge refused, in its own words."""


def installed() -> dict[str, Voice]:
    """Of those adapters that this bot's environment has."""
    found: dict[str, Voice] = {}
    for module in MODULES:
        try:
            voice: Voice = import_module(f"nonebot_plugin_yuqiao.{module}").VOICE
        except ImportError:
            continue
        found[voice.adapter] = voice
    return found


class Refused(Exception):
    """The bridge was not even asked; the text says why."""
