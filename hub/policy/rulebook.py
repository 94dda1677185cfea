"""The rules of one account, sorted out once so that each message finds its rule quickly."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import regex

from hub.model import Match, Moment, Rule, RuleKind

PATTERN_SECONDS = 0.02
"""How long one pattern may look at one text; some take years for what others do at once."""
LONGEST_LOOKED_AT = 2000
"""Patterns see no more characters of a text."""
TOO_SLOW = "太慢了"
HITS_EVERYTHING = "买家说什么话都会命中，这种话请用默认回复"
ANY_ITEM = ""


@dataclass(frozen=True, slots=True)
class Hit:
    rule: Rule
    word: str
    """The keyword or pattern that was found."""


@dataclass(frozen=True, slots=True)
class TooSlow:
    """This rule's pattern did not come to an end, so nobody knows whether it matches."""

    rule: Rule


class Words:
    """Keyword rules of one scope in their order of precedence.

    Thousands of keywords are looked for by the two characters they begin with, so that their number
    hardly counts.
    """

    __slots__ = ("_beginnings", "_exact", "_patterns", "_rules")

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._beginnings: dict[str, list[tuple[int, str, str]]] = {}
        self._exact: dict[str, list[tuple[int, str]]] = {}
        self._patterns: list[tuple[int, regex.Pattern[str], str]] = []
        for rank, rule in enumerate(rules):
            for word in rule.keywords:
                folded = word.casefold()
                if rule.match is Match.EXACT:
                    self._exact.setdefault(folded, []).append((rank, word))
                elif rule.match is Match.PATTERN:
                    self._patterns.append((rank, regex.compile(word, regex.IGNORECASE), word))
                else:
                    self._beginnings.setdefault(folded[:2], []).append((rank, folded, word))

    def __len__(self) -> int:
        return len(self._rules)

    def hits(self, text: str) -> Iterator[Hit | TooSlow]:
        """Every rule that matches, the first in precedence first. After a pattern that was too slow
        no further one is tried."""
        folded = text.casefold()
        found: dict[int, str] = {}
        for rank, word in self._exact.get(folded.strip(), ()):
            found.setdefault(rank, word)
        for beginning in {folded[at : at + size] for at in range(len(folded)) for size in (1, 2)}:
            for rank, wanted, word in self._beginnings.get(beginning, ()):
                if rank not in found and wanted in folded:
                    found[rank] = word
        slow: int | None = None
        for rank, pattern, word in self._patterns:
            if rank in found:
                continue
            try:
                if pattern.search(text[:LONGEST_LOOKED_AT], timeout=PATTERN_SECONDS):
                    found[rank] = word
            except TimeoutError:
                slow = rank
                break
        for rank in sorted(found.keys() | ({slow} if slow is not None else set())):
            rule = self._rules[rank]
            yield Hit(rule, found[rank]) if rank in found else TooSlow(rule)


class Rulebook:
    """Everything that may answer for one account. Item ids are keys; `ANY_ITEM` stands for rules
    that name none."""

    __slots__ = ("asks_once", "defaults", "items", "keywords", "moments")

    def __init__(self, rules: Iterable[Rule]) -> None:
        """`rules` in their order of precedence."""
        enabled = [rule for rule in rules if rule.enabled]
        self.asks_once = any(rule.once for rule in enabled)
        self.items = _by_item(enabled, RuleKind.ITEM)
        self.defaults = _by_item(enabled, RuleKind.DEFAULT)
        self.keywords: Mapping[str, Words] = {
            item: Words(some) for item, some in _by_item(enabled, RuleKind.KEYWORD).items()
        }
        self.moments: Mapping[Moment, Mapping[str, Sequence[Rule]]] = {
            moment: _by_item(enabled, RuleKind.MOMENT, moment) for moment in Moment
        }


def _by_item(
    rules: Sequence[Rule], kind: RuleKind, moment: Moment | None = None
) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.kind is kind and rule.moment is moment:
            for item in rule.items or (ANY_ITEM,):
                found.setdefault(item, []).append(rule)
    return found


def why_no_pattern(word: str) -> str | None:
    """None for a regular expression that can be used; otherwise what is wrong, in the library's
    words if it cannot be read. One that finds itself in an empty text finds itself in every text,
    which is what a `|` at the end does; that is what default replies are for."""
    try:
        pattern = regex.compile(word, regex.IGNORECASE)
        found = [pattern.search(one, timeout=PATTERN_SECONDS) for one in ("", "好", "a1")]
    except regex.error as error:
        return str(error)
    except TimeoutError:
        return TOO_SLOW
    finds_nothing = all(match is not None and not match[0] for match in found[1:])
    return HITS_EVERYTHING if found[0] is not None or finds_nothing else None
