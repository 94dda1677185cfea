"""A letter as bytes that every mail server takes; nothing in it can begin a header of its own."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from hub.model import Letter

LONGEST_SUBJECT = 120
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
"""All control characters but tabs and line ends, and halves of characters."""


def letter_bytes(letter: Letter, sender: str) -> bytes:
    """`sender` may carry a name: `鱼桥 <shop@example.com>`."""
    name, address = parseaddr(sender)
    message = EmailMessage(policy=SMTP)
    message["From"] = _mailbox(one_line(name), address)
    message["To"] = _mailbox("", letter.to)
    message["Subject"] = one_line(letter.subject)[:LONGEST_SUBJECT]
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{address.partition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    text = _NO_TEXT.sub("", letter.text.replace("\r\n", "\n").replace("\r", "\n"))
    message.set_content(text, cte="base64")
    return message.as_bytes()


def _mailbox(name: str, address: str) -> Address:
    user, _, host = address.rpartition("@")
    return Address(name, user, host)


def one_line(text: str) -> str:
    """Without line ends or other control characters, for headers."""
    return " ".join(_NO_TEXT.sub(" ", text.replace("\u2028", " ").replace("\x85", " ")).split())
