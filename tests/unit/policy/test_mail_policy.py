"""What is worth a mail, and when it leaves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.model import Urgent, UrgentNews, is_mail_address
from hub.policy import MailWhen, mail_due, next_reminder, reminder_step, when_mailed

AT = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", [Urgent.ACCOUNT, Urgent.BRAKE, Urgent.STOCK])
def test_what_stops_the_shop_is_mailed_at_once_and_not_again_right_after(kind: Urgent) -> None:
    found = [when_mailed(UrgentNews(kind, step)) for step in range(5)]
    assert found == [MailWhen.NOW, None, MailWhen.NOW, MailWhen.NOW, MailWhen.NOW]


def test_what_waits_for_a_person_is_mailed_from_its_second_reminder_on() -> None:
    found = [when_mailed(UrgentNews(Urgent.NEED, step)) for step in range(4)]
    assert found == [MailWhen.UNLESS_TOLD, None, MailWhen.NOW, MailWhen.NOW]


def test_reminders_are_counted_as_they_are_planned() -> None:
    steps, now = [reminder_step(AT, AT)], AT
    for _ in range(5):
        now = next_reminder(AT, now)
        steps.append(reminder_step(AT, now))
    assert steps == [0, 1, 2, 3, 3, 3]


def test_a_mail_waits_for_its_like_and_keeps_its_distance() -> None:
    times = {"wait": MINUTE, "spacing": 10 * MINUTE}
    assert mail_due(AT, None, **times) == AT + MINUTE
    assert mail_due(AT, AT - 5 * MINUTE, **times) == AT + 5 * MINUTE
    assert mail_due(AT, AT - 60 * MINUTE, **times) == AT + MINUTE


@pytest.mark.parametrize("written", ["a@b", "boss@qq.com", "a.b+c@mail.example.com", "1@163.com"])
def test_a_bare_address_is_one(written: str) -> None:
    assert is_mail_address(written)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a",
        "@b",
        "a@",
        "a b@c.d",
        "a@b\n",
        "a@b\r\nBcc: c@d",
        "A <a@b.c>",
        "a@b@c",
        ".a@b",
        "a@-b",
        "a@b..c",
        "老板@qq.com",
        "a,b@c.d",
        "a" * 250 + "@b.cd",
    ],
)
def test_anything_else_is_none(written: str) -> None:
    assert not is_mail_address(written)
