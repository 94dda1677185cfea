"""A database moves from one engine to the other and back, and nothing of it is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from store_stage import Stage, at, furnish

from hub.errors import InUse
from hub.model import Role, Rule, RuleId, RuleKind
from hub.store import (
    Database,
    Store,
    Tx,
    contents,
    copy_in,
    copy_out,
    copying,
    kept_shut,
    open_store,
)
from hub.store.tables import metadata


@pytest.fixture
def server(cluster: Any, tmp_path: Path) -> Iterator[Database]:
    """An empty database."""
    url = cluster.server.make()
    yield Database(tmp_path / "data" / "hub.db", url)
    cluster.server.remove(url)


async def fill(store: Store) -> None:
    stage = Stage(store, *await store.write(furnish))

    def unit(tx: Tx) -> None:
        for number in range(30):
            stage.hear(tx, number, f"在吗 {number}", number)
        stage.enqueue(tx, "lane", "key")
        tx.members.add(stage.shop, "老板", Role.OWNER, qq=("20002",), now=at())
        add_rule(tx)
        tx.rules.remove(stage.shop, add_rule(tx).id)

    await store.write(unit)


def add_rule(tx: Tx) -> Rule:
    shop = tx.shops.default()
    return tx.rules.add(Rule(RuleId(0), shop, None, RuleKind.KEYWORD, ("在吗",), "在"), at())


def everything(file: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(file)) as database:
        found = {
            name: sorted(database.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)  # noqa: S608
            for name in metadata.tables
        }
        found["numbers"] = sorted(database.execute("SELECT * FROM sqlite_sequence").fetchall())
    return found


async def test_a_database_goes_from_a_file_to_a_server_and_back_whole(
    server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", 7)
    file = Database(tmp_path / "data" / "hub.db")
    async with open_store(file) as store:
        await fill(store)
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    copy_out(file, first)
    before = everything(first)
    with kept_shut(server) as alone:
        copy_in(first, server, alone)
    copy_out(server, second)
    assert everything(second) == before
    assert contents(second) == contents(first)
    async with open_store(server) as store:
        assert (await store.write(add_rule)).id == 3, "an id that was given is not given again"


async def test_nothing_is_put_under_a_hub_that_runs(server: Database, tmp_path: Path) -> None:
    async with open_store(server) as store:
        await fill(store)
        copy = tmp_path / "copy.db"
        copy_out(server, copy)
        with pytest.raises(InUse, match="stop all hubs"), kept_shut(server):
            pass
        assert contents(copy).rows["messages"] == 30
