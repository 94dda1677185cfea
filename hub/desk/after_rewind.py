"""After the database went back in time, deliveries go on only when a person was shown what goes out
then: it may have been served in the time that is not known."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from zlib import crc32

from hub import text
from hub.delivery import resume, stopped_orders
from hub.errors import NotConfirmed
from hub.model import Account, AccountId, AccountState, Cause, KnownOrder, ShopId, Stop
from hub.store import Tx
from hub.text import backups as words

SETTLED = timedelta(minutes=10)
"""After the start, and after an account came online; before that orders may not have been read
yet."""


def go_on(
    tx: Tx, shop: ShopId, account: AccountId | None, code: str, *, by: Cause, now: datetime
) -> int:
    """End the stop of `account` (None: of the shop). Returns how many orders go on.

    If the database went back in time, raises NotConfirmed unless `code` is the one for exactly the
    orders of before that are held by now; and when the shop goes on, the accounts whose orders
    could not be read, or that had a stop of their own, stand still until they are looked at too.
    Raises Invalid when there was no such stop.
    """
    stop = next((one for one in tx.stops.all(shop) if one.account == account), None)
    if stop is not None and stop.reason in words.WENT_BACK:
        accounts = tx.accounts.all(shop)
        alone = {one.account for one in tx.stops.all(shop)}
        apart = [one for one in accounts if account is None and (one.id in alone or _is_off(one))]
        _check_looked(tx, stop, accounts, apart, code, now)
        _keep(tx, stop, apart, now)
    return resume(tx, shop, account, by=by, now=now)


def _check_looked(
    tx: Tx,
    stop: Stop,
    accounts: Collection[Account],
    apart: Collection[Account],
    code: str,
    now: datetime,
) -> None:
    """`apart`: those of `accounts` that do not go on."""
    kept = {one.id for one in apart}
    going = [one for one in accounts if stop.account in (None, one.id) and one.id not in kept]
    ids = {one.id for one in going}
    held = [one for one in stopped_orders(tx, stop.shop) if one.account in ids]
    doubtful = [one for one in held if _is_doubtful(one, stop)]
    about = [
        stop.since.isoformat(),
        *sorted(f"apart {one}" for one in kept),
        *sorted(f"{one.account}:{one.id}" for one in doubtful),
    ]
    wanted = f"{crc32(' '.join(about).encode()) % 10_000:04d}"
    if code.strip() == wanted:
        return
    read_since = max([stop.since, *(one.state_since for one in going)])
    question = words.resume_question(
        stop.reason,
        [text.order_in_list(one) for one in doubtful],
        later=len(held) - len(doubtful),
        changed=bool(code.strip()),
        early=now - read_since < SETTLED,
        off=[one.name for one in going if _is_off(one)],
        apart_off=[one.name for one in apart if _is_off(one)],
        apart=[one.name for one in apart if not _is_off(one)],
    )
    raise NotConfirmed(question, wanted)


def _keep(tx: Tx, stop: Stop, apart: Collection[Account], now: datetime) -> None:
    """These stand still on their own from now on, as they did with the shop since `stop`."""
    for one in apart:
        tx.stops.resume(stop.shop, one.id, now)
        reason = words.NOT_CONNECTED if _is_off(one) else stop.reason
        tx.stops.stop(stop.shop, one.id, reason=reason, now=stop.since)


def _is_off(account: Account) -> bool:
    """Its orders cannot be read. One that is switched off may be switched on again."""
    return account.state is not AccountState.ONLINE


def _is_doubtful(order: KnownOrder, stop: Stop) -> bool:
    """It may have been served in the time that is not known. Where the page says no time, an order
    that was first seen since may still be older."""
    paid = order.paid_at or order.created_at
    return paid is None or paid < stop.since
