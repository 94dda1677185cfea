"""Refusals that concern the account and not the one call that met them."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from hub.errors import AuthExpired, PeerError, VerificationNeeded

Error = TypeVar("Error", bound=PeerError)


class Trouble:
    """Noted wherever an answer is read, so that it counts whoever asked and whatever they do with
    the error. Once a check was demanded, nothing leaves this machine any more."""

    def __init__(self) -> None:
        self.check: VerificationNeeded | None = None
        self.checked = asyncio.Event()
        """Set when the platform demanded a check."""
        self.doubted = asyncio.Event()
        """Set when an answer said that nobody is logged in; cleared by whoever looks into it."""

    def note(self, error: Error) -> Error:
        if isinstance(error, VerificationNeeded) and self.check is None:
            self.check = error
            self.checked.set()
        elif isinstance(error, AuthExpired):
            self.doubted.set()
        return error

    def stop_calls(self, op: str) -> None:
        """Raises VerificationNeeded if a check was demanded before."""
        if self.check is not None:
            first = self.check
            raise VerificationNeeded(first.peer, op, first.reason, url=first.url)
