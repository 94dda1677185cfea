"""Which automatic answer a message gets, and whether it may still go out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.model import (
    Content,
    ConversationId,
    Hold,
    HoldId,
    HoldKind,
    Image,
    Rule,
    RuleId,
    RuleKind,
    ShopId,
    Text,
)
from hub.policy import (
    Answer,
    Silence,
    Turn,
    decide_reply,
    fit_into_burst,
    quiet_until,
    still_wanted,
)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
EXPIRE = timedelta(minutes=5)


def keyword(*words: str, reply: str = "在的", enabled: bool = True) -> Rule:
    return Rule(RuleId(1), ShopId(1), None, RuleKind.KEYWORD, words, reply, enabled)


def default(reply: str = "稍等", enabled: bool = True) -> Rule:
    return Rule(RuleId(2), ShopId(1), None, RuleKind.DEFAULT, (), reply, enabled)


def hold(kind: HoldKind = HoldKind.PAUSE, conversation: int | None = 7) -> Hold:
    where = None if conversation is None else ConversationId(conversation)
    return Hold(HoldId(1), ShopId(1), kind, where, "盘点", NOW, None)


def decide(
    content: Content | str,
    *rules: Rule,
    hold: Hold | None = None,
    enabled: bool = True,
    age: timedelta = timedelta(0),
) -> Answer | Silence:
    content = Text(content) if isinstance(content, str) else content
    return decide_reply(content, NOW - age, rules, hold, enabled=enabled, now=NOW, expire=EXPIRE)


def test_a_keyword_anywhere_in_the_text_is_answered_and_named() -> None:
    rule = keyword("包邮", "在吗")

    assert decide("老板在吗？", rule) == Answer(rule, "在的", "命中关键词「在吗」")


def test_case_makes_no_difference() -> None:
    assert isinstance(decide("有WIFI吗", keyword("wifi")), Answer)
    assert isinstance(decide("有wifi吗", keyword("WIFI")), Answer)


@pytest.mark.parametrize("word", ["100%", "a.c", "(", "*", "_"])
def test_a_keyword_is_no_pattern(word: str) -> None:
    """L8."""
    assert isinstance(decide("1005 abc", keyword(word)), Silence)
    assert isinstance(decide(f"要{word}的", keyword(word)), Answer)


def test_a_keyword_that_contains_the_text_does_not_match() -> None:
    """L8: never reversed."""
    assert isinstance(decide("在", keyword("在吗")), Silence)
    assert isinstance(decide("", keyword("在吗")), Silence)


def test_the_first_of_several_matching_rules_answers() -> None:
    first, second = keyword("在吗", reply="一"), keyword("老板", reply="二")

    assert decide("老板在吗", first, second) == Answer(first, "一", "命中关键词「在吗」")
    assert decide("老板在吗", second, first) == Answer(second, "二", "命中关键词「老板」")


def test_a_default_reply_yields_to_every_keyword() -> None:
    assert decide("在吗", default(), keyword("在吗")).reason == "命中关键词「在吗」"
    answer = decide("多少钱", default(), keyword("在吗"))
    assert answer == Answer(default(), "稍等", "没有命中关键词，使用默认回复")


@pytest.mark.parametrize(
    "rule",
    [
        keyword("在吗", enabled=False),
        keyword("在吗", reply=""),
        keyword(""),
        keyword(),
        default(enabled=False),
        default(reply=""),
    ],
)
def test_a_rule_that_is_off_or_empty_answers_nothing(rule: Rule) -> None:
    assert decide("在吗", rule) == Silence("no_rule", "没有命中任何规则")


def test_a_picture_gets_the_default_reply_only() -> None:
    assert isinstance(decide(Image(()), keyword("图")), Silence)
    assert isinstance(decide(Image(()), keyword("图"), default()), Answer)


def test_switched_off_counts_before_all_else() -> None:
    silence = decide("在吗", keyword("在吗"), hold=hold(), enabled=False, age=2 * EXPIRE)

    assert silence == Silence("off", "自动回复已在设置里关闭")


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (hold(HoldKind.TAKEOVER), "人工正在接待这个会话"),
        (hold(), "这个会话的自动回复已暂停：盘点"),
        (hold(conversation=None), "整个店铺的自动回复已暂停：盘点"),
    ],
)
def test_a_hold_silences_and_says_why(held: Hold, reason: str) -> None:
    assert decide("在吗", keyword("在吗"), hold=held) == Silence("held", reason)
    assert still_wanted(held, human_answered=False) == reason


def test_an_old_message_is_not_answered() -> None:
    """L24."""
    assert isinstance(decide("在吗", keyword("在吗"), age=EXPIRE), Answer)
    silence = decide("在吗", keyword("在吗"), age=timedelta(minutes=9, seconds=59))
    assert silence == Silence("expired", "消息是 9 分钟前发的，超过了自动回复的时限")


def test_a_message_from_a_clock_ahead_of_ours_is_answered() -> None:
    assert isinstance(decide("在吗", keyword("在吗"), age=-timedelta(minutes=2)), Answer)


def test_an_answer_nobody_got_ahead_of_may_go() -> None:
    assert still_wanted(None, human_answered=False) is None


@pytest.mark.parametrize("held", [None, hold()])
def test_a_human_who_was_faster_makes_the_answer_needless(held: Hold | None) -> None:
    """L27."""
    assert still_wanted(held, human_answered=True) == "人工已经先回复了"


@pytest.mark.parametrize(
    ("decision", "waits", "turn"),
    [
        (Answer(keyword("在吗"), "在的", ""), False, Turn.START),
        (Answer(default(), "稍等", ""), False, Turn.START),
        (Answer(keyword("在吗"), "在的", ""), True, Turn.REPLACE),
        (Answer(default(), "稍等", ""), True, Turn.JOIN),
        (Silence("no_rule", ""), True, Turn.JOIN),
        (Silence("no_rule", ""), False, Turn.NOTHING),
        (Silence("held", ""), True, Turn.NOTHING),
        (Silence("expired", ""), True, Turn.NOTHING),
        (Silence("off", ""), True, Turn.NOTHING),
    ],
)
def test_a_further_line_starts_replaces_joins_or_does_nothing(
    decision: Answer | Silence, waits: bool, turn: Turn
) -> None:
    assert fit_into_burst(decision, waits=waits) is turn


@pytest.mark.parametrize(
    ("last", "until"), [(0, 3), (1, 4), (11, 14), (12, 15), (14, 15), (15, 15), (600, 600)]
)
def test_an_answer_leaves_after_the_silence_or_five_times_that(last: float, until: float) -> None:
    wait = timedelta(seconds=3)
    found = quiet_until(NOW, NOW + timedelta(seconds=last), wait)
    assert found == NOW + timedelta(seconds=until)
