"""What owners are told of an account in trouble: at once, again now and then, never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.model import RESTING, Account, AccountId, AccountState, PlatformUser, ShopId
from hub.policy import account_news, was_told

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
MINUTE = timedelta(minutes=1)


def account(state: AccountState, since: datetime, **more: object) -> Account:
    made = Account(
        id=AccountId(1),
        shop=ShopId(1),
        name="小店",
        user=PlatformUser("2200111122223"),
        device_id="d",
        enabled=True,
        state=state,
        state_reason="",
        state_since=since,
        started_at=LONG_AGO,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def told_steps(one: Account, minutes: range, awake: datetime = LONG_AGO) -> list[tuple[int, int]]:
    """At which minute after NOW which step is told for the first time."""
    steps: dict[int, int] = {}
    for minute in minutes:
        news = account_news(one, NOW + minute * MINUTE, awake)
        if news is not None:
            steps.setdefault(news.step, minute)
    return [(minute, step) for step, minute in steps.items()]


@pytest.mark.parametrize("state", sorted(RESTING))
def test_what_needs_a_person_is_told_at_once_then_rarer_and_then_daily(state: AccountState) -> None:
    one = account(state, NOW)
    day = 24 * 60
    expected = [(0, 0), (30, 1), (120, 2), (480, 3), (day, 4), (2 * day, 5), (3 * day, 6)]
    assert told_steps(one, range(3 * day + 1)) == expected


@pytest.mark.parametrize(
    "state",
    [AccountState.CONNECTING, AccountState.WAITING, AccountState.RENEWING, AccountState.NEW],
)
def test_an_outage_is_told_after_five_minutes_an_hour_and_then_daily(state: AccountState) -> None:
    one = account(state, NOW, offline_since=NOW)
    day = 24 * 60
    expected = [(5, 0), (60, 1), (day, 2), (2 * day, 3)]
    assert told_steps(one, range(2 * day + 1)) == expected


def test_a_wait_that_is_planned_to_be_long_is_told_at_once() -> None:
    one = account(AccountState.WAITING, NOW, offline_since=NOW, state_until=NOW + 10 * MINUTE)
    assert told_steps(one, range(3)) == [(0, 0)]


@pytest.mark.parametrize("state", [AccountState.ONLINE, AccountState.DISABLED])
def test_nothing_is_told_of_what_is_well_or_off(state: AccountState) -> None:
    one = account(state, LONG_AGO, enabled=state is AccountState.ONLINE)
    assert account_news(one, NOW, LONG_AGO) is None


def test_the_time_in_which_the_hub_did_not_run_is_no_outage_yet() -> None:
    one = account(AccountState.CONNECTING, NOW, offline_since=NOW - timedelta(hours=8))
    assert told_steps(one, range(10), awake=NOW) == [(5, 1)]


def test_a_restart_does_not_tell_anew_what_was_told() -> None:
    """The moment that is part of the key stays the same."""
    one = account(AccountState.WAITING, NOW, offline_since=NOW - timedelta(hours=2))
    before = account_news(one, NOW, LONG_AGO)
    after = account_news(one, NOW + 10 * MINUTE, NOW)
    assert before == after


def test_what_a_person_just_started_again_gets_its_five_minutes() -> None:
    one = account(
        AccountState.CONNECTING, NOW, offline_since=NOW - timedelta(hours=3), started_at=NOW
    )
    assert told_steps(one, range(10)) == [(5, 0)]


def test_an_account_that_never_was_online_is_missed_too() -> None:
    assert told_steps(account(AccountState.WAITING, NOW, started_at=NOW), range(10)) == [(5, 0)]


def test_only_a_long_outage_was_told_by_its_length() -> None:
    assert not was_told(None, NOW)
    assert not was_told(NOW - 4 * MINUTE, NOW)
    assert was_told(NOW - 5 * MINUTE, NOW)
