"""Everything automatic stopped at once, answers and deliveries, and all of it going on again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.desk.after_rewind import go_on
from hub.desk.holds import Held, all_held
from hub.desk.operator import Operator
from hub.desk.stock import cause
from hub.errors import NotFound
from hub.model import Account, AccountId, HoldKind, Role, Scope, Stop
from hub.store import Store, Tx


@dataclass(frozen=True, slots=True)
class Halted:
    account: Account | None
    """None: the whole shop."""
    news: bool
    """False: both were stopped there already."""


@dataclass(frozen=True, slots=True)
class Going:
    account: Account | None
    orders: int
    """How many go on."""
    news: bool
    """False: neither was stopped there."""
    stops: tuple[tuple[Stop, Account | None], ...]
    """What still stops deliveries, here or elsewhere."""
    held: tuple[Held, ...]
    """What still stops answers, takeovers left out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An emergency stop that is on."""

    account: Account | None
    reason: str
    """Names who did it."""
    since: datetime
    delivers: bool
    """The other half was ended on its own: deliveries go on."""


class Emergency:
    """What `/停` and `/开` do. Neither touches a pause, of whatever place: what somebody paused on
    its own goes on by its own end or word."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def standing(self, operator: Operator) -> Sequence[Standing]:
        """Those that are on, accounts before the shop."""
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> list[Standing]:
            stopped = {one.account for one in tx.stops.all(operator.shop)}
            accounts = {one.id: one for one in tx.accounts.all(operator.shop)}
            found = []
            for held in all_held(tx, operator, now):
                if held.place.halted:
                    at, hold = held.hold.scope.account, held.hold
                    account = accounts.get(at) if at is not None else None
                    found.append(Standing(account, hold.reason, hold.since, at not in stopped))
            return found

        return await self._store.read(unit)

    async def halt(self, operator: Operator, account: AccountId | None) -> Halted:
        """From now on nothing automatic leaves, until somebody lets it go on."""
        operator.require(Role.AGENT)
        now, reason = self._now(), f"{operator.member.name}按下了急停"

        def unit(tx: Tx) -> Halted:
            shop, scope = operator.shop, Scope(account=account)
            found = _account(tx, operator, account)
            held = any(
                one.kind is HoldKind.EMERGENCY for one in tx.holds.of_scope(shop, scope, now)
            )
            member = operator.member.id or None
            stopped = tx.stops.stop(shop, account, reason=reason, member=member, now=now)
            if not held:
                kind = HoldKind.EMERGENCY
                tx.holds.add(shop, scope, kind=kind, reason=reason, member=member, now=now)
            operator.record(tx, "emergency.halt", _target(found), now)
            return Halted(found, stopped or not held)

        return await self._store.write(unit)

    async def go(self, operator: Operator, account: AccountId | None, *, code: str = "") -> Going:
        """End both halves of exactly this place; what was held goes on. Raises NotConfirmed if the
        database went back in time."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> Going:
            shop = operator.shop
            found = _account(tx, operator, account)
            stopped = any(one.account == account for one in tx.stops.all(shop))
            by, orders = cause(operator), 0
            if stopped:
                orders = go_on(tx, shop, account, code, by=by, now=now)
            ended = tx.holds.end(shop, Scope(account=account), now, {HoldKind.EMERGENCY})
            operator.record(tx, "emergency.go", _target(found), now)
            names = {one.id: one for one in tx.accounts.all(shop)}
            return Going(
                found,
                orders,
                stopped or bool(ended),
                tuple(
                    (one, names.get(one.account) if one.account is not None else None)
                    for one in tx.stops.all(shop)
                ),
                tuple(
                    one
                    for one in all_held(tx, operator, now)
                    if one.hold.kind is not HoldKind.TAKEOVER
                ),
            )

        return await self._store.write(unit)


def _account(tx: Tx, operator: Operator, account: AccountId | None) -> Account | None:
    if account is None:
        return None
    found = tx.accounts.get(operator.shop, account)
    if found is None:
        raise NotFound("这个账号不存在，可能已经被删除")
    return found


def _target(account: Account | None) -> str:
    return "shop" if account is None else f"account {account.name}"
