"""Notices that had to wait, as one message; and what is said to whoever is told by a bot that may
only answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hub.text.content import shorten

MOST_LINES = 3
"""Of what one buyer said; one where many wait."""
FEW_CHATS, MOST_CHATS, MOST_OTHERS = 4, 12, 5
"""So that it stays one message."""
LONGEST_HEAD, LONGEST_LINE = 40, 60
LOW = "（官方机器人只能再主动说一次，之后的消息先攒着。随便回一句，例如 /状态，就能继续收）"
SEVERAL = "📬 "
"""How all that was gathered begins, and nothing else."""
_TICKET = re.compile(r"#[a-z]\d{1,6}")
_ENDS_WITH_TICKET = re.compile(r"[#＃]\s?[a-zａ-ｚ]\d{1,6}\s*\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Waited:
    """A notice that waited: its text, and a key that is the same for all of one conversation;
    None: it is about none."""

    text: str
    conversation: int | None


def gathered(notices: Sequence[Waited]) -> str:
    """All of them in one, the oldest conversation first. Of a single conversation it ends with its
    ticket, as any notice does, so that it can be quoted; else it must not end with one."""
    chats: dict[int, list[list[str]]] = {}
    others: list[str] = []
    for one in notices:
        lines = one.text.splitlines() or [""]
        if one.conversation is None:
            others.append(shorten(lines[0], LONGEST_LINE))
        else:
            chats.setdefault(one.conversation, []).append(lines)
    if len(chats) == 1 and not others:
        (only,) = chats.values()
        head, *rest = _chat(only, MOST_LINES)
        return "\n".join([f"{SEVERAL}攒了 {len(only)} 条消息 {head}", *rest, _ticket(only[-1])])
    said = [_opening(len(chats), len(others))]
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


def _opening(chats: int, others: int) -> str:
    if not chats:
        return f"{SEVERAL}攒了 {others} 条通知："
    return f"{SEVERAL}{chats} 个会话有新消息" + (f"，另有 {others} 条通知：" if others else "：")


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
