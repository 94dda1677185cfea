"""Texts that are longer than one message may be."""

from __future__ import annotations

import re

_TICKET = re.compile(r"#[a-z]\d{1,6}")


def in_parts(text: str, longest: int) -> list[str]:
    """Parts of at most `longest` characters, cut at a line end where there is one."""
    parts = []
    while len(text) > longest:
        cut = text.rfind("\n", 1, longest + 1)
        cut = cut if cut > 0 else longest
        parts.append(text[:cut])
        text = text[cut:].removeprefix("\n")
    return [*parts, text] if text or not parts else parts


def cut_short(parts: list[str], room: int, longest: int) -> list[str]:
    """As many of the parts as there is room for, at least one, with a word about the rest; what
    ends with a ticket still does, so that it can be quoted."""
    if room >= len(parts) or room <= 0:
        return parts
    *_, last = parts[-1].splitlines()
    ticket = f"\n{last}" if _TICKET.fullmatch(last) else ""
    left = sum(len(one) for one in parts[room:])
    kept = parts[room - 1]
    words = "（太长，官方机器人这次只能说到这里：还有约 {} 个字，请到后台看，或者再问得细一些）"
    space = longest - len(words) - len(ticket) - 10
    if len(kept) > space:
        left += len(kept) - space
        kept = kept[:space]
    return [*parts[: room - 1], f"{kept}\n{words.format(left)}{ticket}"]


def late_answer(asked: str, answer: str) -> str:
    """An answer that could not be said when it was asked for."""
    return f"（迟到的回答，你写的是：{asked}）\n{answer}"


def no_button_events(code: int) -> str:
    return (
        f"QQ 开放平台没有给官方机器人按钮的权限（代码 {code}），按钮先不带了，写字照样能用。"
        "要按钮就到开放平台申请；不要就把设置里的 qq.official.buttons 关掉"
    )


UNFINISHED = "上面的回答没有说完，请再问一次，或者到后台看。"
