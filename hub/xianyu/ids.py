"""How the platform's ids look on the wire, and how a client makes its own."""

from __future__ import annotations

import re
import secrets
import uuid
from datetime import datetime

from hub.model import PlatformUser

SUFFIX = "@goofish"
_PLAIN = re.compile(r"[!-~]{1,128}")


def bare(value: object) -> str | None:
    """`60010020030@goofish` -> `60010020030`; None for anything that cannot be an id."""
    if isinstance(value, str):
        text = value.removesuffix(SUFFIX)
        return text if _PLAIN.fullmatch(text) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def full(plain: str) -> str:
    return plain + SUFFIX


def new_device_id(user: PlatformUser) -> str:
    """A device id in the shape browsers use. Keep one per account: tokens are bound to it."""
    return f"{uuid.uuid4()}".upper() + f"-{user}"


def new_uuid(now: datetime) -> str:
    """The client's own id of one outgoing message; the platform asks only that it is unique."""
    return f"-{milliseconds(now)}{secrets.randbelow(10_000)}"


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
