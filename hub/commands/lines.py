"""What operators type, read: commands, tickets, numbers of choices, words about drafts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from hub.commands.command import Command
from hub.commands.registry import BY_NAME

LEAST_CLOSE = 0.5


@dataclass(frozen=True, slots=True)
class Call:
    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    name: str
    suggestion: Command | None


_WORD = re.compile(r"[/／]\s*(?P<name>[?？]|[^\s#＃?？/／]+)\s*(?P<rest>.*)", re.DOTALL)


def parse_command(text: str) -> Call | UnknownCommand | None:
    """The command in an operator's text; None when the text is not a command at all.

    A command may be glued to its argument (`/暂停30分`), as people type it on a phone.
    """
    match = _WORD.fullmatch(text.strip())
    if match is None:
        return None
    name, rest = match["name"].lower(), match["rest"].strip()
    if command := BY_NAME.get(name):
        return Call(command, rest)
    glued = sorted((n for n in BY_NAME if name.startswith(n)), key=len, reverse=True)
    if glued and not name.isascii():
        # Cut from the text itself: what follows keeps its line breaks.
        return Call(BY_NAME[glued[0]], text.strip()[match.start("name") + len(glued[0]) :].strip())
    return UnknownCommand(match["name"], _nearest(name))


def _nearest(name: str) -> Command | None:
    """Of those that are equally close, one that begins alike."""

    def closeness(known: str) -> tuple[float, bool]:
        return SequenceMatcher(None, known, name).ratio(), known[0] == name[0]

    nearest = max(BY_NAME, key=closeness)
    return BY_NAME[nearest] if closeness(nearest)[0] >= LEAST_CLOSE else None


_SOFTENED = re.compile(r"(?:一下子?|下|吧|了|啦|呀|啊)+(?:\s+|\Z)")


def unsoftened(argument: str) -> str:
    """`一下` -> ``, `吧 小店` -> `小店`: behind a command, these are no name of anything."""
    found = _SOFTENED.match(argument)
    return argument[found.end() :] if found is not None else argument


_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


def narrow(text: str) -> str:
    """`１２，３` -> `12,3`: what was typed in full width. For what the hub reads, never for what
    buyers are to read."""
    return text.translate(_NARROW)


_TICKET = re.compile(r"[#＃]\s?(?P<ticket>[a-zａ-ｚ]\d{1,6})(?![a-z0-9])", re.IGNORECASE)


_CLOSING_TICKET = re.compile(_TICKET.pattern + r"\Z", re.IGNORECASE)


def closing_ticket(text: str) -> str | None:
    """The ticket that a text ends with, without `#`.

    All notices end with theirs. Any other ticket in them is what a buyer wrote, or one of many.
    """
    match = _CLOSING_TICKET.search(text.rstrip())
    return narrow(match["ticket"]).lower() if match else None


def leading_ticket(text: str) -> tuple[str, str] | None:
    """`#a7 在的` -> (`a7`, `在的`); None when the text does not begin with a ticket."""
    match = _TICKET.match(text.lstrip())
    if match is None:
        return None
    return narrow(match["ticket"]).lower(), text.lstrip()[match.end() :].strip()


_NEED_NOTICE = re.compile(r"\W*(?:还没处理：)?待处理 (?P<numbers>\d{1,9}(?:、\d{1,9})*)｜")
_ORDER_PAGE = re.compile(r"订单 \d{1,30}｜")
_CONFIRMATION = re.compile(r"/?\s*确认[\s:]*(?P<code>\d{4})\s*[.!。]?")
_SETTLING = re.compile(r"#?(?P<number>\d{1,9})(?!\d)\s*号?[\s,、:]*(?P<words>.*)", re.DOTALL)
_NUMBERED = re.compile(r"(?P<number>\d{1,2})(?!\d)\s*[.,、。:)]?\s*(?P<rest>.*)", re.DOTALL)


def need_of_notice(quoted: str) -> int | None:
    """The number of the one need that a quoted notice tells of."""
    numbers = needs_of_notice(quoted)
    return numbers[0] if len(numbers) == 1 else None


def needs_of_notice(quoted: str) -> tuple[int, ...]:
    """The numbers of all needs that a quoted notice tells of, which may be several gathered. Only
    its beginning counts: the rest may be what others wrote."""
    match = _NEED_NOTICE.match(quoted)
    return tuple(int(one) for one in match["numbers"].split("、")) if match else ()


def is_order_page(quoted: str) -> bool:
    """Whether a quoted answer is what `/单` says about one order."""
    return _ORDER_PAGE.match(quoted) is not None


def confirmation(text: str) -> str | None:
    """The code in `确认 4821`; None when the text is no such thing."""
    match = _CONFIRMATION.fullmatch(narrow(text).strip())
    return match["code"] if match else None


class DraftWord(StrEnum):
    SEND = "send"
    CHANGE = "change"
    ANOTHER = "another"
    DROP = "drop"


_DRAFT_WORDS = {
    **dict.fromkeys(("好", "好的", "发", "发送", "发吧", "可以", "ok"), DraftWord.SEND),
    **dict.fromkeys(("换", "换一个", "换一份", "换一条", "重写"), DraftWord.ANOTHER),
    **dict.fromkeys(("不要", "不要了", "算了", "不发", "别发", "取消"), DraftWord.DROP),
}
_CHANGE = re.compile(r"改(?:成)?(?:[\s:：]+(?P<words>\S.*)?)?", re.DOTALL)


def draft_word(line: str) -> tuple[DraftWord, str] | None:
    """What is said about a draft that is quoted, with the new words, which may have been forgotten;
    None: words for the buyer."""
    said = line.strip()
    change = _CHANGE.fullmatch(said)
    if change is not None:
        return DraftWord.CHANGE, change["words"] or ""
    word = _DRAFT_WORDS.get(said.lower().rstrip("。.!！"))
    return None if word is None else (word, "")


def need_and_words(argument: str) -> tuple[int | None, str]:
    """`37 1` -> (37, `1`): what is written behind `/处理`; None when it begins with no number."""
    match = _SETTLING.fullmatch(_narrow_start(argument))
    if match is None:
        return None, argument.strip()
    return int(match["number"]), match["words"].strip()


def numbered_choice(words: str) -> tuple[int, str] | None:
    """`1`, `1、` or `1 月卡` -> the number and what is behind it; None when none comes first."""
    match = _NUMBERED.fullmatch(_narrow_start(words))
    return (int(match["number"]), match["rest"].strip()) if match else None


def _narrow_start(words: str) -> str:
    """Numbers and the punctuation around them narrow; from the first other sign on as typed: that
    may be a name."""
    line = words.strip()
    end = next((n for n, sign in enumerate(narrow(line)) if sign.isalpha()), len(line))
    return narrow(line[:end]) + line[end:]
