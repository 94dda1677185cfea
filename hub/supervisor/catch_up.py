"""Nothing missed: what the platform has and we have not goes the same way as a push.

That a line is connected does not prove that everything came through it. So after every connection
and every few minutes the platform's own lists are compared with what is stored.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.errors import Malformed, PeerError, Rejected
from hub.model import (
    Account,
    BuyerMessage,
    Event,
    Ignored,
    OrderSignal,
    OrderStatus,
    OwnMessage,
    PlatformConversation,
    PlatformMessage,
    SystemMessage,
    TakenIn,
)
from hub.policy import (
    FARTHEST,
    PUSHES_OF_A_BUSY_LINE,
    advanced,
    look_back,
    quiet_from,
    replay_from,
    started,
)
from hub.store import Store, Tx
from hub.supervisor.lists import ChangedSince, Said, changed_at, said_since
from hub.supervisor.unshipped import OrderWatch
from hub.xianyu import Client, ListedConversation, Session

TakeEvents = Callable[[Sequence[Event]], Awaitable[TakenIn]]
Tell = Callable[[str, str], Awaitable[None]]
"""What to say to the owners about the account, and a key: the same key is said once."""

ON_THE_WAY = 10.0
"""Seconds: what a list shows may still be on its way through the line, so it is given this long,
or a tenth of the time between two comparisons, before the line counts as deaf."""
AGAIN_FIRST = 20.0
"""Seconds until a comparison that the platform did not let finish is tried again; doubles."""
SPREAD = 0.2
"""Part of the time between two comparisons by which they vary, so that accounts do not ask in
step."""
LOOK = 60.0
"""Seconds after which a line that was not busy may have become so."""
REPLACE_EVERY = timedelta(minutes=30)
"""A line is replaced for being deaf at most this often: a list that knows more than any push ever
brings would otherwise have it replaced for ever."""
REFUSALS = 3
"""A history that was refused so often is given up, and the owners are told."""


@dataclass(frozen=True, slots=True)
class Deaf:
    """The line lives, but it did not bring what buyers said."""

    missed: int


@dataclass(slots=True)
class _Compared:
    """What one comparison came to."""

    complete: bool = True
    missed: int = 0
    """Buyers' messages that the line should have brought."""


class CatchUp:
    """Compares what one account's lines bring with the platform's lists, from line to line."""

    def __init__(
        self,
        account: Account,
        store: Store,
        *,
        every: timedelta,
        take_in: TakeEvents,
        tell: Tell,
        now: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._store = store
        self._every = every.total_seconds()
        self._grace = min(ON_THE_WAY, self._every / 10)
        self._take_in = take_in
        self._tell = tell
        self._now = now
        self._orders = OrderWatch(account, store, take_in=take_in, tell=tell, now=now)
        self._done: dict[PlatformConversation, datetime] = {}
        """The change up to which a conversation was compared, as far as it may be listed again."""
        self._refused: Counter[PlatformConversation] = Counter()
        self._heard: deque[float] = deque(maxlen=PUSHES_OF_A_BUSY_LINE)
        self._silence: float | None = None
        """The last push before the silence that was looked into."""
        self._wanted = asyncio.Event()
        self._replaced_at: datetime | None = None

    def learn(self, account: Account) -> None:
        """The account as it is configured by now."""
        self._account = account
        self._orders.learn(account)

    # --- What the line asks and tells -----------------------------------------------------------

    async def replay_from(self) -> datetime | None:
        """The moment after which the platform is to push again; None for a new account."""
        return replay_from(await self._compared_until(), self._now())

    async def came_back(self, gone: datetime | None, *, told: bool = False) -> None:
        """The line stands again; to be called before the account counts as online.

        `gone`: when it was last connected; None if it never was, or was switched off meanwhile.
        `told`: owners know of the outage, so they are told of its end, however short it was.
        """
        account, now = self._account, self._now()
        self._heard.clear()

        def unit(tx: Tx) -> None:
            tx.comparisons.begin(account.shop, account.id, now, started(now))
            if gone is not None:
                tx.comparisons.open_outage(account.shop, account.id, gone, now, told=told)

        await self._store.write(unit)

    def heard(self, events: Sequence[Event]) -> None:
        """The line brought a push. A payment of which it does not say which order it is, is looked
        up in the lists soon."""
        self._heard.append(asyncio.get_running_loop().time())
        paid = [e for e in events if isinstance(e, OrderSignal) and e.status is OrderStatus.PAID]
        if paid and not any(signal.order_id for signal in paid):
            self._wanted.set()

    # --- Comparing ------------------------------------------------------------------------------

    async def follow(self, session: Session, client: Client) -> Deaf:
        """Compare after connecting and every few minutes; returns when the line must be left.

        Until one comparison is complete, what is missing counts as missed while offline. After
        that it proves that the line is deaf, unless it arrives by itself within moments.
        """
        caught_up, failures = False, 0
        while True:
            messages = await self._compare_messages(session, live=caught_up)
            orders = await self._orders.compare(session, client)
            if messages.missed:
                logger.warning("account {}: {} messages missed", self._account.id, messages.missed)
                if self._may_replace():
                    return await self._found_deaf(messages.missed)
            complete = messages.complete and orders
            if complete and not caught_up:
                caught_up = True
                await self._report_outage()
            failures = 0 if complete else failures + 1
            await self._wait(failures)

    async def _compare_messages(self, session: Session, *, live: bool) -> _Compared:
        try:
            return await self._compare(session, live=live)
        except PeerError as error:
            # Whoever holds session and client sees their troubles; here it only means: not now.
            logger.info("account {} not compared: {}", self._account.id, error)
            return _Compared(complete=False)

    async def _compare(self, session: Session, *, live: bool) -> _Compared:
        """Take in what is missing, the conversation that changed first first.

        The cursor moves only after everything before it is safe; what a comparison that failed
        half way has stored is recognised next time.
        """
        until = await self._compared_until() or started(self._now())
        changed = ChangedSince(look_back(until, self._now()))
        await changed.read(session)
        result, missing = _Compared(), []
        for one in changed.in_order:
            if (at := changed_at(one)) is not None and self._done.get(one.id) == at:
                continue
            said = await self._said(session, one, changed.since)
            if said is None:
                result.complete = False
                continue
            events = await self._unknown(said.events)
            if live and events:
                missing.append((one, events))
            else:
                await self._take(one, events)
        if missing:
            await asyncio.sleep(self._grace)
        for one, events in missing:
            result.missed += await self._take(one, events)
        await self._tell_limits(changed, until)
        if result.complete:
            await self._advance(until, changed)
        return result

    async def _said(
        self, session: Session, one: ListedConversation, since: datetime
    ) -> Said | None:
        """None: the platform refuses this history, and it is to be asked for again."""
        try:
            said = await said_since(session, one.id, since)
        except (Rejected, Malformed) as error:
            logger.info("history {} of account {}: {}", one.id, self._account.id, error)
            self._refused[one.id] += 1
            if self._refused[one.id] < REFUSALS:
                return None
            words = text.history_refused(self._account, one.item_title)
            await self._tell(words, f"history refused:{one.id}:{changed_at(one)}")
            said = Said((), cut=False)
        del self._refused[one.id]
        if said.cut:
            words = text.history_too_long(self._account, one.item_title, len(said.events))
            await self._tell(words, f"history cut:{one.id}:{since.isoformat()}")
        return said

    async def _unknown(self, events: Sequence[Event]) -> list[Event]:
        """What is not stored yet, in the same order."""
        account = self._account
        ids = [id_ for event in events if (id_ := _id_of(event)) is not None]
        known = await self._store.read(lambda tx: tx.messages.known(account.shop, account.id, ids))
        return [
            event
            for event in events
            if not isinstance(event, Ignored) and _id_of(event) not in known
        ]

    async def _take(self, one: ListedConversation, events: Sequence[Event]) -> int:
        """All that is missing of a conversation at once; returns how many messages of buyers.

        In one unit, so that no answer leaves between a question and the answer that the seller
        gave it on the phone.
        """
        counts = await self._take_in(events) if events else TakenIn()
        if (at := changed_at(one)) is not None:
            self._done[one.id] = at
        return counts.from_buyers

    async def _advance(self, until: datetime, changed: ChangedSince) -> None:
        account, now = self._account, self._now()
        reached = advanced(until, changed.newest, now)
        if reached > until:
            await self._store.write(
                lambda tx: tx.comparisons.advance(account.shop, account.id, reached)
            )
        limit = look_back(reached, now)
        self._done = {id_: at for id_, at in self._done.items() if at >= limit}

    async def _tell_limits(self, changed: ChangedSince, until: datetime) -> None:
        if changed.cut:
            words = text.list_too_long(self._account, len(changed.found))
            await self._tell(words, f"list cut:{until.isoformat()}")
        if changed.older is not None and changed.older > until:
            words = text.away_too_long(self._account, FARTHEST)
            await self._tell(words, f"away too long:{until.isoformat()}")

    async def _compared_until(self) -> datetime | None:
        account = self._account
        return await self._store.read(lambda tx: tx.comparisons.until(account.shop, account.id))

    # --- Telling --------------------------------------------------------------------------------

    def _may_replace(self) -> bool:
        last, now = self._replaced_at, self._now()
        return last is None or now - last >= REPLACE_EVERY

    async def _found_deaf(self, missed: int) -> Deaf:
        account, now = self._account, self._now()
        self._replaced_at = now
        await self._tell(text.line_was_deaf(account, missed), f"deaf:{now.isoformat()}")
        return Deaf(missed)

    async def _report_outage(self) -> None:
        """From now on the supervisor may tell of the outage; a crash in between tells it later."""
        account, now = self._account, self._now()
        outage = await self._store.write(
            lambda tx: tx.comparisons.caught_up(account.shop, account.id, now)
        )
        what = "an outage is over" if outage else "nothing was missed"
        logger.info("account {} compared: {}", account.id, what)

    # --- Waiting --------------------------------------------------------------------------------

    async def _wait(self, failures: int) -> None:
        """Until the next comparison is due, the line is suspiciously quiet, or one is wanted."""
        loop = asyncio.get_running_loop()
        wait = self._every * random.uniform(1 - SPREAD, 1 + SPREAD)  # noqa: S311 - jitter
        if failures:
            wait = min(wait, AGAIN_FIRST * 2.0 ** min(failures - 1, 10))
        due = loop.time() + wait
        while (now := loop.time()) < due:
            quiet = self._suspicious_at()
            until = min(due, now + LOOK if quiet is None else max(quiet, now))
            try:
                async with asyncio.timeout_at(until):
                    await self._wanted.wait()
            except TimeoutError:
                if quiet is not None and self._suspicious_at() == quiet <= loop.time():
                    self._silence = self._heard[-1]
                    logger.info("account {} is quiet, compared early", self._account.id)
                    return
            else:
                self._wanted.clear()
                await asyncio.sleep(self._grace)  # what tells which order may follow at once
                return

    def _suspicious_at(self) -> float | None:
        """When the silence is worth a look; None: not at all, or it had one."""
        if not self._heard or self._heard[-1] == self._silence:
            return None
        return quiet_from(self._heard)


def _id_of(event: Event) -> PlatformMessage | None:
    match event:
        case BuyerMessage() | OwnMessage() | OrderSignal() | SystemMessage():
            return event.id
        case _:
            return None
