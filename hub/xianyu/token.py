"""The token that opens one message connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from hub.xianyu.calls import Call
from hub.xianyu.endpoints import IM_APP_KEY
from hub.xianyu.shapes import Map, as_int, as_text

UNKNOWN_LIFE = timedelta(minutes=30)
"""How long a token is trusted whose expiry cannot be read."""
LONGEST_LIFE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class ImToken:
    """Opens one message connection at a time, and only together with this device id."""

    value: str = field(repr=False)
    device_id: str
    expires_at: datetime


def ask_token(device_id: str) -> Call:
    return Call(
        "mtop.taobao.idlemessage.pc.login.token",
        "1.0",
        {"appKey": IM_APP_KEY, "deviceId": device_id},
        page="/im",
    )


def read_token(answer: Map, device_id: str, now: datetime) -> ImToken | None:
    value = as_text(answer.get("accessToken"))
    if not value:
        return None
    expires_at = read_expiry(answer.get("accessTokenExpiredTime"), now)
    return ImToken(unquote(value), device_id, expires_at)


def read_expiry(value: object, now: datetime) -> datetime:
    """When a token ends. Seen: a date, a moment or a span, in seconds or milliseconds, as text."""
    moment = _expiry(value, now)
    if moment is None or not now < moment:
        return now + UNKNOWN_LIFE
    return min(moment, now + LONGEST_LIFE)


def _expiry(value: object, now: datetime) -> datetime | None:
    number = as_int(value)
    if number is None:
        try:
            moment = datetime.fromisoformat(as_text(value))
        except ValueError:
            return None
        return moment if moment.tzinfo else None
    if not 0 < number < 10**14:
        return None
    if number > 10**12:
        return datetime.fromtimestamp(number / 1000, UTC)
    if number > 10**9:
        return datetime.fromtimestamp(number, UTC)
    return now + (timedelta(milliseconds=number) if number >= 10**6 else timedelta(seconds=number))
