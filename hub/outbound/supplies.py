"""Calls to suppliers: marked before they leave, made once, settled by verdict.

A call costs money, so what may have reached a supplier is asked for again only where the owner
declared that this is safe; else a person decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from loguru import logger

from hub.cluster import elapsed
from hub.delivery import Asking, NotAsked, asking, on_supplied, on_unsupplied
from hub.errors import Malformed, PeerError, StoreError, Throttled, Uncertain, Unreachable
from hub.model import NeedKind, SupplierCall, Supply, TaskState
from hub.outbound.worker import Claim
from hub.policy import backoff
from hub.store import Store, Tx

TRIED_FOR = timedelta(minutes=15)
"""How long a supplier that cannot be reached, or wants us to wait, is tried before a person is
asked."""
FIRST_AGAIN, MOST_AGAIN = 2.0, 60.0
KEPT_AGAIN = (0.5, 1.0, 2.0, 4.0)
PROMPT_SECONDS = 5.0
"""Who is held up for longer between the mark and the call does not call: another node may have
found the mark by then, and a person may have had the cards asked for once more."""
HELD_UP = "鱼桥这台机器太忙或者停过，一直没来得及问供货方"
MAY_COST = "可能已经扣费，请先到供货方那里看一下"


class Fetch(Protocol):
    """`hub.suppliers.fetch_cards`."""

    async def __call__(
        self, call: SupplierCall, *, url: str, body: str | None, key: str
    ) -> tuple[str, ...]: ...


class Supplies:
    """Performs `Supply`. `count` hears what became of each call."""

    def __init__(
        self,
        store: Store,
        fetch: Fetch,
        *,
        now: Callable[[], datetime],
        count: Callable[[str], None] = lambda _: None,
        pauses: Sequence[float] = KEPT_AGAIN,
        elapsed: Callable[[], float] = elapsed,
    ) -> None:
        """`pauses`: seconds between the tries to store what was paid for. `elapsed`: seconds that
        also pass while the process is stopped."""
        self._store = store
        self._fetch = fetch
        self._now = now
        self._count = count
        self._pauses = pauses
        self._elapsed = elapsed
        self._began = now()

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, Supply)  # noqa: S101 - performers are registered by kind
        begun = self._elapsed()
        ready = await self._store.write(lambda tx: self._make_ready(tx, claim, work))
        if ready is None:
            return
        if self._elapsed() - begun > PROMPT_SECONDS:
            await self._not_asked(claim, work)
            return
        try:
            cards = await self._fetch(ready.call, url=ready.url, body=ready.body, key=ready.key)
        except (Unreachable, Throttled) as error:
            self._note(work, error)
            await self._again(claim, work, ready, error)
        except Uncertain as error:
            self._note(work, error)
            await self._give_up(claim, work, NeedKind.SUPPLY_UNCERTAIN, error.reason)
        except PeerError as error:
            self._note(work, error)
            more = f"，{MAY_COST}" if isinstance(error, Malformed) else ""
            await self._give_up(claim, work, NeedKind.UNSUPPLIED, error.reason + more)
        else:
            self._count("cards")
            await self._keep_paid(claim, work, ready, cards)

    async def _not_asked(self, claim: Claim, work: Supply) -> None:
        """This mark goes again, unless somebody has found it. An earlier one stays."""
        logger.warning("supplier of delivery {}: held up before it was asked", work.delivery)
        unmarked = claim.task.wire_at is None
        reason = HELD_UP if unmarked else f"{HELD_UP}，{MAY_COST}"
        await self._later(claim, work, reason, _backoff(claim), clear=unmarked)

    async def _keep_paid(
        self, claim: Claim, work: Supply, ready: Asking, cards: tuple[str, ...]
    ) -> None:
        """Cards that were paid for are nowhere but here: a store that fails is given some time."""
        for pause in self._pauses:
            try:
                await self._store.write(lambda tx: self._keep(tx, claim, work, ready, cards))
            except StoreError as error:
                logger.error("cards of delivery {} are not stored yet: {}", work.delivery, error)
                await asyncio.sleep(pause)
            else:
                return
        await self._store.write(lambda tx: self._keep(tx, claim, work, ready, cards))

    def _note(self, work: Supply, error: PeerError) -> None:
        """By its kind only: what a supplier says may be meant for the owner alone."""
        outcome = type(error).__name__.lower()
        self._count(outcome)
        logger.warning("supplier of delivery {}: {}", work.delivery, outcome)

    def _make_ready(self, tx: Tx, claim: Claim, work: Supply) -> Asking | None:
        """Look once more and mark it as on the wire. None: it is not asked."""
        task, now = claim.task, self._now()
        ready = asking(tx, task.shop, work.delivery, asked_before=task.wire_at is not None)
        if isinstance(ready, Asking):
            return ready if tx.outbox.mark_wire(task, claim.holder, now) else None
        reason = ready.reason if isinstance(ready, NotAsked) else "nobody waits for it"
        settled = tx.outbox.settle(task, claim.holder, TaskState.DROPPED, error=reason, now=now)
        if settled and isinstance(ready, NotAsked):
            on_unsupplied(tx, task.shop, work.delivery, ready.kind, ready.reason, now)
        return None

    def _keep(
        self, tx: Tx, claim: Claim, work: Supply, ready: Asking, cards: tuple[str, ...]
    ) -> None:
        """What was paid for is kept even if another worker has the task by now."""
        now = self._now()
        tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        on_supplied(tx, claim.task.shop, work.delivery, ready.pool, cards, now)

    async def _again(
        self, claim: Claim, work: Supply, ready: Asking, error: Unreachable | Throttled
    ) -> None:
        """Nothing was given, or asking again is declared safe."""
        # A repeatable call may have arrived although it failed; the mark stays, should the owner
        # declare otherwise meanwhile.
        clear = not ready.call.repeatable
        await self._later(claim, work, error.reason, _wait(error, claim), clear=clear)

    async def _later(
        self, claim: Claim, work: Supply, reason: str, wait: timedelta, *, clear: bool
    ) -> None:
        """Once more after that wait, or never if it has been tried for long. `clear`: this try left
        nothing at the supplier, and none before it."""
        due_at = self._now() + wait
        if due_at > max(claim.task.created_at, self._began) + TRIED_FOR:
            await self._give_up(claim, work, NeedKind.UNSUPPLIED, reason)
            return
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, due_at, error=reason, clear_wire=clear
            )
        )

    async def _give_up(self, claim: Claim, work: Supply, kind: NeedKind, reason: str) -> None:
        task, now = claim.task, self._now()
        state = TaskState.UNCERTAIN if kind is NeedKind.SUPPLY_UNCERTAIN else TaskState.FAILED

        def unit(tx: Tx) -> None:
            if tx.outbox.settle(task, claim.holder, state, error=reason, now=now):
                on_unsupplied(tx, task.shop, work.delivery, kind, reason, now)

        await self._store.write(unit)


def _wait(error: Unreachable | Throttled, claim: Claim) -> timedelta:
    if isinstance(error, Throttled) and error.after:
        return timedelta(seconds=error.after)
    return _backoff(claim)


def _backoff(claim: Claim) -> timedelta:
    seconds = backoff(claim.task.attempt, first=FIRST_AGAIN, most=MOST_AGAIN, jitter=0)
    return timedelta(seconds=seconds)
