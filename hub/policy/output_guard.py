"""The last look at a text that would go out by itself: what it must not say.

It reads what a model wrote. What a person typed is never looked at, and what an owner wrote into a
rule is the owner's word: of that only codes of cards in stock are found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hub.policy import guard_words as words
from hub.policy.amounts import DIGITS, LONGEST_READ, plain, squeezed

PLATFORM_HOSTS = ("goofish.com",)
LONGEST_ANSWER = 400
SHORTEST_CODE = 6
_FIGURES = {**{one: str(value) for one, value in DIGITS.items()}, "幺": "1", "洞": "0"}
_CODE = re.compile(r"[A-Za-z0-9_\-]{6,}")
_GAP = "[^,;。!?\n]{0,4}"


class HitKind(StrEnum):
    """What is wrong with a text."""

    CONTACT = "contact"
    LINK = "link"
    REFUND = "refund"
    FORBIDDEN = "forbidden"
    CARD = "card"
    LENGTH = "length"
    PRICE = "price"
    """It promises a price below the floor, or nobody knows which; see `check_promises`."""


class Author(StrEnum):
    """Who wrote what would go out."""

    MODEL = "model"
    OWNER = "owner"
    """In a rule, before anybody asked."""


@dataclass(frozen=True, slots=True)
class Hit:
    kind: HitKind
    words: str
    """What gave it away; empty for a code of a card, which is told to nobody."""
    reason: str
    """One Chinese sentence for the operator who gets the draft."""


@dataclass(frozen=True, slots=True)
class GuardWords:
    """What a shop does not want said, and how much may be said at all."""

    forbidden: tuple[str, ...] = ()
    """Words; `*` stands for up to four characters."""
    longest: int = LONGEST_ANSWER
    hosts: tuple[str, ...] = PLATFORM_HOSTS
    """Hosts that may be linked to, with everything below them."""


def forbidden_words(file: str) -> tuple[str, ...]:
    """The words of a file: one a line, `#` begins a remark, the first of equal ones counts."""
    lines = (line.partition("#")[0].strip() for line in file.removeprefix("\ufeff").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line.strip("* ")))


def guard(
    text: str,
    rules: GuardWords,
    *,
    author: Author = Author.MODEL,
    is_card: Callable[[str], bool] = lambda _: False,
) -> Sequence[Hit]:
    """What must not go out by itself; empty: clean. At most one hit of a kind.

    `is_card` knows the codes of the shop's cards; it is asked about every line, word and code.
    """
    said = plain(text[:LONGEST_READ])
    leaks = _has_card(text, is_card)
    if author is Author.OWNER:
        return (_card(),) if leaks else ()
    hits = [*_written_by_model(said, rules)]
    found = {hit.kind for hit in hits}
    hits += [hit for hit in _written_by_model(squeezed(said), rules) if hit.kind not in found]
    if leaks or _looks_like_card(said):
        hits.append(_card())
    longest = min(rules.longest, LONGEST_READ)
    if len(text) > longest:
        hits.append(Hit(HitKind.LENGTH, "", f"有 {len(text)} 个字，超过了 {longest} 个字"))
    return hits


def _written_by_model(said: str, rules: GuardWords) -> Iterator[Hit]:
    if found := _contact(said):
        yield Hit(HitKind.CONTACT, found, f"提到了站外的联系方式或付款方式「{found}」")
    if found := _link(said, rules.hosts):
        yield Hit(HitKind.LINK, found, f"有闲鱼以外的链接「{found}」")
    if found := _first(words.REFUND, said):
        yield Hit(HitKind.REFUND, found, f"像是在答应退款或赔偿「{found}」")
    if found := _forbidden(said, rules.forbidden):
        yield Hit(HitKind.FORBIDDEN, found, f"有禁用词「{found}」")


def _card() -> Hit:
    return Hit(HitKind.CARD, "", "里面有像卡密的内容")


def _contact(said: str) -> str:
    for pattern in (words.DISGUISED, words.ADDING, words.CHATS, words.OUTSIDE, words.PAYING):
        if found := _first(pattern, said):
            return found
    for pattern in (words.MAIL, words.LANDLINE):
        if match := pattern.search(said):
            return match[0]
    return next((match[0] for match in words.SPELLED.finditer(said) if _is_mobile(match[0])), "")


def _is_mobile(spelled: str) -> bool:
    figures = "".join(_FIGURES.get(one, one) for one in spelled)
    digits = re.sub(r"\D", "", figures)
    return words.MOBILE.fullmatch(digits) is not None


def _first(pattern: re.Pattern[str], said: str) -> str:
    """The first place that is not denied in its own clause."""
    for match in pattern.finditer(said):
        if not words.NEGATED.search(said[: match.start()]):
            return match[0]
    return ""


def _link(said: str, hosts: Sequence[str]) -> str:
    for match in words.LINK.finditer(said):
        authority = match["authority"] or match["bare"]
        if authority is None:
            return match["spelled"]
        host = authority.rpartition("@")[2].partition(":")[0].rstrip(".")
        if not any(host == one or host.endswith(f".{one}") for one in hosts):
            return host
    return ""


def _forbidden(said: str, forbidden: Sequence[str]) -> str:
    squeezed = "".join(said.split())
    for word in forbidden:
        parts = [re.escape("".join(part.split())) for part in plain(word).split("*")]
        if match := re.search(_GAP.join(parts), squeezed):
            return match[0]
    return ""


def _looks_like_card(said: str) -> bool:
    found = [*words.CARD_LABELLED.finditer(said), *words.CARD_GROUPED.finditer(said)]
    return any(
        any(one.isdigit() for one in match["code"]) or "-" in match["code"] for match in found
    )


def _has_card(text: str, is_card: Callable[[str], bool]) -> bool:
    lines = [line.strip() for line in text.splitlines()]
    candidates = {*lines, *text.split(), *_CODE.findall(text)}
    return any(is_card(one) for one in candidates if len(one) >= SHORTEST_CODE)
