"""Mail: what is urgent enough for it, and what one letter says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
LONGEST_ADDRESS = 254


def is_mail_address(written: str) -> bool:
    """Whether it is a bare address that every server takes: `name@host`, ASCII, nothing around."""
    return len(written) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(written) is not None


class Urgent(StrEnum):
    """Kinds of news that are worth a mail; those of `ORDINARY` where a rule of the shop says so."""

    ACCOUNT = "account"
    """An account does nothing until a person acts."""
    NEED = "need"
    """Something waits for a person."""
    BRAKE = "brake"
    """The hub stopped all deliveries by itself."""
    STOCK = "stock"
    """A pool is empty."""
    UNANSWERED = "unanswered"
    """A buyer whom nobody has answered, after the last reminder in chat."""
    SILENT_CHAT = "silent_chat"
    """Nothing can be told in chat."""
    MESSAGE = "message"
    ORDER = "order"
    RECEIPT = "receipt"
    ACCOUNT_NEWS = "account_news"
    STOCK_NEWS = "stock_news"
    BACKUP = "backup"
    """The backup of the day failed, or the database was restored."""


ORDINARY = frozenset(
    {Urgent.MESSAGE, Urgent.ORDER, Urgent.RECEIPT, Urgent.ACCOUNT_NEWS, Urgent.STOCK_NEWS}
)
"""Nobody has to be woken for them, and nothing urgent waits for them."""


@dataclass(frozen=True, slots=True)
class UrgentNews:
    """That a notice is urgent. `step` counts its tellings, from 0; `words`: what a mail says in its
    place, where the notice is made for the chat."""

    kind: Urgent
    step: int = 0
    words: str = ""


@dataclass(frozen=True, slots=True)
class MailPart:
    """One piece of news in a letter."""

    kind: Urgent
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail to one person. `id` is the same whenever the same mail is sent again."""

    id: str
    to: str
    subject: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MailTrouble:
    """The server does not take our mails. It is left alone until `until`."""

    reason: str
    since: datetime
    at: datetime
    """When it was last seen."""
    until: datetime
