"""What this process has said in QQ lately, so that a quote of it needs no question to QQ."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime

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
    claimed: bool = False
    """Already reported to whoever asked for it to be said."""


class Memory:
    """Keyed by bot and message id: ids of different bots collide freely. Newest `MOST` only."""

    def __init__(self) -> None:
        self._said: OrderedDict[tuple[str, str], Said] = OrderedDict()

    def note(self, said: Said) -> None:
        """Remember; a message that was claimed once stays claimed."""
        key = (said.bot, said.message_id)
        known = self._said.get(key)
        if known is not None and known.claimed:
            said = replace(said, claimed=True)
        self._said[key] = said
        self._said.move_to_end(key)
        while len(self._said) > MOST:
            self._said.popitem(last=False)

    def by_id(self, bot: str, message_id: str) -> Said | None:
        return self._said.get((bot, message_id))

    def claim(self, bot: str, message_id: str) -> None:
        """Somebody was told that this message arrived; it settles nothing else any more."""
        said = self._said.get((bot, message_id))
        if said is not None:
            self._said[bot, message_id] = replace(said, claimed=True)

    def is_claimed(self, bot: str, message_id: str) -> bool:
        said = self._said.get((bot, message_id))
        return said is not None and said.claimed

    def unclaimed(self, bot: str, scene: str, peer: str, text: str, since: datetime) -> str:
        """Id of the oldest message with this text that nobody was told about; empty if none."""
        wanted = plain(text)
        for said in self._said.values():
            place = (said.bot, said.scene, said.peer)
            here = place == (bot, scene, peer) and not said.claimed and said.at >= since
            if here and plain(said.text) == wanted:
                return said.message_id
        return ""


def plain(text: str) -> str:
    """Text as it compares: QQ trims messages and has its own line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
