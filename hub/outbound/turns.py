"""Whether a notice may leave where a bot may only answer: alone, with all that waits, or not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub.commands import need_of_notice
from hub.model import (
    ChatAbilities,
    ChatPeer,
    SendNotice,
    SendReceipt,
    Task,
    TaskId,
    TaskState,
    chat_lanes,
    only_bot,
    receipt_lane,
)
from hub.outbound.worker import Claim
from hub.policy import ReplyStep, plan_reply, receipt_way
from hub.store import Store, Tx
from hub.text import gathered as words
from hub.text import in_parts

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
        can = self._abilities(work.peer)
        if (can.pushes and not work.unless) or claim.task.lane == receipt_lane(work.peer):
            return claim
        return await self._store.write(lambda tx: self._unit(tx, claim, work, can))

    def _unit(self, tx: Tx, claim: Claim, work: SendNotice, can: ChatAbilities) -> Claim | None:
        task, now = claim.task, self._now()
        if _told_elsewhere(tx, task, work):
            tx.outbox.settle(task, claim.holder, TaskState.DROPPED, error="told in QQ", now=now)
            return None
        if can.pushes:
            return claim
        others = self._others(tx, task, work, now)
        urgent = [one for one in others if _presses(one)]
        spared = self._receipts(tx, task, work)
        if words.is_gathered(work.text):  # it did not leave, and is said as it is
            others, spared = [], spared + (1 if urgent and not work.urgent else 0)
        joined = [task, *others[: MOST_GATHERED - 1]]
        plan = plan_reply(
            tx.reply_anchors.of(work.peer.peer),
            now,
            waiting=len(joined),
            pressing=any(_presses(one) for one in joined),
            parts=len(in_parts(work.text, can.longest_text)) if len(joined) == 1 else 1,
            spared=spared,
        )
        if plan.step in (ReplyStep.WAIT, ReplyStep.KEEP):
            tx.outbox.release(task, claim.holder, plan.until or now + WAIT_AGAIN)
            return None
        if plan.step is ReplyStep.GATHER:
            work = _gather(work, task.id, sorted(joined, key=lambda one: one.id))
        if plan.low:
            work = replace(work, text=words.with_low_credit(work.text))
        expires_at = _last([one.expires_at for one in joined])
        if work is not task.work and not tx.outbox.rewrite(
            task, claim.holder, work, expires_at=expires_at
        ):
            return None  # it is not ours any more: all others stay
        for one in joined[1:]:
            tx.outbox.cancel(one.shop, one.key, error=f"joined notice {task.id}", now=now)
        return replace(claim, task=replace(task, work=work, expires_at=expires_at))

    def _others(self, tx: Tx, task: Task, work: SendNotice, now: datetime) -> list[Task]:
        """What else may be said in that chat now, in whichever lane, and was not gathered before:
        gathered again, it would lose what it tells."""
        lanes = chat_lanes(work.peer)
        due = [one for lane in lanes for one in tx.outbox.due(task.shop, lane, now)]
        return [
            one
            for one in due
            if one.id != task.id
            and isinstance(one.work, SendNotice)
            and not words.is_gathered(one.work.text)
            and self._still_wanted(tx, one, now)
        ]

    def _receipts(self, tx: Tx, task: Task, work: SendNotice) -> int:
        """How many answers that somebody waits for are still to be said in that chat."""
        waiting = tx.outbox.waiting(task.shop, receipt_lane(work.peer))
        return sum(
            not isinstance(one.work, SendReceipt) or receipt_way(one.work.mark, reacts=False).words
            for one in waiting
        )

    def _still_wanted(self, tx: Tx, one: Task, now: datetime) -> bool:
        """Drops what need not be told any more."""
        if one.expires_at is not None and now >= one.expires_at:
            tx.outbox.drop(one.shop, one.id, error="expired", now=now)
            return False
        if isinstance(one.work, SendNotice) and _told_elsewhere(tx, one, one.work):
            tx.outbox.drop(one.shop, one.id, error="told in QQ", now=now)
            return False
        return True


def _gather(work: SendNotice, head: TaskId, notices: Sequence[Task]) -> SendNotice:
    """One notice for all; it is about a conversation if all of them are."""
    works = [one.work for one in notices if isinstance(one.work, SendNotice)]
    alone = len({one.conversation for one in works}) == 1
    return SendNotice(
        work.peer,
        words.gathered(
            [words.Waited(one.text, one.conversation, need_of_notice(one.text)) for one in works]
        ),
        works[-1].conversation if alone else None,
        works[-1].message if alone else None,
        urgent=any(one.urgent for one in works),
        joined=tuple(one.id for one in notices if one.id != head),
    )


def _told_elsewhere(tx: Tx, task: Task, work: SendNotice) -> bool:
    return any(tx.outbox.is_done(task.shop, key) for key in work.unless)


def _presses(task: Task) -> bool:
    return isinstance(task.work, SendNotice) and task.work.urgent


def _last(moments: Sequence[datetime | None]) -> datetime | None:
    return max((one for one in moments if one is not None), default=None)
