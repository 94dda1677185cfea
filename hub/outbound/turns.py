"""Whether a notice may leave where a bot may only answer: alone, with all that waits, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.model import (
    ChatAbilities,
    ChatPeer,
    SendNotice,
    SendReceipt,
    Task,
    TaskState,
    only_bot,
)
from hub.outbound.worker import Claim
from hub.policy import ReplyStep, plan_reply
from hub.store import Store, Tx
from hub.text import gathered as words

WAIT_AGAIN = timedelta(minutes=10)
"""The lane is hastened when somebody writes; this is the fallback."""
MOST_GATHERED = 200
"""Notices that become one message; what is more becomes the next."""


class Turns:
    """`abilities` tells whether a chat's bot may speak unasked: then nothing has to be planned."""

    def __init__(
        self,
        store: Store,
        abilities: Callable[[ChatPeer], ChatAbilities],
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._abilities = abilities
        self._now = now

    async def ready(self, claim: Claim) -> Claim | None:
        """What may leave now, perhaps together with others; None: it was put off or dropped."""
        work = claim.task.work
        if not isinstance(work, SendNotice) or not only_bot(work.peer.peer):
            return claim
        planned = not self._abilities(work.peer).pushes
        if not planned and not work.unless:
            return claim
        return await self._store.write(lambda tx: self._unit(tx, claim, work, planned))

    def _unit(self, tx: Tx, claim: Claim, work: SendNotice, planned: bool) -> Claim | None:
        task, now = claim.task, self._now()
        if _told_elsewhere(tx, task, work):
            tx.outbox.settle(task, claim.holder, TaskState.DROPPED, error="told in QQ", now=now)
            return None
        if not planned:
            return claim
        waiting = tx.outbox.waiting(task.shop, task.lane)
        notices = [one for one in waiting if self._still_wanted(tx, one, task, now)]
        pressing = any(_presses(one) for one in waiting)
        anchors = tx.reply_anchors.of(work.peer.peer)
        plan = plan_reply(anchors, now, waiting=max(1, len(notices)), pressing=pressing)
        match plan.step:
            case ReplyStep.WAIT:
                tx.outbox.release(task, claim.holder, now + WAIT_AGAIN)
                return None
            case ReplyStep.KEEP:
                tx.outbox.release(task, claim.holder, plan.until or now + WAIT_AGAIN)
                return None
            case ReplyStep.GATHER if not words.is_gathered(work.text):
                joined = notices[:MOST_GATHERED]
                work = _gather(work, joined)
            case _:  # what was gathered before and did not leave is said as it is
                joined = []
        if plan.low:
            work = replace(work, text=words.with_low_credit(work.text))
        if work is not task.work and not tx.outbox.rewrite(task, claim.holder, work):
            return None  # the head is not ours any more: what waits behind it stays
        for one in joined:
            if one.id != task.id:
                tx.outbox.drop(one.shop, one.id, error=f"joined notice {task.id}", now=now)
        return replace(claim, task=replace(task, work=work))

    def _still_wanted(self, tx: Tx, one: Task, head: Task, now: datetime) -> bool:
        """Drops what waits behind the head and need not be told any more."""
        if not isinstance(one.work, SendNotice):
            return False
        if one.id == head.id:
            return True
        if one.expires_at is not None and now >= one.expires_at:
            tx.outbox.drop(one.shop, one.id, error="expired", now=now)
            return False
        if _told_elsewhere(tx, one, one.work):
            tx.outbox.drop(one.shop, one.id, error="told in QQ", now=now)
            return False
        return True


def _gather(work: SendNotice, notices: Sequence[Task]) -> SendNotice:
    """One notice for all; it is about a conversation if all of them are."""
    works = [one.work for one in notices if isinstance(one.work, SendNotice)]
    alone = len({one.conversation for one in works}) == 1
    return SendNotice(
        work.peer,
        words.gathered([words.Waited(one.text, one.conversation) for one in works]),
        works[-1].conversation if alone else None,
        works[-1].message if alone else None,
        urgent=any(one.urgent for one in works),
    )


def _told_elsewhere(tx: Tx, task: Task, work: SendNotice) -> bool:
    return any(tx.outbox.is_done(task.shop, key) for key in work.unless)


def _presses(task: Task) -> bool:
    return isinstance(task.work, SendReceipt) or (
        isinstance(task.work, SendNotice) and task.work.urgent
    )
