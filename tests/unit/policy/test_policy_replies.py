"""Which automatic answer a message gets, and whether it may still go out."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from hub.model import (
    WHOLE_SHOP,
    AccountId,
    Content,
    ConversationId,
    Hold,
    HoldId,
    HoldKind,
    Hours,
    Image,
    Match,
    Moment,
    Rule,
    RuleId,
    RuleKind,
    Scope,
    ShopId,
    StoredPicture,
    Text,
    Voice,
)
from hub.policy import (
    Answer,
    AskAi,
    Asked,
    Bargained,
    Clock,
    Decided,
    Decision,
    Rulebook,
    Silence,
    Turn,
    decide_default,
    decide_moment,
    decide_reply,
    fit_into_burst,
    quiet_until,
    still_wanted,
)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
EXPIRE = timedelta(minutes=5)
ITEM = "880011223344"
NO_AI = "没有打开"


def rule(kind: RuleKind, reply: str, *words: str, id: int = 1, **more: Any) -> Rule:
    return Rule(RuleId(id), ShopId(1), None, kind, words, reply, **more)


def keyword(*words: str, reply: str = "在的", **more: Any) -> Rule:
    return rule(RuleKind.KEYWORD, reply, *words, **more)


def default(reply: str = "稍等", **more: Any) -> Rule:
    return rule(RuleKind.DEFAULT, reply, id=2, **more)


HERE = Scope(conversation=ConversationId(7))


def hold(kind: HoldKind = HoldKind.PAUSE, scope: Scope = HERE) -> Hold:
    return Hold(HoldId(1), ShopId(1), kind, scope, "盘点", NOW, None)


def clock(now: datetime = NOW) -> Clock:
    return Clock(now, now)


def decide(
    content: Content | str,
    *rules: Rule,
    hold: Hold | None = None,
    enabled: bool = True,
    age: timedelta = timedelta(0),
    no_ai: str | None = NO_AI,
    at: datetime = NOW,
    **more: Any,
) -> Decided:
    content = Text(content) if isinstance(content, str) else content
    return decide_reply(
        Asked(content, at - age, **more),
        Rulebook(rules),
        hold,
        enabled=enabled,
        at=clock(at),
        expire=EXPIRE,
        no_ai=no_ai,
    )


def said(decided: Decided | None) -> str | None:
    return decided.rule.reply if isinstance(decided, Answer) else None


FULL = (
    rule(RuleKind.ITEM, "商品回复", items=(ITEM,)),
    keyword("在吗", reply="商品关键词", items=(ITEM,)),
    keyword("在吗", reply="通用关键词"),
    rule(RuleKind.MOMENT, "欢迎", moment=Moment.FIRST_WORDS),
    default("商品默认", items=(ITEM,)),
    default("通用默认"),
)


@pytest.mark.parametrize(
    ("missing", "wins"),
    [
        (0, "商品回复"),
        (1, "商品关键词"),
        (2, "通用关键词"),
        (3, "欢迎"),
        (4, "AI"),
    ],
)
def test_each_row_of_the_precedence_wins_when_those_above_it_are_missing(
    missing: int, wins: str
) -> None:
    """L45. Rules above are taken away one by one; all that stand below stay."""
    decided = decide("在吗", *FULL[missing:], item=ITEM, first=True, no_ai=None)
    assert ("AI" if isinstance(decided, AskAi) else said(decided)) == wins


def test_below_ai_come_the_default_of_the_item_and_the_default_for_all() -> None:
    assert said(decide("在吗", *FULL[4:], item=ITEM)) == "商品默认"
    assert said(decide("在吗", *FULL[5:], item=ITEM)) == "通用默认"
    assert decide("在吗", item=ITEM) == Silence(
        "no_rule", "没有命中任何规则", ("没有暂停，也没有人在接待", "AI：没有打开")
    )
    assert said(decide_default(Asked(Text("在吗"), NOW, ITEM), Rulebook(FULL), clock())) == (
        "商品默认"
    )


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({"enabled": False, "hold": hold(), "age": 2 * EXPIRE}, "off"),
        ({"hold": hold(), "age": 2 * EXPIRE}, "held"),
        ({"age": 2 * EXPIRE}, "expired"),
    ],
)
def test_what_stops_the_automation_stands_above_every_rule(
    changed: dict[str, Any], outcome: str
) -> None:
    decided = decide("在吗", *FULL, item=ITEM, no_ai=None, **changed)
    assert isinstance(decided, Silence)
    assert decided.outcome == outcome


@pytest.mark.parametrize("words", ["[我已付款，等待你发货]", " 发来一条新消息 "])
def test_what_the_platform_writes_gets_no_answer(words: str) -> None:
    decided = decide(words, *FULL, item=ITEM, no_ai=None)
    assert isinstance(decided, Silence)
    assert decided.outcome == "platform_text"


def test_a_rule_of_another_item_says_nothing() -> None:
    """L44."""
    other = "880011223399"
    rules = [
        keyword("在吗", items=(other,)),
        rule(RuleKind.ITEM, "别的", items=(other,)),
        default("别的", items=(other,)),
    ]
    assert isinstance(decide("在吗", *rules, item=ITEM), Silence)
    assert isinstance(decide("在吗", *rules), Silence)
    assert said(decide("在吗", *rules, item=other)) == "别的"


def test_every_look_leaves_its_reason() -> None:
    decided = decide(
        "在吗", keyword("价格", items=(ITEM,)), keyword("包邮"), default(), item=ITEM, no_ai="夜里"
    )
    assert decided.reason == "没有命中关键词，使用默认回复"
    assert decided.steps == (
        "没有暂停，也没有人在接待",
        "这个商品的关键词：1 条规则都没有命中",
        "关键词：1 条规则都没有命中",
        "AI：夜里",
    )


def test_a_rule_may_match_and_say_nothing() -> None:
    quiet = keyword("互刷", reply="")
    decided = decide("互刷吗", quiet, default(), no_ai=None)
    assert isinstance(decided, Silence)
    assert decided.outcome == "silent"
    assert decided.rule == quiet
    assert decided.reason == "命中关键词「互刷」，这条规则设为不回复"
    shown = keyword("图", reply="", pictures=(StoredPicture("a.png", "image/png", 1, 1),))
    assert isinstance(decide("有图吗", shown), Answer)


@pytest.mark.parametrize(
    ("hours", "hour", "answers"),
    [
        (Hours(time(9), time(18)), 9, True),
        (Hours(time(9), time(18)), 18, False),
        (Hours(time(22), time(8)), 23, True),
        (Hours(time(22), time(8)), 7, True),
        (Hours(time(22), time(8)), 8, False),
    ],
)
def test_a_rule_answers_in_its_hours_only(hours: Hours, hour: int, answers: bool) -> None:
    at = NOW.replace(hour=hour)
    decided = decide("在吗", keyword("在吗", hours=hours), at=at)
    assert isinstance(decided, Answer) is answers
    if not answers:
        assert any("只在" in step for step in decided.steps)


def test_outside_the_hours_of_a_rule_the_next_one_answers() -> None:
    night = keyword("在吗", reply="夜里", hours=Hours(time(22), time(8)))
    assert said(decide("在吗", night, keyword("在吗", reply="白天", id=3))) == "白天"


def test_what_is_said_once_is_not_said_again_in_the_conversation() -> None:
    """L36."""
    once = default(once=True)
    assert said(decide("在吗", once)) == "稍等"
    decided = decide("在吗", once, used=frozenset({once.id}))
    assert isinstance(decided, Silence)
    assert "默认回复（规则 2）：这个会话里已经说过，只说一次" in decided.steps


def test_an_exact_keyword_is_the_whole_text() -> None:
    exact = keyword("1", match=Match.EXACT)
    assert isinstance(decide(" 1 ", exact), Answer)
    assert isinstance(decide("12", exact), Silence)


def test_a_pattern_is_looked_for_anywhere() -> None:
    pattern = keyword(r"多少.?钱|怎么卖", match=Match.PATTERN)
    assert decide("这个多少 钱？", pattern).reason == "命中关键词「多少.?钱|怎么卖」"
    assert isinstance(decide("多少天的", pattern), Silence)


def test_a_pattern_that_never_ends_is_skipped_and_named() -> None:
    endless = keyword(r"(a+)+$b", match=Match.PATTERN, id=5)
    decided = decide("a" * 1500, endless, keyword("aaa", reply="短", id=6))
    assert said(decided) == "短"
    assert "规则 5 的正则太慢，没有看完，跳过" in decided.steps


def test_a_moment_speaks_once_the_order_is_there() -> None:
    paid = rule(RuleKind.MOMENT, "谢谢", moment=Moment.PAID)
    of_item = rule(RuleKind.MOMENT, "看说明", moment=Moment.PAID, items=(ITEM,), id=3)

    def at(moment: Moment, *rules: Rule, hold: Hold | None = None, age: int = 0) -> Any:
        asked = Asked(Text(""), NOW - timedelta(minutes=age), ITEM)
        return decide_moment(
            moment,
            asked,
            Rulebook(rules),
            hold,
            enabled=True,
            at=clock(),
            expire=EXPIRE,
        )

    assert said(at(Moment.PAID, paid)) == "谢谢"
    assert said(at(Moment.PAID, paid, of_item)) == "看说明"
    assert at(Moment.SHIPPED, paid, of_item) is None
    assert at(Moment.PAID, paid, hold=hold()).outcome == "held"
    assert at(Moment.PAID, paid, age=6).outcome == "expired"
    assert isinstance(decide("已付款", paid, of_item, item=ITEM), Silence)


def test_ai_is_not_asked_about_what_it_cannot_read() -> None:
    assert isinstance(decide(Image(()), no_ai=None), AskAi)
    assert isinstance(decide(Voice("https://x"), no_ai=None), Silence)


def test_a_keyword_anywhere_in_the_text_is_answered_and_named() -> None:
    found = keyword("包邮", "在吗")
    decided = decide("老板在吗？", found)
    assert isinstance(decided, Answer)
    assert (decided.rule, decided.reason) == (found, "命中关键词「在吗」")


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

    assert said(decide("老板在吗", first, second)) == "一"
    assert decide("老板在吗", second, first).reason == "命中关键词「老板」"


def test_a_default_reply_yields_to_every_keyword() -> None:
    assert decide("在吗", default(), keyword("在吗")).reason == "命中关键词「在吗」"
    assert said(decide("多少钱", default(), keyword("在吗"))) == "稍等"


@pytest.mark.parametrize(
    "rule",
    [
        keyword("在吗", enabled=False),
        keyword(""),
        keyword(),
        default(enabled=False),
    ],
)
def test_a_rule_that_is_off_or_has_no_word_answers_nothing(rule: Rule) -> None:
    assert decide("在吗", rule).reason == "没有命中任何规则"


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
        (hold(scope=Scope(item="900100200300")), "这个商品的自动回复已暂停：盘点"),
        (hold(scope=Scope(account=AccountId(3))), "这个账号的自动回复已暂停：盘点"),
        (hold(scope=WHOLE_SHOP), "整个店铺的自动回复已暂停：盘点"),
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
        (Answer(keyword("在吗"), ""), False, Turn.START),
        (Answer(default(), ""), False, Turn.START),
        (Answer(keyword("在吗"), ""), True, Turn.REPLACE),
        (Answer(default(), ""), True, Turn.JOIN),
        (Bargained("18", ""), False, Turn.START),
        (Bargained("18", ""), True, Turn.REPLACE),
        (AskAi(""), False, Turn.START),
        (AskAi(""), True, Turn.JOIN),
        (Silence("no_rule", ""), True, Turn.JOIN),
        (Silence("no_rule", ""), False, Turn.NOTHING),
        (Silence("held", ""), True, Turn.NOTHING),
        (Silence("expired", ""), True, Turn.NOTHING),
        (Silence("off", ""), True, Turn.NOTHING),
    ],
)
def test_a_further_line_starts_replaces_joins_or_does_nothing(
    decision: Decision, waits: bool, turn: Turn
) -> None:
    assert fit_into_burst(decision, waits=waits) is turn


@pytest.mark.parametrize(
    ("last", "until"), [(0, 3), (1, 4), (11, 14), (12, 15), (14, 15), (15, 15), (600, 600)]
)
def test_an_answer_leaves_after_the_silence_or_five_times_that(last: float, until: float) -> None:
    wait = timedelta(seconds=3)
    found = quiet_until(NOW, NOW + timedelta(seconds=last), wait)
    assert found == NOW + timedelta(seconds=until)
