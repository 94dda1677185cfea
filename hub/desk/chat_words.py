"""What can be read off an operator's message before anybody is asked."""

from __future__ import annotations

import hashlib

from hub.commands import Call, closing_ticket, leading_ticket, narrow, parse_command
from hub.model import ChatPicture, OperatorMessage, chat_key


def digit_of(message: OperatorMessage) -> str:
    """The number of a choice that is said about a quoted notice; empty: something else is said."""
    bare = message.quoted_id is not None or bool(message.quoted_text)
    return lone_digit(message) if bare else ""


def lone_digit(message: OperatorMessage) -> str:
    """The number of a choice, about whatever; empty: something else is said."""
    said = narrow(message.text).strip()
    one = len(said) == 1 and said.isascii() and said.isdigit() and said != "0"
    return said if is_plain(message) and one else ""


def is_plain(message: OperatorMessage) -> bool:
    """Nothing but text."""
    return not message.attachments and not any(isinstance(p, ChatPicture) for p in message.parts)


CONFIRMING = frozenset({"确认", "确定"})


def is_bare_confirmation(message: OperatorMessage) -> bool:
    """`确认` without its number, and not said about a buyer's notice."""
    said = message.text.strip().rstrip("。.!！") in CONFIRMING
    return said and is_plain(message) and closing_ticket(message.quoted_text) is None


def without_command(line: str) -> str:
    call = parse_command(line)
    return call.argument if isinstance(call, Call) else line


def without_ticket(argument: str) -> str:
    typed = leading_ticket(argument)
    return typed[1] if typed is not None else argument


def key_of(message: OperatorMessage) -> str:
    """The same event repeated gives the same key. The text is part of it because chat ids are
    short hashes that collide now and then; another text is another message."""
    files = "".join(f"/{part.file}" for part in message.parts if isinstance(part, ChatPicture))
    digest = hashlib.sha256((message.text + files).encode()).hexdigest()[:16]
    return chat_key(message.peer, message.message_id) + digest
