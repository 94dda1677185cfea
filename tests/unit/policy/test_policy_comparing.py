"""From when on an account is compared with the platform, and when a silence is worth a look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.policy import advanced, look_back, quiet_from, replay_from, started

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def test_a_comparison_looks_back_a_little_before_the_last_one() -> None:
    assert look_back(NOW - 5 * MINUTE, NOW) == NOW - 7 * MINUTE


def test_a_week_is_as_far_as_anybody_looks_back() -> None:
    assert look_back(NOW - 30 * DAY, NOW) == NOW - 7 * DAY


def test_a_new_account_looks_back_to_its_first_connection_and_no_further() -> None:
    assert look_back(started(NOW), NOW + MINUTE) == NOW


def test_the_platform_is_asked_to_push_again_what_came_after_the_comparison() -> None:
    assert replay_from(NOW - 5 * MINUTE, NOW) == NOW - 7 * MINUTE
    assert replay_from(NOW - 3 * DAY, NOW) == NOW - DAY
    assert replay_from(None, NOW) is None


@pytest.mark.parametrize(
    ("newest", "reached"),
    [
        (None, NOW - DAY),
        (NOW - 2 * DAY, NOW - DAY),
        (NOW - MINUTE, NOW - MINUTE),
        (NOW + 5 * MINUTE, NOW + 5 * MINUTE),
        (NOW + 400 * DAY, NOW + 10 * MINUTE),
    ],
    ids=["an empty list", "nothing new", "news", "a clock ahead of ours", "a mad stamp"],
)
def test_the_moment_follows_the_platforms_own_stamps(
    newest: datetime | None, reached: datetime
) -> None:
    assert advanced(NOW - DAY, newest, NOW) == reached


def test_a_clock_of_ours_that_is_far_ahead_skips_nothing() -> None:
    """The newest stamp counts, not the time it is here."""
    assert advanced(NOW - DAY, NOW - MINUTE, NOW + 300 * MINUTE) == NOW - MINUTE


def test_few_pushes_tell_nothing_about_what_is_usual() -> None:
    assert quiet_from([float(second) for second in range(11)]) is None


def test_a_busy_line_is_suspicious_after_eight_usual_pauses_but_not_within_a_minute() -> None:
    every_second = [float(second) for second in range(12)]
    every_minute = [60.0 * minute for minute in range(12)]
    assert quiet_from(every_second) == 11 + 60
    assert quiet_from(every_minute) == 660 + 480
