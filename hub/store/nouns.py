"""Values that only the store hands out: rows that need more than the nouns of `hub.model` say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from hub.model import (
    AccountId,
    Claim,
    Conversation,
    ConversationId,
    Hold,
    Item,
    MemberId,
    Message,
    MessageId,
    PeoplePlan,
    RuleId,
    ShopId,
)

ChangedNoun = Literal[
    "conversation",
    "account",
    "member",
    "rule",
    "hold",
    "pool",
    "order",
    "need",
    "stop",
    "delivery_rule",
    "buyer",
    "focus",
    "node",
]


@dataclass(frozen=True, slots=True)
class Change:
    """Something that pages and caches may want to look at again; told after the commit."""

    shop: ShopId
    noun: ChangedNoun
    id: int


@dataclass(frozen=True, slots=True)
class StoredToken:
    """The platform's token of an account's chat connection, and the device it belongs to."""

    value: str = field(repr=False)
    device_id: str
    expires_at: datetime
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class TokenTries:
    """What is remembered of the attempts to get such a token."""

    asked_at: datetime | None = None
    """The last one, whatever became of it."""
    failures: int = 0
    """How many in a row brought none that counted."""


@dataclass(frozen=True, slots=True)
class Outage:
    """An outage of an account that is over, and what of it was caught up afterwards."""

    account: AccountId
    since: datetime
    until: datetime
    told: bool
    """Owners were told of it while it lasted."""
    messages: int
    """Of buyers."""
    expired: int
    """Messages among them that were too old for an automatic answer."""
    orders: int
    """Paid ones."""
    caught_up_at: datetime | None
    """When everything that was missed had been looked for; None: not yet."""


@dataclass(frozen=True, slots=True)
class WebSession:
    """A browser that is logged in to the admin."""

    shop: ShopId
    member: MemberId
    csrf: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationLine:
    """One line of the inbox."""

    conversation: Conversation
    last: Message | None
    hold: Hold | None
    """What stops the automation here, whatever its scope."""
    drafted: bool = False
    """An answer is proposed and waits for a person."""


@dataclass(frozen=True, slots=True)
class KnownItem:
    """An item as it was when somebody last looked."""

    item: Item
    account: AccountId
    read_at: datetime | None
    """When its page was read; None: only its line in a list is known."""
    listed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided for a message and why."""

    message: MessageId | None
    outcome: str
    reason: str
    steps: tuple[str, ...]
    """What was looked at before, in order, in words for people."""
    rule: RuleId | None
    """The rule may have been removed since."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Relay:
    """What a message that we posted in a chat was about."""

    shop: ShopId
    conversation: ConversationId
    message: MessageId | None
    at: datetime
    need: int | None = None
    """The number of the need that it told of."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """What decides who hears of something."""

    plan: PeoplePlan | None
    """None: nothing was ever settled, and owners hear of everything."""
    claim: Claim | None
    """Of the conversation it is about, however old."""
    owners_qq: tuple[tuple[str, ...], ...]
    """The QQ ids of each active owner who has any."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what, through which door."""

    member: MemberId | None
    door: str
    action: str
    target: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A piece of the wire that could not be read."""

    id: int
    account: AccountId
    raw: str
    reason: str
    at: datetime
