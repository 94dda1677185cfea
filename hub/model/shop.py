"""What a shop owns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.content import Content
from hub.model.ids import (
    AccountId,
    ConversationId,
    MemberId,
    MessageId,
    PlatformConversation,
    PlatformMessage,
    PlatformUser,
    ShopId,
)


class Role(StrEnum):
    OWNER = "owner"
    AGENT = "agent"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Member:
    id: MemberId
    shop: ShopId
    name: str
    role: Role
    qq: tuple[str, ...] = ()
    email: str | None = None
    urgent_mail: bool = True
    """Whether urgent news also go to `email`."""
    has_password: bool = False
    active: bool = True


class AccountState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    ONLINE = "online"
    RENEWING = "renewing"
    """Not connected; the login is being brought back without a person."""
    WAITING = "waiting"
    """Tries again by itself at `Account.state_until`."""
    VERIFICATION_NEEDED = "verification_needed"
    LOGGED_OUT = "logged_out"
    HELD = "held"
    """The hub stopped by itself, because going on would do harm."""
    DISABLED = "disabled"


RESTING = frozenset({AccountState.VERIFICATION_NEEDED, AccountState.LOGGED_OUT, AccountState.HELD})
"""States of an enabled account in which nothing is asked of the platform until a person acts."""


@dataclass(frozen=True, slots=True)
class Account:
    """A seller login we operate. Credentials are not part of it; the store hands them out apart."""

    id: AccountId
    shop: ShopId
    name: str
    user: PlatformUser
    device_id: str
    enabled: bool
    state: AccountState
    state_reason: str
    state_since: datetime
    takeover_minutes: int = 10
    """How long the automation stays silent after a human answered; 0 means it never does."""
    offline_since: datetime | None = None
    """When it was last connected; None while it is, and before its first connection."""
    logins: int = 1
    """Counts the credentials a person gave."""
    state_until: datetime | None = None
    """When it will be tried again; set while WAITING."""
    check_url: str = ""
    """Where the platform wants to see a human, if it said so; set while VERIFICATION_NEEDED."""
    starts: int = 1
    """Counts the fresh starts that people asked for: new credentials, another proxy,
    switching on, reconnecting. A new number makes the runner start afresh."""
    started_at: datetime | None = None
    """The last of these; stored accounts always have one."""
    told_since: datetime | None = None
    """Since when the trouble lasts that owners were told of; None: they know of none."""


@dataclass(frozen=True, slots=True)
class Conversation:
    id: ConversationId
    shop: ShopId
    account: AccountId
    platform_id: PlatformConversation
    ticket: str
    """Short handle shown in notices, without `#`: `a7`. Unique per shop."""
    buyer: PlatformUser | None
    buyer_name: str
    item_id: str | None
    item_title: str
    last_message_at: datetime | None


class Origin(StrEnum):
    """Who wrote a message."""

    BUYER = "buyer"
    PLATFORM = "platform"
    PHONE = "phone"
    """The seller, on another device."""
    OPERATOR = "operator"
    RULE = "rule"
    AI = "ai"
    DELIVERY = "delivery"
    """The goods of a paid order."""
    TOGGLE = "toggle"
    """The seller's word to us, typed on another device: nothing that was said to the buyer."""


class MessageState(StrEnum):
    RECEIVED = "received"
    DRAFT = "draft"
    """AI proposes it; nothing happens before a person has said yes."""
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    READ = "read"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DROPPED = "dropped"
    RECALLED = "recalled"
    """Taken back by whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Message:
    id: MessageId
    conversation: ConversationId
    origin: Origin
    content: Content
    state: MessageState
    sent_at: datetime
    platform_id: PlatformMessage | None = None
    member: MemberId | None = None
    reason: str = ""
    """Why it was rejected, dropped or left uncertain, or not taken back, in words for people."""
    quoted: PlatformMessage | None = None
    """The message it answers, if it says so."""
    wire_at: datetime | None = None
    """When a message of ours last went out."""

    @property
    def ours(self) -> bool:
        return self.origin not in (Origin.BUYER, Origin.PLATFORM)

    @property
    def automatic(self) -> bool:
        """It answers a buyer, and no person has seen it: it yields to every person."""
        return self.origin in (Origin.RULE, Origin.AI) and self.member is None
