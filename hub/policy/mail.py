"""What goes by mail, and when: enough to wake somebody, never a flood."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from hub.model import Urgent, UrgentNews

MAIL_LIFETIME = timedelta(hours=24)
"""News that could not be mailed for so long are not mailed any more."""
MOST_PARTS = 20
"""Of one mail; the rest comes in the next one."""


class MailWhen(StrEnum):
    NOW = "now"
    UNLESS_TOLD = "unless told"
    """Only if it does not arrive in chat."""


def when_mailed(news: UrgentNews) -> MailWhen | None:
    """None: this telling is for the chat alone.

    What waits for a person is mailed from its second reminder on, and before only if the chat stays
    silent; the rest at once. The first reminder comes too soon after it to be mailed as well.
    """
    if news.step == 1:
        return None
    if news.kind is Urgent.NEED and news.step == 0:
        return MailWhen.UNLESS_TOLD
    return MailWhen.NOW


def mail_due(
    told_at: datetime, last_sent: datetime | None, *, wait: timedelta, spacing: timedelta
) -> datetime:
    """When a mail may leave: after the time in which its like may join it, and not too soon after
    the last one to the same address."""
    due = told_at + wait
    return due if last_sent is None else max(due, last_sent + spacing)
