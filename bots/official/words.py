"""Texts as the official bot may say them."""

from __future__ import annotations

import re

LONGEST_TEXT = 1_800
NO_LINK = "〔网址，请到后台看〕"
_LINK = re.compile(r"(?:https?|ftp)://[^\s，。；、）】」》]+", re.IGNORECASE)
_HOST = re.compile(
    r"(?<![\w@.])(?P<name>[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)*)"
    r"\.(?P<top>com|cn|net|org|top|xyz|vip|cc|co|io|me|info|site|shop|club|link|app|tv|ltd)\b",
    re.IGNORECASE,
)
"""What the platform takes for an address. Numbers and file names are not meant."""


def without_links(text: str) -> str:
    """The platform refuses a whole message for an address that is not on its list. Whole links go,
    host names stay readable."""
    return _HOST.sub(_spelled, _LINK.sub(NO_LINK, text))


def _spelled(match: re.Match[str]) -> str:
    return match[0].replace(".", "．")
