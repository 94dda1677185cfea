"""What came over, what was adapted, what was left and why: line by line, and never a secret."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

LINES_KEPT = 500
"""Of one part that are named one by one. What needs a person goes before what went well."""


class Part(StrEnum):
    FILE = "file"
    MEMBERS = "members"
    ACCOUNTS = "accounts"
    KEYWORDS = "keywords"
    DEFAULT_REPLIES = "default_replies"
    ITEM_REPLIES = "item_replies"
    POOLS = "pools"
    CARDS = "cards"
    ITEMS = "items"
    DELIVERY_RULES = "delivery_rules"
    AI = "ai"
    CHANNELS = "channels"
    CONVERSATIONS = "conversations"
    GREETED = "greeted"
    ORDERS = "orders"
    SETTINGS = "settings"
    OTHER = "other"


class Outcome(StrEnum):
    CAME = "came"
    """Over, as it was."""
    ADAPTED = "adapted"
    """Over, and something about it is different now."""
    LEFT = "left"
    KNOWN = "known"
    """It came before, or was there already: nothing was touched."""
    SUGGESTED = "suggested"
    """It has a place here that only a person may fill: the settings file, a member."""


@dataclass(frozen=True, slots=True)
class Line:
    part: Part
    name: str
    """What people know it by; never what is secret about it."""
    outcome: Outcome
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    source: str
    dry: bool
    version: str = ""
    """Of the original's schema; empty: the source does not say."""
    damage: tuple[str, ...] = ()
    counts: dict[Part, Counter[Outcome]] = field(default_factory=dict)
    lines: dict[Part, list[Line]] = field(default_factory=dict)
    todo: list[str] = field(default_factory=list)
    """What a person has to do, one sentence each."""
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What belongs into the settings file, by section; no passwords."""
    secrets: Counter[str] = field(default_factory=Counter)
    """How many of which kind of secret came over, sealed."""

    def add(self, line: Line) -> None:
        self.tally(line.part, line.outcome)
        kept = self.lines.setdefault(line.part, [])
        if len(kept) < LINES_KEPT:
            kept.append(line)
            return
        plain = next((one for one in kept if not one.notes), None)
        if line.notes and plain is not None:
            kept.remove(plain)
            kept.append(line)

    def say(self, line: Line) -> None:
        """A line that counts for nothing: its numbers are tallied apart."""
        self.add(line)
        self.counts[line.part][line.outcome] -= 1

    def tally(self, part: Part, outcome: Outcome, number: int = 1) -> None:
        """Count without a line of its own."""
        if number:
            self.counts.setdefault(part, Counter())[outcome] += number

    def ask(self, sentence: str) -> None:
        if sentence not in self.todo:
            self.todo.append(sentence)

    def ask_first(self, sentence: str) -> None:
        """Before everything else."""
        self.todo = [sentence, *(one for one in self.todo if one != sentence)]

    def number(self, part: Part, *outcomes: Outcome) -> int:
        counts = self.counts.get(part, Counter())
        return sum(counts[one] for one in outcomes or Outcome)

    @property
    def changed(self) -> int:
        """How many things were brought over, or would be."""
        return sum(self.number(part, Outcome.CAME, Outcome.ADAPTED) for part in self.counts)

    def as_dict(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "dry_run": self.dry,
            "schema_version": self.version,
            "damage": list(self.damage),
            "parts": {
                part.value: {
                    "counts": {one.value: self.number(part, one) for one in Outcome},
                    "lines": [
                        {"name": line.name, "outcome": line.outcome.value, "notes": [*line.notes]}
                        for line in self.lines.get(part, [])
                    ],
                }
                for part in Part
                if part in self.counts
            },
            "todo": list(self.todo),
            "settings": self.settings,
            "secrets": dict(self.secrets),
        }
