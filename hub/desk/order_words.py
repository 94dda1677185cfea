"""What operators write about orders and needs, read: numbers, pieces, answers in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hub import text
from hub.commands import leading_ticket, narrow, numbered_choice
from hub.desk.needs import NeedLine
from hub.errors import Invalid, NotFound
from hub.model import Choice, KnownOrder, OrderStatus

_FEW_DIGITS, _MANY_DIGITS = 4, 10
_APART = re.compile(r"\d{1,2}[\s.,、。:)]")
_PIECES = re.compile(r"(?:^|\s)(?P<pieces>\d{1,9})\s*[份件]\s*$")

CHOICE_WORDS: dict[str, Choice] = {
    "发货": Choice.DELIVER,
    "再取": Choice.ASK_AGAIN,
    "补发": Choice.RESEND,
    "再发": Choice.RESEND,
    "再发一次": Choice.RESEND,
    "已收到": Choice.ARRIVED,
    "收到": Choice.ARRIVED,
    "发货完成": Choice.OUTSIDE,
    "已发": Choice.OUTSIDE,
    "退回": Choice.RELEASE,
    "不发": Choice.REFUSE,
    "不发了": Choice.REFUSE,
    "标记发货": Choice.SHIP,
    "标记": Choice.SHIP,
    "免拼": Choice.FREE,
    "重读": Choice.READ,
    "恢复": Choice.RESUME,
    "开发": Choice.RESUME,
    "知道了": Choice.DONE,
    "同意": Choice.AGREE,
    "还价": Choice.COUNTER,
    "拒绝": Choice.DECLINE,
    "不降": Choice.DECLINE,
}
"""How people name an answer to a need instead of its number."""


def chosen(line: NeedLine, words: str) -> tuple[Choice, str]:
    """What is chosen, and what is written behind it."""
    need, given = line.need, numbered_choice(words)
    if given is not None:
        number, rest = given
        if 0 < number <= len(line.choices):
            return line.choices[number - 1], rest
    else:
        word, _, rest = words.strip().partition(" ")
        for said, behind in ((words.strip(), ""), (word, rest.strip())):
            if (named := by_word(line, said)) is not None:
                return named, behind
    if need.closed_at is not None:
        raise Invalid(f"待处理 {need.number} 已经处理过：{need.resolution}")
    raise Invalid(f"没有执行：待处理 {need.number} 可以选\n{text.numbered(line.choices)}")


def by_word(line: NeedLine, words: str) -> Choice | None:
    labels = {text.CHOICES[choice]: choice for choice in line.choices}
    word = words.strip(" 。.！!")
    found = labels.get(word, CHOICE_WORDS.get(word))
    return found if found in line.choices else None


def looks_chosen(line: NeedLine, words: str) -> bool:
    """`2 好的`: the number of a choice set apart from what follows. A pool whose name is misspelt
    reads like that, and so does what may be said to a buyer."""
    given = numbered_choice(words)
    apart = _APART.match(narrow(words.strip())) is not None
    return given is not None and apart and 0 < given[0] <= len(line.choices)


def begins_with_answer(words: str) -> bool:
    """Whether it begins with an answer, so that the number before it names a need."""
    word = words.split(maxsplit=1)[0]
    return numbered_choice(words) is not None or word in {*CHOICE_WORDS, *text.CHOICES.values()}


def need_named(line: NeedLine) -> str:
    return text.order_named(line.order) if line.order is not None else line.need.order or ""


def no_such_number(digits: str) -> NotFound:
    return NotFound(f"没有订单号是 {digits} 的订单；刚付款的要等几秒才会出现，/单 看最近的订单")


def several_end_with(digits: str, found: Sequence[KnownOrder]) -> Invalid:
    lines = "\n".join(text.order_in_list(one) for one in found[:5])
    return Invalid(f"没有执行：不止一笔订单的号码以 {digits} 结尾，请多写几位\n{lines}")


def without_ticket(argument: str) -> str:
    typed = leading_ticket(argument)
    return " ".join((typed[1] if typed is not None else argument).split())


def order_number(rest: str, *, has_conversation: bool) -> str:
    """The digits of an order's number that come first; empty: none do. Beside a ticket or a quote
    only a long one counts: a pool may be called 2026."""
    first = narrow(rest.partition(" ")[0])
    least = _MANY_DIGITS if has_conversation else _FEW_DIGITS
    return first if first.isascii() and first.isdigit() and len(first) >= least else ""


def pieces_of(rest: str) -> tuple[str, int | None]:
    match = _PIECES.search(rest)
    return (rest, None) if match is None else (rest[: match.start()].strip(), int(match["pieces"]))


def waits_for_goods(order: KnownOrder) -> bool:
    return order.status is OrderStatus.PAID and order.shipped_at is None and order.refund_at is None
