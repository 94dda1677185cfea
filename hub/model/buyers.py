"""What a shop keeps about a buyer, and whom an operator is talking with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hub.model.ids import ConversationId, PlatformUser, ShopId


@dataclass(frozen=True, slots=True)
class BuyerCard:
    """A buyer as the shop knows them, whatever conversation they write in."""

    shop: ShopId
    buyer: PlatformUser
    note: str = ""
    tags: tuple[str, ...] = ()
    blocked: bool = False
    """On the list that holds deliveries; nothing answers them automatically."""

    @property
    def blank(self) -> bool:
        return not (self.note or self.tags or self.blocked)


@dataclass(frozen=True, slots=True)
class Focus:
    """The conversation that plain lines of a private chat go to."""

    shop: ShopId
    bot: str
    qq: str
    conversation: ConversationId
    used_at: datetime
