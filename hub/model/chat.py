"""Operators in chat: where they are, what they wrote, what went out to them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChatPeer:
    """Where in QQ: which bot account, private chat or group, and with whom."""

    bot: str
    """The bot's own QQ id; empty: whichever bot is connected."""
    scene: str
    """`private` or `group`."""
    peer: str
    """QQ id of the person, or id of the group."""


@dataclass(frozen=True, slots=True)
class ChatPicture:
    """A picture in a chat, as its bridge names it: where it lies now, and by what name."""

    url: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class OperatorMessage:
    """What somebody wrote to the bot in QQ."""

    peer: ChatPeer
    sender: str
    message_id: str
    text: str
    quoted_id: str | None = None
    quoted_text: str = ""
    parts: tuple[str | ChatPicture, ...] = ()
    """Text and pictures in the order in which they were written; empty: there is only `text`."""
    attachments: int = 0
    """Files, voice and the like that came along and are not part of `parts`."""
    addressed: bool = True
    """Private, or the bot was @-ed or quoted; otherwise people may just be talking."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A text that went out to QQ, and the ids its parts got there."""

    bot: str
    message_ids: tuple[str, ...]
