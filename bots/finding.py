"""Whether what was said without an answer is there: in our memory, else in the chat's history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bots.memory import Memory
from bots.port import PEER
from bots.words import plain
from hub.errors import Uncertain
from hub.model import ChatPeer


@dataclass(frozen=True, slots=True)
class PastMessage:
    message_id: str
    sender: str
    at: int
    """Unix seconds."""
    text: str


History = Callable[[ChatPeer, int], Awaitable[Sequence[PastMessage]]]
"""So many of the newest messages of a chat. Raises Unreachable, Rejected, Uncertain."""


async def find_said(
    memory: Memory,
    history: History,
    peer: ChatPeer,
    texts: Sequence[str],
    since: datetime,
    *,
    most: int,
) -> tuple[str, ...]:
    """As `Port.find`. `most`: how many messages of a chat can be read."""
    ids = [memory.unclaimed(peer.bot, peer.scene, peer.peer, one, since) for one in texts]
    if not all(ids):
        own = _own(await history(peer, most), memory, peer, since, most)
        ids = [next((i for i, text in own if text == plain(one)), "") for one in texts]
    if not all(ids):
        return ()
    for message_id in ids:
        memory.claim(peer.bot, message_id)
    return tuple(ids)


def _own(
    messages: Sequence[PastMessage], memory: Memory, peer: ChatPeer, since: datetime, most: int
) -> list[tuple[str, str]]:
    """Id and text of what the bot said there since then and nobody was told about."""
    floor = int(since.timestamp())
    if len(messages) >= most and all(m.at >= floor for m in messages):
        raise Uncertain(PEER, "find", "QQ 的聊天记录不够长，查不到那么早")
    return [
        (m.message_id, plain(m.text))
        for m in messages
        if m.sender == peer.bot and m.at >= floor and not memory.is_claimed(peer.bot, m.message_id)
    ]
