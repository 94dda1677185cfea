"""Texts of the original become texts of ours: placeholders are kept, other braces stay braces."""

from __future__ import annotations

import re
from collections.abc import Collection
from string import Formatter
from unicodedata import normalize

from hub.policy import unknown_placeholders

_NAMED = re.compile(r"[{｛]\s*([\w＿]+)\s*[}｝]")
_ORIGINAL_NAMES = frozenset({"send_user_name", "send_user_id", "send_message", "item_id"})


def unescaped(template: str) -> str:
    """The original filled in with `str.format`, where `{{` is a brace; where that failed it sent
    the text as it was (L36)."""
    if "{{" not in template and "}}" not in template:
        return template
    try:
        parts = list(Formatter().parse(template))
    except ValueError:
        return template
    named = {name for _, name, _, _ in parts if name is not None}
    if not named <= _ORIGINAL_NAMES or any(spec for _, _, spec, _ in parts):
        return template
    return "".join(
        literal + ("" if name is None else f"{{{name}}}") for literal, name, _, _ in parts
    )


def literal_braces(template: str, known: Collection[str]) -> tuple[str, list[str]]:
    """The template with wide braces in the place of those that name nothing we know, and the names
    in them. A known name that was written with blanks or wide braces is put right."""
    unknown = unknown_placeholders(template, known)
    if not unknown:
        return template, []
    by_folded = {name.casefold(): name for name in known}
    shown: dict[str, None] = {}

    def put(match: re.Match[str]) -> str:
        if match[1] in known and match[0] == f"{{{match[1]}}}":
            return match[0]
        meant = by_folded.get(normalize("NFKC", match[1]).casefold())
        if meant is not None:
            return f"{{{meant}}}"
        shown[match[1]] = None
        return f"｛{match[0][1:-1]}｝"

    return _NAMED.sub(put, template), list(shown)
