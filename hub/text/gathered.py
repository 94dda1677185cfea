"""Notices that had to wait, as one message; and what is said to whoever is told by a bot that may
only answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from hub.text.content import shorten

MOST_LINES = 3
"""Of what one buyer said; one where many wait."""
FEW_CHATS, MOST_CHATS, MOST_OTHERS = 4, 12, 5
"""So that it stays one message."""
LONGEST_HEAD, LONGEST_LINE = 40, 60
MOST_NEEDS, MOST_NEED_LINES = 8, 12
LOW = "（官方机器人只能再主动说一次，之后的消息先攒着。随便回一句，例如 /状态，就能继续收）"
SEVERAL = "📬 "
"""How all that was gathered begins, and nothing else."""
_TICKET = re.compile(r"#[a-z]\d{1,6}")
_NEEDS = re.compile(SEVERAL + r"待处理 \d{1,9}(?:、\d{1,9})*｜")
_ENDS_WITH_TICKET = re.compile(r"[#＃]\s?[a-zａ-ｚ]\d{1,6}\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Waited:
    """A notice that waited: its text, and a key that is the same for all of one conversation;
    None: it is about none."""

    text: str
    conversation: int | None
    need: int | None = None
    """The number of what it asks to be decided."""


def gathered(notices: Sequence[Waited]) -> str:
    """All of them in one, the oldest conversation first. Of a single conversation it ends with its
    ticket, as any notice does, so that it can be quoted; else it must not end with one.

    What is to be decided stands at the very beginning, where nobody else's words ever do."""
    chats: dict[int, list[list[str]]] = {}
    needs: dict[int, list[str]] = {}
    others: list[str] = []
    for one in notices:
        lines = one.text.splitlines() or [""]
        if one.need is not None:
            needs[one.need] = lines
        elif one.conversation is None:
            others.append(shorten(lines[0], LONGEST_LINE))
        else:
            chats.setdefault(one.conversation, []).append(lines)
    begin, decide = _beginning(needs), _to_decide(needs)
    about = {one.conversation for one in notices}
    if len(about) == 1 and None not in about:
        head, *rest = next((_chat(one, MOST_LINES) for one in chats.values()), [""])
        first = f"{begin}攒了 {len(notices)} 条消息 {head}".rstrip()
        ticket = _ticket(notices[-1].text.splitlines() or [""])
        return "\n".join([first, *decide, *rest, ticket])
    said = [begin + _opening(len(chats), len(others)), *decide]
    for some in list(chats.values())[:MOST_CHATS]:
        head, *rest = _chat(some, MOST_LINES if len(chats) <= FEW_CHATS else 1)
        more = f"（{len(some)} 条）" if len(some) > 1 else ""
        said += [f"{_ticket(some[-1])} {head}{more}".strip(), *(f"　{line}" for line in rest)]
    if len(chats) > MOST_CHATS:
        said.append(f"另有 {len(chats) - MOST_CHATS} 个会话，请到后台看")
    said += [f"· {line}" for line in others[:MOST_OTHERS]]
    if len(others) > MOST_OTHERS:
        said.append(f"· 另有 {len(others) - MOST_OTHERS} 条通知，请到后台看")
    if chats or _ENDS_WITH_TICKET.search(said[-1]):
        said.append("回复写「编号 要说的话」，看全部写「/历史 编号」")
    return "\n".join(said)


def is_gathered(notice: str) -> bool:
    """Whether it is several in one already: gathered again, it would lose what it tells."""
    return notice.startswith(SEVERAL)


def bare(digest: str) -> str:
    """Of a digest that QQ does not let pass: that there is one, and whom it is about."""
    lines = digest.splitlines()
    needs = _NEEDS.match(lines[0])
    begin = needs[0] if needs else SEVERAL
    tickets = [found[0] for line in lines[1:-1] if (found := _TICKET.match(line))]
    about = f"（{'、'.join(tickets)}）" if tickets else ""
    said = [f"{begin}攒下的消息里有 QQ 不让官方机器人发的内容{about}，请到后台看"]
    return "\n".join([*said, *([lines[-1]] if _TICKET.fullmatch(lines[-1]) else [])])


def with_low_credit(notice: str) -> str:
    """With a word that little more can be said; what ends with a ticket still does."""
    if LOW in notice:
        return notice
    lines = notice.splitlines()
    place = len(lines) - 1 if lines and _TICKET.fullmatch(lines[-1]) else len(lines)
    return "\n".join([*lines[:place], LOW, *lines[place:]])


def stranger() -> str:
    """To somebody who is no member and writes to an official bot, which knows no QQ numbers."""
    return (
        "你好，我是一个店铺的内部助手，只听店铺成员的话。"
        "如果你是成员，请在后台「成员 → 绑定 QQ」取一个绑定码，发给我：/绑定 483920"
    )


def group_unlisted(address: str) -> str:
    return f"这个群不在名单里。要在这里用，请店主到后台「通知」的群里添加：{address}"


def address_name(address: str) -> str:
    """What a QQ id is called among people: numbers are numbers, those of official bots are long."""
    bot, _, own = address.rpartition("/")
    if not bot:
        return address
    person, at, _ = own.partition("@")
    return f"官方机器人里的 …{person[-4:]}" + ("（只在一个群里）" if at else "")


def bot_name(bot: str) -> str:
    """What a bot is called among people."""
    official, _, number = bot.partition(":")
    return f"官方机器人 {number}" if official == "official" and number else bot


def _beginning(needs: Collection[int]) -> str:
    """With the numbers of what is to be decided; whoever answers with a bare number then means the
    only one."""
    if not needs:
        return SEVERAL
    return f"{SEVERAL}待处理 {'、'.join(str(one) for one in list(needs)[:MOST_NEEDS])}｜"


def _to_decide(needs: Mapping[int, Sequence[str]]) -> list[str]:
    """The only one with its answers, of several what they are."""
    if len(needs) == 1:
        (only,) = needs.values()
        inner = only[:-1] if _TICKET.fullmatch(only[-1]) else only
        lines = [line for line in inner if line != LOW]
        return [f"　{shorten(line, LONGEST_LINE)}" for line in lines[:MOST_NEED_LINES]]
    said = [f"　{shorten(lines[0], LONGEST_LINE)}" for lines in list(needs.values())[:MOST_NEEDS]]
    return [*said, "　看做法写「/处理 编号」，例如 /处理 " + str(min(needs))] if needs else []


def _opening(chats: int, others: int) -> str:
    if not chats:
        return f"攒了 {others} 条通知：" if others else "等你处理："
    return f"{chats} 个会话有新消息" + (f"，另有 {others} 条通知：" if others else "：")


def _chat(notices: Sequence[list[str]], most: int) -> list[str]:
    """Whom it is with, then the last of what was said."""
    bodies: list[str] = []
    for lines in notices:
        inner = lines[1:-1] if _TICKET.fullmatch(lines[-1]) else lines[1:]
        words = " ".join(line for line in inner if line != LOW)
        if words.strip():
            bodies.append(shorten(words, LONGEST_LINE))
    return [shorten(notices[-1][0], LONGEST_HEAD), *bodies[-most:]]


def _ticket(lines: Sequence[str]) -> str:
    return lines[-1] if _TICKET.fullmatch(lines[-1]) else ""
