"""Tasks: effects on the outside world, and the lanes that keep them in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from hub.model.chat import ChatPeer, Mark, only_bot
from hub.model.events import OrderStatus
from hub.model.ids import (
    AccountId,
    ConversationId,
    DeliveryId,
    MemberId,
    MessageId,
    NeedId,
    PlatformConversation,
    PoolId,
    ShopId,
    TaskId,
)
from hub.model.mail import MailPart


class TaskKind(StrEnum):
    SEND = "send"
    """Say something to a buyer."""
    RECALL = "recall"
    """Take back what was said to a buyer."""
    ANSWER = "answer"
    """Have AI answer a buyer."""
    DRAFT = "draft"
    """Settle what AI proposed and nobody decided about."""
    ITEM = "item"
    """Read the page of an item that a conversation is about."""
    READ = "read"
    """Let a buyer see that the conversation was read."""
    NOTICE = "notice"
    """Tell operators about a conversation in chat."""
    RECEIPT = "receipt"
    """Tell the operator who wrote what became of it."""
    READ_ORDER = "read_order"
    """Read the page of an order that something was heard of."""
    DELIVER = "deliver"
    """Let what is reserved for an order leave, after its delay."""
    SUPPLY = "supply"
    """Ask a supplier for the cards of one unit of an order."""
    SHIP = "ship"
    """Mark an order as shipped at the platform."""
    FREE_SHIPPING = "free_shipping"
    """Complete a bargain order."""
    PRICE = "price"
    """Change the price of an unpaid order."""
    REMIND = "remind"
    """Tell owners of what waits for a person, again and again."""
    MAIL = "mail"
    """Tell members of what is urgent by mail."""
    PING = "ping"
    """Remind people of a buyer whom nobody has answered."""
    SUMMARY = "summary"
    """Tell a member what was held back while they wanted quiet."""
    DIGEST = "digest"
    """Tell owners about the day."""


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

    account: AccountId
    conversation: ConversationId
    message: MessageId
    asked_by: AskedBy | None = None
    more: bool = False
    """More of the same answer follows: that this part arrived is not worth a receipt."""
    pictures: bool = False
    """It shows pictures, which have to be uploaded first."""
    may_change: bool = False
    """An automatic answer to what a buyer said: while it waits, their next words may change it."""


@dataclass(frozen=True, slots=True)
class AnswerByAi:
    """Have AI answer what a buyer said last, or propose an answer."""

    account: AccountId
    conversation: ConversationId
    message: MessageId
    """The first line that waits for it."""
    unlike: MessageId | None = None
    """A draft that a person did not like; the next one is shown to a person again."""


@dataclass(frozen=True, slots=True)
class EndDraft:
    """Settle a draft if nobody has decided about it by then."""

    conversation: ConversationId
    draft: MessageId
    harmless: bool
    """It became a draft by the owner's choice alone, and not for what it says or answers."""
    item: str | None = None
    """What the conversation was about when it was written."""


@dataclass(frozen=True, slots=True)
class RecallMessage:
    """Take a message back that the platform has accepted."""

    account: AccountId
    conversation: ConversationId
    message: MessageId
    asked_by: AskedBy | None = None


@dataclass(frozen=True, slots=True)
class ReadItem:
    """Look at an item's page, over the line of this account."""

    account: AccountId
    item: str


@dataclass(frozen=True, slots=True)
class MarkRead:
    """Let the buyer see that what was said so far was read."""

    account: AccountId
    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class SendNotice:
    """Tell an operator something in chat; if it is about a conversation, quoting it answers."""

    peer: ChatPeer
    text: str
    conversation: ConversationId | None
    message: MessageId | None = None
    pictures: bool = False
    """Show the pictures of `message` with it."""
    urgent: bool = False
    """Worth the last thing that a bot may say which may only answer."""
    unless: tuple[str, ...] = ()
    """Keys of the same notice to the same person elsewhere: only if none of them has arrived."""
    joined: tuple[TaskId, ...] = ()
    """Those that it tells of besides itself: they are told when it is."""


@dataclass(frozen=True, slots=True)
class SendReceipt:
    """Tell the operator who asked what became of it."""

    asked_by: AskedBy
    text: str
    conversation: ConversationId
    message: MessageId | None = None
    """What became of which message; quoting the receipt means that one."""
    mark: Mark | None = None
    """Where the chat has signs, one on the operator's own message says it; `hub.policy.receipt_way`
    decides whether the text is said as well. None: only the text."""


@dataclass(frozen=True, slots=True)
class ReadOrder:
    """Read an order's page: the platform said, or a list shows, that it has come to `status`."""

    account: AccountId
    conversation: PlatformConversation
    order: str | None
    """None: the platform named the conversation only."""
    item_id: str | None
    status: OrderStatus


@dataclass(frozen=True, slots=True)
class StartDelivery:
    """Let what is reserved for an order leave now."""

    account: AccountId
    order: str


@dataclass(frozen=True, slots=True)
class Supply:
    """Ask the supplier of its pool for what this delivery hands out."""

    delivery: DeliveryId


@dataclass(frozen=True, slots=True)
class ShipOrder:
    """Mark an order as shipped at the platform."""

    account: AccountId
    order: str


@dataclass(frozen=True, slots=True)
class FreeShipping:
    """Complete a bargain order at the platform."""

    account: AccountId
    order: str


@dataclass(frozen=True, slots=True)
class ChangePrice:
    """Change what the buyer of an unpaid order has to pay."""

    account: AccountId
    order: str
    amount: Decimal
    """Yuan, with postage."""
    asked_by: AskedBy | None = None


@dataclass(frozen=True, slots=True)
class Remind:
    """Tell owners of an open need until it is closed."""

    need: NeedId


@dataclass(frozen=True, slots=True)
class SendMail:
    """Tell a member something urgent by mail; what comes together goes together."""

    to: str
    parts: tuple[MailPart, ...]
    unless: str = ""
    """Only if none of the notices whose keys begin with this has arrived in chat."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Remind people of a buyer whom nobody has answered."""

    conversation: ConversationId
    message: MessageId
    """What waits for an answer."""
    step: int = 0
    """How many reminders there were."""
    member: MemberId | None = None
    """Who asked to be reminded; nobody else is."""
    due_at: datetime | None = None
    """When it was planned for."""


@dataclass(frozen=True, slots=True)
class Summarize:
    """Tell a member what was held back."""

    member: MemberId
    since: datetime


@dataclass(frozen=True, slots=True)
class DailyDigest:
    """Tell owners about the day, then wait for the next."""

    at: str
    """The time of day that was wanted when it was planned, `22:00`."""


Work = (
    SendMessage
    | AnswerByAi
    | EndDraft
    | RecallMessage
    | ReadItem
    | MarkRead
    | SendNotice
    | SendReceipt
    | ReadOrder
    | StartDelivery
    | Supply
    | ShipOrder
    | FreeShipping
    | ChangePrice
    | Remind
    | SendMail
    | Ping
    | Summarize
    | DailyDigest
)
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


def send_lane(account: AccountId, conversation: ConversationId | None = None) -> str:
    """Messages of one conversation leave in order. Without a conversation: the prefix of all lanes
    of an account, so that they can be hastened when it comes online."""
    return f"account:{account}:" + ("" if conversation is None else str(conversation))


def answer_lane(account: AccountId, conversation: ConversationId) -> str:
    """One question of a conversation at a time; no other conversation waits for a model."""
    return f"answer:{account}:{conversation}"


def draft_lane(draft: MessageId) -> str:
    """Waits for its own time only."""
    return f"draft:{draft}"


def recall_lane(account: AccountId, message: MessageId) -> str:
    """Taking back waits for nothing; hastened with the other lanes of its account."""
    return f"{send_lane(account)}recall:{message}"


def item_lane(account: AccountId) -> str:
    """One page at a time."""
    return f"item:{account}"


def read_lane(account: AccountId, conversation: ConversationId) -> str:
    return f"read:{account}:{conversation}"


def order_lane(account: AccountId, what: str) -> str:
    """What is asked of the platform about orders; hastened with the account's messages."""
    return f"{send_lane(account)}order:{what}"


SUPPLIES_AT_ONCE = 4
"""Calls to one supplier, so that a slow one keeps the turns of no other."""


def supply_lane(pool: PoolId, delivery: DeliveryId) -> str:
    """Calls to one supplier wait for one another, a few at a time, and nobody else does."""
    return f"supply:{pool}:{delivery % SUPPLIES_AT_ONCE}"


def chat_lane(
    peer: ChatPeer | None = None,
    *,
    pictures: bool = False,
    fallback: bool = False,
    urgent: bool = False,
) -> str:
    """Texts to one chat leave in order. Without a peer: the prefix of all chats' lanes.

    What only one bot can say has a lane of its own: that bot may never come back. So has what
    comes with pictures: they have to be fetched, and no text waits for that. What is only said if
    it does not arrive elsewhere waits for that alone, and what presses waits for nothing that
    does not.
    """
    if peer is None:
        return "qq:"
    bot = f":{peer.bot}" if peer.bot else ""
    return (
        f"qq:{peer.scene}:{peer.peer}{bot}"
        + (":pictures" if pictures else "")
        + (":fallback" if fallback else "")
        + (":urgent" if urgent else "")
    )


def chat_lanes(peer: ChatPeer) -> tuple[str, ...]:
    """All lanes in which notices wait that may be said to one chat as one."""
    both = (False, True)
    return tuple(chat_lane(peer, fallback=late, urgent=urgent) for late in both for urgent in both)


def receipt_lane(peer: ChatPeer) -> str:
    """What somebody waits for who has just written: it stands behind no notice of a bot that may
    only answer."""
    return f"{chat_lane(peer)}:receipts" if only_bot(peer.peer) else chat_lane(peer)


ANSWER_KEY = "rule:"
"""How the keys of messages begin that rules say to a buyer's line; its id comes behind."""
AI_KEY = "ai:"
"""How the keys of messages begin that AI says to a buyer's line by itself; its id comes behind."""
DRAFT_KEY = "draft:"
"""How the keys of messages begin that AI proposes for a buyer's line; its id comes behind."""
UNDECIDED_KEY = "undecided:"
"""How the keys of messages begin that were drafts and went out alone; their ids come behind."""
MOMENT_KEY = "moment:"
"""How the keys of messages begin that rules say because an order has come to some point."""
AWAY_KEY = "away:"
"""How the keys of messages begin that are said to buyers when nobody is there."""
NOTICE_KEY = "notice:"
"""How the keys of notices begin that tell what a buyer said."""
HANDED_KEY = "handed:"
"""How the keys of notices begin that hand a conversation over."""
PING_KEY = "ping:"
"""How the keys of reminders begin, and of the notices that they make."""


def mail_lane(to: str | None = None, *, unless_told: bool = False, ordinary: bool = False) -> str:
    """Mails to one address leave in order. Without an address: the prefix of all of them.

    What is only sent if the chat stays silent has a lane of its own, because it waits for that. So
    has what is ordinary: nothing urgent waits behind it.
    """
    if to is None:
        return "mail:"
    apart = ":untold" if unless_told else ":ordinary" if ordinary else ""
    return f"mail:{to.casefold()}{apart}"


CHAT_STEM, ASKED_STEM, HEARD_STEM = "qq:", "asked:", "heard:"
"""What keys of chat messages begin with, those of second words that were asked for, and those of
lines that two bots may hear."""


def chat_key(peer: ChatPeer, message_id: str) -> str:
    """What the keys of everything begin with that one chat message caused."""
    return f"{CHAT_STEM}{peer.bot}:{peer.scene}:{peer.peer}:{message_id}:"


_CHAT_KEY = re.compile(
    r"qq:(?P<bot>.+?):(?P<scene>private|group):(?P<peer>.+):(?P<id>[^:]+):[0-9a-f]{16}(?:/\d+)?"
)


def asked_by_key(key: str) -> AskedBy | None:
    """The chat message behind a key that begins with `chat_key`; None: no chat message is."""
    found = _CHAT_KEY.fullmatch(key)
    if found is None:
        return None
    return AskedBy(ChatPeer(found["bot"], found["scene"], found["peer"]), found["id"])


def part_key(key: str, number: int) -> str:
    """Keys of the messages of one answer begin with the key of the first."""
    return key if number == 0 else f"{key}/{number}"
