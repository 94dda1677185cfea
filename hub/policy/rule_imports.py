"""What an import changes: the lines of a sheet laid over the rules that are there.

A keyword, an item and an account together are a key. What a sheet says of a key holds from then on;
what it does not speak of stays. Rules with pictures are never touched (L47, L48).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from hub.model import AccountId, Moment, Rule, RuleId, RuleKind
from hub.policy.rule_sheets import ACCOUNT, KIND, SheetRule, SheetTrouble

ANYTHING = ("",)
"""Stands for the words or items of rules that have none."""
MOST_KEYS = 10_000
"""Of one line that are compared with others."""

Scope = tuple[AccountId | None, RuleKind, Moment | None]
Whole = tuple[Scope, frozenset[str], frozenset[str]]
Key = tuple[Scope, str, str]


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Added without `old`, removed without `new`."""

    old: Rule | None
    new: Rule | None
    line: int | None = None


@dataclass(frozen=True, slots=True)
class ImportPlan:
    changes: tuple[RuleChange, ...]
    unchanged: int
    """Lines that say what is so already."""
    warnings: tuple[SheetTrouble, ...]

    @property
    def added(self) -> tuple[RuleChange, ...]:
        return tuple(one for one in self.changes if one.old is None)

    @property
    def changed(self) -> tuple[RuleChange, ...]:
        return tuple(one for one in self.changes if one.old is not None and one.new is not None)

    @property
    def removed(self) -> tuple[RuleChange, ...]:
        return tuple(one for one in self.changes if one.new is None)


def plan_import(
    lines: Sequence[SheetRule],
    rules: Iterable[Rule],
    *,
    replace_all: bool,
    default_account: AccountId | None,
) -> ImportPlan:
    """`replace_all`: what the sheet could speak of and does not is removed. Without a column for
    the kind that is keywords only, without one for the account that of `default_account` only."""
    everything = list(rules)
    texts = {rule.id: rule for rule in everything if not rule.pictures}
    made = _Planning(texts)
    rest = made.pair(lines)
    columns = lines[0].columns if lines else frozenset()
    for line in rest:
        made.add(line, cut_others=not replace_all)
    removed = []
    if replace_all:
        removed = [
            RuleChange(rule, None)
            for rule in made.unpaired()
            if (KIND in columns or rule.kind is RuleKind.KEYWORD)
            and (ACCOUNT in columns or rule.account == default_account)
        ]
    pictured = [rule for rule in everything if rule.pictures]
    warnings = [*_warnings(lines, made.touched, pictured), *made.warnings]
    return ImportPlan(
        (*made.changes(), *removed),
        made.unchanged,
        tuple(sorted(warnings, key=lambda one: one.line)),
    )


@dataclass(slots=True)
class _Planning:
    rules: dict[RuleId, Rule]
    unchanged: int = 0
    touched: set[int] = field(default_factory=set)
    """Lines that change something."""
    warnings: list[SheetTrouble] = field(default_factory=list)
    _paired: dict[RuleId, tuple[Rule, int]] = field(default_factory=dict)
    """What became of rules that a line speaks of as a whole."""
    _cut: dict[RuleId, list[tuple[Rule, int]]] = field(default_factory=dict)
    """What became of rules of which lines speak in part."""
    _new: list[tuple[Rule, int]] = field(default_factory=list)
    _by_key: dict[Key, list[RuleId]] = field(default_factory=dict)
    _said: dict[tuple[Whole, Rule], int] = field(default_factory=dict)

    def pair(self, lines: Sequence[SheetRule]) -> list[SheetRule]:
        """Lines with exactly the words and items of a rule; returns the others."""
        there: dict[Whole, list[Rule]] = {}
        for rule in self.rules.values():
            there.setdefault(_whole(rule), []).append(rule)
        open_lines: list[SheetRule] = []
        for line in lines:
            alike = there.get(_whole(line.rule), [])
            same = next((rule for rule in alike if line.upon(rule) == rule), None)
            if same is None:
                open_lines.append(line)
            else:
                alike.remove(same)
                self._paired[same.id] = same, line.line
                self.unchanged += 1
                self._said.setdefault(_content(line), line.line)
        rest: list[SheetRule] = []
        for line in open_lines:
            alike = there.get(_whole(line.rule), [])
            if alike:
                old = alike.pop(0)
                self._paired[old.id] = line.upon(old), line.line
                self.touched.add(line.line)
                self._said.setdefault(_content(line), line.line)
            else:
                rest.append(line)
        for rule in self.unpaired():
            for key in _keys(rule):
                self._by_key.setdefault(key, []).append(rule.id)
        return rest

    def unpaired(self) -> list[Rule]:
        return [rule for id_, rule in self.rules.items() if id_ not in self._paired]

    def add(self, line: SheetRule, *, cut_others: bool) -> None:
        """A line that is no rule as a whole: parts of rules change, the rest of it is new."""
        earlier = self._said.setdefault(_content(line), line.line)
        if earlier != line.line:
            why = f"和第 {earlier} 行完全一样，没有再加"
            self.warnings.append(SheetTrouble(line.line, why))
            return
        left = [line.rule]
        changed = False
        near = {id_: None for key in _keys(line.rule) for id_ in self._by_key.get(key, ())}
        for id_ in near if cut_others else ():
            parts = self._cut.get(id_) or [(self.rules[id_], 0)]
            after: list[tuple[Rule, int]] = []
            for part, by in parts:
                shared = _shared(part, line.rule)
                if shared is None or line.upon(part) == part:
                    after.append((part, by))
                else:
                    changed = True
                    after += [(rest, by) for rest in _without(part, shared)]
                    after.append((line.upon(shared), line.line))
                if shared is not None:
                    left = [rest for one in left for rest in _without(one, shared)]
            self._cut[id_] = after
        self._new += [(rule, line.line) for rule in left]
        if left or changed:
            self.touched.add(line.line)
        else:
            self.unchanged += 1

    def changes(self) -> list[RuleChange]:
        found = [
            RuleChange(self.rules[id_], new, line)
            for id_, (new, line) in self._paired.items()
            if new != self.rules[id_]
        ]
        for id_, parts in self._cut.items():
            (first, line), *others = parts
            if first != self.rules[id_]:
                found.append(RuleChange(self.rules[id_], replace(first, id=id_), line or None))
            found += [RuleChange(None, rule, line or None) for rule, line in others]
        return [*found, *(RuleChange(None, rule, line) for rule, line in self._new)]


def _warnings(
    lines: Iterable[SheetRule], touched: set[int], pictured: Sequence[Rule]
) -> Iterable[SheetTrouble]:
    first: dict[tuple[Key, object], int] = {}
    shown = {key: rule for rule in pictured for key in _keys(rule)}
    for line in lines:
        rule = line.rule
        if line.line not in touched:
            continue
        if line.warning:
            yield SheetTrouble(line.line, line.warning)
        keys = _keys(rule)
        with_picture = next((shown[key] for key in keys if key in shown), None)
        if with_picture is not None:
            why = f"规则 {with_picture.id} 有同样的关键词和图片，仍然是它先回答"
            yield SheetTrouble(line.line, why)
        earlier = [first.setdefault((key, rule.match), line.line) for key in keys]
        same = next((number for number in earlier if number != line.line), None)
        if same is not None and rule.hours is None:
            yield SheetTrouble(line.line, f"和第 {same} 行的关键词相同，平时用的是前面那行")


def _scope(rule: Rule) -> Scope:
    return rule.account, rule.kind, rule.moment


def _whole(rule: Rule) -> Whole:
    return _scope(rule), frozenset(rule.keywords), frozenset(rule.items)


def _content(line: SheetRule) -> tuple[Whole, Rule]:
    return _whole(line.rule), replace(line.rule, keywords=(), items=())


def _keys(rule: Rule) -> list[Key]:
    words, items = rule.keywords or ANYTHING, rule.items or ANYTHING
    scope = _scope(rule)
    return [(scope, word, item) for word, item in product(words, items)][:MOST_KEYS]


def _shared(rule: Rule, other: Rule) -> Rule | None:
    """The part of a rule of which another speaks too."""
    if _scope(rule) != _scope(other):
        return None
    words = tuple(word for word in rule.keywords if word in other.keywords)
    items = tuple(item for item in rule.items if item in other.items)
    if bool(words) != bool(rule.keywords) or bool(items) != bool(rule.items):
        return None
    if bool(rule.items) != bool(other.items):
        return None
    return replace(rule, keywords=words, items=items)


def _without(rule: Rule, part: Rule) -> list[Rule]:
    """What remains of a rule's words and items: nothing, or one or two rules."""
    if _shared(rule, part) is None:
        return [rule]
    words = tuple(word for word in rule.keywords if word not in part.keywords)
    items = tuple(item for item in rule.items if item not in part.items)
    rest = [replace(rule, keywords=words)] if words else []
    if items:
        both = tuple(word for word in rule.keywords if word in part.keywords)
        rest.append(replace(rule, keywords=both, items=items))
    return rest
