"""What a buyer receives: the words around the goods, placeholders filled, cut into messages.

Byte for byte what was written, nothing added (L37). A brace that names no placeholder is a brace,
so nothing can go wrong at sending time (L36); an unknown name is refused when it is saved. What is
filled in is never looked at again: a buyer called `{order_id}` stays one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from unicodedata import normalize

from hub.model import StoredPicture, Text

CONTENT = "DELIVERY_CONTENT"
CUT, NEW_PARAGRAPH = "######", "\n\n"

DeliveryPart = Text | StoredPicture
"""One message of a delivery: text, or a picture, never a mark inside a text (L15)."""


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """What a template can speak of, each as the text that is filled in."""

    order_id: str = ""
    item_id: str = ""
    item_title: str = ""
    item_detail: str = ""
    buyer_id: str = ""
    buyer_name: str = ""
    cookie_id: str = ""
    """The account's name; it was called so before."""
    spec_name: str = ""
    spec_value: str = ""
    order_amount: str = ""
    order_quantity: str = ""
    order_unit: str = ""
    """Which piece of the order, from 1 on."""

    def by_name(self) -> dict[str, str]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


FACTS: tuple[str, ...] = tuple(field.name for field in fields(DeliveryFacts))
"""The placeholders that speak of the order."""

LONGEST_PART = 2000
"""Characters in one message; the platform says nothing of a limit, longer ones are not tried."""

_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_NEARLY = re.compile(r"[{｛]\s*([\w＿]+)\s*[}｝]")
"""What was meant to be one, perhaps: blanks inside, wide braces, wide letters."""
_CUT = re.compile(r"(?:\r?\n)?(?<!#)######(?!#)(?:\r?\n)?")
"""Six, neither more nor fewer, so that a line drawn with many is a line. Standing alone in a line
it takes its line breaks along."""


def unknown_placeholders(template: str, known: Collection[str] = (CONTENT, *FACTS)) -> list[str]:
    """Names in braces that mean nothing, each once, in order; known ones that are written so that
    they are not understood as well, with their braces if those are to blame."""
    found: dict[str, None] = {}
    alike = {name.casefold() for name in known}
    for match in _NEARLY.finditer(template):
        exact = _PLACEHOLDER.fullmatch(match[0])
        if exact is not None:
            if exact[1] not in known:
                found[exact[1]] = None
        elif normalize("NFKC", match[1]).casefold() in alike:
            narrow = match[0].startswith("{") and match[0].endswith("}")
            found[match[0][1:-1] if narrow else match[0]] = None
    return list(found)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put values in the place of their names, leave everything else."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def cut(template: str) -> list[str]:
    """The messages that `######` makes of a template, blank ones included."""
    return _CUT.split(template)


def compose(
    template: str,
    facts: DeliveryFacts,
    *,
    codes: Sequence[str] = (),
    text: str = "",
    pictures: Sequence[StoredPicture] = (),
) -> tuple[DeliveryPart, ...]:
    """The messages in order.

    `codes` stand in the place of the content, one a line, untouched; so do `pictures`, each a
    message of its own. `text` is the seller's own writing: its placeholders are filled and it may
    be cut as well. A template that does not say where the content goes is followed by it after an
    empty line, or by pictures in messages of their own; an empty one is the content alone. Messages
    of nothing but blanks are left out, too long ones cut at ends of lines.
    """
    placed = "{" + CONTENT + "}"
    if not template:
        template = placed
    elif placed not in template:
        template = f"{template}{CUT if pictures else NEW_PARAGRAPH}{placed}"
    if text:
        template = template.replace(placed, text)
    values = facts.by_name()
    parts: list[DeliveryPart] = []
    for message in cut(template):
        before, *after = message.split(placed)
        written = fill(before, values)
        for piece in after:
            written += "\n".join(codes)
            if pictures:
                parts += [Text(written), *pictures]
                written = ""
            written += fill(piece, values)
        parts.append(Text(written))
    short = (one for part in parts for one in _cut_to_length(part))
    return tuple(part for part in short if not isinstance(part, Text) or part.text.strip())


def _cut_to_length(part: DeliveryPart) -> list[DeliveryPart]:
    """Never inside a line, however long: half a code is none."""
    if not isinstance(part, Text) or len(part.text) <= LONGEST_PART:
        return [part]
    first, *more = part.text.split("\n")
    messages = [first]
    for line in more:
        if len(messages[-1]) + 1 + len(line) <= LONGEST_PART:
            messages[-1] += f"\n{line}"
        else:
            messages.append(line)
    return [Text(one) for one in messages]
