"""Which delivery rule serves an order: exact items first, keywords of titles as a fallback."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.model import AccountId, DeliveryRule, NeedKind, Order, Spec


def match_rule(
    rules: Iterable[DeliveryRule], account: AccountId, order: Order
) -> DeliveryRule | NeedKind:
    """The rule, or why there is none: NO_RULE or UNKNOWN_SPEC.

    Rules that name the item are asked first, all others only if none does; one that is switched
    off counts there, since whoever did so wants the item, or the choice that it names,
    delivered by nothing else. Among these the longest keyword that stands in the title decides:
    as plain text, never the other way round, and an order without a title matches none (L8). A
    choice of the item that no rule names is served only by a rule that says so (L9). Of rules
    that fit equally, one for this account goes before one for all, then the older one.
    """
    ours = [rule for rule in rules if rule.account in (None, account)]
    ours.sort(key=lambda rule: (rule.account is None, rule.id))
    named = [rule for rule in ours if order.item_id is not None and order.item_id in rule.items]
    if not named:
        named = _by_keyword([rule for rule in ours if rule.enabled], order.item_title)
    return _by_spec(named, order.spec)


def _by_keyword(rules: Sequence[DeliveryRule], title: str) -> list[DeliveryRule]:
    found = [(longest_keyword(rule, title), rule) for rule in rules]
    most = max((length for length, _ in found), default=0)
    return [rule for length, rule in found if length == most] if most else []


def longest_keyword(rule: DeliveryRule, title: str) -> int:
    """Length of the rule's longest keyword that stands in the title; 0: none does."""
    words, shown = (_folded(word) for word in rule.keywords), _folded(title)
    return max((len(word) for word in words if word and word in shown), default=0)


def _by_spec(rules: Sequence[DeliveryRule], spec: Spec) -> DeliveryRule | NeedKind:
    exact = [rule for rule in rules if rule.spec and spec and same_spec(rule.spec, spec)]
    rules = [rule for rule in exact or rules if rule.enabled]
    if not rules:
        return NeedKind.NO_RULE
    if exact:
        return rules[0]
    if not spec and not any(rule.spec for rule in rules):
        return rules[0]
    return next((rule for rule in rules if rule.fallback), NeedKind.UNKNOWN_SPEC)


def same_spec(one: Spec, other: Spec) -> bool:
    """The same choice: in any order, and names count only where both sides have them."""
    if all(name for name, _ in (*one, *other)):
        return _pairs(one) == _pairs(other)
    return sorted(_folded(value) for _, value in one) == sorted(
        _folded(value) for _, value in other
    )


def _pairs(spec: Spec) -> list[tuple[str, str]]:
    return sorted((_folded(name), _folded(value)) for name, value in spec)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
