"""Numbers in Chinese chat: `15`, `1.2万`, `1千2`, `十五`, `百八`, `一千零五`, `15块5`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

DIGITS = {
    "零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7,
    "八": 8, "九": 9,
}  # fmt: skip
_TENS = {"十": 10, "百": 100, "千": 1000}
_TIMES = {"百": 100, "千": 1000, "k": 1000, "万": 10_000, "w": 10_000}
LONGEST_READ = 1000
"""So many characters of a text are read; nobody haggles in longer ones."""
_MOST_FIGURES = 20
_UNSEEN = {"Cf", "Cc", "Mn", "Me"}
"""Categories of characters that nobody sees, or that only frame others; line breaks are kept."""
_ALIKE = str.maketrans(
    {
        **dict(
            zip("壹贰貳叁參肆伍陆陸柒捌玖拾佰仟萬", "一二二三三四五六六七八九十百千万", strict=True)
        ),
        **dict(zip("асеіјорԛѕхуѵԝһ", "aceijopqsxyvwh", strict=True)),
        **dict(zip("αεικνορτυχω", "aeikvoptuxw", strict=True)),
        **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnopqrstuvwyz", strict=True)),
        "￥": "¥",
        "💯": "100",
    }
)
"""Signs that are read as others: numerals for banks, and letters of other alphabets."""
_ROUND = re.compile(r"(?<=\d)o+(?=\s*(?:元|块|rmb))")
"""Letters that are meant as noughts."""
_SPELLED = re.compile(r"(?<![\d.])\d(?:[ \t]\d){2,}(?![\d.])")

_ARABIC = r"(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<cents>\.\d+)?"
_TIMES_WITH_REST = r"(?:\s*(?P<times>[万千百]|[kw](?![a-z]))(?P<rest>[1-9](?![\d.]))?)?"
_SPOKEN = (
    r"(?P<spoken>[零〇一二两三四五六七八九十百千万]+)(?:点(?P<point>[零〇一二三四五六七八九]+))?"
)
_NUMBER = re.compile(f"(?:{_ARABIC}{_TIMES_WITH_REST}|{_SPOKEN})")
_NO_NUMBER = re.compile(
    r"一(?:点|些|下|般|样|起|定|直|共|切|旦|刀|会|律|键|块(?![钱\d五]))|(?<![一二两三四五六七八九十百千])万一|千万(?!元|块)|十分|十足|百分|"
    r"百度|万能|百科|千牛|统一|唯一|之一|三方|四处|一一"
)


_HAN = r"[\u3400-\u4dbf\u4e00-\u9fff]"
_FILLING = r"[\s.·•丶_*~/|\-=+^`'\u2000-\u2bff\U0001f000-\U0001faff]"
_BETWEEN_SIGNS = re.compile(rf"(?<={_HAN}){_FILLING}{{1,4}}(?={_HAN})")
_BETWEEN_LETTERS = re.compile(r"(?<=(?<![a-z0-9])[a-z])[\s.·_*~/|\-]{1,3}(?=[a-z](?![a-z0-9]))")


@dataclass(frozen=True, slots=True)
class Number:
    """A number and where it stands."""

    value: Decimal
    start: int
    end: int
    spoken: bool
    """Written with Chinese numerals."""
    figures: int
    """How many digits were written; 0 for a spoken one."""


def plain(text: str) -> str:
    """One way of writing: half width, lower case, without invisible characters, digits together."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    seen = (c for c in folded if c in "\n\t" or unicodedata.category(c) not in _UNSEEN)
    read = "".join(seen).translate(_ALIKE)
    read = _ROUND.sub(lambda match: "0" * len(match[0]), read)
    return _SPELLED.sub(lambda match: re.sub(r"[ \t]", "", match[0]), read)


def squeezed(said: str) -> str:
    """A text that `plain` gave, without what is put between its signs so that it is not found:
    blanks, dots and emoji between Chinese signs, and between letters that stand alone."""
    return _BETWEEN_LETTERS.sub("", _BETWEEN_SIGNS.sub("", said))


def numbers(text: str) -> Iterator[Number]:
    """Every number of a text that `plain` gave, from left to right."""
    words = [match.span() for match in _NO_NUMBER.finditer(text)]
    for match in _NUMBER.finditer(text):
        start, end = match.span()
        spoken = match["spoken"] is not None
        if spoken and any(a <= start < b or start <= a < end for a, b in words):
            continue
        if end - start > _MOST_FIGURES:
            continue
        value = _spoken_value(match["spoken"], match["point"]) if spoken else _value(match)
        if value is not None:
            figures = 0 if spoken else len(match["whole"].replace(",", ""))
            yield Number(value, start, end, spoken, figures)


def _value(match: re.Match[str]) -> Decimal:
    value = Decimal(match["whole"].replace(",", "") + (match["cents"] or ""))
    if match["times"] is None:
        return value
    times = _TIMES[match["times"]]
    return value * times + int(match["rest"] or 0) * times // 10


def _spoken_value(said: str, point: str | None) -> Decimal | None:
    whole = spoken_whole(said)
    if whole is None or point is None:
        return None if whole is None else Decimal(whole)
    return Decimal(f"{whole}." + "".join(str(DIGITS[one]) for one in point))


def spoken_whole(said: str) -> int | None:
    """`二百五` is 250 and `八五` is 85, as people say it; None: no number."""
    if all(one in DIGITS for one in said):
        return int("".join(str(DIGITS[one]) for one in said))
    total = section = 0
    digit: int | None = None
    last_unit, after_zero = 0, False
    for one in said:
        if one in DIGITS:
            after_zero = after_zero or DIGITS[one] == 0
            if digit and DIGITS[one] != digit + 1:
                return None
            digit = digit or DIGITS[one]  # 二十六七: what is said first is the less
        elif one == "万":
            total = (total + section + (digit if digit is not None else 0 if section else 1)) * (
                10_000
            )
            section, digit, last_unit, after_zero = 0, None, 10_000, False
        else:
            unit = _TENS[one]
            section += (1 if digit is None else digit) * unit
            digit, last_unit, after_zero = None, unit, False
    if digit:  # 一百八: the last digit counts tens, unless a zero stands before it
        short = last_unit >= 100 and not after_zero
        section += digit * (last_unit // 10 if short else 1)
    return total + section
