"""The place of something in an answer: JSONPath (RFC 9535), as far as it names places.

Filters, slices and `..` are refused. They pick by what the supplier happens to write, and then an
error's number could be sent as a card; they also let a small path cost much.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from jsonpath import CompoundJSONPath, JSONPath, JSONPathEnvironment, JSONPathError
from jsonpath.segments import JSONPathChildSegment
from jsonpath.selectors import IndexSelector, NameSelector, WildcardSelector

LONGEST_PATH = 200
_ENVIRONMENT = JSONPathEnvironment(strict=True)
_PLACES = (NameSelector, IndexSelector, WildcardSelector)


@dataclass(frozen=True, slots=True)
class JsonPath:
    """`$.data.cards[0].code`."""

    text: str
    _query: JSONPath = field(repr=False)

    def find(self, value: Any, most: int) -> list[Any]:
        """What lies there, in order, at most so many; nothing if the way ends before."""
        return [match.value for match in islice(self._query.finditer(value), most)]


def parse_path(text: str) -> JsonPath:
    """Raises ValueError. A path may leave the `$` out: `data.code`."""
    written = text.strip()
    if not written or len(written) > LONGEST_PATH:
        raise ValueError("no path")
    whole = written
    if not written.startswith("$"):
        whole = f"${written}" if written.startswith(("[", ".")) else f"$.{written}"
    try:
        query = _ENVIRONMENT.compile(whole)
    except JSONPathError:  # it cannot always be printed, so nothing of it is kept
        raise ValueError("cannot read it") from None
    if isinstance(query, CompoundJSONPath):
        raise ValueError("several paths in one")
    for segment in query.segments:
        if not isinstance(segment, JSONPathChildSegment) or len(segment.selectors) != 1:
            raise ValueError("more than one place in a step")
        if not isinstance(segment.selectors[0], _PLACES):
            raise ValueError("a step that names no place")
    return JsonPath(written, query)
