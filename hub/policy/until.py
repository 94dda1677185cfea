"""Until when, as people write it: `30分钟`, `一个半小时`, `到18:00`, `到明天9点`, `一直`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class Until:
    at: datetime | None
    """None: until somebody says otherwise."""


ENDLESS = Until(None)
_ENDLESS_WORDS = frozenset(
    {"一直", "永久", "长期", "不限", "直到恢复", "到恢复", "一直停", "always"}
)

_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5,
           "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "十一": 11, "十二": 12}  # fmt: skip
_NUMBER = r"\d{1,5}(?:\.\d{1,2})?|十[一二]?|[一二两三四五六七八九]"
_UNITS = {
    "分钟": 1, "分": 1, "min": 1, "m": 1,
    "小时": 60, "钟头": 60, "时": 60, "h": 60,
    "天": 1440, "日": 1440, "d": 1440,
    "周": 10080, "星期": 10080, "礼拜": 10080, "w": 10080,
}  # fmt: skip
_PART = re.compile(
    rf"(?:(?P<number>{_NUMBER}|半)个?(?P<half>半)?|)(?P<unit>{'|'.join(_UNITS)})(?P<more>半)?"
)
_MOST_PARTS = 3
_BLANKS = re.compile(r"(?<!\d) | (?!\d)")
"""One between two numbers keeps them apart."""

_DAYS = {"今天": 0, "今日": 0, "明天": 1, "明日": 1, "后天": 2, "大后天": 3}
_SHORT_DAYS = {"今晚": (0, "晚上"), "今早": (0, "早上"), "明早": (1, "早上"), "明晚": (1, "晚上"),
               "后晚": (2, "晚上")}  # fmt: skip
_WEEKDAYS = "一二三四五六日"
_AFTERNOON = frozenset({"中午", "下午", "傍晚", "晚上", "晚"})
_CLOCK = re.compile(
    r"(?P<to>到|至)?"
    rf"(?P<day>{'|'.join(sorted(_DAYS, key=len, reverse=True))}|{'|'.join(_SHORT_DAYS)}"
    r"|(?P<next>下)?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
    r"|(?P<month>\d{1,2})(?:月|-|/)(?P<date>\d{1,2})(?:日|号| ))?"
    r"的?(?P<part>凌晨|早上|早晨|上午|中午|下午|傍晚|晚上|晚)?"
    rf"(?P<hour>\d{{1,2}}|十[一二]?|[一二两三四五六七八九])"
    r"(?:[:：](?P<minute>\d{2})|点钟?(?:(?P<half>半)|(?P<quarter>[一三])刻|(?P<past>\d{1,2})分?)?)"
)


def split_until(words: str, local: datetime) -> tuple[str, Until | None]:
    """What is meant, and until when, out of `主号 2小时` or `到明天 9点 主号`. Only whole words
    count, so `30天会员` stays a name. None: no end was written.

    `local`: now, in the zone of whoever writes.
    """
    parts = words.split()
    for first in range(len(parts)):
        if (end := parse_until(" ".join(parts[first:]), local)) is not None:
            return " ".join(parts[:first]), end
    for beyond in range(len(parts) - 1, 0, -1):
        if (end := parse_until(" ".join(parts[:beyond]), local)) is not None:
            return " ".join(parts[beyond:]), end
    return " ".join(parts), None


def parse_until(text: str, local: datetime) -> Until | None:
    """None when the text is no such thing. The time may lie in the past if the day was written."""
    words = _BLANKS.sub("", " ".join(text.split())).lower()
    if words in _ENDLESS_WORDS:
        return ENDLESS
    length = _length(words)
    if length is not None:
        return Until(local + length)
    at = _moment(words, local)
    return None if at is None else Until(at)


def _length(words: str) -> timedelta | None:
    minutes, position, parts = 0.0, 0, 0
    while position < len(words):
        match = _PART.match(words, position)
        parts += 1
        if match is None or match["number"] is None or parts > _MOST_PARTS:
            return None
        number = 0.5 if match["number"] == "半" else _number(match["number"])
        number += 0.5 * (match["half"] is not None) + 0.5 * (match["more"] is not None)
        minutes += number * _UNITS[match["unit"]]
        position = match.end()
    return timedelta(minutes=minutes) if parts else None


def _moment(words: str, local: datetime) -> datetime | None:
    match = _CLOCK.fullmatch(words)
    if match is None:
        return None
    day, part = match["day"], match["part"]
    hour = int(_number(match["hour"]))
    if day in _SHORT_DAYS:
        ahead, part = _SHORT_DAYS[day][0], part or _SHORT_DAYS[day][1]
    else:
        ahead = _DAYS.get(day or "", 0)
    hour = _of_day(hour, part)
    minute = _minute(match)
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        return None
    if match["month"] is not None:
        return _on_date(int(match["month"]), int(match["date"]), hour, minute, local)
    if match["weekday"] is not None:
        ahead = _to_weekday(match["weekday"], local, following=match["next"] is not None)
    at = _at(local + timedelta(days=ahead), hour, minute)
    if day is not None:
        return at
    exact = part is not None or match["minute"] is not None
    return _next(at, local, half_days=not exact and hour <= 12)


def _of_day(hour: int, part: str | None) -> int:
    """Twelve at night is midnight, and eleven at noon is before it."""
    if part in _AFTERNOON and 1 <= hour < 12 and not (part == "中午" and hour > 9):
        return hour + 12
    if hour == 12 and part in ("晚上", "晚"):
        return 24
    return 0 if hour == 12 and part == "凌晨" else hour


def _minute(match: re.Match[str]) -> int:
    if match["half"] is not None:
        return 30
    if match["quarter"] is not None:
        return 15 * int(_number(match["quarter"]))
    return int(match["minute"] or match["past"] or 0)


def _next(at: datetime, local: datetime, *, half_days: bool) -> datetime:
    """`half_days`: said without more, 6 may be the morning or the evening, whichever is nearer."""
    while at <= local:
        at += timedelta(hours=12 if half_days else 24)
    return at


def _to_weekday(weekday: str, local: datetime, *, following: bool) -> int:
    """How many days it is to that day; the day itself counts unless the next week is meant."""
    wanted = _WEEKDAYS.index("日" if weekday == "天" else weekday)
    if following:
        return 7 - local.weekday() + wanted
    return (wanted - local.weekday()) % 7


def _on_date(month: int, date: int, hour: int, minute: int, local: datetime) -> datetime | None:
    """This year, or the next when that day is over."""
    for year in (local.year, local.year + 1):
        try:
            at = _at(local.replace(year=year, month=month, day=date), hour, minute)
        except ValueError:
            continue
        if at.date() >= local.date():
            return at
    return None


def _at(day: datetime, hour: int, minute: int) -> datetime:
    midnight = datetime.combine(day.date(), time(), day.tzinfo)
    return midnight + timedelta(hours=hour, minutes=minute)


def _number(written: str) -> float:
    return _DIGITS[written] if written in _DIGITS else float(written)
