"""What an operator can type: one registry from which chat, help, web and manual are made, and the
reading of what was typed."""

from hub.commands.actions import Action
from hub.commands.command import Command
from hub.commands.groups import HELP_GROUPS, find_group
from hub.commands.lines import (
    Call,
    DraftWord,
    UnknownCommand,
    closing_ticket,
    confirmation,
    draft_word,
    is_order_page,
    leading_ticket,
    narrow,
    need_and_words,
    need_of_notice,
    needs_of_notice,
    numbered_choice,
    parse_command,
    unsoftened,
)
from hub.commands.registry import COMMANDS, find_command, least_role, may

__all__ = [
    "COMMANDS",
    "HELP_GROUPS",
    "Action",
    "Call",
    "Command",
    "DraftWord",
    "UnknownCommand",
    "closing_ticket",
    "confirmation",
    "draft_word",
    "find_command",
    "find_group",
    "is_order_page",
    "leading_ticket",
    "least_role",
    "may",
    "narrow",
    "need_and_words",
    "need_of_notice",
    "needs_of_notice",
    "numbered_choice",
    "parse_command",
    "unsoftened",
]
