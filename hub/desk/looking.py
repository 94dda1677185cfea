"""After the database went back in time, deliveries go on only when a person was shown what goes out
then: it may have been served in the time that is not known."""

from __future__ import annotations

from datetime import datetime, timedelta
from zlib import crc32

from hub import text
from hub.delivery import stopped_orders
from hub.errors import NotConfirmed
from hub.model import AccountId, ShopId
from hub.store import Tx
from hub.text import backups as words

SETTLED = timedelta(minutes=10)
"""After the start; before that orders may not have been read yet."""


def check_looked(tx: Tx, shop: ShopId, account: AccountId | None, code: str, now: datetime) -> None:
    """Raises NotConfirmed unless `code` is the one for exactly the orders that are held by now.
    Nothing to ask if the stop of `account` (None: of the shop) has another reason."""
    stop = next((one for one in tx.stops.all(shop) if one.account == account), None)
    if account is not None or stop is None or stop.reason not in words.WENT_BACK:
        return
    held = stopped_orders(tx, shop)
    about = [stop.since.isoformat(), *sorted(f"{one.account}:{one.id}" for one in held)]
    wanted = f"{crc32(' '.join(about).encode()) % 10_000:04d}"
    if code.strip() != wanted:
        lines = [text.order_in_list(one) for one in held]
        question = words.resume_question(stop.reason, lines, early=now - stop.since < SETTLED)
        raise NotConfirmed(question, wanted)
