"""Every command: its names, what it does, who may use it."""

from __future__ import annotations

from collections.abc import Sequence

from hub.commands.actions import Action
from hub.commands.command import Command
from hub.commands.of_answers import ANSWERS
from hub.commands.of_people import PEOPLE
from hub.commands.of_the_shop import SHOP
from hub.commands.of_trade import TRADE
from hub.model import Role

COMMANDS: tuple[Command, ...] = SHOP + ANSWERS + TRADE + PEOPLE
BY_NAME = {name: c for c in COMMANDS for name in (c.name, *c.aliases)}
_BY_ACTION = {c.action: c for c in COMMANDS}


def find_command(name: str) -> Command | None:
    return BY_NAME.get(name.strip().lstrip("/／").lower())


def least_role(action: Action) -> Role:
    """Who may do this, at least, through whichever door."""
    return _BY_ACTION[action].role


def may(role: Role, least: Role) -> bool:
    order: Sequence[Role] = (Role.VIEWER, Role.AGENT, Role.OWNER)
    return order.index(role) >= order.index(least)
