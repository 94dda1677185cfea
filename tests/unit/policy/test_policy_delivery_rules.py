"""Which rule serves an order: the named item first, never another shop's, never a guess."""

from __future__ import annotations

import pytest

from hub.model import (
    AccountId,
    DeliveryRule,
    DeliveryRuleId,
    NeedKind,
    Order,
    OrderStatus,
    PoolId,
    ShopId,
    Spec,
)
from hub.policy import longest_keyword, match_rule, same_spec

OURS, OTHER = AccountId(1), AccountId(2)
ITEM = "900100200300"
TITLE = "会员月卡 自动发货"
MONTH: Spec = (("套餐", "月卡"),)
YEAR: Spec = (("套餐", "年卡"),)


def rule(
    number: int = 1,
    *,
    items: tuple[str, ...] = (),
    keywords: tuple[str, ...] = (),
    spec: Spec = (),
    account: AccountId | None = None,
    fallback: bool = False,
    enabled: bool = True,
) -> DeliveryRule:
    return DeliveryRule(
        id=DeliveryRuleId(number),
        shop=ShopId(1),
        account=account,
        pool=PoolId(number),
        items=items,
        keywords=keywords,
        spec=spec,
        fallback=fallback,
        enabled=enabled,
    )


def order(title: str = TITLE, spec: Spec = (), item: str | None = ITEM) -> Order:
    return Order("4400112233445566778", OrderStatus.PAID, "", item, title, spec=spec)


def chosen(
    *rules: DeliveryRule, title: str = "会员月卡 自动发货", spec: Spec = ()
) -> int | NeedKind:
    found = match_rule(rules, OURS, order(title, spec))
    return found if isinstance(found, NeedKind) else found.id


def test_a_rule_that_names_the_item_goes_before_any_keyword() -> None:
    assert chosen(rule(1, keywords=("会员月卡 自动发货",)), rule(2, items=(ITEM,))) == 2


def test_an_order_that_no_rule_serves_is_told_apart() -> None:
    assert chosen() is NeedKind.NO_RULE
    assert chosen(rule(items=("1",))) is NeedKind.NO_RULE
    assert match_rule([rule(items=(ITEM,))], OURS, order(item=None)) is NeedKind.NO_RULE


def test_rules_of_other_accounts_and_disabled_ones_do_not_count() -> None:
    """L7."""
    assert chosen(rule(items=(ITEM,), account=OTHER)) is NeedKind.NO_RULE
    assert chosen(rule(items=(ITEM,), enabled=False)) is NeedKind.NO_RULE


def test_an_item_whose_rule_is_switched_off_is_delivered_by_nothing_else() -> None:
    """L8: whoever switched it off did not mean: take another pool."""
    off = rule(1, items=(ITEM,), enabled=False)
    assert chosen(off, rule(2, keywords=("月卡",))) is NeedKind.NO_RULE
    assert chosen(off, rule(2, items=(ITEM,))) == 2
    assert chosen(rule(1, items=("1",), enabled=False), rule(2, keywords=("月卡",))) == 2
    theirs = rule(1, items=(ITEM,), enabled=False, account=OTHER)
    assert chosen(theirs, rule(2, keywords=("月卡",))) == 2


def test_a_choice_whose_rule_is_switched_off_is_served_by_no_fallback() -> None:
    """L9."""
    off = rule(1, items=(ITEM,), spec=YEAR, enabled=False)
    month = rule(2, items=(ITEM,), spec=MONTH, fallback=True)
    assert chosen(off, month, spec=YEAR) is NeedKind.NO_RULE
    assert chosen(off, month, spec=(("套餐", "周卡"),)) == 2
    assert chosen(off, rule(3, items=(ITEM,), spec=YEAR), month, spec=YEAR) == 3


def test_of_equal_rules_the_accounts_own_goes_first_then_the_older_one() -> None:
    all_of_them = (rule(3, items=(ITEM,)), rule(5, items=(ITEM,), account=OURS))
    assert chosen(*all_of_them) == 5
    assert chosen(rule(4, items=(ITEM,)), rule(2, items=(ITEM,))) == 2


@pytest.mark.parametrize(
    ("keyword", "title", "length"),
    [
        ("100%", "1005 张图", 0),
        ("_", "键盘", 0),
        (".*", "键盘", 0),
        ("", "键盘", 0),
        ("  ", "键盘", 0),
        ("键盘鼠标套装", "键盘", 0),
        ("键盘", "", 0),
        ("STEAM 充值", "steam  充值卡", 8),
    ],
)
def test_keywords_are_plain_text_and_never_match_the_other_way_round(
    keyword: str, title: str, length: int
) -> None:
    """L8."""
    assert longest_keyword(rule(keywords=(keyword,)), title) == length


def test_the_longest_keyword_wins() -> None:
    assert chosen(rule(1, keywords=("会员",)), rule(2, keywords=("卡", "会员月卡"))) == 2


def test_an_order_without_a_title_matches_no_keyword() -> None:
    """L8: an empty title matched every rule."""
    assert chosen(rule(keywords=("会员", "")), title="") is NeedKind.NO_RULE


def test_the_choice_of_an_item_is_matched_exactly() -> None:
    rules = (rule(1, items=(ITEM,), spec=MONTH), rule(2, items=(ITEM,), spec=YEAR))
    assert chosen(*rules, spec=YEAR) == 2
    assert chosen(*rules, spec=(("套餐", " 月卡"),)) == 1


def test_an_unknown_choice_is_held_unless_a_rule_serves_all() -> None:
    """L9."""
    month, plain = rule(1, items=(ITEM,), spec=MONTH), rule(2, items=(ITEM,))
    assert chosen(month, plain, spec=YEAR) is NeedKind.UNKNOWN_SPEC
    assert chosen(plain, spec=YEAR) is NeedKind.UNKNOWN_SPEC
    assert chosen(month, rule(3, items=(ITEM,), fallback=True), spec=YEAR) == 3


def test_an_order_that_names_no_choice_of_an_item_with_choices_is_held() -> None:
    """L9."""
    month, plain = rule(1, items=(ITEM,), spec=MONTH), rule(2, items=(ITEM,))
    assert chosen(month, plain) is NeedKind.UNKNOWN_SPEC
    assert chosen(month, rule(2, items=(ITEM,), fallback=True)) == 2
    assert chosen(plain) == 2


def test_a_keyword_does_not_step_in_for_an_unknown_choice_of_a_named_item() -> None:
    """L9: the wrong product is worse than a question."""
    named = rule(1, items=(ITEM,), spec=MONTH)
    assert chosen(named, rule(2, keywords=("会员",)), spec=YEAR) is NeedKind.UNKNOWN_SPEC


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ((("a", "1"), ("b", "2")), (("b", "2"), ("a", "1")), True),
        ((("", "月卡"),), (("套餐", "月卡"),), True),
        ((("颜色", "红"),), (("套餐", "红"),), False),
        ((("a", "1"),), (("a", "1"), ("b", "2")), False),
        ((("a", "1"),), (("a", "2"),), False),
    ],
)
def test_choices_are_the_same_in_any_order_and_names_count_where_there_are_any(
    one: Spec, other: Spec, same: bool
) -> None:
    assert same_spec(one, other) is same
