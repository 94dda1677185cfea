"""What this process has said in QQ lately, so that a quote of it needs no question to QQ."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bots.words import plain

V = TypeVar("V")

MOST = 5_000
"""As many as NapCat keeps itself; at a few hundred bytes each."""


@dataclass(frozen=True, slots=True)
class Said:
    bot: str
    scene: str
    peer: str
    message_id: str
    text: str
    at: datetime


class Memory:
    """Keyed by bot and message id: ids of different bots collide freely. Newest `MOST` only."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], Said] = OrderedDict()
        self._claimed: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, said: Said) -> None:
        _keep(self._said, (said.bot, said.message_id), said)

    def by_id(self, bot: str, message_id: str) -> Said | None:
        return self._said.get((bot, message_id))

    def claim(self, bot: str, message_id: str) -> None:
        """Somebody was told that this message arrived; it settles nothing else any more."""
        _keep(self._claimed, (bot, message_id), None)

    def unclaim(self, bot: str, message_id: str) -> None:
        """It is a part of something that has still to be completed."""
        self._claimed.pop((bot, message_id), None)

    def is_claimed(self, bot: str, message_id: str) -> bool:
        return (bot, message_id) in self._claimed

    def unclaimed(self, bot: str, scene: str, peer: str, text: str, since: datetime) -> str:
        """Id of the oldest message with this text that nobody was told about; empty if none."""
        wanted = plain(text)
        for key, said in self._said.items():
            here = (said.bot, said.scene, said.peer) == (bot, scene, peer) and said.at >= since
            if here and key not in self._claimed and plain(said.text) == wanted:
                return said.message_id
        return ""


def _keep(kept: OrderedDict[tuple[str, str], V], key: tuple[str, str], value: V) -> None:
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > MOST:
        kept.popitem(last=False)
