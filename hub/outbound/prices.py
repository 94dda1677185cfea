"""Changes the price of unpaid orders. A change that may have happened is looked up before another
is tried; who asked for it is told in words what became of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub import text
from hub.delivery import read_again
from hub.errors import Malformed, PeerError, Rejected, Throttled, Uncertain, Verdict
from hub.model import (
    AccountId,
    ChangePrice,
    KnownOrder,
    NoticeKind,
    OrderNote,
    OrderStatus,
    TaskState,
)
from hub.notices import tell_asker, tell_owners, tell_owners_of_shop
from hub.outbound.worker import Claim
from hub.store import Store, Tx
from hub.xianyu import Client

OFFLINE_AGAIN = timedelta(seconds=30)
AGAIN = timedelta(seconds=3)
MOST_TRIES = 6
"""While the platform says that it is too early."""
GIVEN_UP_AFTER = timedelta(minutes=10)
"""A buyer who waits for a price does not wait longer."""
UNSURE_AFTER = timedelta(minutes=1)


class PriceChanges:
    """Performs `ChangePrice`."""

    def __init__(
        self,
        store: Store,
        client_of: Callable[[AccountId], Client | None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._client_of = client_of
        self._now = now

    async def perform(self, claim: Claim) -> None:
        work, shop = claim.task.work, claim.task.shop
        assert isinstance(work, ChangePrice)  # noqa: S101 - performers are registered by kind
        known = await self._store.read(lambda tx: tx.orders.get(shop, work.account, work.order))
        if known is None:
            await self._store.write(lambda tx: self._settle(tx, claim, TaskState.DROPPED))
            return
        client = self._client_of(work.account)
        if client is None:
            await self._later(claim, known, work, OFFLINE_AGAIN, "账号不在线")
            return
        try:
            await self._try(client, claim, known, work)
        except (Uncertain, Malformed) as error:
            logger.warning("price of order {} uncertain: {}", known.id, error)
            await self._later(claim, known, work, AGAIN, error.reason or str(error))
        except Rejected as error:
            logger.warning("price of order {} refused: {}", known.id, error)
            await self._refuse(claim, known, work, error.reason or error.code)
        except Throttled as error:
            await self._too_early(claim, known, work, error)
        except PeerError as error:
            wait = OFFLINE_AGAIN if error.verdict is Verdict.PAUSE else AGAIN
            clear = claim.task.wire_at is None
            reason = error.reason or str(error)
            await self._later(claim, known, work, wait, reason, clear_wire=clear)

    async def _try(
        self, client: Client, claim: Claim, known: KnownOrder, work: ChangePrice
    ) -> None:
        """Raises PeerError."""
        task, status = claim.task, known.status
        if task.wire_at is not None:
            page = await client.order(known.id)
            if page.paid_amount == work.amount:
                await self._done(claim, known, work)
                return
            status = page.status
        if status is not OrderStatus.UNPAID:
            now_is = text.ORDER_STATUSES[status] if status is not None else known.raw_status
            await self._refuse(claim, known, work, f"它现在是「{now_is}」，只有待付款的能改价")
            return
        if await self._store.write(lambda tx: tx.outbox.mark_wire(task, claim.holder, self._now())):
            await client.change_price(known.id, int(work.amount * 100))
            await self._done(claim, known, work)

    async def _done(self, claim: Claim, known: KnownOrder, work: ChangePrice) -> None:
        now = self._now()

        def unit(tx: Tx) -> None:
            if self._settle(tx, claim, TaskState.DONE):
                _note(tx, known, OrderNote.PRICED, f"{text.money(work.amount)} 元", now)
                read_again(tx, known, "price", now)
                if work.asked_by is not None:
                    _tell(tx, claim, known, work, text.price_changed(known, work.amount), now)

        await self._store.write(unit)

    async def _too_early(
        self, claim: Claim, known: KnownOrder, work: ChangePrice, error: Throttled
    ) -> None:
        wait = timedelta(seconds=error.after) if error.after else AGAIN
        if claim.task.attempt >= MOST_TRIES:
            await self._refuse(claim, known, work, "闲鱼说暂时不能改价，过一会儿再改一次")
        else:
            clear = claim.task.wire_at is None
            await self._later(claim, known, work, wait, error.reason, clear_wire=clear)

    async def _later(
        self,
        claim: Claim,
        known: KnownOrder,
        work: ChangePrice,
        wait: timedelta,
        reason: str,
        *,
        clear_wire: bool = False,
    ) -> None:
        task, now = claim.task, self._now()
        fresh = await self._store.read(lambda tx: tx.outbox.get(task.id))
        on_wire = fresh is not None and fresh.wire_at is not None and not clear_wire
        age = now - task.created_at
        if on_wire and age >= UNSURE_AFTER:
            await self._unsure(claim, known, work)
        elif not on_wire and age >= GIVEN_UP_AFTER:
            await self._refuse(claim, known, work, reason)
        else:
            await self._store.write(
                lambda tx: tx.outbox.release(
                    task, claim.holder, now + wait, error=reason, clear_wire=clear_wire
                )
            )

    async def _refuse(
        self, claim: Claim, known: KnownOrder, work: ChangePrice, reason: str
    ) -> None:
        said = text.price_failed(known, work.amount, reason)
        await self._fail(claim, known, work, TaskState.FAILED, reason, said)

    async def _unsure(self, claim: Claim, known: KnownOrder, work: ChangePrice) -> None:
        said = text.price_unsure(known, work.amount)
        await self._fail(claim, known, work, TaskState.UNCERTAIN, "闲鱼没有确认", said)

    async def _fail(
        self,
        claim: Claim,
        known: KnownOrder,
        work: ChangePrice,
        state: TaskState,
        reason: str,
        said: str,
    ) -> None:
        now = self._now()

        def unit(tx: Tx) -> None:
            if self._settle(tx, claim, state, reason):
                _note(tx, known, OrderNote.PRICE_FAILED, reason, now)
                _tell(tx, claim, known, work, said, now)
                read_again(tx, known, "price", now)

        await self._store.write(unit)

    def _settle(self, tx: Tx, claim: Claim, state: TaskState, error: str = "") -> bool:
        return tx.outbox.settle(claim.task, claim.holder, state, error=error, now=self._now())


def _note(tx: Tx, known: KnownOrder, note: OrderNote, detail: str, now: datetime) -> None:
    tx.orders.note_down(known.shop, known.account, known.id, note, detail=detail, now=now)


def _tell(
    tx: Tx, claim: Claim, known: KnownOrder, work: ChangePrice, said: str, now: datetime
) -> None:
    """Whoever asked; owners, when it was asked for in a place that cannot be told."""
    key = f"{claim.task.key}:told"
    conversation = (
        tx.conversations.get(known.shop, known.conversation)
        if known.conversation is not None
        else None
    )
    if conversation is None:
        kind, whose = NoticeKind.ORDER, known.account
        tell_owners_of_shop(tx, known.shop, said, key=key, now=now, kind=kind, account=whose)
        return
    said = f"{said}\n#{conversation.ticket}"
    if work.asked_by is not None:
        tell_asker(tx, conversation, work.asked_by, said, key=key, now=now)
    else:
        tell_owners(tx, conversation, said, key=key, now=now)
