"""Where a card lies in an answer: standard paths, as far as they name a place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hub.suppliers import parse_path

ANSWER = {
    "a": {"b": 1},
    "list": ["x", "y"],
    "rows": [{"卡密": "k1"}, {"卡密": "k2"}],
    "with.dot": 2,
    "with-dash": 3,
    "it's": 4,
    "0": "zero",
    "text": "CARD",
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", [1]),
        ("a.b", [1]),
        (" $.a.b ", [1]),
        ("$['a']['b']", [1]),
        ("['a'].b", [1]),
        ('$["a"].b', [1]),
        ("$.list[0]", ["x"]),
        ("$.list[-1]", ["y"]),
        ("$.list[*]", ["x", "y"]),
        ("$.list.*", ["x", "y"]),
        ("$.rows[*].卡密", ["k1", "k2"]),
        ("$.a.*", [1]),
        ("$.list[9]", []),
        ("$.list[-9]", []),
        ("$.list.a", []),
        ("$.a[0]", []),
        ("$.text[0]", []),
        ("$.text.*", []),
        ("$.none", []),
        ("$['with.dot']", [2]),
        ("$.with-dash", [3]),
        ("$['it\\'s']", [4]),
        ("$['0']", ["zero"]),
        ("$[0]", []),
        ("$", [ANSWER]),
    ],
)
def test_a_path_finds_what_lies_there(path: str, found: list[Any]) -> None:
    assert parse_path(path).find(ANSWER, 10) == found


@pytest.mark.parametrize(
    "path",
    ["", " ", "$.", "$..", "$[", "$[a]", "$.a b", "x" * 201, "$.list[1e2]", "$.list[00]",
     "$.a\x00", "@.a", "^.a", "$.~a", "$['a'", "$['\\ud800']", "$.list[99999999999999999999]"],
)  # fmt: skip
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError):
        parse_path(path)


@pytest.mark.parametrize(
    "path",
    ["$..b", "$..*", "$.rows[?(@.b)]", "$.rows[?@.b == 'x']", "$.rows[?match(@.b, '(a+)+')]",
     "$.list[0:1]", "$.list[::2]", "$.list[0,1]", "$['a','list']", "$.a | $.list", "$.a & $.a"],
)  # fmt: skip
def test_a_path_that_picks_instead_of_naming_a_place_is_refused(path: str) -> None:
    """An error's number is found by `$..code` as well as a card."""
    with pytest.raises(ValueError):
        parse_path(path)


def test_no_answer_makes_a_path_costly() -> None:
    deep = json.loads("[" * 900 + "]" * 900)
    assert parse_path("$" + "[*]" * 60).find(deep, 10) != []
    wide = [[0] * 1000] * 1000
    assert len(parse_path("$[*][*]").find(wide, 101)) == 101
