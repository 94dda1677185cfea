"""When operators are told about an account that is not connected, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hub.model import RESTING, Account, AccountState

REMINDERS = (
    timedelta(0),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
)
"""After the account came to need a person; later ones come daily."""
PATIENCE = timedelta(minutes=5)
"""A line that comes back sooner is routine, and nobody is told."""
OUTAGES = (PATIENCE, timedelta(hours=1))
"""After the line went down while the hub tries by itself; later ones come daily."""
DAILY = timedelta(days=1)
GATHER = timedelta(minutes=1)
"""So long news of an account waits for its like: one dead network takes many accounts along."""


@dataclass(frozen=True, slots=True)
class AccountNews:
    """Something to tell. `step` counts the tellings of the same trouble, from 0."""

    step: int
    since: datetime
    needs_person: bool


def account_news(account: Account, now: datetime, awake: datetime) -> AccountNews | None:
    """The latest telling that is due, None while all is well or still routine.

    Asking again gives the same telling until the next one is due; whoever tells keys it by state,
    `since` and `step`, so that each is told once, across restarts too. `awake`: since when the hub
    runs; what happened while it did not is no outage before it had time to connect.
    """
    if not account.enabled or account.state is AccountState.ONLINE:
        return None
    if account.state in RESTING:
        age = max(now - account.state_since, timedelta(0))
        return AccountNews(_step(age, REMINDERS), account.state_since, True)
    since = _down_since(account)
    age = max(now - since, timedelta(0))
    if _long_wait(account, now):
        age = max(age, PATIENCE)
    elif min(age, now - awake) < PATIENCE:
        return None
    return AccountNews(_step(age, OUTAGES), since, False)


def was_told(offline_since: datetime | None, now: datetime) -> bool:
    """Whether an outage that ends now was long enough to have been told about."""
    return offline_since is not None and now - offline_since >= PATIENCE


def _down_since(account: Account) -> datetime:
    """What a person did last begins anew: the trouble before it has been told."""
    started = account.started_at or account.state_since
    return max(started, account.offline_since or started)


def _long_wait(account: Account, now: datetime) -> bool:
    """A pause that is planned to be long is told at once."""
    until = account.state_until
    return until is not None and until - now >= PATIENCE


def _step(age: timedelta, schedule: tuple[timedelta, ...]) -> int:
    if age >= DAILY:
        return len(schedule) - 1 + age // DAILY
    return sum(age >= wait for wait in schedule) - 1
