"""Delivery: what is owed for a paid order, how far it got, and what a person has to decide."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hub.model.events import OrderStatus
from hub.model.ids import (
    AccountId,
    ConversationId,
    DeliveryId,
    DeliveryRuleId,
    MemberId,
    NeedId,
    PlatformUser,
    PoolId,
    ShopId,
)
from hub.model.items import Spec
from hub.model.stock import OrderUnit


class StepOrder(StrEnum):
    """Whether the buyer or the platform hears first that the goods are on their way."""

    SEND_THEN_CONFIRM = "send_then_confirm"
    CONFIRM_THEN_SEND = "confirm_then_send"
    SEND_ONLY = "send_only"


class DeliveryState(StrEnum):
    PENDING = "pending"
    """Owed; no cards are drawn yet."""
    SUPPLYING = "supplying"
    """A supplier is asked for its cards."""
    RESERVED = "reserved"
    """Cards are drawn; nothing has left."""
    SENDING = "sending"
    """At least one message has left or may have left."""
    SENT = "sent"
    """The platform accepted every message."""
    CONFIRMED = "confirmed"
    """And the order counts as shipped there."""
    REVIEW = "review"
    """A person has to look; the cards stay with this order."""
    FAILED = "failed"
    """A person decided that nothing is delivered."""
    OUTSIDE = "outside"
    """A person delivered it without the hub."""
    RELEASED = "released"
    """The cards went back; the buyer surely never saw them."""


class DeliveryStep(StrEnum):
    """What happens to a delivery: the input of its state machine, and a line of its story."""

    OWED = "owed"
    ASKED = "asked"
    """A supplier is to be asked for its cards."""
    UNSUPPLIED = "unsupplied"
    """The supplier gave none, as far as we know."""
    RESERVED = "reserved"
    LEFT = "left"
    """A message was put on the wire."""
    ACCEPTED = "accepted"
    """The last of its messages was accepted."""
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    STOPPED = "stopped"
    """A message was not sent: an emergency stop, a refund, too late."""
    SHIPPED = "shipped"
    """The platform counts the order as shipped."""
    RESENT = "resent"
    OUTSIDE = "outside"
    RELEASED = "released"
    REFUSED = "refused"


class OrderNote(StrEnum):
    """Lines of an order's story that change no delivery."""

    READ = "read"
    HELD = "held"
    LEFT_ALONE = "left_alone"
    """The shop has no delivery rules, so nothing is delivered and nobody is asked."""
    FREED = "freed"
    """Free shipping was called for a bargain."""
    SHIP_FAILED = "ship_failed"
    REFUND = "refund"
    REFUND_OFF = "refund_off"
    DISPUTED = "disputed"
    PRICE_ASKED = "price_asked"
    PRICED = "priced"
    """The platform counts another price."""
    PRICE_FAILED = "price_failed"
    HURRIED = "hurried"
    """A person did not want to wait for the rest of its delay."""
    KEPT = "kept"
    """A supplier gave cards that nobody waits for any more; they are kept and go to nobody."""


@dataclass(frozen=True, slots=True)
class DeliveryRule:
    """Which pool serves which purchases, and how."""

    id: DeliveryRuleId
    shop: ShopId
    account: AccountId | None
    """None: for every account of the shop."""
    pool: PoolId
    items: tuple[str, ...] = ()
    """Exact item ids."""
    keywords: tuple[str, ...] = ()
    """Parts of an item's title; a fallback for items that no rule names."""
    spec: Spec = ()
    """Exactly this choice of the item; empty: an item that has none."""
    fallback: bool = False
    """It serves choices, too, that no rule names."""
    cards: int = 1
    """Cards for one piece."""
    most_units: int = 10
    """More pieces in one order are left to a person."""
    delay_seconds: int = 0
    steps: StepOrder = StepOrder.SEND_THEN_CONFIRM
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order as its page was last read, and what we did about it."""

    shop: ShopId
    account: AccountId
    id: str
    conversation: ConversationId | None
    status: OrderStatus | None
    raw_status: str
    item_id: str | None
    item_title: str
    buyer: PlatformUser | None
    buyer_name: str
    spec: Spec
    quantity: int | None
    paid_amount: Decimal | None
    bargain: bool
    created_at: datetime | None
    paid_at: datetime | None
    steps: StepOrder
    shipped_at: datetime | None
    """When the platform counted it as shipped, as far as we know."""
    refund_at: datetime | None
    """When a refund or the end of the order was first heard of; None: nothing of the kind."""
    seen_at: datetime
    read_at: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One unit of one order."""

    id: DeliveryId
    shop: ShopId
    unit: OrderUnit
    state: DeliveryState
    rule: DeliveryRuleId | None
    """None: a person chose the pool."""
    pool: PoolId | None
    """None: nothing of ours was meant to be given."""
    cards: int
    attempt: int
    """Counts how often its messages were written; each time is the same cards."""
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StoryLine:
    """One line of the story of an order. It never names a card."""

    at: datetime
    unit: int | None
    """None: about the order as a whole."""
    step: DeliveryStep | OrderNote
    detail: str
    member: MemberId | None
    door: str


class NeedKind(StrEnum):
    """Why a person has to look."""

    NO_RULE = "no_rule"
    OUT_OF_STOCK = "out_of_stock"
    UNKNOWN_SPEC = "unknown_spec"
    TOO_MANY = "too_many"
    UNCLEAR = "unclear"
    """The order page says too little, or nothing that can be believed."""
    UNREADABLE = "unreadable"
    """The order page could not be read for long."""
    HELD = "held"
    """A block rule."""
    STOPPED = "stopped"
    """An emergency stop or the brake was on."""
    OFFLINE = "offline"
    """What is reserved waits for its account to be connected."""
    UNSUPPLIED = "unsupplied"
    """The supplier gave no card."""
    SUPPLY_UNCERTAIN = "supply_uncertain"
    """The supplier was asked, and may have given out a card that never came."""
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    SHIP_FAILED = "ship_failed"
    BARGAIN = "bargain"
    """Free shipping was refused."""
    REFUND = "refund"
    """A refund of an order that was delivered, or may have been."""
    REFUND_OFF = "refund_off"
    """The refund is off and the order waits for its goods again."""
    OFFER = "offer"
    """A buyer offers less than the floor, or what only a person can judge."""
    BRAKE = "brake"
    """Deliveries of the whole shop were stopped by the brake."""


class Choice(StrEnum):
    """How a person can answer a need."""

    DELIVER = "deliver"
    ASK_AGAIN = "ask_again"
    """Ask the supplier once more."""
    RESEND = "resend"
    ARRIVED = "arrived"
    """The buyer has it: it stands in the conversation."""
    OUTSIDE = "outside"
    RELEASE = "release"
    REFUSE = "refuse"
    SHIP = "ship"
    FREE = "free"
    """Complete a bargain order now."""
    READ = "read"
    RESUME = "resume"
    DONE = "done"
    AGREE = "agree"
    """To the price that the buyer offers."""
    COUNTER = "counter"
    """Name another price to the buyer."""
    DECLINE = "decline"
    """Tell the buyer that the price stays as it is."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something a person has to decide, open until it is resolved."""

    id: NeedId
    shop: ShopId
    number: int
    """Counts up in its shop; what people name it by."""
    kind: NeedKind
    account: AccountId | None
    order: str | None
    conversation: ConversationId | None
    detail: str
    opened_at: datetime
    closed_at: datetime | None = None
    resolution: str = ""


@dataclass(frozen=True, slots=True)
class Stop:
    """Deliveries are stopped: of one account, or of the whole shop (account is None)."""

    shop: ShopId
    account: AccountId | None
    reason: str
    since: datetime
    by_brake: bool = False


@dataclass(frozen=True, slots=True)
class Guards:
    """What a shop wants held before it is delivered. None and 0 mean: no such limit."""

    blocked_buyers: tuple[str, ...] = field(default=())
    hold_second_order: bool = False
    """Hold while the buyer has another order that was delivered and is not completed."""
    most_amount: Decimal | None = None
    """Yuan."""
    most_amount_new_buyer: Decimal | None = None
    """Yuan, of a buyer to whom nothing was delivered yet."""
    brake_per_minute: int = 60
    """More deliveries than these in a minute stop the shop."""
    brake_failures: int = 5
    """So many refused or uncertain deliveries in a row stop the shop."""
