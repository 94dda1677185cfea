"""Orders and rules in words: short, whole, and without a card that was not given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub import text
from hub.model import (
    AccountId,
    DeliveryRule,
    DeliveryRuleId,
    DeliveryState,
    DeliveryStep,
    MemberId,
    OrderNote,
    PoolId,
    ShopId,
    StepOrder,
    StoryLine,
)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def rule(**values: object) -> DeliveryRule:
    plain = DeliveryRule(DeliveryRuleId(1), ShopId(1), None, PoolId(1))
    return replace(plain, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "account", "one_piece", "said"),
    [
        (
            {"items": ("1",)},
            "",
            False,
            "全部账号卖出「咖啡壶」（没有规格可选的），付款后马上发「月卡」，每件 1 张，"
            "一笔最多 10 件，发完标记发货",
        ),
        (
            {
                "items": ("1", "2", "3", "4"),
                "account": AccountId(1),
                "spec": (("套餐", "月卡"),),
                "fallback": True,
                "cards": 2,
                "delay_seconds": 90,
                "steps": StepOrder.CONFIRM_THEN_SEND,
            },
            "小店",
            False,
            "【小店】卖出「咖啡壶」、「2」、「3」等 4 个商品（套餐：月卡，"
            "也管没有规则的其他规格），付款 1 分 30 秒后发「月卡」，每件 2 张，"
            "一笔最多 10 件，先标记发货再发",
        ),
        (
            {"keywords": ("会员", "月卡"), "fallback": True, "delay_seconds": 60},
            "",
            True,
            "全部账号卖出标题里有“会员”、“月卡”的商品（任何规格），付款 1 分钟后发「月卡」，"
            "一笔最多 10 件，发完标记发货",
        ),
        (
            {"items": ("1",), "keywords": ("壶",), "fallback": True, "steps": StepOrder.SEND_ONLY},
            "",
            False,
            "全部账号卖出「咖啡壶」，或者标题里有“壶”的商品（任何规格），付款后马上发「月卡」，"
            "每件 1 张，一笔最多 10 件，不标记发货",
        ),
    ],
)
def test_a_rule_says_in_words_what_it_does(
    values: dict[str, object], account: str, one_piece: bool, said: str
) -> None:
    told = text.rule_sentence(rule(**values), "月卡", account, {"1": "咖啡壶"}, one_piece=one_piece)
    assert told == said


def line(
    step: DeliveryStep | OrderNote, unit: int | None = None, minutes: int = 0, by: int | None = None
) -> StoryLine:
    member = None if by is None else MemberId(by)
    return StoryLine(NOW + timedelta(minutes=minutes), unit, step, "", member, "qq")


def told(*story: StoryLine) -> list[str]:
    return text.story_lines(story, {MemberId(1): "小客"}, lambda at: at.strftime("%H:%M"))


def test_what_happened_to_several_units_at_once_is_one_line() -> None:
    assert told(
        line(OrderNote.READ),
        line(DeliveryStep.RESERVED, 1),
        line(DeliveryStep.RESERVED, 2),
        line(DeliveryStep.ACCEPTED, 1, 1),
        line(DeliveryStep.RESENT, 2, 2, by=1),
    ) == ["12:00 第 1、2 份 预留", "12:01 第 1 份 买家收到", "12:02 第 2 份 再发一次（小客）"]


def test_the_unit_is_not_named_where_there_is_one() -> None:
    assert told(line(DeliveryStep.RESERVED, 1)) == ["12:00 预留"]


def test_a_long_story_shows_its_end_and_says_so() -> None:
    said = told(*(line(DeliveryStep.RESENT, 1, n) for n in range(12)))
    assert said[0] == "（前面还有 4 条，后台的订单页有全部）"
    assert len(said) == 9
    assert said[-1].startswith("12:11")


def test_units_are_counted_by_what_became_of_them() -> None:
    S = DeliveryState
    assert text.delivered_so_far([]) == ""
    assert text.delivered_so_far([S.CONFIRMED, S.REVIEW, S.CONFIRMED]) == (
        "2 份已完成，1 份待人工处理"
    )
