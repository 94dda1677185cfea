"""Answers to requests over the WebSocket: accepted, or refused in the platform's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DOMAIN = "@goofish"


@dataclass(frozen=True, slots=True)
class Answer:
    code: int = 200
    body: Any = None
    headers: dict[str, str] | None = None


def refusal(code: int, inner: str, reason: str) -> Answer:
    return Answer(code, {"code": inner, "reason": reason, "developerMessage": reason})


THROTTLED = refusal(400, "400600001", "IM flow control")
NOT_AUTHORISED = refusal(401, "401", "not auth")
BAD_REQUEST = refusal(400, "400000", "param is invalid")


def digits(id: str) -> str:
    """A user or conversation id without its domain."""
    return str(id).removesuffix(DOMAIN)
