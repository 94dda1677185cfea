"""What the plugin reads from the bot's settings. Without any of it the plugin does nothing."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

PATH = "/api/bot/ws"
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def _text(written: Any) -> Any:
    """NoneBot reads `123456` in a `.env` as a number, and an empty value as none at all."""
    if written is None:
        return ""
    return str(written) if isinstance(written, int) else written


def _texts(written: Any) -> Any:
    """One number, or several with commas between them, is as good as a list."""
    if written is None:
        return ()
    if isinstance(written, int):
        return (str(written),)
    if isinstance(written, str):
        return written.replace("，", ",").replace(",", " ").split()
    return [_text(one) for one in written] if isinstance(written, list) else written


Text = Annotated[str, BeforeValidator(_text)]


class Config(BaseModel):
    yuqiao_hub_url: Text = ""
    yuqiao_token: Text = ""
    yuqiao_priority: int = Field(90, ge=1)
    yuqiao_bots: Annotated[frozenset[str], BeforeValidator(_texts)] = frozenset()
    """Only these; empty: all that this NoneBot has."""


def wrong_names(error: ValidationError) -> str:
    """The settings that cannot be read, by name; never their values, one of them is a secret."""
    return "、".join(dict.fromkeys(str(one["loc"][0]) for one in error.errors() if one["loc"]))


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
