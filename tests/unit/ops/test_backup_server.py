"""Backups go from a file to a PostgreSQL server and back; what a hub is at is not touched."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from backup_stage import COOKIES, NOW, PASSPHRASE, Machine, furnish

from hub.app import open_hub
from hub.errors import Unavailable
from hub.ops import undo
from hub.settings import WebSettings
from hub.store import Tx, read_rewind
from tests.postgres import MISSING, can_serve, server


@pytest.fixture(scope="module")
def two_databases() -> Iterator[tuple[str, str]]:
    if not can_serve():
        pytest.skip(MISSING)
    with server() as running:
        yield running.make(), running.make()


async def test_a_hub_that_works_on_a_server_marks_the_file_that_it_left(
    two_databases: tuple[str, str], tmp_path: Path
) -> None:
    """Whoever removes `database.url` again is then told, and delivers nothing twice."""
    machine = Machine(tmp_path / "moved")
    await furnish(machine)
    moved = replace(machine, url=two_databases[1])
    settings = moved.settings.model_copy(update={"web": WebSettings(host="127.0.0.1", port=0)})
    async with open_hub(settings):
        pass
    left = read_rewind(machine.database)
    assert left is not None
    assert left.left


async def test_a_shop_moves_to_a_server_and_back_and_can_be_taken_back(
    two_databases: tuple[str, str], tmp_path: Path
) -> None:
    alone = Machine(tmp_path / "alone")
    shared, back = Machine(tmp_path / "shared", two_databases[0]), Machine(tmp_path / "back")
    await furnish(alone)
    there = alone.backups.make(NOW, passphrase=PASSPHRASE).path
    shared.restore(there, do=False, passphrase=PASSPHRASE)
    shared.restore(there, passphrase=PASSPHRASE)
    assert shared.tables() == alone.tables()
    async with shared.store() as store:

        def look(tx: Tx) -> str:
            shop = tx.shops.default()
            return tx.accounts.cookies(shop, tx.accounts.all(shop)[0].id)

        assert await store.read(look) == COOKIES
        await store.write(lambda tx: tx.values.set(tx.shops.default(), "later", "1"))
        with pytest.raises(Unavailable, match="正在运行"):
            shared.restore(there, passphrase=PASSPHRASE)
    later = shared.tables()
    made = shared.backups.make(NOW, passphrase=PASSPHRASE).path
    shared.restore(there, "rules", "pools", passphrase=PASSPHRASE)
    merged = shared.tables()
    shared.restore(there, "database", passphrase=PASSPHRASE)
    assert shared.tables() == alone.tables()
    undo(shared.settings, now=NOW + timedelta(hours=6))
    assert shared.tables() == merged
    journal = tmp_path / "shared" / "data" / "exchange.json"
    journal.write_text("no journal")
    with pytest.raises(Unavailable, match="再把同一条恢复命令执行一次"):
        shared.restore(there, passphrase=PASSPHRASE)
    with pytest.raises(Unavailable, match="把那条恢复命令再执行一次"):
        shared.backups.make(NOW)
    journal.unlink()
    back.restore(made, passphrase=PASSPHRASE)
    assert back.tables() == later
    left = {path.name for path in (tmp_path / "shared" / "data").iterdir()}
    assert not any(name.startswith("of-the-server") for name in left)
