"""Forms as people fill them in: what they wrote, what was wrong with it, what stays secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from aiohttp import web

from hub.commands import narrow
from hub.errors import Invalid, Refusal

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Form:
    """Values by field name, with the complaint of the last attempt and complaints by field."""

    values: Mapping[str, str] = field(default_factory=dict)
    alert: str = ""
    errors: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    async def sent(cls, request: web.Request) -> Self:
        """What the browser sent. Files and control characters are left out."""
        return cls(
            {
                name: value.replace("\x00", "")
                for name, value in (await request.post()).items()
                if isinstance(value, str)
            }
        )

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def refused(self, refusal: Refusal, *, secret: Iterable[str] = (), at: str = "") -> Form:
        """The same form with the complaint, secret fields emptied.

        `at`: the field to blame when the refusal blames none.
        """
        hidden = set(secret)
        errors = dict(refusal.fields) if isinstance(refusal, Invalid) else {}
        if not errors and at:
            errors = {at: refusal.text}
        kept = {name: value for name, value in self.values.items() if name not in hidden}
        return Form(kept, refusal.text, errors)

    def choice(self, name: str, choices: Mapping[str, Choice]) -> Choice:
        """One of the offered values. Raises Invalid for anything else."""
        try:
            return choices[self[name]]
        except KeyError:
            raise Invalid("没有保存：请从给出的选项里选一个", {name: "选一个"}) from None

    def number(self, name: str, complaint: str) -> int:
        """A whole number, also in full width. Raises Invalid with the complaint."""
        written = narrow(self[name]).strip()
        if not (written.isascii() and written.isdigit() and len(written) <= 9):
            raise Invalid(complaint, {name: complaint})
        return int(written)

    def several(self, name: str) -> list[str]:
        """What was written into one field, separated by blanks, lines, commas or semicolons."""
        return [part for part in re.split(r"[\s,，、;；]+", self[name]) if part]
