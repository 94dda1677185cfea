"""Where the automation is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.model.ids import AccountId, ConversationId, HoldId, ShopId
from hub.model.shop import Conversation


class HoldKind(StrEnum):
    PAUSE = "pause"
    TAKEOVER = "takeover"
    EMERGENCY = "emergency"
    """The answering half of an emergency stop: ended with that, and by nothing else."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a hold stops: one of these, or the whole shop when none is given."""

    conversation: ConversationId | None = None
    item: str | None = None
    """In all conversations about it."""
    account: AccountId | None = None

    def covers(self, conversation: Conversation) -> bool:
        if self.conversation is not None:
            return self.conversation == conversation.id
        if self.item is not None:
            return self.item == conversation.item_id
        return self.account is None or self.account == conversation.account


WHOLE_SHOP = Scope()


@dataclass(frozen=True, slots=True)
class Hold:
    """Automatic answers are stopped there. Orders and deliveries go on: these have their own
    stop."""

    id: HoldId
    shop: ShopId
    kind: HoldKind
    scope: Scope
    reason: str
    since: datetime
    until: datetime | None
    """None: until somebody resumes."""


@dataclass(frozen=True, slots=True)
class Place:
    """A scope as people know it."""

    scope: Scope
    name: str = ""
    """The buyer, the title of the item, or the account; empty if that is not known."""
    ticket: str = ""
    """Of a conversation, without `#`."""
    halted: bool = False
    """Everything is stopped there in an emergency, so only its own command ends that."""
