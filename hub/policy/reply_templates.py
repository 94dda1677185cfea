"""What a rule says to a buyer: placeholders filled, cut into messages, nothing added (L36, L37)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from hub.model import StoredPicture, Text
from hub.policy.templates import cut, fill, unknown_placeholders

ReplyPart = Text | StoredPicture
"""One message of an answer."""


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What a reply can speak of, each as the text that is filled in; unknown ones are empty."""

    buyer_name: str = ""
    buyer_id: str = ""
    message: str = ""
    """What the buyer said."""
    item_id: str = ""
    item_title: str = ""
    item_price: str = ""
    order_id: str = ""
    order_amount: str = ""
    account: str = ""
    """The account's name."""

    def by_name(self) -> dict[str, str]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {old: values[new] for old, new in EARLIER_NAMES.items()}


EARLIER_NAMES = {
    "send_user_name": "buyer_name",
    "send_user_id": "buyer_id",
    "send_message": "message",
    "cookie_id": "account",
}
"""How placeholders were called in the program that many sellers come from."""

REPLY_FACTS: tuple[str, ...] = (*(field.name for field in fields(ReplyFacts)), *EARLIER_NAMES)


def unknown_reply_placeholders(template: str) -> list[str]:
    """Names in braces that mean nothing in a reply, each once, in order."""
    return unknown_placeholders(template, REPLY_FACTS)


def compose_reply(
    template: str, facts: ReplyFacts, pictures: Sequence[StoredPicture] = ()
) -> tuple[ReplyPart, ...]:
    """The messages in order, the pictures last. Messages of nothing but blanks are left out."""
    values = facts.by_name()
    written = (Text(fill(message, values)) for message in cut(template))
    return (*(part for part in written if part.text.strip()), *pictures)
