"""Reads a supplier's answer: a card in the place where it was promised, or a verdict.

Never `str()` of whatever came: an object, a list or an error text is no card (L11, L12).
"""

from __future__ import annotations

import json
import re
from typing import Any

from hub.errors import Malformed, Rejected
from hub.model import SupplierCall
from hub.suppliers.paths import parse_path
from hub.text import suppliers as text

PEER, OP = "supplier", "card"
LONGEST_CARD = 2000
MOST_CARDS = 100
_MESSAGES = ("msg", "message", "error", "errmsg", "info", "desc")
_LONGEST_MESSAGE = 100
_UNSENDABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
"""Halves of characters and control characters, which no buyer could copy; not ends of lines."""


def cards_in(call: SupplierCall, body: bytes) -> tuple[str, ...]:
    """The cards, at least one. Raises Rejected when the supplier says no, Malformed when the
    answer is not what was agreed. Neither holds the answer itself: a card could be in it."""
    answer = _parsed(body)
    if call.success_path:
        said = [_as_text(one) for one in parse_path(call.success_path).find(answer, MOST_CARDS)]
        wanted = {value.casefold() for value in call.success_values}
        if not any(one is not None and one.casefold() in wanted for one in said):
            raise Rejected(PEER, OP, _reason(answer), code="said_no")
    found = parse_path(call.content_path).find(answer, MOST_CARDS + 1)
    if not found:
        raise Malformed(PEER, OP, text.NO_CARD.format(path=call.content_path))
    if len(found) > MOST_CARDS:
        raise Malformed(PEER, OP, text.TOO_MANY.format(path=call.content_path, most=MOST_CARDS))
    return tuple(_card(one, call.content_path) for one in found)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise Malformed(PEER, OP, text.NOT_JSON) from None


def _card(value: Any, path: str) -> str:
    card = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if card is None or card == "":
        raise Malformed(PEER, OP, text.NO_CARD.format(path=path))
    if not isinstance(card, str) or len(card) > LONGEST_CARD or not card.strip():
        raise Malformed(PEER, OP, text.NOT_TEXT.format(path=path))
    if _UNSENDABLE.search(card):
        raise Malformed(PEER, OP, text.NOT_TEXT.format(path=path))
    return card


def _as_text(value: Any) -> str | None:
    """How a plain value is written in JSON; None for what is not plain."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def _reason(answer: Any) -> str:
    """The supplier's own words, if it said some in one of the usual places."""
    if isinstance(answer, dict):
        for name in _MESSAGES:
            said = answer.get(name)
            if isinstance(said, str) and said.strip():
                words = " ".join(said.encode("utf-8", "replace").decode().split())
                words = "".join(sign for sign in words if sign.isprintable())
                return f"{text.SAID_NO}：{words[:_LONGEST_MESSAGE]}"
    return text.SAID_NO
