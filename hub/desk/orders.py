"""Orders: looked at, delivered by hand, sent again, settled by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.delivery import (
    arrived,
    deliver,
    give_back,
    outside,
    read_again,
    refuse,
    resend,
    ship_now,
)
from hub.desk.operator import Operator
from hub.desk.stock import cause, find_pool
from hub.errors import Invalid, NotConfirmed, NotFound
from hub.model import (
    Account,
    Conversation,
    Delivery,
    DeliveryState,
    KnownOrder,
    MemberId,
    Need,
    PoolId,
    Role,
    StoryLine,
)
from hub.policy import HANDED_OVER
from hub.store import Store, Tx

MOST_SHOWN = 50
MOST_UNITS = 100

_Act = Callable[[Tx, Account, KnownOrder, datetime], object]


@dataclass(frozen=True, slots=True)
class UnitLine:
    delivery: Delivery
    pool: str
    """Name of its pool; empty: none, or it was removed."""
    cards: tuple[str, ...]
    """Masked."""


@dataclass(frozen=True, slots=True)
class OrderView:
    """Everything about one order."""

    order: KnownOrder
    account: Account
    conversation: Conversation | None
    units: tuple[UnitLine, ...]
    story: tuple[StoryLine, ...]
    needs: tuple[Need, ...]
    names: dict[MemberId, str]
    """Who the members in the story are."""


class Orders:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    # --- looking ---

    async def find(self, operator: Operator, words: str = "") -> Sequence[KnownOrder]:
        """The newest, or those with these words in number, buyer's name or title."""
        operator.require(Role.VIEWER)
        wanted, shop = words.strip(), operator.shop
        if not wanted:
            return await self._store.read(lambda tx: tx.orders.recent(shop, MOST_SHOWN))
        return await self._store.read(lambda tx: tx.orders.search(shop, wanted, MOST_SHOWN))

    async def get(self, operator: Operator, order: str) -> OrderView:
        operator.require(Role.VIEWER)
        return await self._store.read(
            lambda tx: _view(tx, operator, find_order(tx, operator, order))
        )

    # --- acting: each writes the audit and closes the needs that it answers ---

    async def deliver(
        self,
        operator: Operator,
        order: str,
        *,
        pool: PoolId | None = None,
        units: int | None = None,
        code: str = "",
    ) -> OrderView:
        """Deliver by hand, from the rule's pool or a chosen one. Block rules do not hold it.

        Raises NotConfirmed if an earlier message may have reached the buyer; OutOfStock,
        AlreadyDelivered, OnHold, Invalid, NotFound.
        """
        if units is not None and not 0 < units <= MOST_UNITS:
            raise Invalid(f"份数在 1 到 {MOST_UNITS} 之间", {"units": "看一下份数"})

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            chosen = find_pool(tx, operator, pool) if pool is not None else None
            if _may_have_it(tx, known):
                _confirm(known, code, "买家可能已经收到过，会再发一次同样的内容")
            deliver(tx, account, known, pool=chosen, units=units, by=cause(operator), now=now)

        return await self._act(operator, order, "order.deliver", act)

    async def resend(self, operator: Operator, order: str, *, code: str = "") -> OrderView:
        """The same cards once more. Raises NotConfirmed the first time."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            _confirm(known, code, "会把同样的内容再发给买家一次")
            resend(tx, known, by=cause(operator), now=now)

        return await self._act(operator, order, "order.resend", act)

    async def arrived(self, operator: Operator, order: str) -> OrderView:
        """The operator saw in the conversation that the buyer has it."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            if not arrived(tx, known, by=cause(operator), now=now):
                raise Invalid("没有改动：这笔订单没有等人工确认的内容")

        return await self._act(operator, order, "order.arrived", act)

    async def outside(self, operator: Operator, order: str) -> OrderView:
        """It was delivered without the hub."""
        return await self._act(
            operator,
            order,
            "order.outside",
            lambda tx, account, order, now: outside(tx, order, by=cause(operator), now=now),
        )

    async def release(self, operator: Operator, order: str, *, code: str = "") -> OrderView:
        """The cards go back into their pools. Raises NotConfirmed if the buyer may have seen
        them."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            if _may_have_it(tx, known):
                _confirm(known, code, "买家可能已经看到这些卡密，退回后会卖给别人")
            give_back(tx, known, by=cause(operator), now=now)

        return await self._act(operator, order, "order.release", act)

    async def refuse(self, operator: Operator, order: str) -> OrderView:
        """Nothing is delivered."""
        return await self._act(
            operator,
            order,
            "order.refuse",
            lambda tx, account, order, now: refuse(tx, order, by=cause(operator), now=now),
        )

    async def ship(self, operator: Operator, order: str, *, code: str = "") -> OrderView:
        """Mark it as shipped at the platform. Raises NotConfirmed if the buyer got nothing."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            units = tx.deliveries.of_order(known.shop, known.account, known.id)
            if not any(one.state in HANDED_OVER for one in units):
                _confirm(known, code, "还没有给买家发过内容，只会标记发货")
            ship_now(tx, known, by=cause(operator), now=now)

        return await self._act(operator, order, "order.ship", act)

    async def read(self, operator: Operator, order: str) -> OrderView:
        """Ask the platform about it again."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            if not read_again(tx, known, "asked", now):
                raise Invalid("没有重新读：不知道这笔订单的会话")

        return await self._act(operator, order, "order.read", act)

    async def _act(self, operator: Operator, order: str, action: str, act: _Act) -> OrderView:
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> OrderView:
            known = find_order(tx, operator, order)
            account = account_of(tx, known)
            act(tx, account, known, now)
            operator.record(tx, action, known.id, now)
            return _view(tx, operator, find_order(tx, operator, order))

        return await self._store.write(unit)


def find_order(tx: Tx, operator: Operator, order: str) -> KnownOrder:
    """Raises NotFound."""
    found = tx.orders.by_number(operator.shop, order.strip())
    if not found:
        raise NotFound("没有这笔订单；刚付款的订单要等几秒才会出现")
    return found[0]


def account_of(tx: Tx, order: KnownOrder) -> Account:
    account = tx.accounts.get(order.shop, order.account)
    assert account is not None  # noqa: S101 - orders go with their account
    return account


def _may_have_it(tx: Tx, order: KnownOrder) -> bool:
    units = tx.deliveries.of_order(order.shop, order.account, order.id)
    return any(one.state is DeliveryState.REVIEW for one in units) and any(
        line.step == "left" for line in tx.orders.story(order.shop, order.account, order.id)
    )


def _confirm(order: KnownOrder, code: str, what: str) -> None:
    """The last four digits of the order: a second look, not a secret."""
    wanted = order.id[-4:]
    if code.strip() != wanted:
        raise NotConfirmed(f"{what}。确定的话请再做一次，并写上确认码 {wanted}", wanted)


def _view(tx: Tx, operator: Operator, order: KnownOrder) -> OrderView:
    shop = operator.shop
    pools = {pool.id: pool.name for pool in tx.pools.all(shop)}
    units = tuple(
        UnitLine(
            one,
            pools.get(one.pool, "") if one.pool is not None else "",
            tuple(card.masked for card in tx.cards.of_unit(shop, one.unit)),
        )
        for one in tx.deliveries.of_order(shop, order.account, order.id)
    )
    conversation = (
        tx.conversations.get(shop, order.conversation) if order.conversation is not None else None
    )
    return OrderView(
        order,
        account_of(tx, order),
        conversation,
        units,
        tuple(tx.orders.story(shop, order.account, order.id)),
        tuple(tx.needs.open_about(shop, order.account, order.id)),
        {member.id: member.name for member in tx.members.all(shop)},
    )
