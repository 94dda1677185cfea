"""The table of many accounts says what was measured."""

from __future__ import annotations

from dataclasses import replace

from hub.bench import AccountsResult, Figures, accounts_report
from hub.bench.accounts import Memory, Quiet
from hub.bench.crowd import arrival

LOAD = Figures("before", 600, 2.0, 4.1, 6.2, 9.3, 5.0, 0, 0)
RESULT = AccountsResult(
    accounts=200,
    tls=True,
    connects_per_second=5,
    token_spacing_seconds=180,
    arrivals=(
        arrival(
            "start",
            0,
            dials=[200 * n for n in range(200)],
            online=[200 * n + 100 for n in range(200)],
            askers=[str(n) for n in range(200)],
            cpu_seconds=6,
        ),
    ),
    memory=Memory(100, 140, 141),
    idle=Quiet(5, 3, 139),
    busy=Quiet(5, 6, 140),
    loads=(LOAD,),
    surprised=20,
    surprised_answered=20,
    surprised_twice=0,
    closest_tokens=None,
    load_average=0.5,
)


def test_every_figure_of_a_run_is_in_its_table() -> None:
    said = accounts_report(RESULT)
    for part in ("200 accounts over TLS", "19.9", "39.9", "205 KB an account", "0.60", "3.0"):
        assert part in said, part
    curve = next(line for line in said.splitlines() if line.startswith("online"))
    assert curve.endswith("█")
    assert len(curve) == len("online  ") + 40


def test_a_long_storm_still_fits_a_line() -> None:
    slow = arrival("start", 0, dials=[0, 299_000], online=[299_500], askers=[], cpu_seconds=0)
    said = accounts_report(replace(RESULT, arrivals=(slow,)))
    assert "5 s a column" in said
    assert max(map(len, said.splitlines())) <= 120


def test_a_run_is_complete_only_if_everybody_came_back_and_everything_was_answered_once() -> None:
    assert RESULT.complete
    assert not replace(RESULT, accounts=201).complete
    assert not replace(RESULT, loads=(replace(LOAD, missing=1),)).complete
    assert not replace(RESULT, loads=(replace(LOAD, duplicates=1),)).complete
    assert not replace(RESULT, surprised_answered=19).complete
    assert not replace(RESULT, surprised_twice=1).complete
    assert not replace(RESULT, closest_tokens=170.0).complete
    assert replace(RESULT, closest_tokens=181.0).complete
