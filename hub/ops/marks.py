"""The word that a restore leaves beside the database for the hub's first start after it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.errors import Invalid

RESTORED = "restored.json"


@dataclass(frozen=True, slots=True)
class Mark:
    made_at: datetime
    """Of this time is what came back."""
    moved: bool
    """Since then something may have been sent that it does not know."""
    kept: str = ""
    """The folder with what it took the place of, by its name."""

    def text(self) -> str:
        said = {"made_at": self.made_at.isoformat(), "moved": self.moved, "kept": self.kept}
        return json.dumps(said)


def read_mark(folder: Path) -> Mark | None:
    """The mark that no hub has minded yet; None: there is none. Raises Invalid for an odd one."""
    try:
        fields = json.loads((folder / RESTORED).read_text(encoding="utf-8"))
        made_at = datetime.fromisoformat(fields["made_at"])
        if made_at.tzinfo is None:
            raise ValueError("a time without its zone")
        return Mark(made_at, bool(fields["moved"]), str(fields.get("kept", "")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"{folder / RESTORED}: {error}") from error


def was_moved(folder: Path) -> bool:
    """A restore before this one, which no hub has minded yet, said that something may have been
    sent: then it holds for whatever comes in its place."""
    try:
        mark = read_mark(folder)
    except Invalid:
        return True
    return mark is not None and mark.moved
