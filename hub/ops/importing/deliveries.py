"""Delivery rules: whose they are, which items they mean, and that somebody looks before they act.

Where keywords of several rules stand in the words of one item, nobody can say which was meant: the
item is named in the report and bound to none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hub.model import DeliveryRule, DeliveryRuleId, PoolId, PoolKind, StepOrder
from hub.ops.importing import cells
from hub.ops.importing.plan import Draft, NewDeliveryRule, OldCard, OldItem, line_of
from hub.ops.importing.report import Outcome, Part
from hub.policy import same_spec
from hub.store import OriginalRow
from hub.text import imports as words

RULE = "delivery_rule"
LONGEST_KEYWORD = 50
MOST_ITEMS = 200
MOST_UNITS = 10
_SHOWN = 5
PART = Part.DELIVERY_RULES


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: str
    name: str
    keyword: str
    card: OldCard
    accounts: tuple[str | None, ...]
    """None: all of them, which is right where everything belongs to one owner."""
    owned: frozenset[str]
    """All accounts of its owner."""
    notes: tuple[str, ...]


_SpokenOf = tuple[OldItem, Sequence[_Wanted]]


def plan_delivery_rules(draft: Draft) -> None:
    wanted: list[_Wanted] = []

    def take(row: OriginalRow) -> None:
        found = _read(draft, row)
        if found is not None:
            wanted.append(found)

    draft.each(PART, "delivery_rules", take)
    spoken_of = _spoken_of(draft.items, wanted)
    for rule in wanted:
        for account in rule.accounts:
            _plan(draft, rule, account, spoken_of.get(rule.key, ()))
    if any(step.kind == RULE for step in draft.steps):
        draft.report.ask(words.CHECK_DELIVERY_RULES)


def _read(draft: Draft, row: OriginalRow) -> _Wanted | None:
    key, keyword = cells.word(row, "id"), cells.word(row, "keyword")
    name = f"{words.RULE} {key} · {keyword[:20]}"
    card = draft.cards.get(cells.word(row, "card_id"))
    owner = cells.word(row, "user_id") or (card.owner if card is not None else "1")
    if not draft.wants(owner):
        draft.leave(PART, name, words.NOT_WANTED)
        return None
    why_not = ""
    if card is None:
        why_not = words.NO_CARD
    elif card.owner != owner:
        why_not = words.FOREIGN_CARD
    elif not keyword or len(keyword) > LONGEST_KEYWORD:
        why_not = words.bad_keyword(LONGEST_KEYWORD)
    if card is None or why_not:
        draft.leave(PART, name, why_not)
        return None
    notes = []
    if not cells.flag(row, "enabled", True):
        notes.append(words.WAS_OFF)
    count = cells.number(row, "delivery_count")
    if count is not None and count not in (0, 1):
        notes.append(words.delivery_count(int(count)))
    owned = frozenset(one.key for one in draft.accounts.values() if one.owner == owner)
    return _Wanted(
        key,
        f"{name} → {card.name}",
        keyword,
        card,
        _accounts(draft, owned),
        owned,
        tuple(notes),
    )


def _accounts(draft: Draft, owned: frozenset[str]) -> tuple[str | None, ...]:
    """One rule for all accounts, or one for each where they belong to several owners or are not
    all confirmed alike."""
    ours = [one for one in draft.accounts.values() if one.key in owned]
    others = any(one.key not in owned for one in draft.accounts.values())
    if not ours or (not others and len({one.confirms for one in ours}) == 1):
        return (None,)
    return tuple(sorted({one.key for one in ours if not one.gone}))


def _plan(
    draft: Draft, wanted: _Wanted, account: str | None, spoken_of: Sequence[_SpokenOf]
) -> None:
    key = wanted.key if account is None else f"{wanted.key}:{account}"
    name = wanted.name if account is None else f"{wanted.name}（{draft.accounts[account].name}）"
    if (RULE, key) in draft.known.ledger:
        draft.leave(PART, name, outcome=Outcome.KNOWN)
        return
    notes = list(wanted.notes)
    items = _proposed(draft, wanted, account, spoken_of, notes)
    confirms = any(
        one.confirms
        for one in draft.accounts.values()
        if one.key in wanted.owned and account in (None, one.key)
    )
    if not confirms:
        notes.append(words.NEVER_CONFIRMED)
    one_piece = wanted.card.kind in (PoolKind.TEXT, PoolKind.IMAGE)
    many = one_piece or all(item.many for item in items) if items else True
    if not many:
        notes.append(words.ONE_PIECE_ONLY)
    rule = DeliveryRule(
        id=DeliveryRuleId(0),
        shop=draft.known.shop,
        account=None,
        pool=PoolId(0),
        items=tuple(item.id for item in items),
        keywords=(wanted.keyword,),
        spec=wanted.card.spec,
        most_units=MOST_UNITS if many else 1,
        delay_seconds=wanted.card.delay_seconds,
        steps=StepOrder.SEND_THEN_CONFIRM if confirms else StepOrder.SEND_ONLY,
        enabled=False,
    )
    draft.put(
        line_of(PART, name, [words.RULE_TO_CHECK, *notes]),
        RULE,
        key,
        NewDeliveryRule(account, wanted.card.key, rule),
    )


def _proposed(
    draft: Draft,
    wanted: _Wanted,
    account: str | None,
    spoken_of: Sequence[_SpokenOf],
    notes: list[str],
) -> list[OldItem]:
    """Items whose words hold its keyword and no other's."""
    found, doubtful = [], []
    taken = {
        id_
        for rule in draft.known.delivery_rules
        for id_ in rule.items
        if rule.spec == wanted.card.spec
    }
    for item, rules in spoken_of:
        if account not in (None, item.account) or item.id in taken:
            continue
        if any(one.key != wanted.key and _alike(one.card, wanted.card) for one in rules):
            doubtful.append(item)
        else:
            found.append(item)
    unique = list({item.id: item for item in found}.values())
    if len(unique) > MOST_ITEMS:
        notes.append(words.too_many_items(len(unique), MOST_ITEMS))
        unique = unique[:MOST_ITEMS]
    if unique:
        shown = [f"{item.id} {item.title[:20]}".strip() for item in unique[:_SHOWN]]
        notes.append(words.items_proposed(len(unique), shown))
    else:
        notes.append(words.NO_ITEMS)
    if doubtful:
        shown = [f"{item.id} {item.title[:20]}".strip() for item in doubtful[:_SHOWN]]
        notes.append(words.items_doubtful(len(doubtful), shown))
    return unique


def _alike(one: OldCard, other: OldCard) -> bool:
    """Nothing but the keyword tells which of the two is meant."""
    if one.spec and other.spec:
        return same_spec(one.spec, other.spec)
    return not one.spec and not other.spec


def _spoken_of(items: Sequence[OldItem], wanted: Sequence[_Wanted]) -> dict[str, list[_SpokenOf]]:
    """By rule: the items of its owner whose words hold its keyword, never the other way round (L8),
    each with all rules of which that is true."""
    folded = [(rule, rule.keyword.casefold()) for rule in wanted]
    found: dict[str, list[_SpokenOf]] = {}
    for item in items:
        said = f"{item.title}\n{item.detail}".casefold()
        rules = [rule for rule, keyword in folded if item.account in rule.owned and keyword in said]
        for key in {rule.key for rule in rules}:
            found.setdefault(key, []).append((item, rules))
    return found
