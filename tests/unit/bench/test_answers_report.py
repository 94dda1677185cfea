"""The table of answers says what was measured."""

from __future__ import annotations

from dataclasses import replace

from hub.bench import Figures, Result, report

LOOP = Figures("", 5000, 100.0, 1.5, 2.5, 3.5, 0.4, 0, 0)
RESULT = Result(
    bare=replace(LOOP, name="bare loop", per_second=4000.0),
    wire=replace(LOOP, name="wire only", per_second=2500.0),
    closed=replace(LOOP, name="hub, closed loop", per_second=1000.0),
    paced=replace(LOOP, name="hub, 20 messages/s", per_second=20.0),
    memory_mb=116.0,
    load_average=0.5,
)


def test_every_loop_has_its_line_and_the_hub_is_compared_with_both_yardsticks() -> None:
    said = report(RESULT)
    for part in ("bare loop", "wire only", "hub, closed loop", "hub, 20 messages/s"):
        assert part in said, part
    assert "40% of the wire alone, 25% of the bare loop; memory 116 MB" in said


def test_a_run_is_complete_only_if_each_message_was_answered_once() -> None:
    assert RESULT.complete
    assert not replace(RESULT, closed=replace(LOOP, missing=1)).complete
    assert not replace(RESULT, paced=replace(LOOP, duplicates=1)).complete
