"""The benchmarks run from end to end and say what they measured."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import pytest

SECONDS = 240.0
QUICK = {
    "connects_per_second": "20",
    "reconnect_first_seconds": "0.1",
    "reconnect_most_seconds": "0.5",
    "token_spacing_seconds": "1",
}


async def bench(*arguments: str) -> tuple[int, str, str]:
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "hub", "bench", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SECONDS):
            out, err = await program.communicate()
    finally:
        if program.returncode is None:
            program.terminate()
            await program.wait()
    return program.returncode or 0, out.decode(), err.decode()


async def figures(*arguments: str) -> tuple[dict[str, Any], str]:
    code, out, err = await bench(*arguments, "--json")
    assert code == 0, f"{out}\n{err}"
    return dict(json.loads(out)), err


async def test_the_answers_of_a_hub_are_measured_beside_the_bare_loop_and_the_wire() -> None:
    found, _ = await figures("--messages", "60", "--outstanding", "4", "--seconds", "0.5")
    for loop in ("bare", "wire", "closed", "paced"):
        assert found[loop]["messages"] > 0, loop
        assert 0 < found[loop]["p50"] <= found[loop]["p95"] <= found[loop]["p99"], loop
        assert found[loop]["missing"] == found[loop]["duplicates"] == 0, loop


async def test_many_accounts_are_measured_from_their_start_to_the_last_storm() -> None:
    """Over TLS, with the program that owners start."""
    settings = [f"--set={key}={value}" for key, value in QUICK.items()]
    found, told = await figures(
        *("accounts", "--accounts", "4", "--minutes", "0.1", "--rate", "4", "--outage", "0.5"),
        *settings,
    )
    names = ["start", "platform restarts", "restart, tokens lost", "hub restarts"]
    assert [one["name"] for one in found["arrivals"]] == names
    for one in found["arrivals"]:
        assert one["accounts"] == one["online_by_second"][-1] == 4, one
        assert 0 < one["half"] <= one["most"] <= one["all"], one
        assert one["dials"] == sum(one["dials_by_second"]) >= 4, one
    tokens = [one["token_requests"] for one in found["arrivals"]]
    assert tokens == [4, 0, 4, 0], "tokens are kept as long as they count"
    assert found["closest_tokens"] >= 1
    assert [load["missing"] + load["duplicates"] for load in found["loads"]] == [0, 0, 0]
    assert found["surprised"] == found["surprised_answered"] == 8
    assert found["surprised_twice"] == 0
    assert "of 4 accounts are online" in told, "who waits is told what goes on"


@pytest.mark.parametrize(
    ("pair", "said"),
    [("connects_per_second", "KEY=VALUE"), ("connects=1", "connects")],
)
async def test_a_setting_that_is_none_is_refused(pair: str, said: str) -> None:
    code, _, err = await bench("accounts", "--accounts", "1", f"--set={pair}")
    assert code != 0
    assert said in err
    assert "Traceback" not in err


async def test_the_way_of_buyers_words_into_qq_is_measured() -> None:
    found, _ = await figures("notices", "--rate", "30", "--seconds", "0.4", "--conversations", "4")
    assert [run["messages"] for run in found["runs"]] == [12, 1, 12]
    for run in found["runs"]:
        assert 0 < run["p50"] <= run["p95"], run
        assert run["gathered"] == run["duplicates"] == run["mixed_up"] == 0, run
        assert 0 < run["lines"] <= run["messages"], run
