"""Whether AI is asked and what becomes of its proposals, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.model import (
    AccountId,
    AiAnswer,
    AiLimits,
    AiMode,
    AiProfile,
    AiProfileId,
    AiScope,
    AiSettings,
    AiTrouble,
    AiUse,
    Hours,
    Intent,
    ShopId,
)
from hub.policy import (
    SENSITIVE,
    VERDICTS,
    day_began,
    hours_for,
    judge_suggestion,
    longest_wait,
    masked_texts,
    mode_for,
    profiles_for,
    why_not_ask,
    within_hours,
)

OFF, DRAFT, AUTO = AiMode.OFF, AiMode.DRAFT, AiMode.AUTOMATIC
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
"""12:00 in Shanghai."""


def span(start: int, end: int) -> Hours:
    """In minutes after midnight."""
    return Hours(time(*divmod(start, 60)), time(*divmod(end, 60)))


def scope(mode: AiMode | None = None, **intents: AiMode) -> AiScope:
    return AiScope(mode, tuple((Intent(name), value) for name, value in intents.items()))


@pytest.mark.parametrize(
    ("shop", "account", "item", "intent", "mode"),
    [
        (scope(), scope(), scope(), None, DRAFT),
        (scope(AUTO), scope(), scope(), None, AUTO),
        (scope(AUTO), scope(DRAFT), scope(), None, DRAFT),
        (scope(AUTO), scope(DRAFT), scope(OFF), None, OFF),
        (scope(OFF), scope(), scope(AUTO), None, AUTO),
        (scope(DRAFT, chat=AUTO), scope(), scope(), Intent.CHAT, AUTO),
        (scope(DRAFT, chat=AUTO), scope(), scope(), Intent.PRICE, DRAFT),
        (scope(DRAFT, chat=AUTO), scope(chat=OFF), scope(), Intent.CHAT, OFF),
        (scope(DRAFT, chat=AUTO), scope(chat=OFF), scope(chat=DRAFT), Intent.CHAT, DRAFT),
        (scope(AUTO, price=DRAFT), scope(), scope(AUTO), Intent.PRICE, DRAFT),
        (scope(AUTO, chat=AUTO), scope(), scope(OFF), Intent.CHAT, OFF),
        (scope(OFF, chat=AUTO), scope(), scope(), Intent.CHAT, OFF),
    ],
)
def test_the_narrowest_word_decides_and_off_is_off(
    shop: AiScope, account: AiScope, item: AiScope, intent: Intent | None, mode: AiMode
) -> None:
    assert mode_for(AiSettings(shop, account, item), intent) is mode


@pytest.mark.parametrize(
    ("hours", "at", "within"),
    [
        ((), "03:00", True),
        ((span(540, 1320),), "09:00", True),
        ((span(540, 1320),), "21:59", True),
        ((span(540, 1320),), "22:00", False),
        ((span(1320, 480),), "23:00", True),
        ((span(1320, 480),), "07:59", True),
        ((span(1320, 480),), "08:00", False),
        ((span(0, 0),), "00:00", True),
        ((span(540, 720), span(840, 1080)), "12:30", False),
        ((span(540, 720), span(840, 1080)), "14:00", True),
    ],
)
def test_hours_are_those_of_the_shops_clock(
    hours: tuple[Hours, ...], at: str, within: bool
) -> None:
    local = datetime.fromisoformat(f"2026-11-25T{at}").replace(tzinfo=SHANGHAI)
    assert within_hours(hours, local.astimezone(UTC), SHANGHAI) is within


def test_hours_come_from_the_narrowest_place_that_has_some() -> None:
    shop, item = AiScope(hours=(span(1, 2),)), AiScope(hours=())
    assert hours_for(AiSettings(shop=shop)) == (span(1, 2),)
    assert hours_for(AiSettings(shop=shop, item=item)) == ()


def test_budgets_begin_anew_at_midnight_in_the_shop() -> None:
    assert day_began(NOON, SHANGHAI) == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("settings", "enabled", "today", "conversation", "part"),
    [
        (AiSettings(), True, AiUse(), AiUse(), None),
        (AiSettings(), False, AiUse(), AiUse(), "ai.enabled"),
        (AiSettings(scope(OFF)), True, AiUse(), AiUse(), "全店的 AI 是关的"),
        (AiSettings(account=scope(OFF)), True, AiUse(), AiUse(), "这个账号的 AI 是关的"),
        (AiSettings(item=scope(OFF)), True, AiUse(), AiUse(), "这个商品的 AI 是关的"),
        (AiSettings(AiScope(hours=(span(0, 60),))), True, AiUse(), AiUse(), "工作时间"),
        (AiSettings(), True, AiUse(calls=500), AiUse(), "全店今天问 AI 的次数"),
        (AiSettings(), True, AiUse(calls=499), AiUse(calls=29), None),
        (AiSettings(), True, AiUse(), AiUse(calls=30), "这个会话今天问 AI 的次数"),
        (AiSettings(limits=AiLimits(tokens_per_day=9)), True, AiUse(0, 9), AiUse(), "9 token"),
        (
            AiSettings(limits=AiLimits(tokens_per_conversation=9)),
            True,
            AiUse(),
            AiUse(0, 9),
            "这个会话今天的 AI 用量",
        ),
        (
            AiSettings(limits=AiLimits(0, 0, 0, 0)),
            True,
            AiUse(10**6, 10**9),
            AiUse(10**6, 10**9),
            None,
        ),
    ],
)
def test_why_a_model_is_not_asked(
    settings: AiSettings, enabled: bool, today: AiUse, conversation: AiUse, part: str | None
) -> None:
    said = why_not_ask(
        settings, enabled=enabled, now=NOON, zone=SHANGHAI, today=today, conversation=conversation
    )
    assert (said is None) if part is None else (said is not None and part in said)


def test_a_person_who_wants_an_answer_gets_one_within_the_budget() -> None:
    closed = AiSettings(AiScope(AiMode.OFF, hours=(span(0, 60),)))
    asked = {"enabled": True, "now": NOON, "zone": SHANGHAI, "conversation": AiUse()}
    assert why_not_ask(closed, today=AiUse(), wanted=True, **asked) is None  # type: ignore[arg-type]
    assert why_not_ask(closed, today=AiUse(500), wanted=True, **asked)  # type: ignore[arg-type]


def answer(intent: Intent, confidence: float = 0.9, text: str = "在的") -> AiAnswer:
    return AiAnswer(text, intent, confidence, "zh", AiProfileId(1), "x", 1, 1, 0.1)


@pytest.mark.parametrize("intent", SENSITIVE)
@pytest.mark.parametrize("confidence", [0.0, 1.0])
def test_what_is_sensitive_is_never_sent_by_itself(intent: Intent, confidence: float) -> None:
    settings = AiSettings(scope(AUTO, **{intent.value: AUTO}))
    found = judge_suggestion(settings, answer(intent, confidence))
    assert (found.mode, found.tell) == (DRAFT, True)


def test_the_sensitive_ones_are_these() -> None:
    assert SENSITIVE.keys() == {
        Intent.REFUND,
        Intent.COMPLAINT,
        Intent.CONTACT_OUTSIDE,
        Intent.OTHER,
    }


@pytest.mark.parametrize(
    ("settings", "proposed", "mode", "part", "tell"),
    [
        (scope(AUTO), answer(Intent.QUESTION, 0.7), AUTO, "70% 的把握", False),
        (scope(AUTO), answer(Intent.QUESTION, 0.69), DRAFT, "低于 70%", True),
        (scope(AUTO), answer(Intent.QUESTION, 0.0), DRAFT, "0%", True),
        (scope(DRAFT), answer(Intent.QUESTION, 1.0), DRAFT, "草稿", False),
        (scope(AUTO, price=OFF), answer(Intent.PRICE, 1.0), OFF, "不让 AI 答", False),
        (scope(AUTO, refund=OFF), answer(Intent.REFUND, 1.0), OFF, "退款", True),
        (scope(AUTO), answer(Intent.NONE, 1.0, ""), OFF, "不用回答", False),
        (scope(AUTO), answer(Intent.NONE, 1.0, "不客气"), OFF, "不用回答", False),
    ],
)
def test_what_becomes_of_a_proposal(
    settings: AiScope, proposed: AiAnswer, mode: AiMode, part: str, tell: bool
) -> None:
    found = judge_suggestion(AiSettings(settings), proposed)
    assert (found.mode, found.tell) == (mode, tell)
    assert part in found.reason


def test_every_trouble_has_a_verdict() -> None:
    assert VERDICTS.keys() == set(AiTrouble)


def profile(id_: int, **more: object) -> AiProfile:
    return AiProfile(AiProfileId(id_), ShopId(1), f"{id_}", "https://x/v1", "m", **more)  # type: ignore[arg-type]


def test_the_accounts_own_profile_is_asked_before_the_shops() -> None:
    known = [
        profile(1, position=5),
        profile(2, position=1),
        profile(3, account=AccountId(7), position=9),
        profile(4, account=AccountId(8)),
        profile(5, enabled=False),
        profile(0),
    ]
    assert [one.id for one in profiles_for(known, AccountId(7))] == [3, 0, 2, 1]
    assert [one.id for one in profiles_for(known, None)] == [0, 2, 1]


def test_an_answer_has_come_or_will_not_after_a_known_time() -> None:
    two = [profile(1, timeout_seconds=20.0), profile(2, timeout_seconds=30.0)]
    assert longest_wait(two, timedelta(seconds=60)) == timedelta(seconds=50)
    assert longest_wait(two, timedelta(seconds=40)) == timedelta(seconds=40)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("卡密 AB-12 用不了", "卡密 * 用不了"),
        ("ab-12AB-12", "**"),
        ("AB-123", "*"),
        ("AB-1", "AB-1"),
        ("İAB-12", "İ*"),
        ("", ""),
    ],
)
def test_secrets_are_hidden_wherever_they_stand(text: str, hidden: str) -> None:
    assert masked_texts(text, ["AB-12", "AB-123", "", "  "], "*") == hidden
