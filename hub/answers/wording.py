"""What a template says in a conversation: its messages, with everything filled in."""

from __future__ import annotations

from collections.abc import Sequence

from hub.model import (
    KEPT,
    Account,
    Content,
    Conversation,
    Image,
    Item,
    Picture,
    StoredPicture,
    Text,
)
from hub.policy import ReplyFacts, compose_reply
from hub.store import Tx

NOTHING_SAID = Text("")
LONGEST_QUOTED = 200
"""Characters of what a buyer said that a reply repeats."""


def written(
    tx: Tx,
    account: Account,
    conversation: Conversation,
    template: str,
    said: Content = NOTHING_SAID,
    pictures: Sequence[StoredPicture] = (),
) -> list[Content]:
    """The messages that a template makes in this conversation. `said`: what it answers."""
    facts = ReplyFacts()
    if "{" in template:
        facts = _facts(tx, account, conversation, said, template)
    return [
        part
        if isinstance(part, Text)
        else Image((Picture(KEPT + part.name, part.width, part.height),))
        for part in compose_reply(template, facts, pictures)
    ]


def _facts(
    tx: Tx, account: Account, conversation: Conversation, said: Content, template: str
) -> ReplyFacts:
    """What placeholders stand for; the order is looked for only if the template names it."""
    shop, item_id = conversation.shop, conversation.item_id
    known = tx.items.get(shop, item_id) if item_id is not None else None
    item: Item | None = known.item if known is not None else None
    order = None
    if "{order_" in template and conversation.buyer is not None:
        theirs = tx.orders.of_buyer(shop, conversation.buyer)
        order = next((one for one in theirs if one.conversation == conversation.id), None)
    return ReplyFacts(
        buyer_name=conversation.buyer_name,
        buyer_id=conversation.buyer or "",
        message=_quoted(said),
        item_id=item_id or "",
        item_title=conversation.item_title or (item.title if item is not None else ""),
        item_price="" if item is None or item.price is None else f"{item.price:f}",
        order_id=order.id if order is not None else "",
        order_amount="" if order is None or order.paid_amount is None else f"{order.paid_amount:f}",
        account=account.name,
    )


def _quoted(said: Content) -> str:
    """What a reply repeats of it: nobody reads his own essay again."""
    words = said.text if isinstance(said, Text) else ""
    return words if len(words) <= LONGEST_QUOTED else f"{words[: LONGEST_QUOTED - 1]}…"
