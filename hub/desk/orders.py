"""Orders: looked at, delivered by hand, sent again, settled by people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub import text
from hub.delivery import (
    arrived,
    deliver,
    free_now,
    give_back,
    outside,
    read_again,
    refuse,
    resend,
    ship_now,
)
from hub.desk.limits import ANYWAY, check_risky
from hub.desk.operator import Operator
from hub.desk.stock import cause, find_pool
from hub.errors import Invalid, NotConfirmed, NotFound
from hub.model import (
    Account,
    AccountId,
    Choice,
    Conversation,
    ConversationId,
    Delivery,
    DeliveryState,
    DeliveryStep,
    KnownOrder,
    MemberId,
    Need,
    NeedId,
    NeedKind,
    OrderStatus,
    Pool,
    PoolId,
    PoolKind,
    Role,
    StoryLine,
)
from hub.policy import HANDED_OVER, acts_on
from hub.store import Store, Tx

MOST_SHOWN = 50
MOST_UNITS = 100
LONGEST_SEARCH = 100

_UNSURE = frozenset({DeliveryState.REVIEW, DeliveryState.OUTSIDE, DeliveryState.FAILED})
"""What had left before a person settled it may be in the buyer's hands."""
_Act = Callable[[Tx, Account, KnownOrder, datetime], bool | None]
"""True: it took a second word."""


@dataclass(frozen=True, slots=True)
class UnitLine:
    delivery: Delivery
    pool: str
    """Name of its pool; empty: none, or it was removed."""
    cards: tuple[str, ...]
    """Masked."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line of a list."""

    order: KnownOrder
    units: tuple[Delivery, ...]
    needs: tuple[Need, ...]


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

    @property
    def acts(self) -> Sequence[Choice]:
        """What a person can do about it now."""
        return acts_on(self.order, [line.delivery.state for line in self.units])

    @property
    def written(self) -> int:
        """How often messages of its units were written."""
        return sum(line.delivery.attempt for line in self.units)

    def warning(self, act: Choice) -> str:
        """What has to be said before; empty: it needs no second word."""
        return _warning(act, [line.delivery for line in self.units], self.story, self.needs)


class Orders:
    def __init__(self, store: Store, now: Callable[[], datetime], *, most_risky: int = 0) -> None:
        """`most_risky`: how often an agent may do in a day what asks for a second word; 0: as often
        as it takes."""
        self._store = store
        self._now = now
        self._most_risky = most_risky

    # --- looking ---

    async def page(
        self,
        operator: Operator,
        words: str = "",
        *,
        account: AccountId | None = None,
        status: OrderStatus | None = None,
        before: str = "",
        limit: int = MOST_SHOWN,
    ) -> Sequence[OrderLine]:
        """The newest, or those with these words in number, buyer's name, title or choice, with what
        became of each. The next page is what comes `before` the number of the last one."""
        operator.require(Role.VIEWER)
        wanted, shop = words.strip()[:LONGEST_SEARCH], operator.shop

        def unit(tx: Tx) -> list[OrderLine]:
            found = tx.orders.search(
                shop, wanted, account=account, status=status, before=before, limit=limit
            )
            return [_order_line(tx, order) for order in found]

        return await self._store.read(unit)

    async def ending(self, operator: Operator, digits: str) -> Sequence[KnownOrder]:
        """The one with this number, or the newest of those whose number ends like this."""
        operator.require(Role.VIEWER)
        shop = operator.shop
        return await self._store.read(
            lambda tx: tx.orders.by_number(shop, digits) or tx.orders.ending(shop, digits)
        )

    async def of_conversation(
        self, operator: Operator, conversation: ConversationId
    ) -> Sequence[KnownOrder]:
        """The newest first."""
        operator.require(Role.VIEWER)

        def unit(tx: Tx) -> list[KnownOrder]:
            found = tx.conversations.get(operator.shop, conversation)
            if found is None or found.buyer is None:
                return []
            orders = tx.orders.of_buyer(operator.shop, found.buyer)
            return [order for order in orders if order.conversation == conversation]

        return await self._store.read(unit)

    async def get(self, operator: Operator, order: str) -> OrderView:
        operator.require(Role.VIEWER)
        return await self._store.read(
            lambda tx: _view(tx, operator, find_order(tx, operator, order))
        )

    # --- acting: each writes the audit and closes the needs that it answers. `need`: the one that
    # is answered by it; it is refused when somebody else was faster. What asks for a second word
    # is tried first, so that nobody is asked about what cannot be done: NotConfirmed undoes it. ---

    async def deliver(
        self,
        operator: Operator,
        order: str,
        *,
        pool: PoolId | None = None,
        units: int | None = None,
        code: str = "",
        need: Need | None = None,
    ) -> OrderView:
        """Deliver by hand, from the rule's pool or a chosen one. Block rules do not hold it.

        Raises NotConfirmed if an earlier message may have reached the buyer, if a supplier that
        may have given out a card would be asked again, or for more pieces than were bought;
        OutOfStock, AlreadyDelivered, OnHold, Invalid, NotFound.
        """
        if units is not None and not 0 < units <= MOST_UNITS:
            raise Invalid(f"份数在 1 到 {MOST_UNITS} 之间", {"units": "看一下份数"})

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> bool:
            chosen = find_pool(tx, operator, pool) if pool is not None else None
            asked = _asked(tx, known, Choice.DELIVER, chosen, units)
            deliver(tx, account, known, pool=chosen, units=units, by=cause(operator), now=now)
            return self._confirm(tx, operator, known, asked, code)

        return await self._act(operator, order, "order.deliver", act, need)

    async def resend(
        self,
        operator: Operator,
        order: str,
        *,
        code: str = "",
        written: int | None = None,
        need: Need | None = None,
    ) -> OrderView:
        """The same cards once more. Raises NotConfirmed the first time.

        `written`: how often its messages had been written when the person decided. Raises Invalid
        if it is more often by now, so that a button that is pressed twice sends once.
        """

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> bool:
            units = tx.deliveries.of_order(known.shop, known.account, known.id)
            if written is not None and written != sum(one.attempt for one in units):
                raise Invalid("没有再发：刚刚已经再发过一次，看一下经过")
            asked = _asked(tx, known, Choice.RESEND)
            resend(tx, known, by=cause(operator), now=now)
            return self._confirm(tx, operator, known, asked, code)

        return await self._act(operator, order, "order.resend", act, need)

    async def arrived(
        self, operator: Operator, order: str, *, need: Need | None = None
    ) -> OrderView:
        """The operator saw in the conversation that the buyer has it."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            if not arrived(tx, known, by=cause(operator), now=now):
                raise Invalid("没有改动：这笔订单没有等人工确认的内容")

        return await self._act(operator, order, "order.arrived", act, need)

    async def outside(
        self, operator: Operator, order: str, *, need: Need | None = None
    ) -> OrderView:
        """It was delivered without the hub."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            before = _standing(tx, known)
            outside(tx, known, by=cause(operator), now=now)
            _check_changed(tx, known, before)

        return await self._act(operator, order, "order.outside", act, need)

    async def release(
        self, operator: Operator, order: str, *, code: str = "", need: Need | None = None
    ) -> OrderView:
        """The cards go back into their pools. Raises NotConfirmed if the buyer may have seen
        them."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> bool:
            asked = _asked(tx, known, Choice.RELEASE)
            give_back(tx, known, by=cause(operator), now=now)
            return self._confirm(tx, operator, known, asked, code)

        return await self._act(operator, order, "order.release", act, need)

    async def refuse(
        self, operator: Operator, order: str, *, need: Need | None = None
    ) -> OrderView:
        """Nothing is delivered."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            before = _standing(tx, known)
            refuse(tx, known, by=cause(operator), now=now)
            _check_changed(tx, known, before)

        return await self._act(operator, order, "order.refuse", act, need)

    async def ship(
        self, operator: Operator, order: str, *, code: str = "", need: Need | None = None
    ) -> OrderView:
        """Mark it as shipped at the platform. Raises NotConfirmed if the buyer got nothing."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> bool:
            if known.status not in (OrderStatus.PAID, None) and known.shipped_at is None:
                state = text.order_status(known)
                raise Invalid(f"没有标记：这笔订单现在是{state}，不是待发货")
            asked = _asked(tx, known, Choice.SHIP)
            ship_now(tx, known, by=cause(operator), now=now)
            return self._confirm(tx, operator, known, asked, code)

        return await self._act(operator, order, "order.ship", act, need)

    async def free(
        self, operator: Operator, order: str, *, code: str = "", need: Need | None = None
    ) -> OrderView:
        """Complete a bargain order. Raises NotConfirmed the first time; OnHold, Invalid."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> bool:
            free_now(tx, known, by=cause(operator), now=now)
            return self._confirm(tx, operator, known, _asked(tx, known, Choice.FREE), code)

        return await self._act(operator, order, "order.free", act, need)

    async def read(self, operator: Operator, order: str, *, need: Need | None = None) -> OrderView:
        """Ask the platform about it again."""

        def act(tx: Tx, account: Account, known: KnownOrder, now: datetime) -> None:
            if not read_again(tx, known, "asked", now):
                raise Invalid("没有重新读：不知道这笔订单的会话")
            if need is not None:
                close_need(tx, operator, need, text.CHOICES[Choice.READ], now)

        return await self._act(operator, order, "order.read", act, need)

    def _confirm(
        self, tx: Tx, operator: Operator, order: KnownOrder, asked: str, code: str
    ) -> bool:
        """The last four digits of the order: a second look, not a secret. False: none is needed."""
        if not asked:
            return False
        check_risky(tx, operator, self._most_risky, self._now())
        wanted = order.id[-4:]
        if code.strip() != wanted:
            raise NotConfirmed(asked, wanted)
        return True

    async def _act(
        self, operator: Operator, order: str, action: str, act: _Act, need: Need | None
    ) -> OrderView:
        operator.require(Role.AGENT)
        now = self._now()

        def unit(tx: Tx) -> OrderView:
            if need is not None:
                check_waits(tx, need)
            known = find_order(tx, operator, order)
            account = account_of(tx, known)
            confirmed = act(tx, account, known, now)
            named = ANYWAY.get(action, action) if confirmed else action
            operator.record(tx, named, known.id, now)
            return _view(tx, operator, find_order(tx, operator, order))

        return await self._store.write(unit)


def check_waits(tx: Tx, need: Need) -> None:
    """Raises Invalid when somebody answered it before."""
    found = tx.needs.get(need.shop, need.id)
    if found is not None and found.closed_at is not None:
        raise Invalid(f"待处理 {need.number} 已经处理过：{found.resolution}")


def close_need(tx: Tx, operator: Operator, need: Need, resolution: str, now: datetime) -> None:
    tx.needs.close(
        need.shop, need.id, resolution=resolution, member=operator.member.id or None, now=now
    )
    operator.record(tx, "need.close", str(need.number), now)


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


def _warning(
    act: Choice,
    units: Sequence[Delivery],
    story: Sequence[StoryLine],
    needs: Sequence[Need],
    chosen: Pool | None = None,
    more: str = "",
) -> str:
    """`chosen`: the pool that a person wants instead of the rule's. `more`: what speaks against the
    pieces that he wants."""
    left = {line.unit for line in story if line.step is DeliveryStep.LEFT}
    may_have_it = any(one.state in _UNSURE and one.unit.unit in left for one in units)
    if act is Choice.FREE:
        return "免拼以后订单就按小刀价成交，不能撤回"
    if act is Choice.RESEND:
        return "会把同样的内容再发给买家一次"
    if act is Choice.DELIVER and may_have_it:
        return "买家可能已经收到过，会再发一次同样的内容"
    from_supplier = chosen is None or chosen.kind is PoolKind.API
    unsure = any(need.kind is NeedKind.SUPPLY_UNCERTAIN for need in needs)
    if act is Choice.DELIVER and from_supplier and unsure:
        return "供货方可能已经出过卡，再取一次可能多扣一次费"
    if act is Choice.DELIVER and more:
        return more
    if act is Choice.RELEASE and may_have_it:
        return "买家可能已经看到这些卡密，退回后会卖给别人"
    if act is Choice.SHIP and not any(one.state in HANDED_OVER for one in units):
        return "还没有给买家发过内容，只会标记发货"
    return ""


def _asked(
    tx: Tx, order: KnownOrder, act: Choice, chosen: Pool | None = None, pieces: int | None = None
) -> str:
    """What has to be said before; empty: it needs no second word."""
    units = tx.deliveries.of_order(order.shop, order.account, order.id)
    story = tx.orders.story(order.shop, order.account, order.id)
    needs = tx.needs.open_about(order.shop, order.account, order.id)
    more = ""
    if pieces and order.quantity and pieces > order.quantity and not units:
        more = f"订单上是 {order.quantity} 件，你要发 {pieces} 份"
    return _warning(act, units, story, needs, chosen, more)


_Standing = tuple[tuple[DeliveryState, ...], tuple[NeedId, ...]]


def _standing(tx: Tx, order: KnownOrder) -> _Standing:
    """What settling an order can change."""
    units = tx.deliveries.of_order(order.shop, order.account, order.id)
    needs = tx.needs.open_about(order.shop, order.account, order.id)
    return tuple(one.state for one in units), tuple(need.id for need in needs)


def _check_changed(tx: Tx, order: KnownOrder, before: _Standing) -> None:
    """Raises Invalid when nothing did, rather than to say that it was done."""
    after = _standing(tx, order)
    if after == before:
        raise Invalid(f"没有改动，这笔订单现在：{text.delivered_so_far(after[0])}")


def _order_line(tx: Tx, order: KnownOrder) -> OrderLine:
    return OrderLine(
        order,
        tuple(tx.deliveries.of_order(order.shop, order.account, order.id)),
        tuple(tx.needs.open_about(order.shop, order.account, order.id)),
    )


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
