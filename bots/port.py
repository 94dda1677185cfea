"""What a way into QQ offers, whoever is at its other end: the contract of `bots/*/port.py`.

`QQ` is a front over ports. It splits texts, leaves out what a chat cannot show, answers operators
and chooses the port; a port speaks one protocol and knows what its messages are called there.

**Bots.** A bot belongs to one port at a time, and its id says what it is. Bots with a QQ number of
their own are called by it (`10001`), through whichever protocol they speak: to people they are the
same. An official bot is `official:<app id>`: it has no number that others could write to.

**Addresses** of people and groups (`ChatPeer.peer`, `OperatorMessage.sender`, the QQ ids of
members, groups in a shop's plan) are plain text above the ports. A QQ number is digits, means the
same person to every bot, and may be written to by any bot that has a number. What only one bot
understands is written `<bot>/<id>`, as `official:102001/0A1B2C3D`; see `hub.model.only_bot`. So

- binding stores the address as it came in with `/绑定`, nobody has to know what it is;
- `is_operator` compares addresses, and two bots' ids can never be taken for each other;
- a notice to `ChatPeer("", "private", "official:102001/0A1B2C3D")` finds its bot by the address,
  and waits for that bot, never for another;
- a port of such bots writes the address when a message comes in (`scoped`) and takes its own part
  of it (`unscoped`) when one goes out. Whom the protocol gives several ids has several addresses.

**Message ids** are text as well, and a port's ids must not look like another port's for the same
kind of bot: relays outlive a change of the protocol, and an old quote must then lead nowhere rather
than to another buyer. OneBot's are whole numbers, Milky's begin with a letter.

**Outcomes** are the hub's own errors: `Unreachable` when nothing was said (also: this chat may not
be written to before somebody writes in it), `Rejected`, and `Uncertain` when nobody knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from bots.refusals import TurnedAway
from hub.model import (
    ChatAbilities,
    ChatFile,
    ChatPeer,
    ChatPicture,
    Mark,
    OperatorMessage,
    only_bot,
)

PEER = "qq"
"""What the hub's errors call the other side, through whichever port."""


async def _tell_nobody(_: str, __: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Ear:
    """Who listens to a port."""

    is_operator: Callable[[str], bool]
    """By address. Cheap: asked for each message of a busy group before anything else is done."""
    hear: Callable[[OperatorMessage], Awaitable[bool]]
    """Have a message dealt with and answered; returns whether there was an answer. Raises nothing.
    Call it in order within a chat, and not from what reads the connection: the answer goes out on
    it."""
    arrived: Callable[[str], None]
    """A bot can be used now that could not be used before."""
    left: Callable[[str], None] = lambda _: None
    """A bot may not be usable any more."""
    operators: Callable[[], frozenset[str]] = frozenset
    """All addresses for which `is_operator` is true."""
    trouble: Callable[[str, str], Awaitable[None]] = _tell_nobody
    """Something about a bot, by its id, that its owner has to mend; the sentence is for people.
    Told once, however often it is said."""


Dialling = Callable[[Callable[[], Coroutine[None, None, None]]], Coroutine[None, None, None]]
"""Runs what keeps a connection that the hub dials itself, ends it when that is another hub's, and
begins anew when it is this one's again."""


async def dial_always(keep: Callable[[], Coroutine[None, None, None]]) -> None:
    await keep()


class Port(Protocol):
    """One protocol with all bots that speak it. A peer that comes in here always names its bot."""

    @property
    def turned_away(self) -> TurnedAway | None:
        """The last connection that did not come about, as long as that may still matter."""

    def bots(self) -> tuple[str, ...]:
        """Ids of those that can be used now, longest connected first."""

    def abilities(self, peer: ChatPeer) -> ChatAbilities:
        """What can be done in that chat now."""

    async def say(
        self, peer: ChatPeer, text: str, *, quote: str | None, pictures: Sequence[bytes]
    ) -> tuple[str, ...]:
        """Say a text of at most `longest_text` characters with pictures below it.

        Returns the ids that it got, none if the protocol does not name them. A quote that cannot be
        named is left out. Raises Unreachable, Rejected, Uncertain.
        """

    async def find(self, peer: ChatPeer, texts: Sequence[str], since: datetime) -> tuple[str, ...]:
        """Ids of these messages of the bot, which may have been said since then and which nobody
        was told of; empty unless all are there.

        Empty only if it is certain. Raises Unreachable, Rejected (nothing to look in), Uncertain.
        """

    async def fetch(self, peer: ChatPeer, picture: ChatPicture) -> bytes:
        """The file of a picture in that chat. Raises Unreachable, Rejected, Uncertain."""

    async def react(self, peer: ChatPeer, message_id: str, mark: Mark) -> None:
        """Put a mark below a message. Raises Unreachable, Rejected, Uncertain."""


@runtime_checkable
class Files(Protocol):
    """What a port offers besides, if people can send files to its bots and these can be had."""

    async def fetch_file(self, peer: ChatPeer, file: ChatFile) -> bytes:
        """What a file in that chat holds. Raises Unreachable, Rejected, Uncertain."""


@runtime_checkable
class Sparing(Protocol):
    """What a port offers besides, if its bots may say only so much."""

    async def room(self, peer: ChatPeer) -> int | None:
        """How many messages may be said there now; None: any number."""

    def unclaim(self, peer: ChatPeer, ids: Sequence[str]) -> None:
        """These are parts of a text that is not whole yet: `find` counts them for it."""


def reaches(bot: str, address: str) -> bool:
    """Whether that bot knows the address: its own people and groups, or all QQ numbers."""
    return (only_bot(address) or bot) == bot if bot.isdigit() else only_bot(address) == bot


def scoped(bot: str, own_id: str) -> str:
    """The address of somebody whom only this bot knows by that id."""
    return f"{bot}/{own_id}"


def unscoped(address: str) -> str:
    """The id within the bot, or the QQ number."""
    return address.rpartition("/")[2]
