"""Why a profile gave no answer, inside this room; outside it is a value."""

from __future__ import annotations

from hub.errors import HubError
from hub.model import AiTrouble
from hub.text import ai_trouble


class Trouble(HubError):
    """`detail` is for people and holds no secret; `after` is how long we were told to wait."""

    def __init__(self, kind: AiTrouble, detail: str = "", *, after: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.after = after

    @property
    def reason(self) -> str:
        return ai_trouble(self.kind, self.detail)
