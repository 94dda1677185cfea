"""Until when, as people write it on a phone."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hub.policy import ENDLESS, Until, parse_until, split_until

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 25, 14, 0, tzinfo=ZONE)
"""A Wednesday, two in the afternoon."""


@pytest.mark.parametrize(
    ("words", "minutes"),
    [
        ("30分", 30),
        ("30 分钟", 30),
        (" 5min ", 5),
        ("2小时", 120),
        ("2 个小时", 120),
        ("两个钟头", 120),
        ("半小时", 30),
        ("半个小时", 30),
        ("一个半小时", 90),
        ("1小时半", 90),
        ("1.5小时", 90),
        ("1小时30分", 90),
        ("2h30m", 150),
        ("2H", 120),
        ("半天", 720),
        ("十二小时", 720),
        ("1天", 1440),
        ("3日", 4320),
        ("一周", 10080),
        ("2个星期", 20160),
        ("0分", 0),
    ],
)
def test_lengths(words: str, minutes: float) -> None:
    assert parse_until(words, NOW) == Until(NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("到18:00", "11-25 18:00"),
        ("18：00", "11-25 18:00"),
        ("到9:00", "11-26 09:00"),
        ("到6点", "11-25 18:00"),
        ("到 6 点半", "11-25 18:30"),
        ("到三点一刻", "11-25 15:15"),
        ("到15点20分", "11-25 15:20"),
        ("到12点", "11-26 00:00"),
        ("到上午9点", "11-26 09:00"),
        ("到下午3点半", "11-25 15:30"),
        ("到晚上8点", "11-25 20:00"),
        ("到今晚八点", "11-25 20:00"),
        ("今晚12点", "11-26 00:00"),
        ("到24:00", "11-26 00:00"),
        ("到凌晨12点", "11-26 00:00"),
        ("到明天9点", "11-26 09:00"),
        ("明天 9点", "11-26 09:00"),
        ("到明天中午12点", "11-26 12:00"),
        ("到明天中午1点", "11-26 13:00"),
        ("到明早八点", "11-26 08:00"),
        ("到后天的18:30", "11-27 18:30"),
        ("到周五9点", "11-27 09:00"),
        ("到星期天10点", "11-29 10:00"),
        ("到下周一9点", "11-30 09:00"),
        ("到12月1日9点", "12-01 09:00"),
        ("到12-1 19:00", "12-01 19:00"),
        ("12/11 9:00", "12-11 09:00"),
        ("到今天9点", "11-25 09:00"),
    ],
)
def test_moments(words: str, at: str) -> None:
    expected = datetime.strptime(f"2026-{at}", "%Y-%m-%d %H:%M").replace(tzinfo=ZONE)
    assert parse_until(words, NOW) == Until(expected)


def test_a_date_that_is_over_is_next_years() -> None:
    assert parse_until("到2月3日9点", NOW) == Until(datetime(2027, 2, 3, 9, tzinfo=ZONE))


@pytest.mark.parametrize("words", ["一直", " 永久 ", "直到恢复"])
def test_without_end(words: str) -> None:
    assert parse_until(words, NOW) == ENDLESS


@pytest.mark.parametrize(
    "words",
    ["", "30", "分", "很久", "-5分", "123456分", "30份", "30天会员", "明天", "到明天", "9点钟头",
     "到25点", "到24:30", "到13:60", "到2月30日9点", "到13月1日9点", "小店", "1分1分1分1分", "18"],
)  # fmt: skip
def test_anything_else_is_no_end(words: str) -> None:
    assert parse_until(words, NOW) is None


@pytest.mark.parametrize(
    ("words", "what", "end"),
    [
        ("", "", None),
        ("小店", "小店", None),
        ("小店 2小时", "小店", "2小时"),
        ("2 小时 小店", "小店", "2小时"),
        ("小店 到明天 9点", "小店", "到明天9点"),
        ("到12-1 9:00 机械 键盘", "机械 键盘", "到12-1 9:00"),
        ("机械 键盘 一直", "机械 键盘", "一直"),
        ("30天会员", "30天会员", None),
        ("月卡 30天会员", "月卡 30天会员", None),
        ("1天", "", "1天"),
    ],
)
def test_what_is_meant_and_until_when_in_either_order(
    words: str, what: str, end: str | None
) -> None:
    expected = None if end is None else parse_until(end, NOW)
    assert split_until(words, NOW) == (what, expected)
