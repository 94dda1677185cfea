"""How an operator learns what became of what they wrote: by a sign on it, in words, or both."""

from __future__ import annotations

from dataclasses import dataclass

from hub.model import Mark

IN_PASSING = frozenset({Mark.SENDING, Mark.READ})
"""Worth a sign, never a line of its own: words about them would be a flood."""
NEEDS_WORDS = frozenset({Mark.REFUSED, Mark.UNCERTAIN})
"""The person has to do something, and has to be told what."""


@dataclass(frozen=True, slots=True)
class ReceiptWay:
    sign: bool
    words: bool


def receipt_way(mark: Mark | None, *, reacts: bool) -> ReceiptWay:
    """`mark` None: there are only words. `reacts`: signs can be put on messages in that chat."""
    if mark is None:
        return ReceiptWay(sign=False, words=True)
    if mark in NEEDS_WORDS:
        return ReceiptWay(sign=reacts, words=True)
    return ReceiptWay(sign=reacts, words=not reacts and mark not in IN_PASSING)
