"""Nodes: the hubs that share one database, and the seats of which each has one holder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from hub.model.chat import ChatPeer, only_bot
from hub.model.ids import AccountId
from hub.model.tasks import (
    AnswerByAi,
    ChangePrice,
    FreeShipping,
    MarkRead,
    ReadItem,
    ReadOrder,
    RecallMessage,
    SendMail,
    SendMessage,
    SendNotice,
    SendReceipt,
    ShipOrder,
    Work,
)

NodeId = NewType("NodeId", str)
"""One life of a hub: its name, a stroke, and something random. A hub that is started again is
another one, so nothing of its earlier life can be taken for its own."""

NOWHERE = ""
"""The seat of what any node may do."""
KEEPER = "keeper"
"""Does what must be done once, by whichever node: backups, expiry, mails, news of accounts."""
DIALS = "dials"
"""Opens the connections to QQ that the hub dials itself."""
ANY_BOT = "qq"
"""Speaks to those whom any QQ bot can reach."""


@dataclass(frozen=True, slots=True)
class NodeBot:
    """A QQ bot that is connected to a node."""

    id: str
    reacts: tuple[str, ...] = ()
    """Scenes in which it can put signs on messages."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node as the others see it. It lives until `expires_at`, by the clock of the database."""

    id: NodeId
    name: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    bots: tuple[NodeBot, ...] = ()
    home: str = ""
    """Of two nodes with the same home the elder is dead, because only one at a time can have it;
    empty: it is not known."""


@dataclass(frozen=True, slots=True)
class Fall:
    """A node of that name was missed."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a seat; valid as long as that node lives."""

    node: NodeId | None
    fence: int
    """How often the seat was given to somebody."""


@dataclass(frozen=True, slots=True)
class NodeView:
    """A living node and what it holds, for people."""

    node: Node
    accounts: tuple[AccountId, ...]
    keeper: bool
    here: bool
    """It is the one that tells."""


def account_seat(account: AccountId) -> str:
    return f"account:{account}"


def account_at(seat: str) -> AccountId | None:
    """The account whose seat it is."""
    noun, _, number = seat.partition(":")
    return AccountId(int(number)) if noun == "account" else None


def bot_seat(bot: str) -> str:
    """Where that bot speaks from; without one: where those are told whom any bot can reach."""
    return f"{ANY_BOT}:{bot}" if bot else ANY_BOT


def bot_at(seat: str) -> str | None:
    """The bot whose seat it is; empty for that of any bot."""
    noun, _, bot = seat.partition(":")
    return bot if noun == ANY_BOT else None


def may_be_any_bot(bot: str) -> bool:
    """Whether QQ numbers can be written to with it: official bots know people by other ids."""
    return bot.isdigit()


def bot_reaches(bot: str, peer: ChatPeer) -> bool:
    """Whether that bot can speak there."""
    only = peer.bot or only_bot(peer.peer)
    return only == bot if only else may_be_any_bot(bot)


def seat_of(work: Work) -> str:
    """The seat whose holder alone may do this; NOWHERE: any node may."""
    match work:
        case (
            SendMessage()
            | AnswerByAi()
            | RecallMessage()
            | ReadItem()
            | MarkRead()
            | ReadOrder()
            | ShipOrder()
            | FreeShipping()
            | ChangePrice()
        ):
            return account_seat(work.account)
        case SendNotice():
            return bot_seat(work.peer.bot)
        case SendReceipt():
            return bot_seat(work.asked_by.peer.bot)
        case SendMail():
            return KEEPER
        case _:
            return NOWHERE
