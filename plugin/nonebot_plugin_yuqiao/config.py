"""What the plugin reads from the bot's settings. Without any of it the plugin does nothing."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, Field

PATH = "/api/bot/ws"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


class Config(BaseModel):
    yuqiao_hub_url: str = ""
    yuqiao_token: str = ""
    yuqiao_priority: int = Field(90, ge=1)
    yuqiao_bots: frozenset[str] = frozenset()
    """Only these; empty: all that this NoneBot has."""


def link_url(hub_url: str) -> str | None:
    """Where to dial; None for what is no address."""
    try:
        parts = urlsplit(hub_url.strip())
        scheme = _SCHEMES.get(parts.scheme) if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None
    if scheme is None:
        return None
    path = parts.path.rstrip("/").removesuffix(PATH)
    return urlunsplit((scheme, parts.netloc, path + PATH, "", ""))
