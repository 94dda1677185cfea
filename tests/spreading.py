"""Which test process plays what, when several run."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

CROWDS = frozenset({"test_deliveries.py", "test_each_fault.py", "test_soak.py"})
"""Files of `faults` whose tests are played all at once, side by side, when the first is asked for.
One process plays them all, file after file: two crowds at a time are too much for a machine."""


class Spreading(LoadScopeScheduling):  # type: ignore[misc]
    """Each test goes to whichever process is free, in whatever file it stands; the crowds, which
    take longest, go first and stay together."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.partition("::")[0].rpartition("/")
        return "crowds" if folder == "tests/faults" and file in CROWDS else nodeid
