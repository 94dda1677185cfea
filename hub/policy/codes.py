"""Codes as people have them: pasted lines, files from all kinds of programs."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

LONGEST_CODE = 2000

_LINE = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_EDGE = (
    " \t\u00a0\u3000\ufeff\u200b\u200c\u200d\u200e\u200f\u2060"
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
"""What sticks to both ends of a copied line and is no part of a code: blanks, invisible marks."""


@dataclass(frozen=True, slots=True)
class CodesRead:
    """What was found in a text, by number of line, counted from 1."""

    codes: tuple[str, ...] = field(repr=False)
    blank: int
    repeated: tuple[int, ...]
    """Lines that say again what an earlier line says."""
    too_long: tuple[int, ...]
    unreadable: tuple[int, ...]
    """Lines with control characters, which no buyer could copy."""
    lines: tuple[int, ...] = ()
    """The line of each code."""

    @property
    def left_out(self) -> int:
        return len(self.repeated) + len(self.too_long) + len(self.unreadable)


def decode_codes(data: bytes) -> str | None:
    """The text of a file: UTF-8 with or without mark, UTF-16 with mark, else GB18030 (GBK).

    None: no text at all, such as a spreadsheet or a picture.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decoded(data, "utf-16")
    if b"\x00" in data:
        return None
    text = _decoded(data, "utf-8-sig")
    if text is not None or data.startswith(codecs.BOM_UTF8):  # marked as what it is not: damaged
        return text
    return _decoded(data, "gb18030")


def _decoded(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def read_codes(text: str) -> CodesRead:
    """One code a line, in order, each once; blanks around it are no part of it."""
    first: dict[str, int] = {}
    repeated, too_long, unreadable = [], [], []
    blank = 0
    lines = _LINE.split(text)
    for number, line in enumerate(lines, 1):
        code = line.strip(_EDGE)
        if not code:
            blank += number < len(lines)  # the last line break ends a line, it starts none
        elif len(code) > LONGEST_CODE:
            too_long.append(number)
        elif _CONTROL.search(code):
            unreadable.append(number)
        elif code in first:
            repeated.append(number)
        else:
            first[code] = number
    return CodesRead(
        tuple(first),
        blank,
        tuple(repeated),
        tuple(too_long),
        tuple(unreadable),
        tuple(first.values()),
    )
