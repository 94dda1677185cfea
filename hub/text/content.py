"""Content as one text, for chats and lists that show text only."""

from __future__ import annotations

from typing import assert_never

from hub.model import Card, Content, Image, Location, Text, Unsupported, Video, Voice


def plain(content: Content) -> str:
    """What a person sees where only text can be shown; media keep their address."""
    match content:
        case Text(text):
            return text
        case Image(pictures):
            return "\n".join(f"[图片] {picture.url}" for picture in pictures) or "[图片]"
        case Voice(url):
            return f"[语音] {url}".rstrip()
        case Video(url):
            return f"[视频] {url}".rstrip()
        case Location(title, address):
            return f"[位置] {title} {address}".rstrip()
        case Card(title, text):
            return f"[卡片] {title}" + (f"：{text}" if text else "")
        case Unsupported(_, summary):
            return summary or "[暂不支持显示的消息，请在闲鱼里查看]"
        case _:
            assert_never(content)


def shorten(text: str, most: int = 40) -> str:
    """One line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"
