"""Whatever rules a shop has: written to a sheet and read from it, they are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.model import AccountId, Hours, Match, Moment, Rule, RuleId, RuleKind, ShopId
from hub.policy import (
    NEEDED_COLUMNS,
    RULE_COLUMNS,
    RULE_SHEET,
    ImportPlan,
    SheetRule,
    checked_rule,
    plan_import,
    read_rule_lines,
    rule_lines,
)
from hub.sheets import read_table, write_csv, write_xlsx

ITEM, OTHER = "900100200300", "900100200301"
SHOP = ShopId(1)
NAMES = {AccountId(1): "小店", AccountId(2): "=书店"}

ODD = "在吗,，、;；'=+-@ \n\tnaN1.#_x000D"
texts = st.text(ODD, min_size=1, max_size=4) | st.text(
    st.sampled_from(ODD) | st.characters(codec="utf-8"), min_size=1, max_size=8
)
clock_times = st.builds(time, st.integers(0, 23), st.integers(0, 59))


@st.composite
def any_rule(draw: st.DrawFn) -> Rule | None:
    """As the desk keeps it; None for what it refuses."""
    rule = Rule(
        RuleId(0),
        SHOP,
        draw(st.sampled_from([None, *NAMES])),
        draw(st.sampled_from([RuleKind.KEYWORD, *RuleKind])),
        keywords=tuple(draw(st.lists(texts, min_size=1, max_size=2))),
        reply=draw(texts),
        enabled=draw(st.booleans()),
        match=draw(st.sampled_from(Match)),
        items=tuple(draw(st.lists(st.sampled_from([ITEM, OTHER]), max_size=2))),
        priority=draw(st.integers(0, 100)),
        hours=draw(st.none() | st.builds(Hours, clock_times, clock_times)),
        once=draw(st.booleans()),
        moment=draw(st.sampled_from(Moment)),
    )
    try:
        return checked_rule(rule, silent=draw(st.booleans()))
    except Invalid:
        return None


def kept(found: list[Rule | None]) -> list[Rule]:
    some = [rule for rule in found if rule is not None]
    return [replace(rule, id=RuleId(number)) for number, rule in enumerate(some, 1)]


def brought(data: bytes, rules: list[Rule], *, replace_all: bool) -> ImportPlan:
    table = read_table(
        data, columns=RULE_COLUMNS, required=NEEDED_COLUMNS, sheet=RULE_SHEET, most=100
    )
    assert not any(line.trouble for line in table.lines)
    lines = list(
        read_rule_lines(
            ((line.number, line.cells) for line in table.lines),
            table.columns,
            shop=SHOP,
            accounts={name: id_ for id_, name in NAMES.items()},
            default_account=None,
        )
    )
    good = [line for line in lines if isinstance(line, SheetRule)]
    assert len(good) == len(lines), lines
    return plan_import(good, rules, replace_all=replace_all, default_account=None)


@pytest.mark.parametrize("form", ["xlsx", "csv"])
@given(found=st.lists(any_rule(), max_size=6), replace_all=st.booleans())
def test_taking_rules_out_and_bringing_them_back_changes_nothing(
    form: str, found: list[Rule | None], replace_all: bool
) -> None:
    rules = kept(found)
    lines = rule_lines(rules, NAMES)
    if form == "csv":
        data = write_csv(RULE_COLUMNS, lines)
    else:
        data = write_xlsx(RULE_SHEET, [(name, 10.0) for name in RULE_COLUMNS], lines)
    plan = brought(data, rules, replace_all=replace_all)
    assert plan.changes == ()
    assert plan.unchanged == len(rules)
    fresh = brought(data, [], replace_all=replace_all)
    made = {one.new for one in fresh.added}
    assert made == {replace(rule, id=RuleId(0)) for rule in rules}


@pytest.mark.parametrize("match", list(Match))
@pytest.mark.parametrize(
    "words",
    [
        ("a,b",),
        ("a，b", "c"),
        ("在、吗",),
        ("=1+1",),
        ("'=1", "-"),
        ("nan",),
        ("a;b", "a"),
        ("1.0",),
    ],
)
def test_words_with_commas_and_signs_of_their_own_come_back(
    words: tuple[str, ...], match: Match
) -> None:
    rule = Rule(RuleId(1), SHOP, None, RuleKind.KEYWORD, words, "nan", match=match)
    lines = rule_lines([rule], NAMES)
    for data in (
        write_csv(RULE_COLUMNS, lines),
        write_xlsx(RULE_SHEET, [(name, 10.0) for name in RULE_COLUMNS], lines),
    ):
        assert brought(data, [rule], replace_all=True).changes == ()


@given(st.lists(any_rule(), max_size=4), st.lists(any_rule(), max_size=4))
def test_after_a_merge_every_key_of_the_sheet_says_what_the_sheet_says_and_none_is_lost(
    there: list[Rule | None], coming: list[Rule | None]
) -> None:
    old, new = kept(there), [replace(rule, id=RuleId(0)) for rule in kept(coming)]
    lines = [SheetRule(n, rule, frozenset(RULE_COLUMNS)) for n, rule in enumerate(new, 2)]
    plan = plan_import(lines, old, replace_all=False, default_account=None)
    after = {rule.id: rule for rule in old}
    added = []
    for change in plan.changes:
        if change.old is None and change.new is not None:
            added.append(change.new)
        elif change.new is not None:
            after[change.new.id] = change.new
    rules = [*after.values(), *added]
    assert not plan.removed
    assert keys(old) | keys(new) == keys(rules)
    for rule in new:
        for key in keys([rule]):
            assert any(key in keys([one]) and one.reply == rule.reply for one in rules)


def keys(rules: list[Rule]) -> set[tuple[object, ...]]:
    return {
        (rule.account, rule.kind, rule.moment, word, item)
        for rule in rules
        for word in rule.keywords or ("",)
        for item in rule.items or ("",)
    }
