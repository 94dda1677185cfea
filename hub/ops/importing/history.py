"""What was said, greeted and bought: many rows, each known by what the platform calls it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from hub.delivery import was_left_alone
from hub.model import (
    AccountId,
    Item,
    Order,
    OrderNote,
    OrderStatus,
    Origin,
    PlatformConversation,
    PlatformUser,
    RuleId,
    ShopId,
    Text,
)
from hub.ops.importing import cells
from hub.ops.importing.plan import Draft
from hub.ops.importing.report import Part
from hub.ops.importing.stock import read_item
from hub.store import OriginalRow, Tx
from hub.text import imports as words

_DIGITS = re.compile(r"[0-9]{1,30}")
_OF_A_TEST = "test_"
_STILL_TO_DELIVER = frozenset({OrderStatus.UNPAID, OrderStatus.BARGAIN_PENDING, OrderStatus.PAID})
_ROLES = {"user": Origin.BUYER, "assistant": Origin.AI}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row goes. `account` None: in a dry run, an account that is not there yet."""

    shop: ShopId
    account: AccountId | None


@dataclass(frozen=True, slots=True)
class PastItem:
    item: Item

    def is_new(self, tx: Tx, at: Place) -> bool:
        return tx.items.get(at.shop, self.item.id) is None

    def write(self, tx: Tx, shop: ShopId, account: AccountId, now: datetime) -> bool:
        return tx.past.keep_item(shop, account, self.item)


@dataclass(frozen=True, slots=True)
class PastMessage:
    key: str
    conversation: PlatformConversation
    buyer: PlatformUser | None
    item: str | None
    origin: Origin
    text: str = field(repr=False)
    at: datetime

    def is_new(self, tx: Tx, at: Place) -> bool:
        return not tx.past.said(at.shop, self.key)

    def write(self, tx: Tx, shop: ShopId, account: AccountId, now: datetime) -> bool:
        if tx.past.said(shop, self.key):
            return False
        conversation = tx.conversations.upsert(
            shop, account, self.conversation, buyer=self.buyer, item_id=self.item, at=self.at
        )
        return tx.past.say(
            shop,
            account,
            conversation.id,
            key=self.key,
            origin=self.origin,
            content=Text(self.text),
            sent_at=self.at,
            now=now,
        )


@dataclass(frozen=True, slots=True)
class PastGreeting:
    """The default reply was said in this conversation, and is said once (needed: otherwise
    everybody is greeted again)."""

    conversation: PlatformConversation
    rule: RuleId | None
    at: datetime

    def is_new(self, tx: Tx, at: Place) -> bool:
        if at.account is None or self.rule is None:
            return True
        found = tx.conversations.by_platform(at.shop, at.account, self.conversation)
        return found is None or self.rule not in tx.decisions.used(at.shop, found.id)

    def write(self, tx: Tx, shop: ShopId, account: AccountId, now: datetime) -> bool:
        if not self.is_new(tx, Place(shop, account)):
            return False
        found = tx.conversations.upsert(shop, account, self.conversation)
        tx.decisions.add(
            shop,
            conversation=found.id,
            message=None,
            outcome="answered",
            reason=words.GREETED_BEFORE,
            rule=self.rule,
            now=self.at,
        )
        return True


@dataclass(frozen=True, slots=True)
class PastOrder:
    """Nobody knows what was sent for it, so it is never delivered by itself."""

    order: Order
    at: datetime

    def is_new(self, tx: Tx, at: Place) -> bool:
        """Also one that we have heard of, where nothing of ours was owed for it yet."""
        if at.account is None:
            return True
        known = tx.orders.get(at.shop, at.account, self.order.id)
        return known is None or (
            known.status in _STILL_TO_DELIVER
            and not tx.deliveries.of_order(at.shop, at.account, known.id)
            and not was_left_alone(tx, known)
        )

    def write(self, tx: Tx, shop: ShopId, account: AccountId, now: datetime) -> bool:
        if not self.is_new(tx, Place(shop, account)):
            return False
        if tx.orders.get(shop, account, self.order.id) is None:
            tx.orders.save(shop, account, self.order, conversation=None, now=self.at)
        tx.orders.note_down(
            shop, account, self.order.id, OrderNote.LEFT_ALONE, detail=words.ORDER_BEFORE, now=now
        )
        return True


PastRow = PastItem | PastMessage | PastGreeting | PastOrder
ORDER = (
    (Part.ITEMS, "item_info"),
    (Part.CONVERSATIONS, "ai_conversations"),
    (Part.GREETED, "default_reply_records"),
    (Part.ORDERS, "orders"),
)
"""The parts of history, and their tables."""


def read_past(
    draft: Draft, part: Part, row: OriginalRow, origin: str, rules: dict[str, RuleId | None]
) -> tuple[str, PastRow] | None:
    """The account (as the original names it) and what goes there; None: it is told why not.

    `rules`: the rule for the default reply of each account; None where it is not there yet.
    """
    key = cells.word(row, "cookie_id")
    match part:
        case Part.ITEMS:
            item = read_item(row)
            name = f"{key} · {cells.item_id(row)}"
            found: PastRow | None = PastItem(item) if item is not None else None
            why = words.MADE_UP_ITEM
        case Part.CONVERSATIONS:
            name = f"{key} · {cells.word(row, 'chat_id')}"
            found, why = _message(row, origin)
        case Part.GREETED:
            name = f"{key} · {cells.word(row, 'chat_id')}"
            found, why = _greeting(draft, row, rules)
        case _:
            name = f"{key} · {cells.word(row, 'order_id')}"
            found, why = _order(row)
    account = draft.account_for(part, name, key)
    if account is None:
        return None
    if found is None:
        draft.leave(part, name, why)
        return None
    return account.key, found


def _conversation(row: OriginalRow) -> PlatformConversation | None:
    found = cells.word(row, "chat_id").removesuffix("@goofish")
    return PlatformConversation(found) if _DIGITS.fullmatch(found) else None


def _buyer(row: OriginalRow, name: str) -> PlatformUser | None:
    found = cells.word(row, name).removesuffix("@goofish")
    return PlatformUser(found) if _DIGITS.fullmatch(found) else None


def _message(row: OriginalRow, origin: str) -> tuple[PastMessage | None, str]:
    if cells.word(row, "chat_id").startswith(_OF_A_TEST):
        return None, words.TEST_CHAT
    conversation, role = _conversation(row), _ROLES.get(cells.word(row, "role"))
    at, said = cells.moment(row, "created_at"), cells.text(row, "content")
    if conversation is None or role is None or at is None or not said.strip():
        return None, words.NO_MESSAGE
    found = PastMessage(
        key=f"before:{origin}:{cells.word(row, 'id')}",
        conversation=conversation,
        buyer=_buyer(row, "user_id"),
        item=cells.item_id(row) or None,
        origin=role,
        text=said,
        at=at,
    )
    return found, ""


def _greeting(
    draft: Draft, row: OriginalRow, rules: dict[str, RuleId | None]
) -> tuple[PastGreeting | None, str]:
    account = draft.accounts.get(cells.word(row, "cookie_id"))
    conversation, at = _conversation(row), cells.moment(row, "replied_at")
    if conversation is None or at is None:
        return None, words.NO_MESSAGE
    if account is None or account.key not in rules:
        return None, words.NO_DEFAULT_RULE
    return PastGreeting(conversation, rules[account.key], at), ""


def _order(row: OriginalRow) -> tuple[PastOrder | None, str]:
    number = cells.word(row, "order_id")
    if not _DIGITS.fullmatch(number):
        return None, words.NO_ORDER_NUMBER
    at = cells.moment(row, "created_at") or cells.moment(row, "updated_at")
    if at is None:
        return None, words.NO_TIME
    value, quantity = cells.word(row, "spec_value"), cells.number(row, "quantity")
    order = Order(
        id=number,
        status=None,
        raw_status=words.old_status(cells.word(row, "order_status")),
        item_id=cells.item_id(row) or None,
        buyer=_buyer(row, "buyer_id"),
        spec=((cells.word(row, "spec_name"), value),) if value else (),
        quantity=_pieces(quantity),
        paid_amount=cells.prices(cells.word(row, "amount"))[0],
        created_at=at,
    )
    return PastOrder(order, at), ""


def _pieces(quantity: Decimal | None) -> int | None:
    if quantity is None or not 0 < quantity < 10_000:
        return None
    return int(quantity)
