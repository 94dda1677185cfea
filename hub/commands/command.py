"""What is known of a command before anybody uses it."""

from __future__ import annotations

from dataclasses import dataclass

from hub.commands.actions import Action
from hub.model import Role


@dataclass(frozen=True, slots=True)
class Command:
    action: Action
    name: str
    aliases: tuple[str, ...]
    usage: str
    summary: str
    role: Role
    """The least role that may use it."""
    details: str = ""
