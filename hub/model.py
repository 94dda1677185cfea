"""The nouns everybody speaks: ids, content, what arrives from the platform, what people own.

Values only. Times are timezone-aware UTC datetimes, money is `Decimal`, and platform ids are
strings: order ids have 19 digits and do not survive a float.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

ShopId = NewType("ShopId", int)
MemberId = NewType("MemberId", int)
AccountId = NewType("AccountId", int)
ConversationId = NewType("ConversationId", int)
MessageId = NewType("MessageId", int)
RuleId = NewType("RuleId", int)
HoldId = NewType("HoldId", int)
TaskId = NewType("TaskId", int)

PlatformUser = NewType("PlatformUser", str)
"""Numeric id of a person on the platform, digits only (no `@goofish`)."""
PlatformConversation = NewType("PlatformConversation", str)
"""Digits of a conversation id (no `@goofish`)."""
PlatformMessage = NewType("PlatformMessage", str)
"""Server id of a message, `<13 digits>.PNM`; unique per account."""


# --- Content: what one message holds ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    url: str
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Image:
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    url: str
    duration: float | None = None
    """Seconds, if known; the platform's unit is not proven."""


@dataclass(frozen=True, slots=True)
class Video:
    url: str
    cover_url: str = ""


@dataclass(frozen=True, slots=True)
class Location:
    title: str
    address: str
    latitude: str = ""
    longitude: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A card or tip that the platform wrote into the conversation."""

    title: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A kind of message we cannot show; `summary` is the platform's own placeholder."""

    content_type: int
    summary: str


Content = Text | Image | Voice | Video | Location | Card | Unsupported


# --- Events: what a push becomes ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuyerMessage:
    """Written by the other person of a conversation."""

    id: PlatformMessage
    conversation: PlatformConversation
    buyer: PlatformUser
    buyer_name: str
    item_id: str | None
    content: Content
    sent_at: datetime
    quoted: PlatformMessage | None = None


@dataclass(frozen=True, slots=True)
class OwnMessage:
    """Written by the account itself, here or on another device (its echo)."""

    id: PlatformMessage
    conversation: PlatformConversation
    item_id: str | None
    content: Content
    sent_at: datetime
    device: str = ""
    """`web`, `ios`, `android`, or empty when the platform does not say."""


class OrderStatus(StrEnum):
    UNPAID = "unpaid"
    PRICE_CHANGED = "price_changed"
    BARGAIN_PENDING = "bargain_pending"
    PAID = "paid"
    SHIPPED = "shipped"
    COMPLETED = "completed"
    RATE_INVITED = "rate_invited"
    RATED = "rated"
    REFUND_REQUESTED = "refund_requested"
    REFUND_CHANGED = "refund_changed"
    REFUNDED = "refunded"
    CLOSED = "closed"


class SignalSource(StrEnum):
    CARD = "card"
    CARD_UPDATE = "card_update"
    LIGHT_STATUS = "light_status"
    TIP = "tip"
    WORKBENCH = "workbench"


@dataclass(frozen=True, slots=True)
class OrderSignal:
    """The platform says that an order changed. A hint only: the order API has the truth."""

    status: OrderStatus
    source: SignalSource
    conversation: PlatformConversation
    sent_at: datetime
    id: PlatformMessage | None = None
    order_id: str | None = None
    item_id: str | None = None
    buyer: PlatformUser | None = None
    text: str = ""
    """What a person would read, e.g. `我已付款，等待你发货`."""
    as_buyer: bool = False
    """True when the account itself is the buyer of that order."""


@dataclass(frozen=True, slots=True)
class OrderContext:
    """Links conversation, order, item and buyer; carries no status."""

    conversation: PlatformConversation
    order_id: str
    item_id: str | None
    item_title: str
    buyer: PlatformUser | None
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class SystemMessage:
    """Written by the platform, no order change: tips, marketing, the platform's robot."""

    id: PlatformMessage
    conversation: PlatformConversation
    content: Content
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class ReadReceipt:
    """The other side has read these messages of ours."""

    conversation: PlatformConversation
    messages: tuple[PlatformMessage, ...]
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Typing:
    conversation: PlatformConversation
    active: bool


@dataclass(frozen=True, slots=True)
class ConversationInfo:
    """What the platform tells about a conversation in passing."""

    conversation: PlatformConversation
    buyer: PlatformUser | None
    item_id: str | None
    item_title: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """Understood and of no use to us (unread markers, platform robots' suggestions)."""

    what: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Could not be read. `raw` is the entry as it came, so that it can be studied and replayed."""

    raw: str
    reason: str


Event = (
    BuyerMessage
    | OwnMessage
    | OrderSignal
    | OrderContext
    | SystemMessage
    | ReadReceipt
    | Typing
    | ConversationInfo
    | Ignored
    | Unknown
)


# --- What a shop owns ---------------------------------------------------------------------------


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
    has_password: bool = False
    active: bool = True


class AccountState(StrEnum):
    NEW = "new"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    VERIFICATION_NEEDED = "verification_needed"
    LOGGED_OUT = "logged_out"
    DISABLED = "disabled"


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
    logins: int = 1
    """Counts the credentials a person gave; a new number makes the runner start afresh."""


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


class MessageState(StrEnum):
    RECEIVED = "received"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    READ = "read"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    DROPPED = "dropped"


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
    """Why it was rejected, dropped or left uncertain, in words for people."""

    @property
    def ours(self) -> bool:
        return self.origin in (Origin.PHONE, Origin.OPERATOR, Origin.RULE)


class RuleKind(StrEnum):
    KEYWORD = "keyword"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Rule:
    id: RuleId
    shop: ShopId
    account: AccountId | None
    """None: for every account of the shop."""
    kind: RuleKind
    keywords: tuple[str, ...]
    reply: str
    enabled: bool = True


class HoldScope(StrEnum):
    CONVERSATION = "conversation"
    SHOP = "shop"


class HoldKind(StrEnum):
    PAUSE = "pause"
    TAKEOVER = "takeover"


@dataclass(frozen=True, slots=True)
class Hold:
    """Automation is stopped: for one conversation, or for the whole shop (conversation is None)."""

    id: HoldId
    shop: ShopId
    kind: HoldKind
    conversation: ConversationId | None
    reason: str
    since: datetime
    until: datetime | None
    """None: until somebody resumes."""


# --- Tasks: effects on the outside world --------------------------------------------------------


class TaskKind(StrEnum):
    SEND = "send"
    """Say something to a buyer."""
    NOTICE = "notice"
    """Tell operators about a conversation in chat."""
    RECEIPT = "receipt"
    """Tell the operator who wrote what became of it."""


class TaskState(StrEnum):
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class AskedBy:
    """The chat message through which an operator asked; receipts quote it."""

    peer: ChatPeer
    message_id: str


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Say to the buyer what the outgoing message holds."""

    message: MessageId
    asked_by: AskedBy | None = None


@dataclass(frozen=True, slots=True)
class SendNotice:
    """Tell an operator in chat about a conversation; quoting it answers the buyer."""

    peer: ChatPeer
    text: str
    conversation: ConversationId
    message: MessageId | None = None


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """Tell the operator who asked what became of it."""

    asked_by: AskedBy
    text: str
    conversation: ConversationId


Work = SendMessage | SendNotice | SendReceipt
"""The effects on the outside world; `TaskKind` names them in the database."""


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed outbox row. `attempt` and the holder fence a worker that was too slow."""

    id: TaskId
    shop: ShopId
    kind: TaskKind
    lane: str
    key: str
    work: Work
    attempt: int
    wire_at: datetime | None
    """When it was marked as on the wire; set: it may have reached the outside, so look first."""
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChatPeer:
    """Where in QQ: which bot account, private chat or group, and with whom."""

    bot: str
    """The bot's own QQ id; empty: whichever bot is connected."""
    scene: str
    """`private` or `group`."""
    peer: str
    """QQ id of the person, or id of the group."""


def send_lane(account: AccountId, conversation: ConversationId | None = None) -> str:
    """Messages of one conversation leave in order. Without a conversation: the prefix of all lanes
    of an account, so that they can be hastened when it comes online."""
    return f"account:{account}:" + ("" if conversation is None else str(conversation))


def chat_lane(peer: ChatPeer | None = None) -> str:
    """Texts to one chat leave in order. Without a peer: the prefix of all chats' lanes."""
    return "qq:" if peer is None else f"qq:{peer.scene}:{peer.peer}"


@dataclass(frozen=True, slots=True)
class OperatorMessage:
    """What somebody wrote to the bot in QQ."""

    peer: ChatPeer
    sender: str
    message_id: str
    text: str
    quoted_id: str | None = None
    quoted_text: str = ""
    attachments: int = 0
    """Pictures, files and voice that came along and are not part of `text`."""
    addressed: bool = True
    """Private, or the bot was @-ed or quoted; otherwise people may just be talking."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A text that went out to QQ, and the ids its parts got there."""

    bot: str
    message_ids: tuple[str, ...]
