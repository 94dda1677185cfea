"""Paid orders that no push told of are found in the platform's lists of orders to ship."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain

from loguru import logger

from hub import text
from hub.delivery import is_lost, read_order
from hub.errors import Malformed, PeerError, Rejected
from hub.model import (
    Account,
    Event,
    Order,
    OrderSignal,
    OrderStatus,
    PlatformConversation,
    PlatformUser,
    ReadOrder,
    SignalSource,
    TakenIn,
    order_key,
)
from hub.notices import tell_owners_of_shop
from hub.store import Store, Tx
from hub.supervisor.lists import unshipped
from hub.xianyu import PERMISSION, Client, Session

WAITING = (OrderStatus.PAID, OrderStatus.BARGAIN_PENDING)
ASK_PERMISSION_EVERY = timedelta(days=1)
"""A list that is not for this kind of account is not asked for again for so long."""
REFUSALS = 3
"""What was refused so often is given up, and the owners are told."""
LOST_AFTER = timedelta(minutes=2)
"""Longer than reading an order takes that was just heard of."""
UNCLEAR = "unclear"
"""Stands in the key of an order whose page nobody can read, where the status would."""


class OrderWatch:
    """Signals each waiting order once, whoever finds it first: a push, a history or a list."""

    def __init__(
        self,
        account: Account,
        store: Store,
        *,
        take_in: Callable[[Sequence[Event]], Awaitable[TakenIn]],
        tell: Callable[[str, str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._account = account
        self._store = store
        self._take_in = take_in
        self._tell = tell
        self._now = now
        self._no_permission: dict[bool, datetime] = {}
        """When the list (True: that of pro shops) was refused to this account."""
        self._refused: Counter[str] = Counter()

    def learn(self, account: Account) -> None:
        self._account = account

    async def compare(self, session: Session, client: Client) -> bool:
        """Take in every order that nobody was told of; False: not everything could be read."""
        orders: dict[str, Order] = {}
        complete = True
        for pro in (False, True):
            found = await self._list(client, pro=pro)
            complete = complete and found is not None
            orders |= found or {}
        if await self._is_new() and not (complete and await self._begin(orders)):
            return complete
        fresh = await self._fresh(orders.values())
        for order in sorted(fresh, key=lambda one: _since(one) or self._now()):
            complete = await self._signal(session, client, order) and complete
        signalled = {order.id for order in fresh}
        await self._watch(session, [one for one in orders.values() if one.id not in signalled])
        return complete

    async def _watch(self, session: Session, orders: Iterable[Order]) -> None:
        """Paid orders that wait at the platform while nobody here does anything about them are read
        again: whatever went wrong, a person comes to know (L18)."""
        account, now = self._account, self._now()

        def unit(tx: Tx) -> list[Order]:
            since = (tx.comparisons.since(account.shop, account.id) or now).replace(microsecond=0)
            return [
                order
                for order in orders
                if order.status is OrderStatus.PAID
                and order.buyer is not None
                and order.item_id is not None
                and since <= (_since(order) or since) < now - LOST_AFTER
                and is_lost(tx, account.shop, account.id, order.id)
            ]

        for order in await self._store.read(unit):
            assert order.buyer is not None and order.item_id is not None  # noqa: S101, PT018
            try:
                where = await self._conversation(session, order.buyer, order.item_id)
            except PeerError as error:
                self._not_now(error)
                return
            work = ReadOrder(account.id, where, order.id, order.item_id, OrderStatus.PAID)
            key = f"watch:{account.id}:{order.id}:{now:%Y-%m-%d %H}"
            read = await self._store.write(
                lambda tx, work=work, key=key: read_order(  # type: ignore[misc]
                    tx, account.shop, work, key=key, now=now
                )
            )
            if read:
                logger.warning("order {} was lost sight of, and is read again", order.id)

    async def _list(self, client: Client, *, pro: bool) -> dict[str, Order] | None:
        """None: the platform would not say."""
        refused_at, now = self._no_permission.get(pro), self._now()
        if refused_at is not None and now - refused_at < ASK_PERMISSION_EVERY:
            return {}
        try:
            found = await unshipped(client, pro=pro)
        except PeerError as error:
            if isinstance(error, Rejected) and error.code == PERMISSION:
                self._no_permission[pro] = now
                return {}
            self._not_now(error)
            if not self._is_final(error, f"list:{pro}"):
                return None
            self._no_permission[pro] = now
            words = text.orders_refused(self._account)
            await self._tell(words, f"orders refused:{now.date().isoformat()}")
            return {}
        if found.cut:
            words = text.orders_too_many(self._account, len(found.orders))
            await self._tell(words, f"orders cut:{now.date().isoformat()}")
        return {order.id: order for order in found.orders}

    def _is_final(self, error: PeerError, what: str) -> bool:
        """Whether asking once more makes no sense: it was refused, and not for the first time."""
        if not isinstance(error, Rejected | Malformed):
            return False
        self._refused[what] += 1
        if self._refused[what] < REFUSALS:
            return False
        del self._refused[what]
        return True

    def _not_now(self, error: PeerError) -> None:
        logger.info("orders of account {} not compared: {}", self._account.id, error)

    async def _is_new(self) -> bool:
        """Whether its orders were never looked at as a whole."""
        shop, marker = self._account.shop, self._marker
        return not await self._store.read(lambda tx: tx.inputs.known(shop, [marker]))

    async def _begin(self, orders: dict[str, Order]) -> bool:
        """The first complete look at a new account; False: there is nothing more to do.

        Its orders from before are known from now on and left to people, since nobody can tell what
        was done about them already. What is younger than its first connection is signalled.
        """
        account, now = self._account, self._now()

        def unit(tx: Tx) -> int:
            # The pages of orders know no fractions of seconds.
            since = (tx.comparisons.since(account.shop, account.id) or now).replace(microsecond=0)
            old = [one for one in orders.values() if (at := _since(one)) is None or at < since]
            tx.inputs.first_time(account.shop, self._marker, now)
            fresh = [one for one in old if tx.inputs.first_time(account.shop, self._key(one), now)]
            if fresh:
                said = text.orders_from_before(account, len(fresh))
                key = f"account:{account.id}:orders from before"
                tell_owners_of_shop(tx, account.shop, said, key=key, now=now, account=account.id)
            return len(old)

        return await self._store.write(unit) < len(orders)

    @property
    def _marker(self) -> str:
        return f"orders known:{self._account.id}"

    async def _fresh(self, orders: Iterable[Order]) -> list[Order]:
        shop = self._account.shop
        by_keys = {(self._key(order), self._left_key(order)): order for order in orders}
        known = await self._store.read(lambda tx: tx.inputs.known(shop, chain(*by_keys)))
        return [order for keys, order in by_keys.items() if known.isdisjoint(keys)]

    def _key(self, order: Order) -> str:
        return order_key(self._account.id, order.id, order.status or UNCLEAR)

    def _left_key(self, order: Order) -> str:
        """Names that an order, as a list shows it, was left to people."""
        return f"{self._key(order)}:left"

    async def _signal(self, session: Session, client: Client, order: Order) -> bool:
        """False: it has to be tried again."""
        try:
            await self._signal_once(session, client, order)
        except PeerError as error:
            self._not_now(error)
            if not self._is_final(error, f"order:{order.id}"):
                return False
            await self._leave_to_people(order, order)
        return True

    async def _signal_once(self, session: Session, client: Client, listed: Order) -> None:
        """Raises the PeerErrors of what has to be asked for."""
        order = listed
        if order.status is None or order.buyer is None or not order.item_id:
            order = await client.order(order.id)
        if order.status is not None and order.status not in WAITING:
            return  # the list was older than the page
        if order.status is None or order.buyer is None or not order.item_id:
            await self._leave_to_people(order, listed)
            return
        conversation = await self._conversation(session, order.buyer, order.item_id)
        signal = OrderSignal(
            status=order.status,
            source=SignalSource.CATCH_UP,
            conversation=conversation,
            sent_at=order.paid_at or self._now(),
            order_id=order.id,
            item_id=order.item_id,
            buyer=order.buyer,
        )
        await self._take_in([signal])

    async def _conversation(
        self, session: Session, buyer: PlatformUser, item_id: str
    ) -> PlatformConversation:
        """The known one; asking the platform for it would make one where there is none."""
        account = self._account
        known = await self._store.read(
            lambda tx: tx.conversations.of_people(account.shop, account.id, buyer, item_id)
        )
        if known is not None:
            return known.platform_id
        return await session.create_conversation(buyer, item_id)

    async def _leave_to_people(self, order: Order, listed: Order) -> None:
        """Nobody can tell what it is or whose: better a person looks than that it is forgotten.

        A push may still tell more about it than the list did.
        """
        account, now = self._account, self._now()
        key = order_key(account.id, order.id, UNCLEAR)
        said = text.order_unclear(account, order.id, order.raw_status)

        def unit(tx: Tx) -> None:
            tx.inputs.first_time(account.shop, self._left_key(listed), now)
            tell_owners_of_shop(tx, account.shop, said, key=key, now=now, account=account.id)

        await self._store.write(unit)


def _since(order: Order) -> datetime | None:
    return order.paid_at or order.created_at
