"""The outbox: lanes in order, one worker per task, stale workers fenced, nothing lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from store_stage import NOTICE, PEER, SEND, Stage, at

from hub.model import (
    AskedBy,
    ConversationId,
    SendReceipt,
    Task,
    TaskId,
    TaskKind,
    TaskState,
    Work,
    chat_lane,
    send_lane,
)
from hub.store import Tx


async def test_a_task_comes_back_as_it_was_enqueued(stage: Stage) -> None:
    asked_by = AskedBy(PEER, "77")
    works: list[Work] = [
        SEND,
        type(SEND)(SEND.account, SEND.conversation, SEND.message, asked_by),
        NOTICE,
        SendReceipt(asked_by, "已送达", ConversationId(3)),
    ]

    def unit(tx: Tx) -> None:
        for number, work in enumerate(works):
            tx.outbox.enqueue(
                stage.shop,
                work,
                lane=str(number),
                key=f"k{number}",
                due_at=at(),
                expires_at=at(300),
                now=at(-1),
            )
        claimed = stage.claim(tx)
        assert [task.work for task in claimed] == works
        assert [task.kind for task in claimed] == ["send", "send", "notice", "receipt"]
        first = claimed[0]
        assert (first.shop, first.lane, first.key) == (stage.shop, "0", "k0")
        assert (first.attempt, first.wire_at) == (1, None)
        assert (first.created_at, first.expires_at) == (at(-1), at(300))
        assert tx.outbox.get(first.id) == first

    await stage.do(unit)


async def test_a_key_is_enqueued_once_even_after_it_was_done(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "same")
        again = tx.outbox.enqueue(stage.shop, NOTICE, lane="b", key="same", due_at=at())
        assert again is None
        (task,) = stage.claim(tx)
        tx.outbox.settle(task, "one", TaskState.DONE, now=at())
        assert tx.outbox.enqueue(stage.shop, NOTICE, lane="b", key="same", due_at=at()) is None

    await stage.do(unit)


async def test_a_lane_runs_one_task_at_a_time_oldest_first(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        ids = [stage.enqueue(tx, "a", str(n)) for n in range(3)]
        for id_ in ids:
            (task,) = stage.claim(tx)
            assert task.id == id_
            assert stage.claim(tx) == []
            assert tx.outbox.settle(task, "one", TaskState.DONE, now=at())
        assert stage.claim(tx) == []

    await stage.do(unit)


async def test_lanes_run_beside_each_other_up_to_the_limit(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        heads = [stage.enqueue(tx, f"lane {n}", f"{n} first") for n in range(5)]
        for n in range(5):
            stage.enqueue(tx, f"lane {n}", f"{n} second")
        assert [task.id for task in stage.claim(tx, limit=3)] == heads[:3]
        assert [task.id for task in stage.claim(tx)] == heads[3:]

    await stage.do(unit)


async def test_the_head_that_is_not_due_holds_up_its_lane(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        head = stage.enqueue(tx, "a", "later", due=30)
        stage.enqueue(tx, "a", "now")
        assert stage.claim(tx, now=29) == []
        assert [task.id for task in stage.claim(tx, now=30)] == [head]

    await stage.do(unit)


async def test_only_the_kinds_asked_for_are_claimed(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.outbox.enqueue(stage.shop, SEND, lane="a", key="send", due_at=at())
        stage.enqueue(tx, "b", "notice")
        kinds = [TaskKind.NOTICE, TaskKind.RECEIPT]
        claimed = tx.outbox.claim("one", at(), at(60), 10, kinds)
        assert [task.key for task in claimed] == ["notice"]
        assert [task.key for task in stage.claim(tx)] == ["send"]

    await stage.do(unit)


async def test_a_released_task_is_first_in_its_lane_again_when_due(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        head = stage.enqueue(tx, "a", "1")
        stage.enqueue(tx, "a", "2")
        (task,) = stage.claim(tx)
        assert tx.outbox.release(task, "one", at(30), error="offline")
        assert stage.claim(tx, now=29) == []
        (again,) = stage.claim(tx, now=30)
        assert (again.id, again.attempt) == (head, 2)

    await stage.do(unit)


async def test_a_lease_that_ran_out_goes_to_another_worker(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        stage.claim(tx, "one", now=0)
        assert stage.claim(tx, "two", now=59) == []
        (task,) = stage.claim(tx, "two", now=61)
        assert task.attempt == 2

    await stage.do(unit)


async def test_an_extended_lease_is_kept(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        (task,) = stage.claim(tx, "one", now=0)
        assert tx.outbox.extend(task, "one", at(600))
        assert stage.claim(tx, "two", now=300) == []

    await stage.do(unit)


LATE: dict[str, Callable[[Tx, Task], bool]] = {
    "mark": lambda tx, task: tx.outbox.mark_wire(task, "one", at(70)),
    "extend": lambda tx, task: tx.outbox.extend(task, "one", at(700)),
    "settle": lambda tx, task: tx.outbox.settle(task, "one", TaskState.DONE, now=at(70)),
    "release": lambda tx, task: tx.outbox.release(task, "one", at(700)),
}


@pytest.mark.parametrize("act", LATE.values(), ids=LATE)
@pytest.mark.parametrize("second", ["two", "one"])
async def test_a_worker_that_lost_its_lease_changes_nothing(
    stage: Stage, act: Callable[[Tx, Task], bool], second: str
) -> None:
    """Also when the second worker carries the same name: the attempt tells them apart."""

    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        (late,) = stage.claim(tx, "one", now=0)
        (current,) = stage.claim(tx, second, now=61)
        assert not act(tx, late)
        assert tx.outbox.get(current.id) == current
        assert tx.outbox.state(current.id) is TaskState.RUNNING
        assert tx.outbox.settle(current, second, TaskState.DONE, now=at(71))
        assert not act(tx, late)
        assert not act(tx, current) or second == "two"

    await stage.do(unit)


@pytest.mark.parametrize("act", LATE.values(), ids=LATE)
async def test_a_lease_is_its_holders_alone(stage: Stage, act: Callable[[Tx, Task], bool]) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        (task,) = stage.claim(tx, "two")
        assert not act(tx, task)
        assert tx.outbox.get(task.id) == task

    await stage.do(unit)


async def test_a_wire_mark_is_seen_by_the_next_worker(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        (task,) = stage.claim(tx, "one", now=0)
        assert tx.outbox.mark_wire(task, "one", at(1))
        (again,) = stage.claim(tx, "two", now=61)
        assert again.wire_at == at(1)
        assert tx.outbox.release(again, "two", at(61))
        (third,) = stage.claim(tx, "two", now=62)
        assert third.wire_at == at(1)
        assert tx.outbox.release(third, "two", at(62), clear_wire=True)
        (fourth,) = stage.claim(tx, "two", now=63)
        assert fourth.wire_at is None

    await stage.do(unit)


async def test_a_task_cannot_be_settled_as_open(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        (task,) = stage.claim(tx)
        with pytest.raises(ValueError):
            tx.outbox.settle(task, "one", TaskState.READY, now=at())

    await stage.do(unit)


async def test_a_task_is_cancelled_by_its_key_only_while_it_had_no_effect(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        second = stage.enqueue(tx, "a", "2")
        (task,) = stage.claim(tx)
        assert tx.outbox.mark_wire(task, "one", at())
        assert not tx.outbox.cancel(stage.shop, "1", now=at())
        assert tx.outbox.release(task, "one", at())
        assert not tx.outbox.cancel(stage.shop, "1", now=at())
        (task,) = stage.claim(tx)
        assert tx.outbox.release(task, "one", at(), clear_wire=True)
        assert tx.outbox.cancel(stage.shop, "1", now=at())
        assert not tx.outbox.cancel(stage.shop, "1", now=at())
        assert [task.id for task in stage.claim(tx)] == [second]

    await stage.do(unit)


async def test_a_cancelled_task_in_a_workers_hand_never_gets_on_the_wire(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        stage.enqueue(tx, "a", "1")
        second = stage.enqueue(tx, "a", "2")
        (task,) = stage.claim(tx)
        assert tx.outbox.cancel(stage.shop, "1", now=at())
        assert not tx.outbox.mark_wire(task, "one", at())
        assert not tx.outbox.release(task, "one", at())
        assert not tx.outbox.settle(task, "one", TaskState.DONE, now=at())
        assert [task.id for task in stage.claim(tx)] == [second]

    await stage.do(unit)


async def test_dropping_frees_the_lane_and_spares_what_runs(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        first = stage.enqueue(tx, "a", "1")
        second = stage.enqueue(tx, "a", "2")
        third = stage.enqueue(tx, "a", "3")
        assert tx.outbox.drop(stage.shop, second, error="撤销", now=at())
        (task,) = stage.claim(tx)
        assert task.id == first
        assert not tx.outbox.drop(stage.shop, first, now=at())
        assert tx.outbox.settle(task, "one", TaskState.UNCERTAIN, now=at())
        assert tx.outbox.drop(stage.shop, first, now=at())
        assert [task.id for task in stage.claim(tx)] == [third]
        assert tx.outbox.state(second) is tx.outbox.state(first) is TaskState.DROPPED
        assert not tx.outbox.drop(stage.shop, TaskId(999), now=at())

    await stage.do(unit)


async def test_next_due_is_when_a_claim_can_find_something(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        assert tx.outbox.next_due() is None
        stage.enqueue(tx, "a", "1", due=10)
        stage.enqueue(tx, "a", "2", due=5)
        assert tx.outbox.next_due() == at(10)
        (task,) = stage.claim(tx, now=10)
        assert tx.outbox.next_due() == at(70)
        tx.outbox.settle(task, "one", TaskState.DONE, now=at(11))
        assert tx.outbox.next_due() == at(5)

    await stage.do(unit)


async def test_the_backlog_counts_open_tasks_by_kind(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        tx.outbox.enqueue(stage.shop, SEND, lane="a", key="send", due_at=at())
        for n in range(3):
            stage.enqueue(tx, "b", str(n))
        stage.claim(tx)
        expected = {TaskKind.SEND: 1, TaskKind.NOTICE: 3}
        assert tx.outbox.backlog() == tx.outbox.backlog(stage.shop) == expected
        (task,) = stage.claim(tx, now=61, limit=1)
        tx.outbox.settle(task, "one", TaskState.FAILED, now=at(62))
        assert tx.outbox.backlog() == {TaskKind.NOTICE: 3}
        assert tx.outbox.backlog(type(stage.shop)(99)) == {}

    await stage.do(unit)


async def test_hastening_makes_what_was_tried_and_waits_in_lanes_of_a_prefix_due(
    stage: Stage,
) -> None:
    def unit(tx: Tx) -> None:
        account = stage.account.id
        other = type(account)(account * 10)
        for n in range(3):
            lane = send_lane(account, ConversationId(n))
            tx.outbox.enqueue(stage.shop, SEND, lane=lane, key=f"a{n}", due_at=at(0))
        behind = send_lane(account, ConversationId(0))
        tx.outbox.enqueue(stage.shop, SEND, lane=behind, key="behind", due_at=at(0))
        elsewhere = send_lane(other, ConversationId(1))
        tx.outbox.enqueue(stage.shop, SEND, lane=elsewhere, key="other", due_at=at(0))
        stage.enqueue(tx, chat_lane(PEER), "chat", due=0)
        for task in stage.claim(tx, now=0):
            tx.outbox.release(task, "one", at(600))
        young = send_lane(account, ConversationId(9))
        tx.outbox.enqueue(stage.shop, SEND, lane=young, key="untried", due_at=at(600))
        assert tx.outbox.hasten(send_lane(account), at(1)) == 3
        claimed = stage.claim(tx, now=1)
        assert [task.key for task in claimed] == ["a0", "a1", "a2"]
        tx.outbox.settle(claimed[0], "one", TaskState.DONE, now=at(1))
        assert [task.key for task in stage.claim(tx, now=1)] == ["behind"]
        assert tx.outbox.hasten(send_lane(account), at(2)) == 0

    await stage.do(unit)


async def test_what_waits_in_a_lane_is_what_has_certainly_not_left(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for n in range(4):
            tx.outbox.enqueue(stage.shop, SEND, lane="l", key=f"{n}", due_at=at(n))
        tx.outbox.enqueue(stage.shop, SEND, lane="other", key="other", due_at=at(9))

        def waiting() -> list[str]:
            return [task.key for task in tx.outbox.waiting(stage.shop, "l")]

        assert waiting() == ["0", "1", "2", "3"]
        (task,) = stage.claim(tx, now=1)
        assert waiting() == ["0", "1", "2", "3"], "who has it in hand may wait for a turn"
        assert tx.outbox.mark_wire(task, "one", at(1))
        assert tx.outbox.release(task, "one", at(2))
        assert waiting() == ["1", "2", "3"], "it may have left"
        (task,) = stage.claim(tx, now=2)
        assert tx.outbox.settle(task, "one", TaskState.DONE, now=at(2))
        assert waiting() == ["1", "2", "3"]

    await stage.do(unit)


async def test_postponing_makes_a_waiting_task_wait_and_never_come_sooner(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        id_ = tx.outbox.enqueue(stage.shop, SEND, lane="l", key="0", due_at=at(3))
        assert id_ is not None
        assert tx.outbox.postpone(stage.shop, id_, at(6), at(60))
        assert stage.claim(tx, now=5) == []
        assert tx.outbox.postpone(stage.shop, id_, at(4), at(70))
        assert stage.claim(tx, now=5) == []
        (task,) = stage.claim(tx, now=6)
        assert task.expires_at == at(70)
        assert not tx.outbox.postpone(stage.shop, id_, at(9), None), "somebody has it in hand"

    await stage.do(unit)


# --- Against a model ------------------------------------------------------------------------------


@dataclass
class Row:
    """What the contract says a task is, in the plainest terms."""

    id: TaskId
    lane: str
    due: float
    state: TaskState = TaskState.READY
    attempt: int = 0
    holder: str = ""


class Model:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def claimable(self, now: float) -> list[Row]:
        open_ = [row for row in self.rows if row.state in (TaskState.READY, TaskState.RUNNING)]
        heads: dict[str, Row] = {}
        for row in open_:
            heads.setdefault(row.lane, row)
        return [row for row in heads.values() if row.due <= now]


@pytest.mark.parametrize("seed", range(8))
async def test_the_outbox_does_what_the_plainest_model_does(stage: Stage, seed: int) -> None:
    chance = random.Random(seed)
    model = Model()
    held: list[tuple[Task, str]] = []
    now = 0.0

    def enqueue(tx: Tx) -> None:
        lane, due = f"lane {chance.randrange(4)}", now + chance.choice([0, 0, 0, 25])
        id_ = stage.enqueue(tx, lane, f"key {len(model.rows)}", due=due)
        model.rows.append(Row(id_, lane, due))

    def claim(tx: Tx) -> None:
        holder = chance.choice(["one", "two"])
        expected = model.claimable(now)
        claimed = stage.claim(tx, holder, now=now)
        assert [task.id for task in claimed] == sorted(row.id for row in expected)
        for row, task in zip(sorted(expected, key=lambda row: row.id), claimed, strict=True):
            row.state, row.attempt, row.holder = TaskState.RUNNING, row.attempt + 1, holder
            row.due = now + 60
            assert task.attempt == row.attempt
            held.append((task, holder))

    def finish(tx: Tx) -> None:
        if not held:
            return
        task, holder = held.pop(chance.randrange(len(held)))
        row = next(row for row in model.rows if row.id == task.id)
        mine = row.state is TaskState.RUNNING and (row.holder, row.attempt) == (
            holder,
            task.attempt,
        )
        if chance.random() < 0.3:
            assert tx.outbox.release(task, holder, at(now + 10)) is mine
            if mine:
                row.state, row.due = TaskState.READY, now + 10
        else:
            state = chance.choice([TaskState.DONE, TaskState.FAILED, TaskState.UNCERTAIN])
            assert tx.outbox.settle(task, holder, state, now=at(now)) is mine
            if mine:
                row.state = state

    def drop(tx: Tx) -> None:
        if not model.rows:
            return
        row = chance.choice(model.rows)
        allowed = row.state in (TaskState.READY, TaskState.UNCERTAIN)
        assert tx.outbox.drop(stage.shop, row.id, now=at(now)) is allowed
        if allowed:
            row.state = TaskState.DROPPED

    def walk(tx: Tx) -> None:
        nonlocal now
        for _ in range(400):
            chance.choices([enqueue, claim, finish, drop], weights=[4, 3, 4, 1])[0](tx)
            now += chance.choice([0, 1, 7])
            due = tx.outbox.next_due()
            heads = model.claimable(float("inf"))
            assert due == (at(min(row.due for row in heads)) if heads else None)

    await stage.do(walk)
    assert timedelta(seconds=now) > timedelta(minutes=5)


async def test_a_prefix_is_reached_once_a_task_below_it_is_done(stage: Stage) -> None:
    def unit(tx: Tx) -> None:
        for number, key in enumerate(("need:1:a", "need:10:a", "need:1", "need:2:a")):
            stage.enqueue(tx, str(number), key)
        first, ten, bare, two = stage.claim(tx)
        for task in (ten, bare):
            tx.outbox.settle(task, "one", TaskState.DONE, now=at())
        tx.outbox.settle(two, "one", TaskState.FAILED, now=at())
        assert not tx.outbox.reached(stage.shop, "need:1:")
        assert not tx.outbox.reached(stage.shop, "need:2:")
        tx.outbox.settle(first, "one", TaskState.DONE, now=at())
        assert tx.outbox.reached(stage.shop, "need:1:")

    await stage.do(unit)
