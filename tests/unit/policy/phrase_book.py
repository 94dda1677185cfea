"""The phrases of `phrases/*.yml`, with the verdict that each should get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "phrases"


@dataclass(frozen=True)
class Phrase:
    text: str
    about: str
    """What stands behind the @; empty: nothing."""
    expected: str


def phrases(file: str, part: str) -> list[Phrase]:
    whole = yaml.safe_load((FOLDER / f"{file}.yml").read_text(encoding="utf-8"))
    found = []
    for said, expected in whole[part].items():
        text, _, about = said.partition(" @")
        found.append(Phrase(text, about, str(expected)))
    return found


@dataclass
class Score:
    """How often a reader that says something was right, and how much of what is there it saw."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def precision(self) -> float:
        return self.right / (self.right + len(self.wrong)) if self.right else 0.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + len(self.missed)) if self.right else 0.0

    def add(self, phrase: Phrase, got: set[str], wanted: set[str]) -> None:
        self.seen += 1
        self.right += len(got & wanted)
        line = f"{phrase.text}: {sorted(got)}, wanted {sorted(wanted)}"
        self.wrong.extend(line for _ in got - wanted)
        self.missed.extend(line for _ in wanted - got)

    def told(self, name: str) -> str:
        lines = [
            f"{name}: {self.seen} phrases, precision {self.precision:.3f}, recall {self.recall:.3f}"
        ]
        return "\n  ".join([*lines, *dict.fromkeys((*self.wrong, *self.missed))])


def score(chosen: Iterable[Phrase], read: Callable[[Phrase], set[str]], nothing: str) -> Score:
    """`nothing`: the verdict for which a reader says nothing."""
    result = Score()
    for phrase in chosen:
        wanted = set() if phrase.expected == nothing else set(phrase.expected.split("+"))
        result.add(phrase, read(phrase), wanted)
    return result
