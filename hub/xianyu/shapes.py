"""How to look into structures nobody vouches for: every look answers, none raises."""

from __future__ import annotations

import json
from binascii import a2b_base64
from datetime import UTC, datetime
from typing import Any

import msgpack  # type: ignore[import-untyped]
import ormsgpack

Map = dict[Any, Any]
EMPTY: Map = {}

# Made once: json.dumps() with options builds a new one on each call.
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

_EARLIEST, _LATEST = 1_000_000_000_000, 9_000_000_000_000
"""Milliseconds; the years 2001 and 2255. Anything else is no moment of a chat."""


def as_map(value: object) -> Map:
    return value if isinstance(value, dict) else EMPTY


def as_text(value: object) -> str:
    return clean(value) if isinstance(value, str) else ""


def as_int(value: object) -> int | None:
    """Numbers come as such or as text; a boolean is neither."""
    if type(value) is int:
        return value
    if isinstance(value, str) and len(value) < 20 and value.lstrip("-").isdecimal():
        return int(value) if value.count("-") <= 1 else None
    return None


def as_moment(value: object) -> datetime | None:
    """Milliseconds since 1970, number or text."""
    number = as_int(value)
    if number is None or not _EARLIEST < number < _LATEST:
        return None
    return datetime.fromtimestamp(number / 1000, UTC)


def clean(text: str) -> str:
    """Without what no database can store: half surrogate pairs and NUL."""
    if text.isascii():
        return text.replace("\0", "�") if "\0" in text else text
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", "�") if "\0" in text else text


def load_json(text: object) -> object:
    """Parsed JSON text; None if it is none. A value that is parsed already is returned as it is."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def load_base64(text: str) -> bytes:
    """Tolerates missing padding, the URL alphabet and stray characters. Raises ValueError."""
    if "-" in text or "_" in text:
        text = text.translate({ord("-"): "+", ord("_"): "/"})
    return a2b_base64(text + "=" * (-len(text) % 4))


def load_msgpack(blob: bytes) -> object:
    """Every MessagePack dialect. Raises ValueError.

    Strings that are not UTF-8 occur (a text cut in the middle of an emoji): they cost the
    unreadable characters, not the message.
    """
    try:
        return ormsgpack.unpackb(blob, option=ormsgpack.OPT_NON_STR_KEYS)
    except ValueError:
        options = {"raw": False, "strict_map_key": False, "unicode_errors": "replace"}
        try:
            return msgpack.unpackb(blob, **options)
        except (ValueError, TypeError, msgpack.UnpackException) as error:
            raise ValueError(f"no MessagePack: {error}") from None


def with_int_keys(value: object) -> object:
    """Keys that are digits become integers, at every level: what MessagePack would have given."""
    if isinstance(value, dict):
        return {
            int(key) if isinstance(key, str) and key.isdecimal() and len(key) < 4 else key: (
                with_int_keys(inner)
            )
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [with_int_keys(inner) for inner in value]
    return value


def dump(value: object) -> str:
    """Compact JSON as the browser writes it; text that cannot be sent is replaced by `?`."""
    text = _encode(value)
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
