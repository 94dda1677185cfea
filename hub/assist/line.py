"""What the way to a model looks like, whoever opens it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from hub.model import AiProfile

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model wrote, and what that cost."""

    text: str
    tokens_in: int
    tokens_out: int


class Line(Protocol):
    """The way to one profile's server while it is open."""

    async def complete(self, messages: Sequence[Message]) -> Completion:
        """Raises Trouble, and nothing else that the outside did. Waits as long as its caller does.

        Nothing is asked for that only some servers understand: no response format, no limit of
        tokens, no temperature.
        """
        ...


OpenLine = Callable[[AiProfile], AbstractAsyncContextManager[Line]]
