"""A database that is not where it was last written: on another timeline of its server."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from store_stage import NOTICE, at, bring_back

from hub.model import NodeId, TaskId
from hub.store import Database, Timeline, Tx, copy_out, leave_unused, open_store
from tests.postgres import program


def add_notice(tx: Tx, key: str) -> TaskId | None:
    return tx.outbox.enqueue(tx.shops.default(), NOTICE, lane="a", key=key, due_at=at())


async def test_after_a_standby_took_over_nobody_gets_the_number_of_a_task_that_may_be_in_hand(
    new: Database,
) -> None:
    """That one would be settled in the place of its own."""
    timelines: list[Timeline] = []

    def first(tx: Tx, timeline: Timeline | None) -> None:
        assert timeline is not None
        assert tx.rewinds.follow(timeline) is None
        timelines.append(timeline)

    async with open_store(new, first=first) as store, open_store(new, first=first):

        def later(tx: Tx) -> tuple[Any, TaskId | None, Any]:
            for node, seen in (("a", at(7)), ("b", at(9)), ("c", at(8))):
                tx.nodes.announce(NodeId(node), node, seen, timedelta(seconds=30), ())
            another = replace(timelines[0], number=2)
            return tx.rewinds.follow(another), add_notice(tx, "2"), tx.rewinds.follow(another)

        before = await store.write(lambda tx: add_notice(tx, "1"))
        switch, after, again = await store.write(later)
    assert switch is not None
    assert switch.onward
    assert switch.at == at(9), "when the last hub was seen, not only now"
    assert again is None
    assert before is not None
    assert after is not None
    assert after - before > 1000
    assert [one.number for one in timelines] == [1, 1]


async def test_a_dump_that_was_brought_back_is_another_database(
    new: Database, tmp_path: Path
) -> None:
    """It may be of any time."""
    found: list[tuple[Timeline | None, Any]] = []

    def first(tx: Tx, timeline: Timeline | None) -> None:
        found.append((timeline, timeline and tx.rewinds.follow(timeline)))

    async with open_store(new, first=first):
        pass
    dump = tmp_path / "dump"
    for name, words in (
        ("pg_dump", ["--format=custom", f"--file={dump}", new.url]),
        ("pg_restore", ["--clean", f"--dbname={new.url}", str(dump)]),
    ):
        await asyncio.to_thread(subprocess.run, [program(name), *words], check=True)
    async with open_store(new, first=first):
        pass
    (before, nothing), (after, switch) = found
    assert nothing is None
    assert before != after
    assert switch is not None
    assert not switch.onward


async def test_the_line_of_a_server_does_not_come_along_to_another(
    new: Database, tmp_path: Path
) -> None:
    """Who restores has been told already."""
    copy = tmp_path / "copy.db"
    switches: list[Any] = []

    def first(tx: Tx, timeline: Timeline | None) -> None:
        switches.append(timeline and tx.rewinds.follow(timeline))

    async with open_store(new, first=first):
        copy_out(new, copy)
    with contextlib.closing(sqlite3.connect(copy)) as sql, sql:
        assert sql.execute(
            "UPDATE installation SET value = '1/1/9' WHERE name = 'timeline'"
        ).rowcount
    await asyncio.to_thread(bring_back, copy, new)
    async with open_store(new, first=first):
        pass
    assert switches == [None, None]


async def test_a_database_that_was_left_and_is_come_back_to_does_not_pass_for_where_the_shop_is(
    new: Database, cluster: Any
) -> None:
    """Its rows agree with its server: only the data folder knows of what was used in between."""
    other = Database(new.path, cluster.server.make())
    switches: list[bool] = []

    def first(tx: Tx, timeline: Timeline | None) -> None:
        assert timeline is not None
        switches.append(tx.rewinds.follow(timeline) is not None)

    async def visit(*places: Database) -> list[bool]:
        switches.clear()
        for place in places:
            async with open_store(place, first=first):
                pass
        return list(switches)

    assert await visit(new, other, new, new) == [False, False, True, False]
    leave_unused(new.path, at(), server=False)
    assert await visit(new, new) == [True, False]
    cluster.server.remove(other.url)
