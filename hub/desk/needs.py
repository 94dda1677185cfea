"""What waits for a person, and the emergency stops: listed by number, answered by choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub import text
from hub.delivery import look_up
from hub.desk.after_rewind import go_on
from hub.desk.bargains import Bargains
from hub.desk.operator import Operator
from hub.desk.orders import Orders, check_waits, close_need
from hub.desk.stock import cause
from hub.errors import Invalid, NotFound
from hub.model import AccountId, Choice, KnownOrder, Need, NeedKind, Role, Stop
from hub.policy import choices_of
from hub.store import Store, Tx

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class NeedLine:
    need: Need
    choices: tuple[Choice, ...]
    """In the order of their numbers, from 1 on."""
    order: KnownOrder | None
    """What it is about; None: no order, or one that was never read."""


class Needs:
    def __init__(
        self, store: Store, now: Callable[[], datetime], orders: Orders, bargains: Bargains
    ) -> None:
        self._store = store
        self._now = now
        self._bargains = bargains
        self._orders = orders

    async def open(self, operator: Operator) -> Sequence[NeedLine]:
        """The oldest first."""
        operator.require(Role.VIEWER)
        return await self._store.read(
            lambda tx: [_line(tx, need) for need in tx.needs.all_open(operator.shop)]
        )

    async def count(self, operator: Operator) -> int:
        """How many are open."""
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.needs.count_open(operator.shop))

    async def get(self, operator: Operator, number: int) -> NeedLine:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: _line(tx, _find(tx, operator, number)))

    async def answer(
        self, operator: Operator, number: int, choice: Choice, *, code: str = "", price: str = ""
    ) -> str:
        """Do what was chosen; returns one Chinese sentence about it. `code` as in `Orders`;
        `price`: what to counter an offer with.

        Raises Invalid for a choice that this need does not offer, or when it is resolved already.
        """
        operator.require(Role.AGENT)
        need = (await self.get(operator, number)).need
        if need.closed_at is not None:
            raise Invalid(f"待处理 {number} 已经处理过：{need.resolution}")
        if choice not in choices_of(need.kind):
            raise Invalid(f"待处理 {number} 没有这个选项")
        if need.kind is NeedKind.OFFER:
            return await self._bargains.answer(operator, need, choice, price)
        if need.order is not None and choice in _BY_ORDER:
            await _BY_ORDER[choice](self._orders, operator, need, need.order, code)
        elif choice is Choice.RESUME:
            await self.resume(operator, None, code=code)
        else:
            await self._close(operator, need, choice)
        return f"待处理 {number}：{text.CHOICES[choice]}"

    async def _close(self, operator: Operator, need: Need, choice: Choice) -> None:
        now = self._now()

        def unit(tx: Tx) -> None:
            check_waits(tx, need)
            if need.order is None and choice is Choice.READ:
                look_up(tx, need, now)
            close_need(tx, operator, need, text.CHOICES[choice], now)

        await self._store.write(unit)

    # --- emergency stops ---

    async def stops(self, operator: Operator) -> Sequence[Stop]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.stops.all(operator.shop))

    async def stop(self, operator: Operator, account: AccountId | None, reason: str = "") -> bool:
        """Stop all deliveries of an account or (None) of the shop, from the next message on. False:
        they are stopped already."""
        operator.require(Role.AGENT)
        why = " ".join(reason.split()) or f"{operator.member.name}按下了急停"
        if len(why) > LONGEST_REASON:
            raise Invalid(f"原因最多 {LONGEST_REASON} 字", {"reason": f"最多 {LONGEST_REASON} 字"})
        now = self._now()

        def unit(tx: Tx) -> bool:
            if account is not None and tx.accounts.get(operator.shop, account) is None:
                raise NotFound("这个账号不存在，可能已经被删除")
            done = tx.stops.stop(
                operator.shop, account, reason=why, member=operator.member.id or None, now=now
            )
            operator.record(tx, "delivery.stop", _scope(account), now)
            return done

        return await self._store.write(unit)

    async def resume(self, operator: Operator, account: AccountId | None, *, code: str = "") -> int:
        """End that stop; what it held goes on. Returns how many orders that is. Raises NotConfirmed
        if the database went back in time."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> int:
            going_on = go_on(tx, operator.shop, account, code, by=cause(operator), now=now)
            operator.record(tx, "delivery.resume", _scope(account), now)
            return going_on

        return await self._store.write(unit)


async def _deliver(orders: Orders, who: Operator, need: Need, order: str, code: str) -> None:
    await orders.deliver(who, order, code=code, need=need)


async def _resend(orders: Orders, who: Operator, need: Need, order: str, code: str) -> None:
    await orders.resend(who, order, code=code, need=need)


async def _arrived(orders: Orders, who: Operator, need: Need, order: str, _code: str) -> None:
    await orders.arrived(who, order, need=need)


async def _outside(orders: Orders, who: Operator, need: Need, order: str, _code: str) -> None:
    await orders.outside(who, order, need=need)


async def _release(orders: Orders, who: Operator, need: Need, order: str, code: str) -> None:
    await orders.release(who, order, code=code, need=need)


async def _refuse(orders: Orders, who: Operator, need: Need, order: str, _code: str) -> None:
    await orders.refuse(who, order, need=need)


async def _ship(orders: Orders, who: Operator, need: Need, order: str, code: str) -> None:
    await orders.ship(who, order, code=code, need=need)


async def _free(orders: Orders, who: Operator, need: Need, order: str, code: str) -> None:
    await orders.free(who, order, code=code, need=need)


async def _read(orders: Orders, who: Operator, need: Need, order: str, _code: str) -> None:
    await orders.read(who, order, need=need)


_BY_ORDER = {
    Choice.DELIVER: _deliver,
    Choice.ASK_AGAIN: _deliver,
    Choice.RESEND: _resend,
    Choice.ARRIVED: _arrived,
    Choice.OUTSIDE: _outside,
    Choice.RELEASE: _release,
    Choice.REFUSE: _refuse,
    Choice.SHIP: _ship,
    Choice.FREE: _free,
    Choice.READ: _read,
}


def _line(tx: Tx, need: Need) -> NeedLine:
    order = None
    if need.account is not None and need.order is not None:
        order = tx.orders.get(need.shop, need.account, need.order)
    return NeedLine(need, tuple(choices_of(need.kind)), order)


def _find(tx: Tx, operator: Operator, number: int) -> Need:
    need = tx.needs.by_number(operator.shop, number)
    if need is None:
        raise NotFound(f"没有编号是 {number} 的待处理，发 /待处理 看全部")
    return need


def _scope(account: AccountId | None) -> str:
    return "shop" if account is None else f"account {account}"
