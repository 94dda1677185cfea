"""What a push becomes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.content import Content
from hub.model.ids import PlatformConversation, PlatformMessage, PlatformUser


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
    CATCH_UP = "catch_up"
    """Found in the list of orders to ship, not told by a push."""


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
class Recalled:
    """These messages were taken back by whoever wrote them."""

    messages: tuple[PlatformMessage, ...]


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
    | Recalled
    | Typing
    | ConversationInfo
    | Ignored
    | Unknown
)


@dataclass(slots=True)
class TakenIn:
    """What became of the events of one push, or of one look at the platform."""

    messages: int = 0
    """New ones."""
    from_buyers: int = 0
    """Those of them that buyers wrote."""
    repeated: int = 0
    unreadable: int = 0
    answers: int = 0
    merged: int = 0
    """Buyers' lines that share the answer of the lines before them."""
    orders: int = 0
    """Paid orders that nobody had heard of."""
