"""Times and spans the way people say them."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo


def clock(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """`14:05` today, `11-23 14:05` this year, else with the year."""
    here, today = at.astimezone(zone), now.astimezone(zone)
    if here.date() == today.date():
        return here.strftime("%H:%M")
    return here.strftime("%m-%d %H:%M" if here.year == today.year else "%Y-%m-%d %H:%M")


def span(length: timedelta) -> str:
    """`35 秒`, `12 分钟`, `3 小时 20 分钟`, `2 天`."""
    seconds = max(0, int(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} 秒"
    minutes = seconds // 60
    if minutes < 60:
        return f"{minutes} 分钟"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} 小时 {rest} 分钟" if rest else f"{hours} 小时"
    days, hours = divmod(hours, 24)
    return f"{days} 天 {hours} 小时" if hours else f"{days} 天"


def since(at: datetime, now: datetime) -> str:
    return span(now - at)
