"""The part of JSONPath that answers of suppliers need: names, numbers, `[*]`.

A library would bring filters and scripts along that nobody asked for; these are forty lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

LONGEST_PATH = 200
_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"\s*]+)"""
    r"""|\[(?P<number>-?\d{1,6})\]"""
    r"""|\[(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\]"""
    r"""|(?P<all>\[\*\]|\.\*)"""
)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """`$.data.cards[0].code`. Steps are names, numbers, or None for every one of a list."""

    text: str
    steps: tuple[str | int | None, ...]

    def find(self, value: Any) -> list[Any]:
        """What lies there, in order; nothing if the way ends before."""
        found = [value]
        for step in self.steps:
            found = [below for one in found for below in _below(one, step)]
        return found


def parse_path(text: str) -> JsonPath:
    """Raises ValueError. A path may leave the `$` out: `data.code`."""
    written = text.strip()
    if not written or len(written) > LONGEST_PATH:
        raise ValueError("no path")
    rest = written[1:] if written.startswith("$") else written
    if not rest.startswith((".", "[")) and rest:
        rest = f".{rest}"
    steps: list[str | int | None] = []
    while rest:
        match = _STEP.match(rest)
        if match is None:
            raise ValueError(f"cannot read {rest!r}")
        steps.append(_step(match))
        rest = rest[match.end() :]
    return JsonPath(written, tuple(steps))


def _step(match: re.Match[str]) -> str | int | None:
    if match["all"]:
        return None
    if match["number"]:
        return int(match["number"])
    return next(one for one in (match["name"], match["single"], match["double"]) if one is not None)


def _below(value: Any, step: str | int | None) -> list[Any]:
    if step is None:
        return value if isinstance(value, list) else []
    if isinstance(step, str):
        return [value[step]] if isinstance(value, dict) and step in value else []
    if isinstance(value, list) and -len(value) <= step < len(value):
        return [value[step]]
    return []
