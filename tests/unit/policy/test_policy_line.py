"""Tokens, renewals and lines that do not stay up: how often anything may be asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.policy import (
    Brake,
    EndKind,
    LineEnd,
    believed,
    brake_after,
    due_after,
    next_renewal,
    next_token_attempt,
    token_lasts,
    token_renewal,
)

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SPACING = timedelta(seconds=180)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


# --- Tokens -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("life", "margin"),
    [
        (timedelta(days=1), timedelta(hours=2.4)),
        (timedelta(minutes=60), timedelta(minutes=10)),
        (timedelta(minutes=10), timedelta(minutes=5)),
    ],
    ids=["a tenth", "at least ten minutes", "never more than half"],
)
def test_a_token_is_renewed_in_time_before_it_ends(life: timedelta, margin: timedelta) -> None:
    expires = NOW + life
    assert token_renewal(NOW, expires, 0.0) == expires - margin
    assert token_renewal(NOW, expires, 1.0) == expires - margin * 1.5
    assert token_lasts(NOW, expires, expires - margin - timedelta(seconds=1))
    assert not token_lasts(NOW, expires, expires - margin)


def test_a_token_that_ended_before_it_began_does_not_last() -> None:
    assert not token_lasts(NOW, ago(hours=1), NOW)


def test_the_first_attempt_is_free_and_each_failure_makes_the_next_one_wait_longer() -> None:
    assert next_token_attempt(None, 3, SPACING) is None
    waits = []
    for failures in range(5):
        earliest = next_token_attempt(NOW, failures, SPACING)
        assert earliest is not None
        waits.append((earliest - NOW).total_seconds())
    assert waits == [180, 270, 405, 607.5, 911.25]
    assert next_token_attempt(NOW, 99, SPACING) == NOW + timedelta(hours=1)


def test_a_spacing_longer_than_an_hour_is_kept() -> None:
    assert next_token_attempt(NOW, 9, timedelta(hours=2)) == NOW + timedelta(hours=2)


def test_what_was_remembered_by_a_wrong_clock_is_forgotten() -> None:
    """Else one wrong clock at the start would keep an account waiting until that year comes."""
    assert believed(None, NOW) is None
    assert believed(ago(days=400), NOW) == ago(days=400)
    assert believed(NOW + timedelta(minutes=2), NOW) == NOW + timedelta(minutes=2)
    assert believed(NOW + timedelta(days=400), NOW) is None


# --- Renewals ---------------------------------------------------------------------------------


def test_what_is_done_every_so_often_comes_a_little_early_and_never_late() -> None:
    every = timedelta(minutes=10)
    assert due_after(NOW, every, 0.0) == NOW + every
    assert due_after(NOW, every, 1.0) == NOW + timedelta(minutes=8)


def test_a_lost_login_is_fought_for_ever_more_rarely_while_nothing_is_clear() -> None:
    spacing = timedelta(minutes=5)
    assert next_renewal(None, spacing, 0) is None
    assert next_renewal(NOW, spacing, 0) == NOW + spacing
    assert next_renewal(NOW, spacing, 2) == NOW + timedelta(minutes=20)
    assert next_renewal(NOW, spacing, 50) == NOW + timedelta(hours=1)


# --- Lines that do not stay up ------------------------------------------------------------------


def end(at: datetime, lasted: float = 5, kind: EndKind = EndKind.PLAIN) -> LineEnd:
    return LineEnd(at, timedelta(seconds=lasted), kind)


def test_a_line_that_lived_is_simply_connected_again() -> None:
    assert brake_after([], NOW) is None
    assert brake_after([end(ago(seconds=n), 31) for n in range(40)][::-1], NOW) is None


def test_five_short_lines_in_five_minutes_bring_a_pause() -> None:
    four = [end(ago(seconds=10 * n)) for n in (4, 3, 2, 1)]
    assert brake_after(four, NOW) is None
    assert brake_after([*four, end(NOW)], NOW) is Brake.SHORT_PAUSE
    assert brake_after([end(ago(minutes=6)), *four[1:], end(NOW)], NOW) is None


def test_a_long_line_at_the_end_is_no_reason_for_a_pause() -> None:
    assert brake_after([*(end(ago(seconds=60)) for _ in range(9)), end(NOW, 40)], NOW) is None


def test_short_lines_that_pauses_do_not_cure_bring_a_stop() -> None:
    ends = [end(ago(minutes=4 * n)) for n in range(14, -1, -1)]
    assert brake_after(ends, NOW) is Brake.SHORT_HOLD
    assert brake_after(ends[1:], NOW) is None


def test_a_line_that_is_taken_away_five_times_an_hour_is_not_fought_for() -> None:
    ends = [end(ago(minutes=10 * n), 300, EndKind.OUSTED) for n in (4, 3, 2, 1)]
    assert brake_after(ends, NOW) is None
    assert brake_after([*ends, end(NOW, 300, EndKind.OUSTED)], NOW) is Brake.OUSTED_HOLD
    assert brake_after([*ends, end(NOW, 300)], NOW) is None


def test_too_many_connections_bring_one_pause_and_then_a_stop() -> None:
    first = end(ago(minutes=10), 0, EndKind.CROWDED)
    assert brake_after([first], ago(minutes=10)) is Brake.CROWDED_PAUSE
    assert brake_after([first, end(NOW, 0, EndKind.CROWDED)], NOW) is Brake.CROWDED_HOLD
    old = end(ago(minutes=61), 0, EndKind.CROWDED)
    assert brake_after([old, end(NOW, 0, EndKind.CROWDED)], NOW) is Brake.CROWDED_PAUSE


def test_ends_noted_before_the_clock_was_set_back_hold_nobody() -> None:
    ahead = [end(NOW + timedelta(hours=n), 300, EndKind.OUSTED) for n in range(1, 9)]
    assert brake_after([*ahead, end(NOW, 300, EndKind.OUSTED)], NOW) is None
