"""`/帮助`: one screen of groups, one group, one command, or all of it; each to its reader."""

from __future__ import annotations

from hub import text
from hub.commands import (
    COMMANDS,
    HELP_GROUPS,
    Call,
    Command,
    UnknownCommand,
    find_command,
    find_group,
    may,
    parse_command,
)
from hub.model import Role

ALL = ("全部", "所有", "all")


def help_about(role: Role, wanted: str) -> str:
    """`wanted`: what stands behind `/帮助`. Lists hold what somebody with this role may do."""
    wanted = wanted.strip()
    mine = _groups(role)
    if not wanted:
        names = [(name, [one.name for one in commands]) for name, commands in mine]
        return text.help_page(names, answers=may(role, Role.AGENT))
    if wanted in ALL:
        return text.help_groups([(name, _lines(commands)) for name, commands in mine])
    command, group = find_command(wanted), find_group(wanted)
    listed = next((commands for name, commands in mine if name == group), None)
    is_name = command is not None and command.name == wanted
    if group is not None and listed is not None and not is_name:
        return text.help_groups([(group, _lines(listed))])
    if command is None and group is not None:
        return text.help_for_others(group)
    if command is None:
        match parse_command(f"/{wanted.lstrip('/／')}"):
            case Call(command):
                pass
            case UnknownCommand(name, meant):
                return text.unknown_command(name, meant.usage if meant else None)
            case None:
                return help_about(role, "")
    return _about(command)


def _groups(role: Role) -> list[tuple[str, list[Command]]]:
    mine = {one.action: one for one in COMMANDS if may(role, one.role)}
    groups = [(name, [mine[one] for one in acts if one in mine]) for name, acts in HELP_GROUPS]
    return [(name, commands) for name, commands in groups if commands]


def _lines(commands: list[Command]) -> list[tuple[str, str]]:
    return [(one.usage, one.summary) for one in commands]


def _about(command: Command) -> str:
    group = next(name for name, actions in HELP_GROUPS if command.action in actions)
    return text.command_help(
        command.usage,
        command.summary,
        command.details,
        command.aliases,
        role=command.role,
        group=group,
    )
