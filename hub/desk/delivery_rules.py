"""Delivery rules and block rules: which pool serves which purchases, and what is held first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hub import text
from hub.buyers import block_changed
from hub.desk.operator import Operator
from hub.desk.stock import find_pool
from hub.errors import Invalid, NotFound
from hub.model import (
    AccountId,
    DeliveryRule,
    DeliveryRuleId,
    Guards,
    PlatformUser,
    Pool,
    PoolId,
    PoolKind,
    Role,
    Spec,
    StepOrder,
)
from hub.policy import same_spec
from hub.store import Store, Tx

MOST_ITEMS = 200
MOST_KEYWORDS = 20
LONGEST_KEYWORD = 50
MOST_SPECS = 5
LONGEST_SPEC = 60
MOST_CARDS = 20
MOST_UNITS = 100
LONGEST_DELAY = 3600
MOST_BLOCKED = 1000
"""The list is looked into for every message of a buyer."""
CHANGED_MEANWHILE = "没有保存：别人刚刚改过，请重新打开这一页，看一下现在的内容再改"


class DeliveryRules:
    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def all(self, operator: Operator) -> Sequence[DeliveryRule]:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.delivery_rules.all(operator.shop))

    async def told(self, operator: Operator) -> Sequence[tuple[DeliveryRule, str]]:
        """All of them, each with what it does in words."""
        operator.require(Role.VIEWER)
        shop = operator.shop

        def unit(tx: Tx) -> list[tuple[DeliveryRule, str]]:
            return [(rule, in_words(tx, rule)) for rule in tx.delivery_rules.all(shop)]

        return await self._store.read(unit)

    async def get(self, operator: Operator, id_: DeliveryRuleId) -> DeliveryRule:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: _find(tx, operator, id_))

    async def add(
        self,
        operator: Operator,
        *,
        pool: PoolId,
        items: Iterable[str] = (),
        keywords: Iterable[str] = (),
        spec: Spec = (),
        account: AccountId | None = None,
        fallback: bool = False,
        cards: int = 1,
        most_units: int = 10,
        delay_seconds: int = 0,
        steps: StepOrder = StepOrder.SEND_THEN_CONFIRM,
    ) -> DeliveryRule:
        """A new enabled rule. Raises Invalid with what is wrong field by field."""
        operator.require(Role.OWNER)
        rule = DeliveryRule(
            id=DeliveryRuleId(0),
            shop=operator.shop,
            account=account,
            pool=pool,
            items=tuple(items),
            keywords=tuple(keywords),
            spec=spec,
            fallback=fallback,
            cards=cards,
            most_units=most_units,
            delay_seconds=delay_seconds,
            steps=steps,
        )
        now = self._now()

        def unit(tx: Tx) -> DeliveryRule:
            added = tx.delivery_rules.add(_checked(tx, operator, rule), now)
            operator.record(tx, "delivery_rule.add", str(added.id), now)
            return added

        return await self._store.write(unit)

    async def change(
        self, operator: Operator, rule: DeliveryRule, *, seen: DeliveryRule | None = None
    ) -> DeliveryRule:
        """Save the rule as it stands in `rule`; take it from `get` and replace what changes.
        `seen`: as it was before the change; somebody else's change in between is not overwritten.
        """
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> DeliveryRule:
            if seen not in (None, _find(tx, operator, rule.id)):
                raise Invalid(CHANGED_MEANWHILE)
            new = _checked(tx, operator, replace(rule, shop=operator.shop))
            tx.delivery_rules.save(new)
            operator.record(tx, "delivery_rule.change", str(rule.id), now)
            return new

        return await self._store.write(unit)

    async def remove(self, operator: Operator, id_: DeliveryRuleId) -> None:
        """What it has delivered stays as it is."""
        operator.require(Role.OWNER)
        now = self._now()

        def unit(tx: Tx) -> None:
            _find(tx, operator, id_)
            tx.delivery_rules.remove(operator.shop, id_)
            operator.record(tx, "delivery_rule.remove", str(id_), now)

        await self._store.write(unit)

    # --- block rules and the brake ---

    async def guards(self, operator: Operator) -> Guards:
        operator.require(Role.VIEWER)
        return await self._store.read(lambda tx: tx.guards.get(operator.shop))

    async def set_guards(
        self, operator: Operator, guards: Guards, *, seen: Guards | None = None
    ) -> Guards:
        """`seen` as in `change`."""
        operator.require(Role.OWNER)
        checked = _checked_guards(guards)
        now = self._now()

        def unit(tx: Tx) -> None:
            before = tx.guards.get(operator.shop)
            if seen not in (None, before):
                raise Invalid(CHANGED_MEANWHILE)
            tx.guards.set(operator.shop, checked)
            other = set(before.blocked_buyers) ^ set(checked.blocked_buyers)
            block_changed(tx, operator.shop, map(PlatformUser, sorted(other)), now)
            operator.record(tx, "delivery.guards", "shop", now)

        await self._store.write(unit)
        return checked


def in_words(tx: Tx, rule: DeliveryRule) -> str:
    """What the rule does, in one sentence."""
    pool = tx.pools.get(rule.shop, rule.pool)
    account = tx.accounts.get(rule.shop, rule.account) if rule.account is not None else None
    known = {item: tx.items.get(rule.shop, item) for item in rule.items[:3]}
    return text.rule_sentence(
        rule,
        _pool_named(pool),
        account.name if account is not None else "",
        {item: one.item.title for item, one in known.items() if one is not None},
        one_piece=pool is not None and pool.kind in (PoolKind.TEXT, PoolKind.IMAGE),
    )


def _pool_named(pool: Pool | None) -> str:
    if pool is None:
        return "已删除的卡池"
    return pool.name if pool.enabled else f"{pool.name}（已停用，发不出）"


def _find(tx: Tx, operator: Operator, id_: DeliveryRuleId) -> DeliveryRule:
    found = tx.delivery_rules.get(operator.shop, id_)
    if found is None:
        raise NotFound("这条发货规则不存在，可能已经被删除")
    return found


def _checked(tx: Tx, operator: Operator, rule: DeliveryRule) -> DeliveryRule:
    pool = find_pool(tx, operator, rule.pool)
    if pool.kind is PoolKind.API and rule.cards != 1:
        sentence = "接口卡池每件取一次，给几张由供货方决定，每件的卡密数填 1"
        raise Invalid(f"没有保存：{sentence}", {"cards": sentence})
    if rule.account is not None and tx.accounts.get(operator.shop, rule.account) is None:
        raise Invalid("选的账号不存在，请重新选择", {"account": "账号不存在"})
    checked = replace(
        rule,
        items=_unique(rule.items),
        keywords=_unique(rule.keywords),
        spec=tuple((name.strip(), value.strip()) for name, value in rule.spec if value.strip()),
    )
    wrong = _wrong_words(checked) | _wrong_numbers(checked)
    if wrong:
        raise Invalid("没有保存：" + "；".join(wrong.values()), wrong)
    for other in tx.delivery_rules.all(operator.shop):
        if other.id != rule.id and _collide(checked, other):
            raise Invalid(
                "没有保存：已经有一条规则管同样的商品和规格",
                {"items": f"和规则 {other.id} 重复"},
            )
    return checked


def _wrong_words(rule: DeliveryRule) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not rule.items and not rule.keywords:
        wrong["items"] = "写上商品编号，或者标题里的关键词"
    if len(rule.items) > MOST_ITEMS:
        wrong["items"] = f"一条规则最多 {MOST_ITEMS} 个商品"
    if any(not (item.isascii() and item.isdecimal() and len(item) <= 24) for item in rule.items):
        wrong["items"] = "商品编号是一串数字"
    if len(rule.keywords) > MOST_KEYWORDS or any(
        len(word) > LONGEST_KEYWORD for word in rule.keywords
    ):
        wrong["keywords"] = f"最多 {MOST_KEYWORDS} 个关键词，每个最多 {LONGEST_KEYWORD} 字"
    if len(rule.spec) > MOST_SPECS or any(
        len(name) + len(value) > LONGEST_SPEC for name, value in rule.spec
    ):
        wrong["spec"] = f"最多 {MOST_SPECS} 项规格，每项最多 {LONGEST_SPEC} 字"
    return wrong


def _wrong_numbers(rule: DeliveryRule) -> dict[str, str]:
    ranges = {
        "cards": (rule.cards, 1, MOST_CARDS, "每件的卡密数"),
        "most_units": (rule.most_units, 1, MOST_UNITS, "一笔订单最多的件数"),
        "delay_seconds": (rule.delay_seconds, 0, LONGEST_DELAY, "延迟的秒数"),
    }
    return {
        field: f"{what}在 {least} 到 {most} 之间"
        for field, (value, least, most, what) in ranges.items()
        if not least <= value <= most
    }


def _collide(one: DeliveryRule, other: DeliveryRule) -> bool:
    """Both name an item, and nothing tells which of them is meant."""
    if one.account != other.account or not set(one.items) & set(other.items):
        return False
    return same_spec(one.spec, other.spec) if one.spec and other.spec else one.spec == other.spec


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in (one.strip() for one in words) if word))


def _checked_guards(guards: Guards) -> Guards:
    blocked = _unique(guards.blocked_buyers)
    wrong: dict[str, str] = {}
    if len(blocked) > MOST_BLOCKED:
        wrong["blocked_buyers"] = f"黑名单最多 {MOST_BLOCKED} 人"
    if any(not (one.isascii() and one.isdecimal()) for one in blocked):
        wrong["blocked_buyers"] = "买家编号是一串数字"
    for field in ("most_amount", "most_amount_new_buyer"):
        amount: Decimal | None = getattr(guards, field)
        if amount is not None and not (amount.is_finite() and 0 < amount <= 10**7):
            wrong[field] = "金额要大于 0"
    for field in ("brake_per_minute", "brake_failures"):
        if not 0 <= getattr(guards, field) <= 10_000:
            wrong[field] = "在 0 到 10000 之间，0 是不用"
    if wrong:
        raise Invalid("没有保存：" + "；".join(wrong.values()), wrong)
    return replace(guards, blocked_buyers=blocked)
