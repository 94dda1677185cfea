"""When operators are told about an account that is not connected, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model import Account, AccountState

NEEDS_PERSON = frozenset({AccountState.LOGGED_OUT, AccountState.VERIFICATION_NEEDED})
REMINDERS = (
    timedelta(0),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
"""After the account came to need a person; later ones come daily."""
DAILY = timedelta(days=1)
PATIENCE = timedelta(minutes=5)
"""A line that comes back sooner is routine, and nobody is told."""
LONG_OUTAGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AccountNews:
    """Something to tell. `step` counts the tellings of the same trouble, from 0."""

    step: int
    since: datetime
    needs_person: bool


def account_news(account: Account, now: datetime) -> AccountNews | None:
    """The latest telling that is due, None while all is well or still routine.

    Asking again gives the same telling until the next one is due; whoever tells keys it by state,
    `since` and `step`, so that each is told once, across restarts too.
    """
    if not account.enabled or account.state is AccountState.ONLINE:
        return None
    if account.state in NEEDS_PERSON:
        age = now - account.state_since
        step = sum(age >= wait for wait in REMINDERS) - 1
        if age >= DAILY:
            step = len(REMINDERS) - 1 + age // DAILY
        return AccountNews(step, account.state_since, True)
    if account.offline_since is None:
        return None
    age = now - account.offline_since
    if age < PATIENCE:
        return None
    return AccountNews(0 if age < LONG_OUTAGE else 1, account.offline_since, False)


def was_told(offline_since: datetime | None, now: datetime) -> bool:
    """Whether an outage that ends now was long enough to have been told about."""
    return offline_since is not None and now - offline_since >= PATIENCE
