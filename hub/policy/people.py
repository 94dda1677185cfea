"""Which conversation a person means by what they typed, and which words need no answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hub.model import Content, Conversation, Text

_TICKET = re.compile(r"[#＃]?\s?(?P<letter>[a-z])?(?P<digits>\d{1,6})", re.IGNORECASE)


def conversations_called(conversations: Sequence[Conversation], words: str) -> list[Conversation]:
    """Those that `#a7`, `a7`, `7`, a buyer's name or a part of it may mean.

    A whole ticket goes before a whole name, that before the number of a ticket, and that before a
    part of a name: only what fits best is returned, in the order given.
    """
    wanted = " ".join(words.split()).casefold()
    ticket = _TICKET.fullmatch(wanted)
    letter, digits = (ticket["letter"], ticket["digits"]) if ticket is not None else (None, "")
    fits = (
        lambda one: bool(letter) and one.ticket == f"{letter}{digits}",
        lambda one: one.buyer_name.casefold() == wanted,
        lambda one: bool(digits) and not letter and one.ticket[1:] == digits,
        lambda one: wanted in one.buyer_name.casefold(),
    )
    for fit in fits:
        if wanted and (found := [one for one in conversations if fit(one)]):
            return found
    return []


LONGEST_FAREWELL = 20
_FAREWELL = re.compile(
    r"(?:(?:好(?:的|哒|嘞|滴|呢|吧)?|嗯|哦|噢|收到|知道了|明白了?|了解了?|ok(?:ay)?|再见|拜拜"
    r"|(?:谢谢|感谢|多谢)(?:你|您|老板|卖家|亲)?|辛苦了?|不客气|[👌👍🙏🌹]|\[(?:ok|谢谢|抱拳|赞|强)\])"
    r"[\s,，。.!！~～]*)+",
    re.IGNORECASE,
)


def wants_answer(content: Content) -> bool:
    """Whether somebody has to be reminded when nobody answers; `好的谢谢` ends a talk."""
    if not isinstance(content, Text):
        return True
    said = content.text.strip()
    return len(said) > LONGEST_FAREWELL or _FAREWELL.fullmatch(said) is None
