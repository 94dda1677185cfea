"""Content as one text, for chats and lists that show text only."""

from __future__ import annotations

import re
from typing import assert_never

from hub.model import Card, Content, Image, Location, Text, Unsupported, Video, Voice

LISTEN = "，请在闲鱼里听"
WATCH = "，请在闲鱼里看"
LONGEST_VOICE = 120
"""Seconds. The platform's unit is not proven, and nobody speaks that long into a chat."""


def plain(content: Content, *, links: bool = True) -> str:
    """What a person sees where only text can be shown.

    Pictures are shown as pictures elsewhere, so only their number is said; what nobody can show
    keeps its address, unless there are to be no `links`: QQ does not like them.
    """
    match content:
        case Text(text):
            return text
        case Image(pictures):
            return f"[{len(pictures)} 张图片]" if len(pictures) > 1 else "[图片]"
        case Voice(url, duration):
            return f"[{voice(duration)}]" + (f" {url}".rstrip() if links else LISTEN)
        case Video(url):
            return "[视频]" + (f" {url}".rstrip() if links else WATCH)
        case Location(title, address):
            return f"[位置] {title} {address}".rstrip()
        case Card(title, text):
            return f"[卡片] {title}" + (f"：{text}" if text else "")
        case Unsupported(_, summary):
            return summary or "[暂不支持显示的消息，请在闲鱼里查看]"
        case _:
            assert_never(content)


def voice(duration: float | None) -> str:
    """`语音 8 秒`; without the number where it cannot be seconds."""
    believed = duration is not None and 1 <= duration <= LONGEST_VOICE
    return f"语音 {duration:.0f} 秒" if believed else "语音"


_LINK = re.compile(r"(?:https?://|\b(?=www\.))([a-z0-9.-]+)", re.IGNORECASE)


def unlinked(text: str) -> str:
    """With addresses as text that no chat makes a link of: `m．tb．cn/h.x`. Browsers read the wide
    dots as dots, so that they can still be copied there."""
    return _LINK.sub(lambda found: found[1].replace(".", "．"), text)


def shorten(text: str, most: int = 40) -> str:
    """One line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
