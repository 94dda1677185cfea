"""Text as it can be stored, and as it compares."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from hub.model import ChatPicture


def whole(text: str) -> str:
    """Without half characters, which nobody can store or say."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def plain(text: str) -> str:
    """Text as it compares: QQ trims messages and has its own line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def joined(parts: Sequence[str | ChatPicture]) -> tuple[str | ChatPicture, ...]:
    """Texts and pictures in their order, neighbouring texts as one; empty without pictures."""
    found: list[str | ChatPicture] = []
    for part in parts:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    if all(isinstance(part, str) for part in found):
        return ()
    return tuple(part.strip() if isinstance(part, str) else part for part in found)


def moment(seconds: int) -> datetime | None:
    """When something was said, told in seconds since 1970; None for what is no such time."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        return None
