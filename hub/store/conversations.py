"""Conversations: what is known about each thread, and the short ticket people call it by."""

# ruff: noqa: S608 - the parts are constants of this file, values are always bound

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from hub.errors import StoreError
from hub.model import (
    AccountId,
    Conversation,
    ConversationId,
    Hold,
    Message,
    MessageId,
    PlatformConversation,
    PlatformUser,
    ShopId,
)
from hub.store import messages
from hub.store.codec import micros_or_none, moment_or_none
from hub.store.holds import Holds
from hub.store.nouns import ConversationLine
from hub.store.orders import Orders
from hub.store.sql import Row, Sql, Statement

_COLUMNS = (
    "c.id, c.shop_id, c.account_id, c.platform_id, c.ticket, c.buyer, c.buyer_name, c.item_id,"
    " c.item_title, c.last_message_at"
)
_WIDTH = 10

_BY_PLATFORM = Statement(
    f"SELECT {_COLUMNS} FROM conversations c"
    " WHERE c.shop_id = :shop AND c.account_id = :account AND c.platform_id = :platform_id"
)
_GET = Statement(f"SELECT {_COLUMNS} FROM conversations c WHERE c.shop_id = :shop AND c.id = :id")
_OF_MESSAGE = Statement(
    f"SELECT {_COLUMNS}, m.uuid, {messages.COLUMNS} FROM messages m"
    " JOIN conversations c ON c.shop_id = m.shop_id AND c.id = m.conversation_id"
    " WHERE m.shop_id = :shop AND m.id = :message"
)
_BY_TICKET = Statement(
    f"SELECT {_COLUMNS} FROM conversations c WHERE c.shop_id = :shop AND c.ticket = :ticket"
)
_OF_PEOPLE = Statement(
    f"SELECT {_COLUMNS} FROM conversations c WHERE c.shop_id = :shop AND c.account_id = :account"
    " AND c.buyer = :buyer AND c.item_id = :item ORDER BY c.id DESC LIMIT 1"
)
_OF_BUYER = Statement(
    f"SELECT {_COLUMNS} FROM conversations c WHERE c.shop_id = :shop AND c.buyer = :buyer"
)
_NEXT_TICKET = Statement(
    "UPDATE shops SET tickets = tickets + 1 WHERE id = :shop RETURNING tickets"
)
_SKIP_TICKETS = Statement("UPDATE shops SET tickets = tickets + :count WHERE id = :shop")
_ADD = Statement(
    "INSERT INTO conversations (shop_id, account_id, platform_id, ticket, buyer, buyer_name,"
    " item_id, item_title, last_message_at)"
    " VALUES (:shop, :account, :platform_id, :ticket, :buyer, :buyer_name, :item_id, :item_title,"
    " :at) RETURNING id"
)
_UPDATE = Statement(
    "UPDATE conversations SET buyer = :buyer, buyer_name = :buyer_name, item_id = :item_id,"
    " item_title = :item_title, last_message_at = :at WHERE shop_id = :shop AND id = :id"
)
_NAME_ITEM = Statement(
    "UPDATE conversations SET item_title = :title WHERE shop_id = :shop AND item_id = :item"
    " RETURNING id"
)
_NAME_BUYER = Statement(
    "UPDATE conversations SET buyer_name = :name"
    " WHERE shop_id = :shop AND id = :id AND buyer = :buyer AND buyer_name = ''"
)


def _recent(account: str, before: str, drafted: str) -> Statement:
    return Statement(
        f"SELECT {_COLUMNS}, {messages.COLUMNS} FROM conversations c"
        " LEFT JOIN messages m ON m.shop_id = c.shop_id AND m.id = ("
        "SELECT x.id FROM messages x WHERE x.shop_id = c.shop_id AND x.conversation_id = c.id"
        " ORDER BY x.sent_at DESC, x.id DESC LIMIT 1)"
        f" WHERE c.shop_id = :shop AND c.last_message_at IS NOT NULL {account} {before} {drafted}"
        " ORDER BY c.last_message_at DESC, c.id DESC LIMIT :limit"
    )


_OF_ACCOUNT = "AND c.account_id = :account"
_BEFORE = "AND c.last_message_at < :before"
_DRAFTED = (
    "AND EXISTS (SELECT 1 FROM messages d WHERE d.shop_id = c.shop_id"
    " AND d.conversation_id = c.id AND d.state = 'draft')"
)
_RECENT = {
    (by_account, paged, drafted): _recent(
        _OF_ACCOUNT if by_account else "", _BEFORE if paged else "", _DRAFTED if drafted else ""
    )
    for by_account in (False, True)
    for paged in (False, True)
    for drafted in (False, True)
}

_LETTERS = "abcdefghijkmnpqrstuvwxyz"
"""Without l and o, which look like 1 and 0."""


def ticket_name(number: int) -> str:
    """The name of the shop's n-th conversation, counted from 1: a1, b1 … z1, a2 …"""
    round_, letter = divmod(number - 1, len(_LETTERS))
    return f"{_LETTERS[letter]}{round_ + 1}"


class Conversations:
    __slots__ = ("_clock", "_holds", "_orders", "_sql")

    def __init__(
        self, sql: Sql, holds: Holds, orders: Orders, clock: Callable[[], datetime]
    ) -> None:
        self._sql = sql
        self._holds = holds
        self._orders = orders
        self._clock = clock

    def upsert(
        self,
        shop: ShopId,
        account: AccountId,
        platform_id: PlatformConversation,
        *,
        buyer: PlatformUser | None = None,
        buyer_name: str = "",
        item_id: str | None = None,
        item_title: str = "",
        at: datetime | None = None,
    ) -> Conversation:
        """The conversation, created with a fresh ticket if need be, with what is newly known.

        What is given fills gaps, and replaces what was known unless `at` (when it was said) lies
        before the newest message; nothing known is ever blanked. The one exception: the title goes
        when the conversation turns to another item, because it would name the wrong one. The first
        name that is heard goes to the buyer's orders that have none.
        """
        sql = self._sql
        row = sql.row(_BY_PLATFORM, shop=shop, account=account, platform_id=platform_id)
        said = micros_or_none(at)
        if row is None:
            ticket = ticket_name(sql.value(_NEXT_TICKET, shop=shop) or 0)
            known: Row = (buyer, buyer_name, item_id, item_title, said)
            id_ = self._add(shop, account, platform_id, ticket, known)
        else:
            id_, ticket, old = row[0], row[4], row[5:_WIDTH]
            known = _merged(old, (buyer, buyer_name, item_id, item_title, said))
            if known == old:
                return _to_conversation(row)
            self._update(shop, id_, known)
            if known[0] and known[1] and not old[1]:
                self._orders.name_buyer(shop, known[0], known[1])
        sql.changed(shop, "conversation", id_)
        return _to_conversation((id_, shop, account, platform_id, ticket, *known))

    def skip_tickets(self, shop: ShopId, rounds: int) -> None:
        """The tickets of so many rounds, a1 to z1 for example, are given to nobody. For a database
        that went back in time and does not know which were."""
        self._sql.run(_SKIP_TICKETS, shop=shop, count=rounds * len(_LETTERS))

    def name_item(self, shop: ShopId, item_id: str, title: str) -> None:
        """An item's own page was read: its conversations are about something called so, and
        whoever looks at them looks again."""
        for (id_,) in self._sql.rows(_NAME_ITEM, shop=shop, item=item_id, title=title):
            self._sql.changed(shop, "conversation", id_)

    def name_buyer(self, shop: ShopId, id_: ConversationId, buyer: PlatformUser, name: str) -> None:
        """An order says what its buyer is called: so is the buyer of this conversation, if it is
        the same and what he wrote himself did not tell."""
        if self._sql.run(_NAME_BUYER, shop=shop, id=id_, buyer=buyer, name=name):
            self._sql.changed(shop, "conversation", id_)

    def get(self, shop: ShopId, id_: ConversationId) -> Conversation | None:
        row = self._sql.row(_GET, shop=shop, id=id_)
        return None if row is None else _to_conversation(row)

    def of_message(
        self, shop: ShopId, message: MessageId
    ) -> tuple[Conversation, Message, str] | None:
        """What a send needs, in one look: the message, its uuid, and the conversation it is in."""
        row = self._sql.row(_OF_MESSAGE, shop=shop, message=message)
        if row is None:
            return None
        said = messages.to_message(row[_WIDTH + 1 :])
        return _to_conversation(row[:_WIDTH]), said, row[_WIDTH] or ""

    def by_ticket(self, shop: ShopId, ticket: str) -> Conversation | None:
        """`ticket` without `#`, in lower case."""
        row = self._sql.row(_BY_TICKET, shop=shop, ticket=ticket)
        return None if row is None else _to_conversation(row)

    def by_platform(
        self, shop: ShopId, account: AccountId, platform_id: PlatformConversation
    ) -> Conversation | None:
        row = self._sql.row(_BY_PLATFORM, shop=shop, account=account, platform_id=platform_id)
        return None if row is None else _to_conversation(row)

    def of_people(
        self, shop: ShopId, account: AccountId, buyer: PlatformUser, item_id: str
    ) -> Conversation | None:
        """The newest with this buyer about this item. Rarely asked, so no index serves it."""
        row = self._sql.row(_OF_PEOPLE, shop=shop, account=account, buyer=buyer, item=item_id)
        return None if row is None else _to_conversation(row)

    def of_buyer(self, shop: ShopId, buyer: PlatformUser) -> list[Conversation]:
        """All with this buyer. Rarely asked, so no index serves it."""
        return [_to_conversation(row) for row in self._sql.rows(_OF_BUYER, shop=shop, buyer=buyer)]

    def recent(
        self,
        shop: ShopId,
        *,
        account: AccountId | None = None,
        before: datetime | None = None,
        drafted: bool = False,
        limit: int,
        now: datetime | None = None,
    ) -> list[ConversationLine]:
        """Conversations with messages, the latest first; `before` continues a page. `drafted`: only
        those in which a proposal waits for a person.

        `now`, the store's own clock if not given, decides which holds still run.
        """
        rows = self._sql.rows(
            _RECENT[account is not None, before is not None, drafted],
            shop=shop,
            account=account,
            before=micros_or_none(before),
            limit=limit,
        )
        return _lines(rows, self._holds.all_active(shop, now or self._clock()))

    def _add(
        self, shop: ShopId, account: AccountId, platform_id: str, ticket: str, known: Row
    ) -> int:
        buyer, buyer_name, item_id, item_title, at = known
        id_: int | None = self._sql.value(
            _ADD,
            shop=shop,
            account=account,
            platform_id=platform_id,
            ticket=ticket,
            buyer=buyer,
            buyer_name=buyer_name,
            item_id=item_id,
            item_title=item_title,
            at=at,
        )
        if id_ is None:
            raise StoreError("a new conversation got no id")
        return id_

    def _update(self, shop: ShopId, id_: int, known: Row) -> None:
        buyer, buyer_name, item_id, item_title, at = known
        self._sql.run(
            _UPDATE,
            shop=shop,
            id=id_,
            buyer=buyer,
            buyer_name=buyer_name,
            item_id=item_id,
            item_title=item_title,
            at=at,
        )


def _merged(old: Row, given: Row) -> Row:
    """(buyer, buyer_name, item_id, item_title, at) after hearing what is given."""
    last, said = old[4], given[4]
    first, second = (given, old) if said is None or last is None or said >= last else (old, given)
    item_id = first[2] or second[2]
    titles = (row[3] for row in (first, second) if row[2] in (None, item_id) and row[3])
    return (
        first[0] or second[0],
        first[1] or second[1],
        item_id,
        next(titles, ""),
        max((at for at in (last, said) if at is not None), default=None),
    )


def _lines(rows: Sequence[Row], active: Sequence[Hold]) -> list[ConversationLine]:
    lines = []
    for row in rows:
        conversation = _to_conversation(row[:_WIDTH])
        hold = next((one for one in active if one.scope.covers(conversation)), None)
        last = None if row[_WIDTH] is None else messages.to_message(row[_WIDTH:])
        lines.append(ConversationLine(conversation, last, hold))
    return lines


def _to_conversation(row: Row) -> Conversation:
    (
        id_,
        shop,
        account,
        platform_id,
        ticket,
        buyer,
        buyer_name,
        item_id,
        item_title,
        last_message_at,
    ) = row
    return Conversation(
        id=ConversationId(id_),
        shop=ShopId(shop),
        account=AccountId(account),
        platform_id=PlatformConversation(platform_id),
        ticket=ticket,
        buyer=None if buyer is None else PlatformUser(buyer),
        buyer_name=buyer_name,
        item_id=item_id,
        item_title=item_title,
        last_message_at=moment_or_none(last_message_at),
    )
