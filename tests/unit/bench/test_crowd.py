"""From moments to figures: how a crowd of accounts came online."""

from __future__ import annotations

import pytest

from hub.bench.crowd import arrival, busiest_second, closest

BEGAN = 1_795_600_000_000


def test_a_curve_counts_from_the_beginning_and_every_account_once() -> None:
    dials = [BEGAN + ms for ms in (0, 100, 900, 1500, 2999)]
    online = [BEGAN + ms for ms in (400, 1200, 1300, 3500)]

    found = arrival("start", BEGAN, dials=dials, online=online, askers="aab", cpu_seconds=1.234)

    assert (found.accounts, found.dials) == (4, 5)
    assert found.dials_by_second == (3, 1, 1)
    assert found.online_by_second == (1, 3, 3, 4)
    assert (found.half, found.most, found.all) == (1.2, 3.5, 3.5)
    assert (found.token_requests, found.most_tokens) == (3, 2)
    assert found.cpu_seconds == 1.23


def test_nobody_makes_no_curve() -> None:
    found = arrival("start", BEGAN, dials=[], online=[], askers=[], cpu_seconds=0)
    assert (found.accounts, found.all, found.busiest_second, found.most_tokens) == (0, 0, 0, 0)
    assert found.dials_by_second == found.online_by_second == ()


def test_ninety_five_percent_of_two_hundred_are_one_hundred_and_ninety() -> None:
    online = [BEGAN + 1000 * number for number in range(1, 201)]
    found = arrival("start", BEGAN, dials=[], online=online, askers=[], cpu_seconds=0)
    assert (found.half, found.most, found.all) == (100, 190, 200)


@pytest.mark.parametrize(
    ("moments", "most"),
    [
        ([], 0),
        ([5], 1),
        ([900, 1100, 1899], 3),
        ([900, 1900], 1),
        ([1900, 0, 1000, 1999, 950], 3),
    ],
)
def test_the_busiest_second_may_begin_anywhere(moments: list[int], most: int) -> None:
    assert busiest_second(moments) == most


def test_the_closest_requests_are_those_of_one_account() -> None:
    assert closest([("a", 0), ("b", 10), ("a", 5000), ("b", 9000), ("a", 8000)]) == 3.0
    assert closest([("a", 0), ("b", 10)]) is None
