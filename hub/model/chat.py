"""Operators in chat: where they are, what they wrote, what went out to them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class ChatPeer:
    """Where in QQ: which bot account, private chat or group, and with whom."""

    bot: str
    """The bot's own QQ id, or whatever its port calls it; empty: whichever bot is connected that
    can reach the peer."""
    scene: str
    """`private` or `group`."""
    peer: str
    """Address of the person or the group: a QQ number, or what a single bot calls it (`only_bot`).
    """


@dataclass(frozen=True, slots=True)
class OfficialBot:
    """The official bot that is set up, whether it is there, and when and why it was not there
    last."""

    bot: str
    online: bool
    refusal: tuple[datetime, str] | None


def only_bot(address: str) -> str:
    """The one bot with which an address of a person or a group is valid; empty for QQ numbers,
    which mean the same to every bot.

    Official bots know people by ids of their own making, as `official:102001/0A1B2C`: the bot, a
    stroke, and the id. So an address says itself with whom it may be used, wherever it is stored.
    """
    return address.rpartition("/")[0]


def peer_at(scene: str, address: str) -> ChatPeer:
    """Where somebody is told something: at the one bot that knows them, or at any."""
    return ChatPeer(only_bot(address), scene, address)


def in_group_only(address: str) -> bool:
    """Whether it names somebody as one group knows them, so that nothing can be said to them alone:
    official bots may know a person there by another id than in private."""
    return "@" in address


class Mark(StrEnum):
    """What a reaction to an operator's message says became of it."""

    SENDING = "sending"
    """It takes longer than usual."""
    ACCEPTED = "accepted"
    READ = "read"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class ChatAbilities:
    """What can be done in one chat; as it is made here, next to nothing."""

    longest_text: int = 3_000
    """Characters of one message; longer texts go out as several."""
    quotes: bool = False
    pictures: bool = False
    reacts: bool = False
    pushes: bool = False
    """May speak unasked; otherwise only answers to what somebody wrote a short while ago."""
    history: bool = False
    """An uncertain message can be looked for."""


@dataclass(frozen=True, slots=True)
class ChatPicture:
    """A picture in a chat, as its bridge names it: where it lies now, and by what name."""

    url: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class ChatFile:
    """A file in a chat, as its bridge names it."""

    name: str
    """As people see it."""
    id: str = ""
    """By which the bridge knows it; empty: by nothing."""
    url: str = ""
    size: int = 0
    """In bytes; 0: not told."""
    hash: str = ""
    """Which some bridges want to be told again."""


@dataclass(frozen=True, slots=True)
class OperatorMessage:
    """What somebody wrote to the bot in QQ."""

    peer: ChatPeer
    sender: str
    message_id: str
    text: str
    quoted_id: str | None = None
    """None: nothing is quoted. Empty: something is, and nobody can say what."""
    quoted_text: str = ""
    parts: tuple[str | ChatPicture, ...] = ()
    """Text and pictures in the order in which they were written; empty: there is only `text`."""
    attachments: int = 0
    """Files, voice and the like that came along and are not part of `parts`."""
    files: tuple[ChatFile, ...] = ()
    """Those of the attachments that are files and can be had."""
    quoted_files: tuple[ChatFile, ...] = ()
    """In the message that is quoted, as far as the bridge still knows it."""
    addressed: bool = True
    """Private, or the bot was @-ed or quoted; otherwise people may just be talking."""
    said_at: datetime | None = None
    """By QQ's clock, so the same through every bot that heard it; None: not told."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A text that went out to QQ, and the ids its parts got there."""

    bot: str
    message_ids: tuple[str, ...]
