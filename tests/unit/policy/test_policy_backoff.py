"""How long to wait before the next try."""

from __future__ import annotations

import pytest

from hub.policy import backoff


def test_waiting_doubles_up_to_the_longest() -> None:
    waits = [backoff(n, first=1, most=60, jitter=0) for n in range(1, 9)]

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]


def test_jitter_takes_away_up_to_half() -> None:
    assert backoff(1, first=4, most=60, jitter=1) == 2
    assert backoff(1, first=4, most=60, jitter=0.5) == 3


@pytest.mark.parametrize("attempt", [100, 10_000])
def test_no_number_of_failures_is_too_large(attempt: int) -> None:
    assert backoff(attempt, first=1, most=60, jitter=0) == 60


def test_the_first_wait_is_never_longer_than_the_longest() -> None:
    assert backoff(1, first=90, most=60, jitter=0) == 60
