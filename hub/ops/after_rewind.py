"""The first thing that a hub does on a database that went back in time: what was sent after that is
not known in it (L22)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from loguru import logger

from hub.delivery import on_message_left, stopped_orders
from hub.model import MessageState, NeedKind, NoticeKind, SendMessage, Urgent, UrgentNews
from hub.notices import tell_owners_of_shop
from hub.policy import rounds_to_skip
from hub.store import Timeline, Tx
from hub.text import backups as words

CATCHING_UP = timedelta(minutes=3)
"""Until then accounts are connected and what was said meanwhile is read, if they can be at all."""


def mind_rewind(
    tx: Tx, timeline: Timeline | None, now: datetime, *, complete: Callable[[Tx], bool]
) -> None:
    """Nothing of value goes out a second time: deliveries stop until a person has looked, and
    messages that were on their way count as sent until the platform's history says otherwise.

    `timeline`: as the store has it. `complete`: whether a standby that took over has all that was
    ever committed.
    """
    restored = tx.rewinds.take()
    followed = None if timeline is None else tx.rewinds.follow(timeline)
    if restored is not None and restored.moved:
        told = words.after_left if restored.left else words.after_restore
        stopped = words.LEFT if restored.left else words.RESTORED
        _beware(tx, restored.at, now, stopped, told)
    elif followed is not None and followed.onward and complete(tx):
        logger.warning("another database server took over, with all that was committed")
    elif followed is not None:
        _beware(tx, followed.at, now, words.OTHER_SERVER, words.after_other_server)


def _beware(
    tx: Tx, at: datetime, now: datetime, stopped: str, told: Callable[[timedelta, int], str]
) -> None:
    """`told`: what the owners hear of it, given the lost time and how many orders are held."""
    shop = tx.shops.default()
    # First: what is written below has numbers of its own.
    rounds = rounds_to_skip(now - at)
    tx.conversations.skip_tickets(shop, rounds)
    tx.needs.skip(shop, rounds, resolution=words.NUMBER_UNUSED, now=now)
    tasks = tx.outbox.presume_sent(shop, at)
    for task in tasks:
        if isinstance(task.work, SendMessage):
            message = task.work.message
            tx.messages.set_state(shop, message, MessageState.SENDING, now=now)
            on_message_left(tx, shop, message, now)
    tx.outbox.put_off_answers(shop, now + CATCHING_UP)
    for account in {None, *(one.account for one in tx.stops.all(shop))}:
        tx.stops.resume(shop, account, now)  # one from before would say another reason
        tx.stops.stop(shop, account, reason=stopped, now=now)
    for need in tx.needs.all_open(shop):
        if need.kind is NeedKind.BRAKE:
            tx.needs.close(shop, need.id, resolution=stopped, now=now)
    tell_owners_of_shop(
        tx,
        shop,
        told(now - at, len(stopped_orders(tx, shop))),
        key=f"rewound:{now.isoformat()}",
        now=now,
        kind=NoticeKind.SYSTEM,
        urgent=UrgentNews(Urgent.BACKUP),
    )
    logger.warning("the database is of {}: {} messages are looked for", at, len(tasks))
