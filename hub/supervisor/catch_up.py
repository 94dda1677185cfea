"""Nothing missed: what the platform has and we have not goes the same way as a push.

Reading the conversation list and the histories costs the platform little and tells the truth; that
a line is connected does not prove that everything came through it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.errors import PeerError
from hub.model import (
    Account,
    BuyerMessage,
    Event,
    OrderSignal,
    OrderStatus,
    Origin,
    OwnMessage,
    PlatformConversation,
    SignalSource,
    SystemMessage,
    TakenIn,
)
from hub.policy import was_told
from hub.store import Store, Tx
from hub.xianyu import Client, Session

TakeEvents = Callable[[Sequence[Event]], Awaitable[TakenIn]]
Tell = Callable[[str, str], Awaitable[None]]
"""What to say to the owners about the account, and a key: the same key is said once."""

OVERLAP = timedelta(minutes=1)
"""Clocks differ, and messages of several conversations overtake each other."""
LONGEST_REPLAY = timedelta(days=1)
RECENT = 20
"""Conversations among which the newest thing that the platform told is looked for."""
ON_THE_WAY = 0.1
"""Part of the time between two comparisons: what is younger may still be on its way through the
line, and proves nothing about it."""

MOST_PAGES = 10
"""Pages of the conversation list, and of one history; more is an archive and not an outage."""
PAGE = 20
CLOCK_SKEW = timedelta(minutes=1)


class CatchUp:
    """Compares what one account's line brought with the platform's own lists."""

    def __init__(
        self,
        account: Account,
        store: Store,
        *,
        every: timedelta,
        take_in: TakeEvents,
        tell: Tell,
        now: Callable[[], datetime],
        told: bool = False,
    ) -> None:
        """`told`: owners know of the outage, so they are told of its end, however short it was."""
        self._account = account
        self._store = store
        self._every = every
        self._take_in = take_in
        self._tell = tell
        self._now = now
        self._told = told

    async def known_until(self) -> datetime | None:
        """A moment before the newest thing that the platform told us; what came after it is asked
        for again. What we queued ourselves tells nothing: it may have waited for this very line.
        """
        account, longest = self._account, self._now() - LONGEST_REPLAY

        def unit(tx: Tx) -> datetime | None:
            lines = tx.conversations.recent(account.shop, account=account.id, limit=RECENT)
            told = [longest] if lines else []
            for line in lines:
                last = line.last
                if last is not None and last.origin in (Origin.OPERATOR, Origin.RULE):
                    last = tx.messages.newest_from_buyer(account.shop, line.conversation.id)
                if last is not None:
                    told.append(last.sent_at - OVERLAP)
            return max(told, default=None)

        return await self._store.read(unit)

    async def follow(
        self, session: Session, client: Client, since: datetime | None, gone: datetime | None
    ) -> None:
        """Compare after connecting and every few minutes; returns when something was missed
        although the line seemed well: then it is a zombie.

        `since` from `known_until`, asked for before connecting; `gone`: when the account was last
        connected, None if it is for the first time.
        """
        began = self._now()
        if since is not None:
            await self._compare(session, since, began)
        orders = await self._compare_orders(session, client)
        if gone is not None:
            await self._report_back(gone, began, orders)
        young = self._every * ON_THE_WAY
        while True:
            last = self._now()
            await asyncio.sleep(self._every.total_seconds())
            missed = await self._compare(session, last - young, self._now() - young)
            await self._compare_orders(session, client)
            if missed:
                logger.warning("account {}: {} messages missed", self._account.id, missed)
                said = text.line_was_deaf(self._account, missed)
                await self._tell(said, f"deaf:{self._now().isoformat()}")
                return

    async def _compare(self, session: Session, since: datetime, until: datetime) -> int:
        """Messages that were missed; 0 as well when the platform would not say."""
        try:
            return await catch_up(session, since, until, self._take_in)
        except PeerError as error:
            logger.info("account {} not compared: {}", self._account.id, error)
            return 0

    async def _compare_orders(self, session: Session, client: Client) -> int:
        try:
            return await catch_up_orders(session, client, self._take_in, self._now())
        except PeerError as error:
            logger.info("orders of account {} not compared: {}", self._account.id, error)
            return 0

    async def _report_back(self, gone: datetime, back: datetime, orders: int) -> None:
        """One line after an outage that was told about, or in which something was missed."""
        account = self._account
        messages = await self._store.read(
            lambda tx: tx.messages.arrived_late(account.shop, account.id, gone, back)
        )
        if messages or orders or self._told or was_told(gone, back):
            said = text.account_back(account, back - gone, messages, orders)
            await self._tell(said, f"back:{gone.isoformat()}")


async def catch_up(session: Session, since: datetime, until: datetime, take_in: TakeEvents) -> int:
    """Take in what came between the two moments (platform time); returns how many messages were
    new.

    Known messages are recognised by their platform ids, so overlapping costs nothing. Raises
    PeerError when the platform does not let itself be read; what was taken in until then stays.
    """
    new = 0
    for conversation in await _changed_since(session, since):
        events = await _events_of(session, conversation, since, until)
        if events:
            new += (await take_in(events)).messages
    return new


async def catch_up_orders(
    session: Session,
    client: Client,
    take_in: TakeEvents,
    now: datetime,
) -> int:
    """Signal every paid order that waits for its goods; returns how many nobody had heard of.

    Raises PeerError like `catch_up`.
    """
    new = 0
    for number in range(1, MOST_PAGES + 1):
        page = await client.unshipped_orders(number)
        for order in page.orders:
            if order.status is not OrderStatus.PAID or order.buyer is None or not order.item_id:
                continue
            conversation = await session.create_conversation(order.buyer, order.item_id)
            signal = OrderSignal(
                status=OrderStatus.PAID,
                source=SignalSource.CATCH_UP,
                conversation=conversation,
                sent_at=order.paid_at or now,
                order_id=order.id,
                item_id=order.item_id,
                buyer=order.buyer,
            )
            new += (await take_in([signal])).orders
        if not page.more or not page.orders:
            break
    return new


async def _changed_since(session: Session, since: datetime) -> list[PlatformConversation]:
    changed: list[PlatformConversation] = []
    cursor: int | None = None
    for _ in range(MOST_PAGES):
        page = await session.conversations(cursor=cursor, limit=PAGE)
        recent = [
            one
            for one in page.conversations
            if one.modified_at is not None and one.modified_at >= since - CLOCK_SKEW
        ]
        changed += [one.id for one in recent]
        cursor = page.next_cursor
        if cursor is None or len(recent) < len(page.conversations):
            break
    return list(dict.fromkeys(changed))


async def _events_of(
    session: Session, conversation: PlatformConversation, since: datetime, until: datetime
) -> list[Event]:
    """Oldest first, as they would have been pushed."""
    earliest = since - CLOCK_SKEW
    found: list[Event] = []
    cursor: int | None = None
    for _ in range(MOST_PAGES):
        page = await session.history(conversation, cursor=cursor, limit=PAGE)
        recent = [event for event in page.events if (at := _moment(event)) and at >= earliest]
        found += [event for event in recent if (at := _moment(event)) and at <= until]
        cursor = page.next_cursor
        if cursor is None or len(recent) < len(page.events):
            break
    return found[::-1]


def _moment(event: Event) -> datetime | None:
    """When it was said; None for what says nothing to people."""
    match event:
        case BuyerMessage() | OwnMessage() | OrderSignal() | SystemMessage():
            return event.sent_at
        case _:
            return None
