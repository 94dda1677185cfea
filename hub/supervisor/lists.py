"""Reads what the platform's lists show: changed conversations, histories, orders to ship.

Everything here only reads. Raises the `PeerError`s of the session and the client.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hub.model import Event, Order, OrderPage, PlatformConversation
from hub.xianyu import Client, ConversationPage, HistoryPage, ListedConversation

PAGE = 20
MOST_LIST_PAGES = 25
"""500 conversations. Whoever has more after an outage is told so."""
MOST_HISTORY_PAGES = 25
"""500 messages of one conversation."""
MOST_ORDER_PAGES = 15
PAGES_WITHOUT_NEWS = 2
"""Pages of orders that bring nothing new end the reading: the platform may ignore the filter, and
then a page can be empty although the next one is not."""


class Reads(Protocol):
    """The part of a session that reads."""

    async def conversations(
        self, *, cursor: int | None = None, limit: int = 20
    ) -> ConversationPage: ...

    async def history(
        self, conversation: PlatformConversation, *, cursor: int | None = None, limit: int = 20
    ) -> HistoryPage: ...


@dataclass(slots=True)
class ChangedSince:
    """What the conversation list shows as changed after a moment of the platform's clock."""

    since: datetime
    found: dict[PlatformConversation, ListedConversation] = field(default_factory=dict)
    newest: datetime | None = None
    """The latest change when the reading began."""
    older: datetime | None = None
    """The latest change before `since` that was seen."""
    cut: bool = False
    """There were more than anybody can read."""
    _pages: int = 0

    @property
    def in_order(self) -> list[ListedConversation]:
        """What changed first comes first."""
        return sorted(self.found.values(), key=lambda one: changed_at(one) or self.since)

    async def read(self, session: Reads) -> None:
        """Read the list; read its top again as long as reading took several pages.

        While page two is read, a conversation of page three may rise to the top. Nobody would see
        it, and next time its older messages would count as compared.
        """
        while await self._walk(session) > 1 and not self.cut:
            pass

    async def _walk(self, session: Reads) -> int:
        """From the top down to what is older or known; returns how many pages that took."""
        again, cursor, pages = self._pages > 0, None, 0
        while self._pages < MOST_LIST_PAGES:
            page = await session.conversations(cursor=cursor, limit=PAGE)
            if self._pages == 0:
                stamps = [at for one in page.conversations if (at := changed_at(one))]
                self.newest = max(stamps, default=None)
            self._pages += 1
            pages += 1
            news = [one for one in page.conversations if self._add(one)]
            cursor = page.next_cursor
            last = changed_at(page.conversations[-1]) if page.conversations else None
            reached = last is not None and last < self.since
            if cursor is None or reached or (again and not news):
                return pages
        self.cut = True
        return pages

    def _add(self, one: ListedConversation) -> bool:
        """True if it has changed and was not seen in this reading."""
        at = changed_at(one)
        if at is not None and at < self.since:
            self.older = max(self.older or at, at)
            return False
        new = one.id not in self.found
        self.found[one.id] = one
        return new


def changed_at(one: ListedConversation) -> datetime | None:
    """When a conversation changed last, as far as the list says."""
    return one.modified_at or getattr(one.last_message, "sent_at", None)


@dataclass(frozen=True, slots=True)
class Said:
    """What a history holds after some moment."""

    events: tuple[Event, ...]
    """Oldest first, as they would have been pushed."""
    cut: bool
    """There was more than anybody can read; these are the newest."""


async def said_since(session: Reads, conversation: PlatformConversation, since: datetime) -> Said:
    """Everything that was said in a conversation after a moment of the platform's clock."""
    found: list[Event] = []
    cursor: int | None = None
    at: datetime | None = None
    for _ in range(MOST_HISTORY_PAGES):
        page = await session.history(conversation, cursor=cursor, limit=PAGE)
        for number, event in enumerate(page.events):
            # What has no time of its own stands between its neighbours.
            told = page.said_at[number] if number < len(page.said_at) else None
            at = told or getattr(event, "sent_at", None) or at
            if at is None or at >= since:
                found.append(event)
        cursor = page.next_cursor
        if cursor is None or (at is not None and at < since):
            return Said(tuple(reversed(found)), cut=False)
    return Said(tuple(reversed(found)), cut=True)


@dataclass(frozen=True, slots=True)
class Unshipped:
    orders: tuple[Order, ...]
    cut: bool
    """There were more than anybody can read; these are the newest."""


async def unshipped(client: Client, *, pro: bool) -> Unshipped:
    """Orders that wait for their goods, by one of the two lists; Rejected as the list says."""
    found: dict[str, Order] = {}
    barren = 0
    for number in range(1, MOST_ORDER_PAGES + 1):
        page: OrderPage = await client.unshipped_orders(number, pro=pro)
        before = len(found)
        found |= {order.id: order for order in page.orders}
        barren = barren + 1 if len(found) == before else 0
        if not page.more or barren == PAGES_WITHOUT_NEWS:
            return Unshipped(tuple(found.values()), cut=False)
    return Unshipped(tuple(found.values()), cut=True)
