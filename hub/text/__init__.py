"""Every sentence we say to people, Chinese first."""

from hub.text.accounts import account_back, account_trouble, line_was_deaf
from hub.text.content import plain, shorten
from hub.text.desk import (
    ACCOUNT_STATES,
    account_line,
    command_help,
    held_line,
    help_page,
    no_target,
    paused,
    queued_offline,
    resumed,
    status_page,
    stranger,
    unknown_command,
)
from hub.text.notices import (
    account_notice,
    buyer_notice,
    order_notice,
    phone_notice,
    receipt_accepted,
    receipt_dropped,
    receipt_rejected,
    receipt_uncertain,
)
from hub.text.times import clock, since, span

__all__ = [
    "ACCOUNT_STATES",
    "account_back",
    "account_line",
    "account_notice",
    "account_trouble",
    "buyer_notice",
    "clock",
    "command_help",
    "held_line",
    "help_page",
    "line_was_deaf",
    "no_target",
    "order_notice",
    "paused",
    "phone_notice",
    "plain",
    "queued_offline",
    "receipt_accepted",
    "receipt_dropped",
    "receipt_rejected",
    "receipt_uncertain",
    "resumed",
    "shorten",
    "since",
    "span",
    "status_page",
    "stranger",
    "unknown_command",
]
