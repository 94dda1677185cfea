"""What is asked of the platform about orders: reading them, marking them as shipped, completing
bargains. Nothing that may have happened is done again before the order was read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub.delivery import (
    halt_before_mark,
    is_doubted,
    on_bargain_refused,
    on_freed,
    on_order_read,
    on_ship_done,
    on_ship_refused,
    on_unread,
    speaks_of_another,
    start,
    tell_need,
)
from hub.errors import (
    Malformed,
    PeerError,
    Rejected,
    Throttled,
    Uncertain,
    Unreachable,
    Verdict,
)
from hub.model import (
    AccountId,
    ConversationId,
    FreeShipping,
    KnownOrder,
    NeedKind,
    Order,
    OrderStatus,
    ReadOrder,
    Remind,
    ShipOrder,
    ShopId,
    StartDelivery,
    TaskState,
)
from hub.outbound.worker import Claim, InOneUnit
from hub.policy import backoff, next_reminder
from hub.store import Store, Tx
from hub.xianyu import Client, Session

OFFLINE_AGAIN = timedelta(seconds=30)
"""The account's lanes are hastened when it comes online; this is the fallback."""
LAGS_AGAIN = timedelta(seconds=3)
LAGS_FOR = timedelta(minutes=1)
"""How long a page may lag behind the platform's own message."""
TOLD_AFTER = timedelta(minutes=5)
"""When a person is told that an order cannot be read, or that a write has no clear answer."""
FIRST_AGAIN, MOST_AGAIN = 2.0, 60.0
WAITING = (OrderStatus.PAID, OrderStatus.BARGAIN_PENDING)
SHIPPED = (OrderStatus.SHIPPED, OrderStatus.COMPLETED)
ClientOf = Callable[[AccountId], Client | None]
SessionOf = Callable[[AccountId], Session | None]


class OrderReads:
    """Performs `ReadOrder`."""

    def __init__(
        self,
        store: Store,
        client_of: ClientOf,
        session_of: SessionOf,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._client_of = client_of
        self._session_of = session_of
        self._now = now

    async def perform(self, claim: Claim) -> None:
        work = claim.task.work
        assert isinstance(work, ReadOrder)  # noqa: S101 - performers are registered by kind
        client = self._client_of(work.account)
        if client is None:
            await self._later(claim, work, OFFLINE_AGAIN, "账号不在线")
            return
        try:
            order = await self._read(client, claim, work)
            meant = order is None or await self._is_meant(claim, work, order)
            if order is None or (meant and self._lags(claim, work, order)):
                await self._wait_or_ask(claim, work, order)
                return
            heard = work.status if meant else None
            conversation = await self._conversation(claim.task.shop, work, order)
        except (Rejected, Malformed) as error:
            logger.warning("order {} not read: {}", work.order, error)
            kind = NeedKind.UNCLEAR if isinstance(error, Malformed) else NeedKind.UNREADABLE
            await self._give_up(claim, work, kind, error.reason or str(error))
        except PeerError as error:
            logger.info("order {} not read yet: {}", work.order, error)
            await self._later(claim, work, _wait(error, claim), error.reason or str(error))
        else:
            await self._store.write(
                lambda tx: self._settle(tx, claim, work, order, conversation, heard)
            )

    async def _read(self, client: Client, claim: Claim, work: ReadOrder) -> Order | None:
        """None: the conversation has no order."""
        order_id = work.order
        if order_id is None:
            item_id = work.item_id or await self._item_of(claim.task.shop, work)
            order_id = await client.order_of_conversation(work.conversation, item_id or "")
        return None if order_id is None else await client.order(order_id)

    async def _item_of(self, shop: ShopId, work: ReadOrder) -> str | None:
        found = await self._store.read(
            lambda tx: tx.conversations.by_platform(shop, work.account, work.conversation)
        )
        return found.item_id if found is not None else None

    async def _is_meant(self, claim: Claim, work: ReadOrder, order: Order) -> bool:
        task, lags = claim.task, self._lags(claim, work, order)
        return not await self._store.read(
            lambda tx: speaks_of_another(tx, task.shop, work, order, task.created_at, lags=lags)
        )

    def _lags(self, claim: Claim, work: ReadOrder, order: Order) -> bool:
        """The message was faster than the page."""
        behind = work.status is OrderStatus.PAID and order.status is OrderStatus.UNPAID
        return behind and self._now() - claim.task.created_at < LAGS_FOR

    async def _wait_or_ask(self, claim: Claim, work: ReadOrder, order: Order | None) -> None:
        if self._now() - claim.task.created_at < LAGS_FOR:
            await self._release(claim, LAGS_AGAIN, "the page is behind the message")
        elif order is None:
            await self._give_up(claim, work, NeedKind.UNCLEAR, "会话里找不到订单")

    async def _conversation(
        self, shop: ShopId, work: ReadOrder, order: Order
    ) -> ConversationId | None:
        """The conversation with this order's buyer: the known one, that of the signal, or a new
        one. Raises PeerError."""
        buyer, item = order.buyer, order.item_id
        if buyer is None or item is None:
            return None
        account = work.account

        def known(tx: Tx) -> ConversationId | None:
            found = tx.conversations.by_platform(shop, account, work.conversation)
            if found is None or found.buyer != buyer:
                found = tx.conversations.of_people(shop, account, buyer, item)
            return found.id if found is not None else None

        id_ = await self._store.read(known)
        if id_ is not None:
            return id_
        session = self._session_of(account)
        if session is None:
            raise Unreachable("xianyu", "create conversation", "账号不在线")
        platform_id = await session.create_conversation(buyer, item)

        def keep(tx: Tx) -> ConversationId:
            return tx.conversations.upsert(
                shop,
                account,
                platform_id,
                buyer=buyer,
                buyer_name=order.buyer_name,
                item_id=item,
                item_title=order.item_title,
            ).id

        return await self._store.write(keep)

    def _settle(
        self,
        tx: Tx,
        claim: Claim,
        work: ReadOrder,
        order: Order,
        conversation: ConversationId | None,
        heard: OrderStatus | None,
    ) -> None:
        """`heard`: what the platform said of this very order."""
        task, now = claim.task, self._now()
        account = tx.accounts.get(task.shop, work.account)
        if not tx.outbox.settle(task, claim.holder, TaskState.DONE, now=now) or account is None:
            return
        if not is_doubted(tx, task.shop, work, order):
            on_order_read(tx, account, order, conversation, heard, now)

    async def _give_up(self, claim: Claim, work: ReadOrder, kind: NeedKind, reason: str) -> None:
        task, now = claim.task, self._now()

        def unit(tx: Tx) -> None:
            if tx.outbox.settle(task, claim.holder, TaskState.FAILED, error=reason, now=now):
                on_unread(tx, task.shop, work, kind, reason, now)

        await self._store.write(unit)

    async def _later(self, claim: Claim, work: ReadOrder, wait: timedelta, reason: str) -> None:
        task, now = claim.task, self._now()

        def unit(tx: Tx) -> None:
            if not tx.outbox.release(task, claim.holder, now + wait, error=reason):
                return
            if now - task.created_at >= TOLD_AFTER:
                on_unread(tx, task.shop, work, NeedKind.UNREADABLE, reason, now)

        await self._store.write(unit)

    async def _release(self, claim: Claim, wait: timedelta, reason: str) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(claim.task, claim.holder, due_at, error=reason)
        )


class _OrderWrite:
    """One call with an effect on an order; after an unclear answer the order is read first."""

    def __init__(self, store: Store, client_of: ClientOf, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._client_of = client_of
        self._now = now

    async def perform(self, claim: Claim) -> None:
        account, order_id = self._about(claim)
        client = self._client_of(account)
        if client is None:
            await self._release(claim, OFFLINE_AGAIN, "account not connected")
            return
        known = await self._store.read(lambda tx: tx.orders.get(claim.task.shop, account, order_id))
        if known is None or self._is_done(known):
            await self._store.write(lambda tx: self._settle(tx, claim, known))
            return
        try:
            if claim.task.wire_at is not None and await self._happened(client, known):
                await self._store.write(lambda tx: self._settle(tx, claim, known))
                return
            if not await self._store.write(lambda tx: self._make_ready(tx, claim, known)):
                return
            await self._call(client, known)
        except (Uncertain, Malformed) as error:
            logger.warning("order {} uncertain: {}", order_id, error)
            await self._unclear(claim, known, error)
        except Rejected as error:
            logger.warning("order {} refused: {}", order_id, error)
            await self._refuse(claim, known, error.reason or error.code)
        except PeerError as error:
            # Nothing happened, but an earlier call that is uncertain stays so.
            clear = claim.task.wire_at is None
            await self._release(claim, _wait(error, claim), error, clear_wire=clear)
        else:
            await self._store.write(lambda tx: self._settle(tx, claim, known))

    def _about(self, claim: Claim) -> tuple[AccountId, str]:
        work = claim.task.work
        assert isinstance(work, ShipOrder | FreeShipping)  # noqa: S101 - registered by kind
        return work.account, work.order

    def _is_done(self, known: KnownOrder) -> bool:
        raise NotImplementedError

    async def _happened(self, client: Client, known: KnownOrder) -> bool:
        raise NotImplementedError

    async def _call(self, client: Client, known: KnownOrder) -> None:
        raise NotImplementedError

    def _on_done(self, tx: Tx, known: KnownOrder) -> None:
        raise NotImplementedError

    def _on_refused(self, tx: Tx, known: KnownOrder, reason: str) -> None:
        raise NotImplementedError

    def _make_ready(self, tx: Tx, claim: Claim, known: KnownOrder) -> bool:
        """Mark it as on the wire, unless it is not wanted any more. False: do not call."""
        task, now = claim.task, self._now()
        fresh = tx.orders.get(known.shop, known.account, known.id)
        if fresh is not None and fresh.refund_at is not None and fresh.status in WAITING:
            # A refund was only heard of; the page is read by now, and decides.
            tx.outbox.release(task, claim.holder, now + OFFLINE_AGAIN, error="refund?")
            return False
        if fresh is None or fresh.refund_at is not None:
            tx.outbox.settle(task, claim.holder, TaskState.DROPPED, error="refund", now=now)
            return False
        if self._is_stopped(tx, claim, fresh):
            return False
        return tx.outbox.mark_wire(task, claim.holder, now)

    def _is_stopped(self, tx: Tx, claim: Claim, order: KnownOrder) -> bool:
        """Whether an emergency stop keeps it back; the task is put back or settled then."""
        raise NotImplementedError

    async def _unclear(self, claim: Claim, known: KnownOrder, error: PeerError) -> None:
        if self._now() - claim.task.created_at >= TOLD_AFTER:
            await self._refuse(claim, known, "闲鱼一直没有确认，请在闲鱼里看一下")
        else:
            await self._release(claim, _wait(error, claim), error)

    async def _refuse(self, claim: Claim, known: KnownOrder, reason: str) -> None:
        task, now = claim.task, self._now()

        def unit(tx: Tx) -> None:
            if tx.outbox.settle(task, claim.holder, TaskState.FAILED, error=reason, now=now):
                self._on_refused(tx, known, reason)

        await self._store.write(unit)

    def _settle(self, tx: Tx, claim: Claim, known: KnownOrder | None) -> None:
        done = tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=self._now())
        if done and known is not None:
            self._on_done(tx, known)

    async def _release(
        self, claim: Claim, wait: timedelta, error: PeerError | str, *, clear_wire: bool = False
    ) -> None:
        due_at = self._now() + wait
        await self._store.write(
            lambda tx: tx.outbox.release(
                claim.task, claim.holder, due_at, error=str(error), clear_wire=clear_wire
            )
        )


class Shipping(_OrderWrite):
    """Performs `ShipOrder`."""

    def _is_done(self, known: KnownOrder) -> bool:
        return known.shipped_at is not None

    async def _happened(self, client: Client, known: KnownOrder) -> bool:
        return (await client.order(known.id)).status in SHIPPED

    async def _call(self, client: Client, known: KnownOrder) -> None:
        await client.ship(known.id)

    def _is_stopped(self, tx: Tx, claim: Claim, order: KnownOrder) -> bool:
        """What the buyer has is marked all the same."""
        if not halt_before_mark(tx, order, self._now()):
            return False
        settled_at = self._now()
        tx.outbox.settle(
            claim.task, claim.holder, TaskState.DROPPED, error="stopped", now=settled_at
        )
        return True

    def _on_done(self, tx: Tx, known: KnownOrder) -> None:
        on_ship_done(tx, known, self._now())

    def _on_refused(self, tx: Tx, known: KnownOrder, reason: str) -> None:
        on_ship_refused(tx, known, reason, self._now())


class BargainEnds(_OrderWrite):
    """Performs `FreeShipping`."""

    def _is_done(self, known: KnownOrder) -> bool:
        return known.status is not OrderStatus.BARGAIN_PENDING

    async def _happened(self, client: Client, known: KnownOrder) -> bool:
        return (await client.order(known.id)).status is not OrderStatus.BARGAIN_PENDING

    async def _call(self, client: Client, known: KnownOrder) -> None:
        if known.item_id is None or known.buyer is None:
            raise Rejected("xianyu", "free shipping", "订单上看不出商品或买家")
        await client.free_shipping(known.id, known.item_id, known.buyer)

    def _is_stopped(self, tx: Tx, claim: Claim, order: KnownOrder) -> bool:
        stopped = tx.stops.active(order.shop, order.account) is not None
        if stopped:
            tx.outbox.release(
                claim.task, claim.holder, self._now() + OFFLINE_AGAIN, error="stopped"
            )
        return stopped

    def _on_done(self, tx: Tx, known: KnownOrder) -> None:
        on_freed(tx, known, self._now())

    def _on_refused(self, tx: Tx, known: KnownOrder, reason: str) -> None:
        on_bargain_refused(tx, known, reason, self._now())


class Starts(InOneUnit):
    """Performs `StartDelivery`: the delay is over."""

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, now = claim.task.work, self._now()
        assert isinstance(work, StartDelivery)  # noqa: S101 - performers are registered by kind
        if not tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now):
            return
        order = tx.orders.get(claim.task.shop, work.account, work.order)
        if order is not None:
            start(tx, order, now)


class Reminders(InOneUnit):
    """Performs `Remind`: tells of an open need and comes back, until it is closed."""

    def _unit(self, tx: Tx, claim: Claim) -> None:
        work, now = claim.task.work, self._now()
        assert isinstance(work, Remind)  # noqa: S101 - performers are registered by kind
        need = tx.needs.get(claim.task.shop, work.need)
        if need is None or need.closed_at is not None:
            tx.outbox.settle(claim.task, claim.holder, TaskState.DONE, now=now)
        elif tx.outbox.release(claim.task, claim.holder, next_reminder(need.opened_at, now)):
            tell_need(tx, need, now, again=True)


def _wait(error: PeerError, claim: Claim) -> timedelta:
    if isinstance(error, Throttled) and error.after:
        return timedelta(seconds=error.after)
    if error.verdict is Verdict.PAUSE:
        return OFFLINE_AGAIN
    seconds = backoff(claim.task.attempt, first=FIRST_AGAIN, most=MOST_AGAIN, jitter=0)
    return timedelta(seconds=seconds)
