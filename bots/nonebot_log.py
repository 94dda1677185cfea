"""NoneBot's log, kept apart: importing it leaves the hub's log sinks as they are.

NoneBot logs through the one global loguru logger. On import it removes every sink of it and adds
its own; on `init` it sets a patcher that shortens all module names. So NoneBot is given a logger
of its own while it is imported. Warnings and errors are passed on to the hub's logger; lower
levels are not, because NoneBot writes the text of every message at SUCCESS.

The order in which the hub adds its sinks and imports `bots` therefore does not matter.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import loguru
from loguru import logger

if TYPE_CHECKING:
    from loguru import Message, Record

LONGEST_LINE = 300


def import_apart() -> None:
    """Import NoneBot with a logger of its own. Does nothing if NoneBot was imported before."""
    if "nonebot" in sys.modules:
        return
    loguru.logger = _another_logger()
    try:
        theirs = import_module("nonebot.log")
    finally:
        loguru.logger = logger
    theirs.logger.remove(theirs.logger_id)
    theirs.logger.add(_pass_on, level="WARNING", format="{message}")


def _another_logger() -> Any:
    """What `loguru/__init__.py` does to make the first one; loguru offers no public way.

    Its documented way, a deep copy, needs a logger without sinks, and ours may have some.
    """
    inner: Any = import_module("loguru._logger")
    return inner.Logger(
        core=inner.Core(),
        exception=None,
        depth=0,
        record=False,
        lazy=False,
        colors=False,
        raw=False,
        capture=True,
        patchers=[],
        extra={},
    )


def _pass_on(message: Message) -> None:
    """One line only: what follows in a validation error is the content of a chat message."""
    theirs = message.record

    def place(record: Record) -> None:
        record["name"], record["function"] = theirs["name"], theirs["function"]
        record["line"] = theirs["line"]

    text = (theirs["message"].splitlines() or [""])[0][:LONGEST_LINE]
    ours = logger.patch(place).opt(exception=theirs["exception"])
    ours.log(theirs["level"].name, text)
