"""What is new, for the people who use it: `changelog.md` beside this file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Release:
    version: str
    changes: tuple[str, ...]


def changelog() -> tuple[Release, ...]:
    """The newest release first."""
    text = resources.files("hub.text").joinpath("changelog.md").read_text("utf-8")
    parts = re.split(r"^## (\S+).*$", text, flags=re.M)[1:]
    return tuple(
        Release(version, tuple(re.findall(r"^- (.+)$", body, re.M)))
        for version, body in zip(parts[::2], parts[1::2], strict=True)
    )
