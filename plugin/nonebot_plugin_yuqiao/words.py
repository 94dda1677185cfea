"""What members wrote, as the hub reads it, and what is certainly meant for the hub."""

from __future__ import annotations

import re
from typing import Any

Words = dict[str, Any]
LONGEST_NUMBER = 20

_BINDING = re.compile(r"\s*[/／](绑定|bind\b)", re.IGNORECASE)
_TICKET = re.compile(r"\s*[#＃]\s?[a-zａ-ｚ]\d", re.IGNORECASE)
_NOTICE = re.compile(r"(^|\n)#[a-z]\d{1,6}\s*$")


def is_binding(words: Words) -> bool:
    """The one thing that is brought from people who are no members: their code, in private."""
    return words["scene"] == "private" and bool(_BINDING.match(words["text"]))


def names_conversation(words: Words) -> bool:
    return bool(_TICKET.match(words["text"]))


def quotes_notice(words: Words) -> bool:
    """Also one that was said before this process began: the last line of each is its ticket."""
    return bool(_NOTICE.search(words["quoted_text"]))


def whole(text: str) -> str:
    """Without half characters, which no JSON can carry."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def joined(parts: list[Any]) -> list[Any]:
    """Texts and pictures in their order, neighbouring texts as one; empty without pictures."""
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    if all(isinstance(part, str) for part in found):
        return []
    return [part.strip() if isinstance(part, str) else part for part in found]


def number(value: object) -> str:
    """A QQ number; empty for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    fits = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return text.lstrip("0") if fits else ""
