"""The first start after a restore: what was sent since the backup is not known in here (L22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from loguru import logger

from hub.delivery import on_message_left
from hub.errors import Invalid
from hub.model import MessageState, NoticeKind, SendMessage, Urgent, UrgentNews
from hub.notices import tell_owners_of_shop
from hub.ops.marks import RESTORED, Mark, read_mark
from hub.store import Store, Tx
from hub.text import backups as words
from hub.text import since

CATCHING_UP = timedelta(minutes=3)
"""Until then accounts are connected and what was said meanwhile is read, if they can be at all."""


async def mind_restore(store: Store, folder: Path, now: Callable[[], datetime]) -> None:
    """Nothing of value goes out a second time: deliveries stop until a person has looked, and
    messages that were on their way count as sent until the platform's history says otherwise."""
    try:
        mark = read_mark(folder)
    except Invalid as error:
        logger.error("the word of a restore is odd, so the worst is assumed: {}", error)
        mark = Mark(now(), moved=True)
    if mark is None:
        return
    if mark.moved:
        left = await store.write(lambda tx: _beware(tx, mark.made_at, now()))
        logger.warning("restored to {}: {} messages are looked for", mark.made_at, left)
    (folder / RESTORED).unlink(missing_ok=True)


def _beware(tx: Tx, made_at: datetime, now: datetime) -> int:
    shop = tx.shops.default()
    tasks = tx.outbox.presume_sent(shop, made_at)
    for task in tasks:
        if isinstance(task.work, SendMessage):
            message = task.work.message
            tx.messages.set_state(shop, message, MessageState.SENDING, now=now)
            on_message_left(tx, shop, message, now)
    tx.outbox.put_off_answers(shop, now + CATCHING_UP)
    tx.stops.stop(shop, None, reason=words.STOPPED, now=now)
    tell_owners_of_shop(
        tx,
        shop,
        words.after_restore(since(made_at, now)),
        key=f"restored:{now.isoformat()}",
        now=now,
        kind=NoticeKind.SYSTEM,
        urgent=UrgentNews(Urgent.BACKUP),
    )
    return len(tasks)
