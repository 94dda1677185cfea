"""The outbox: a task may become another, live longer, and count as done with a second one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from store_stage import NOTICE, SEND, Stage, at

from hub.model import MailPart, SendMail, TaskState, Urgent
from hub.store import Tx

MAIL = SendMail("a@x.cn", (MailPart(Urgent.STOCK, "没有了 🔴", at(5)),), unless="need:1:")


async def test_what_is_due_in_a_lane_is_what_was_tried_or_whose_time_has_come(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        for n in range(3):
            tx.outbox.enqueue(stage.shop, SEND, lane="l", key=f"{n}", due_at=at(n * 10))
        (task,) = stage.claim(tx)
        assert tx.outbox.release(task, "one", at(99))

        def due(now: float) -> list[str]:
            return [task.key for task in tx.outbox.due(stage.shop, "l", at(now))]

        assert due(9) == ["0"]
        assert due(10) == ["0", "1"]
        assert tx.outbox.due(stage.shop, "other", at(99)) == []

    await stage.do(unit)


async def test_what_is_rewritten_may_live_longer_and_what_is_put_back_may_be_another(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        tx.outbox.enqueue(
            stage.shop, MAIL, lane="mail:a@x.cn", key="mail", due_at=at(), expires_at=at(9)
        )
        (task,) = stage.claim(tx)
        more = SendMail(MAIL.to, MAIL.parts * 2)
        assert tx.outbox.rewrite(task, "one", more)
        assert tx.outbox.get(task.id) == replace(task, work=more)
        assert tx.outbox.rewrite(task, "one", more, expires_at=at(90))
        assert tx.outbox.mark_wire(task, "one", at())
        with pytest.raises(ValueError, match="no send"):
            tx.outbox.release(task, "one", at(), work=SEND)
        assert tx.outbox.release(task, "one", at(5), work=MAIL)
        (again,) = stage.claim(tx, now=5)
        assert (again.work, again.wire_at, again.expires_at) == (MAIL, None, at(90))

    await stage.do(unit)


async def test_a_claimed_task_can_be_rewritten_until_it_is_on_the_wire(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.outbox.enqueue(stage.shop, MAIL, lane="mail:a@x.cn", key="mail", due_at=at())
        (task,) = stage.claim(tx)
        assert task.work == MAIL
        more = SendMail(MAIL.to, MAIL.parts * 2)
        stale = replace(task, attempt=0)
        assert not tx.outbox.rewrite(stale, "one", more)
        assert tx.outbox.rewrite(task, "one", more)
        found = tx.outbox.get(task.id)
        assert found is not None
        assert found.work == more
        with pytest.raises(ValueError, match="no send"):
            tx.outbox.rewrite(task, "one", SEND)
        assert tx.outbox.mark_wire(task, "one", at())
        assert not tx.outbox.rewrite(task, "one", MAIL)

    await stage.do(unit)


async def test_what_another_task_has_done_counts_as_done_once_that_is(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        ids = [
            tx.outbox.enqueue(stage.shop, NOTICE, lane=key, key=f"need:{key}", due_at=at())
            for key in ("joined", "waits")
        ]
        joined, waits = (one for one in ids if one is not None)
        assert tx.outbox.drop(stage.shop, joined, now=at())
        assert not tx.outbox.reached(stage.shop, "need:")
        tx.outbox.told_with(stage.shop, [joined, waits])
        assert tx.outbox.is_done(stage.shop, "need:joined")
        assert tx.outbox.state(waits) is TaskState.READY

    await stage.do(unit)
