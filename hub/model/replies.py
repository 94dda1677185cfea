"""Rules for automatic answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from hub.model.ids import AccountId, CannedId, RuleId, ShopId
from hub.model.stock import StoredPicture


class RuleKind(StrEnum):
    ITEM = "item"
    """Answers whatever is said about its items, before any keyword is looked for."""
    KEYWORD = "keyword"
    DEFAULT = "default"
    """Answers when nothing else did."""
    MOMENT = "moment"
    """Answers no words: the order has come to a point, or a buyer has come for the first time."""


class Match(StrEnum):
    CONTAINS = "contains"
    EXACT = "exact"
    """The whole text, apart from blanks around it."""
    PATTERN = "pattern"
    """Regular expressions."""


class Moment(StrEnum):
    """When a rule of the kind `MOMENT` speaks."""

    FIRST_WORDS = "first_words"
    """A buyer without an order writes in a conversation for the first time."""
    UNPAID = "unpaid"
    PAID = "paid"
    SHIPPED = "shipped"
    RECEIVED = "received"
    RATED = "rated"


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of every day in the shop's time zone; it goes over midnight when it ends early."""

    start: time
    end: time

    def has(self, local: datetime) -> bool:
        at = local.time()
        if self.start == self.end:
            return True
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end


@dataclass(frozen=True, slots=True)
class Rule:
    id: RuleId
    shop: ShopId
    account: AccountId | None
    """None: for every account of the shop."""
    kind: RuleKind
    keywords: tuple[str, ...] = ()
    reply: str = ""
    """A template; `######` cuts it into several messages. Empty with no pictures: it matches, and
    nobody says anything."""
    enabled: bool = True
    match: Match = Match.CONTAINS
    items: tuple[str, ...] = ()
    """Item ids; empty: whatever the conversation is about."""
    priority: int = 0
    """The higher comes first among rules of the same kind and scope."""
    hours: Hours | None = None
    """None: at any time."""
    pictures: tuple[StoredPicture, ...] = ()
    """Sent after the text, each as a message of its own."""
    once: bool = False
    """At most once per conversation."""
    moment: Moment | None = None
    """Set for rules of the kind `MOMENT`, and only for them."""

    @property
    def silent(self) -> bool:
        """It matches on purpose and says nothing."""
        return not self.reply and not self.pictures


@dataclass(frozen=True, slots=True)
class CannedAnswer:
    """What people say again and again, under a short code."""

    id: CannedId
    shop: ShopId
    code: str
    text: str
    """A template, as in rules."""
