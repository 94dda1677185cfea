"""Would a purchase be delivered now, and is everything connected? Looks only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.desk.delivery_rules import in_words
from hub.desk.operator import Operator
from hub.desk.rehearsal import item_called
from hub.errors import NotFound
from hub.model import (
    WHOLE_SHOP,
    Account,
    AccountId,
    DeliveryRule,
    Guards,
    Hold,
    HoldKind,
    NeedKind,
    Order,
    OrderStatus,
    Pool,
    PoolKind,
    Role,
    ShopId,
    Spec,
    Stop,
)
from hub.policy import match_rule, why_short
from hub.store import Store, Tx


@dataclass(frozen=True, slots=True)
class RuleCheck:
    """What one rule would do for one more purchase."""

    sentence: str
    pool: Pool | None
    there: int | None
    """Cards that can still be drawn; None: they are not counted."""
    short: str | None
    """Why nothing can be had of its pool."""


@dataclass(frozen=True, slots=True)
class SpecCheck:
    """One choice of an item, and what would serve it."""

    spec: Spec
    served: RuleCheck | NeedKind


@dataclass(frozen=True, slots=True)
class ItemCheck:
    title: str
    on_sale: bool | None
    account: Account
    stops: tuple[Stop, ...]
    """All that have to end before anything is delivered."""
    halted: frozenset[AccountId | None]
    """Where an emergency stop is on; None: the whole shop."""
    specs: tuple[SpecCheck, ...]
    """Every choice that the item's page shows; one without a name for an item that has none."""
    guards: Guards


@dataclass(frozen=True, slots=True)
class ShopCheck:
    accounts: tuple[Account, ...]
    stops: tuple[tuple[Stop, Account | None], ...]
    rules: tuple[RuleCheck, ...]
    """Those that are switched on."""
    switched_off: int
    needs: int
    """What waits for a person."""
    held: bool
    """The automatic answers of the whole shop are paused."""
    halted: frozenset[AccountId | None]
    """Where an emergency stop is on; None: the whole shop."""
    guards: Guards


class CheckUps:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def shop(self, operator: Operator) -> ShopCheck:
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> ShopCheck:
            shop = operator.shop
            rules = tx.delivery_rules.all(shop)
            accounts = {one.id: one for one in tx.accounts.all(shop)}
            holds = tx.holds.all_active(shop, now)
            return ShopCheck(
                tuple(accounts.values()),
                tuple(
                    (one, accounts.get(one.account) if one.account is not None else None)
                    for one in tx.stops.all(shop)
                ),
                tuple(_rule(tx, one, now) for one in rules if one.enabled),
                sum(not one.enabled for one in rules),
                tx.needs.count_open(shop),
                any(one.scope == WHOLE_SHOP and one.kind is HoldKind.PAUSE for one in holds),
                _halted(holds),
                tx.guards.get(shop),
            )

        return await self._store.read(unit)

    async def item(self, operator: Operator, wanted: str) -> Sequence[ItemCheck]:
        """One for each account that may sell it: the item's own, or all if nobody knows.

        `wanted`: its number or a part of its title that no other has. Raises NotFound.
        """
        operator.require(Role.VIEWER)
        now = self._now()

        def unit(tx: Tx) -> list[ItemCheck]:
            item_id, title, owner = item_called(tx, operator, wanted.strip())
            accounts = tx.accounts.all(operator.shop)
            if not accounts:
                raise NotFound("还没有账号，请在网页后台添加")
            sellers = [one for one in accounts if owner is None or one.id == owner]
            return [_item(tx, one, item_id, title, now) for one in sellers]

        return await self._store.read(unit)


def _halted(holds: Sequence[Hold]) -> frozenset[AccountId | None]:
    return frozenset(one.scope.account for one in holds if one.kind is HoldKind.EMERGENCY)


def _item(tx: Tx, account: Account, item_id: str, title: str, now: datetime) -> ItemCheck:
    shop = account.shop
    known = tx.items.get(shop, item_id)
    rules = tx.delivery_rules.all(shop)
    specs: list[Spec] = [one.spec for one in known.item.variants] if known is not None else []
    return ItemCheck(
        title or item_id,
        known.item.on_sale if known is not None else None,
        account,
        tuple(one for one in tx.stops.all(shop) if one.account in (None, account.id)),
        _halted(tx.holds.all_active(shop, now)),
        tuple(
            SpecCheck(spec, _served(tx, rules, account.id, item_id, title, spec, now))
            for spec in specs or [()]
        ),
        tx.guards.get(shop),
    )


def _served(
    tx: Tx,
    rules: Sequence[DeliveryRule],
    account: AccountId,
    item_id: str,
    title: str,
    spec: Spec,
    now: datetime,
) -> RuleCheck | NeedKind:
    bought = Order("", OrderStatus.PAID, "", item_id=item_id, item_title=title, spec=spec)
    rule = match_rule(rules, account, bought)
    return rule if isinstance(rule, NeedKind) else _rule(tx, rule, now)


def _rule(tx: Tx, rule: DeliveryRule, now: datetime) -> RuleCheck:
    pool = tx.pools.get(rule.shop, rule.pool)
    there = _there(tx, rule.shop, pool, now)
    supplied = (
        pool is not None
        and pool.kind is PoolKind.API
        and tx.pools.supplier(rule.shop, pool.id) is not None
    )
    short = why_short(pool, wanted=rule.cards, there=there or 0, supplied=supplied)
    return RuleCheck(in_words(tx, rule), pool, there, short)


def _there(tx: Tx, shop: ShopId, pool: Pool | None, now: datetime) -> int | None:
    if pool is None or pool.kind is not PoolKind.CODES:
        return None
    return pool.counts.available - tx.card_records.expired_count(shop, pool.id, now)
